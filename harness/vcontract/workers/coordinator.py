"""A run of several workers, seen from the one who deals out and gathers in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from vcontract.check import row_of
from vcontract.errors import TargetError
from vcontract.history import STEP, History, read_history
from vcontract.report.events import CellJudged, Note, Progressed, RunEnded, RunStarted
from vcontract.report.result import Clones, RunResult, Worker
from vcontract.run.conformance import Conformance
from vcontract.run.ending import interruptible
from vcontract.run.known_deviations import with_known
from vcontract.run.object_reads import read_object
from vcontract.run.rejudge import part_of, told
from vcontract.run.summary import Part, heard
from vcontract.testbed import Lane, NotArrangedError, log_in, own_clones
from vcontract.workers.shares import Share, deal, limited, plain


class Dealer(Conformance):
    """Surveys the target, reads the object, deals the plan out, and puts what comes back together.

    It never touches a VM between `shares` and `end`, but for those that it made.
    """

    lane: Lane

    def shares(self, workers: int) -> list[Share]:
        """Deal the plan out; where there are too few VMs, some are cloned for the workers."""
        self.lane = self._setting_out()
        facts = self.lane.driver.judge.tracker.facts
        read_object(self.lane.driver)
        lent = self._lend(workers)
        dealt = limited(deal(self.plan.steps, self.lane, facts, workers, lent), self.options.max_calls)
        self._tell(RunStarted(self._target_facts(), self.options.seed, len(self._rows()), len(self.plan.steps)))
        self._tell(Note(self.plan.text()))
        for each in dealt:
            names = ", ".join(vm.name for vm in each.facts.vms.values()) or "no VM"
            self._tell(Note(f"worker {each.number}: {len(each.steps)} steps on {names}"))
        return dealt

    def progressed(self, done: int) -> None:
        """Tell that the workers have taken so many steps."""
        self._tell(Progressed(done, len(self.plan.steps)))

    def _lend(self, workers: int) -> dict[str, str]:
        """Clone VMs until each worker can have one; gives the moId of each clone and of the one that it is like."""
        lent: dict[str, str] = {}
        able = [each for each in plain(self.lane) if each[0].host not in self.lane.selection.hosts]
        missing = workers - len(plain(self.lane))
        self.lane.driver.enter("lend")
        for number in range(missing if able else 0):
            parent = able[number % len(able)][0]
            try:
                made = self.lane.arranger.clone(parent, f"{parent.name}-vcontract-lent-{number + 1}")
                lent[made.ref.value] = parent.ref.value
            except NotArrangedError as error:
                self._tell(Note(f"fewer workers than asked for have work: {error}"))
                break
        return lent

    def end(self, shares: Sequence[Share], given: Sequence[Part]) -> RunResult:
        """Put back what workers left, put the parts together, and report."""
        notes: list[str] = []
        left = {
            moid
            for share, part in zip(shares, given, strict=True)
            if part.worker is not None and part.worker.died
            for moid in share.facts.vms
        }
        with interruptible(notes, self.halted):
            notes += self._restored(left)
        judge = self.lane.driver.judge
        judge.close()
        mine = heard(self.contract, judge.judgements, self.target.recorder.operations)
        methods = self._methods()
        away = {name: why for name, why in self.unreachable.items() if name.partition(":")[0] in methods}
        clones = Clones(sum(each.type == "VirtualMachine" for each in self.guard.made), self.left)
        parts = [replace(mine, unreachable=away, notes=notes, halted=self.halted, clones=clones), *given]
        total = sum(len(each.judgements) for each in parts)
        judged = (each for part in parts for each in part.judgements)
        for number, each in enumerate(judged, 1):
            row = row_of(each, self.contract, self.bases)
            self._tell(CellJudged(each.cell, row, each.grade, each.observed, number, total))
        result = with_known(self.result(parts), self.options.known, cut=bool(self.target.over))
        self._tell(RunEnded(result))
        return result

    def _restored(self, left: set[str]) -> list[str]:
        """Restore VMs that were left, destroy the clones, and look for more; gives what failed."""
        own_clones(self.lane, self.cloned, None, self.config)
        try:
            log_in(self.target, self.config)  # the last time may be long ago
        except TargetError as error:
            return [f"not restored: {error}"]
        self.lane.driver.enter("restore")
        told = []
        if left or self.lane.cloner.clones:
            told = [f"not restored: {each}" for each in self.lane.restorer.restore(left)]
        return told + self._audit(self.lane)

    def buried(self, share: Share, worker: Worker, file: Path) -> Part:
        """Give what the history of a worker that died tells; the VMs that it made are destroyed with the others at the end."""
        history = read_history(file) if file.is_file() else History([], [])
        part = part_of(history, worker, self.contract, self.bases)
        if history.operations:
            tracker = told(history, file, self.contract, self.bases).tracker
            for moid, vm in tracker.facts.vms.items():
                if moid not in share.facts.vms and any(each.exists for each in tracker.states(moid)):
                    self.lane.driver.tracker.add_vm(vm)
                    self.lane.cloner.own(vm.ref)
        steps = history.noted(STEP)
        return replace(
            part,
            worker=replace(worker, calls=part.calls, requests=part.requests),
            planned=share.cells,
            exercised=[each["label"] for each in steps if "refused" not in each],
            refused={each["label"]: each["refused"] for each in steps if "refused" in each},
            shown=self.caller.shown([each.call for each in history.operations if each.purpose == "judge"]),
            notes=[f"worker {share.number} died: {worker.died}; what it had not reached is untested"],
        )
