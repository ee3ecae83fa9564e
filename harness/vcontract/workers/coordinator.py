"""A run of several workers, seen from the one who deals the plan out and gathers what comes back."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from vcontract.check import row_of
from vcontract.contract import rows
from vcontract.errors import TargetError
from vcontract.history import STEP, History, read_history
from vcontract.model.labels import Label
from vcontract.report.events import CellJudged, Progressed, RunStarted
from vcontract.report.result import Clones, RunResult, Worker
from vcontract.run.active_run import begin, set_out, target_facts
from vcontract.run.announcer import Announcer
from vcontract.run.ending import interruptible
from vcontract.run.object_reads import read_object
from vcontract.run.planning import chosen_methods
from vcontract.run.rejudge import part_of, told
from vcontract.run.risk.planning import plan_within_risk
from vcontract.run.start import StartedRun
from vcontract.run.summarize import finished, summarize
from vcontract.run.summary import PartialResult, heard
from vcontract.terms import Ended
from vcontract.testbed import NotArrangedError, audit, log_in, own_clones, surveyed
from vcontract.workers.shares import Share, deal, limited, plain


class Coordinator:
    """Surveys the target, reads the object, deals the plan out, and puts what comes back together.

    It never touches a VM between `shares` and `end`, but for those that it made. Raises HarnessError if the run cannot get
    under way.
    """

    def __init__(self, started: StartedRun) -> None:
        self.site = started.site
        self._announcer = Announcer(started.reporters)
        self._beginning = begin(started.site)
        source = surveyed(self._beginning.asked(started.site))
        self.testbed, planned = set_out(started.site, source, plan_within_risk)
        self.plan, self._unreachable = planned.plan, planned.unreachable
        self.lane = self.testbed.lane
        self._halted: list[str] = []

    def shares(self, workers: int) -> list[Share]:
        """Deal the plan out; where there are too few VMs, some are cloned for the workers."""
        facts = self.testbed.judge.tracker.facts
        with suppress(NotArrangedError):  # what could not be read leaves its row untested
            read_object(self.lane.driver)
        lent = self._lend(workers)
        dealt = limited(deal(self.plan.steps, self.lane, facts, workers, lent), self.site.request.max_calls)
        listed = rows(self.site.contract, self.testbed.judge.bases)
        started = RunStarted(target_facts(self.site), self.site.request.seed, len(listed), len(self.plan.steps))
        self._announcer.tell(started)
        self._announcer.note(self.plan.text())
        for share in dealt:
            names = ", ".join(vm.name for vm in share.facts.vms.values()) or "no VM"
            self._announcer.note(f"worker {share.number}: {len(share.steps)} steps on {names}")
        return dealt

    def select(self, row_ids: Sequence[str], methods: frozenset[str]) -> None:
        """Report these rows alone, of which these methods are exercised."""
        chosen = tuple(method.name for method in self.site.contract.methods if method.name in methods)
        context = replace(self.site.context, rows=frozenset(row_ids), methods=chosen)
        self.site = replace(self.site, context=context)

    def progressed(self, done: int) -> None:
        """Tell that the workers have taken so many steps."""
        self._announcer.tell(Progressed(done, len(self.plan.steps)))

    def _lend(self, workers: int) -> dict[str, str]:
        """Clone VMs until each worker can have one; gives the moId of each clone and of the one that it is like."""
        lent: dict[str, str] = {}
        able = [bundle for bundle in plain(self.lane) if bundle[0].host not in self.lane.selection.hosts]
        missing = workers - len(plain(self.lane))
        self.lane.driver.enter("lend")
        for number in range(missing if able else 0):
            parent = able[number % len(able)][0]
            try:
                made = self.lane.arranger.clone(parent, f"{parent.name}-vcontract-lent-{number + 1}")
                lent[made.ref.value] = parent.ref.value
            except NotArrangedError as error:
                self._announcer.note(f"fewer workers than asked for have work: {error}")
                break
        return lent

    def end(self, shares: Sequence[Share], given: Sequence[PartialResult]) -> RunResult:
        """Put back what workers left, put the parts together, and report."""
        notes: list[str] = [*self.testbed.claims.notes]
        left_vms = {
            moid
            for share, part in zip(shares, given, strict=True)
            if part.worker is not None and part.worker.died
            for moid in share.facts.vms
        }
        left_clones: list[str] = []
        with interruptible(notes, self._halted):
            left_clones = self._restored(left_vms, notes)
        judge, recorder = self.testbed.judge, self.site.target.recorder
        judge.close()
        mine = heard(self.site.contract, judge.judgements, recorder.operations)
        methods = chosen_methods(self.site)
        away = {name: why for name, why in self._unreachable.items() if Label.parse(name).method in methods}
        clones = Clones(sum(ref.type == "VirtualMachine" for ref in self.testbed.guard.made), left_clones)
        parts = [replace(mine, unreachable=away, notes=notes, halted=self._halted, clones=clones), *given]
        total = sum(len(part.judgements) for part in parts)
        judgements = (judgement for part in parts for judgement in part.judgements)
        for number, judgement in enumerate(judgements, 1):
            row = row_of(judgement, self.site.contract, judge.bases)
            self._announcer.tell(CellJudged(judgement.cell, row, judgement.grade, judgement.observed, number, total))
        result = summarize(self.site, self._beginning, parts, self.testbed.caller)
        return finished(self.site, self._announcer, result)

    def _restored(self, left: set[str], notes: list[str]) -> list[str]:
        """Restore VMs that were left, destroy the clones, and look for more; gives the names of clones that are left.

        What failed is added to the notes.
        """
        testbed = self.testbed
        own_clones(self.lane, testbed.working_clones, None, self.site.config)
        try:
            log_in(self.site.target, self.site.config)  # the last time may be long ago
        except TargetError as error:
            notes.append(Ended.NOT_RESTORED.note(error))
            return []
        self.lane.driver.enter("restore")
        if left or self.lane.cloner.clones:
            notes += [Ended.NOT_RESTORED.note(reason) for reason in self.lane.restorer.restore(left)]
        left_clones, said = audit(self.lane, testbed.guard, self.site.context.run)
        notes += [*said, *testbed.claims.release()]
        return left_clones

    def dead_worker_part(self, share: Share, worker: Worker, file: Path) -> PartialResult:
        """Give what the history of a worker that died tells; the VMs that it made are destroyed with the others at the end."""
        contract, bases = self.site.contract, self.testbed.judge.bases
        history = read_history(file) if file.is_file() else History([], [])
        part = part_of(history, worker, contract, bases)
        if history.operations:
            tracker = told(history, file, contract, bases).tracker
            for moid, vm in tracker.facts.vms.items():
                if moid not in share.facts.vms and any(state.exists for state in tracker.states(moid)):
                    self.lane.driver.tracker.add_vm(vm)
                    self.lane.cloner.own(vm.ref)
        steps = history.noted(STEP)
        return replace(
            part,
            worker=replace(worker, calls=part.calls, requests=part.requests),
            planned=share.cells,
            exercised=[step["label"] for step in steps if "refused" not in step],
            refused={step["label"]: step["refused"] for step in steps if "refused" in step},
            shown=self.testbed.caller.shown([done.call for done in history.operations if done.purpose == "judge"]),
            notes=[f"worker {share.number} died: {worker.died}; what it had not reached is untested"],
        )
