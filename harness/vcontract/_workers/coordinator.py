"""A run of several workers, seen from the one who deals the plan out and gathers what comes back."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from vcontract._check import row_of
from vcontract._errors import HaltedError, TargetError
from vcontract._history import RESUMED, STEP, History, read_history
from vcontract._model import VmFacts
from vcontract._model.labels import Label
from vcontract._report.events import CellJudged, Progressed
from vcontract._report.result import Clones, RunResult, Worker
from vcontract._run.active_run import begin, set_out, tell_start
from vcontract._run.announcer import Announcer
from vcontract._run.ending import interruptible
from vcontract._run.estimates.budget import left_out
from vcontract._run.interrupted_run import InterruptedRun, resumed
from vcontract._run.object_reads import read_object
from vcontract._run.plan import Step
from vcontract._run.planning import chosen_methods
from vcontract._run.rejudge import part_of, told
from vcontract._run.risk.planning import plan_within_risk
from vcontract._run.start import StartedRun
from vcontract._run.summarize import finished, summarize
from vcontract._run.summary import PartialResult, heard, interrupted
from vcontract._terms import Ended, Finding
from vcontract._testbed import NotArrangedError, audit, log_in, own_clones, surveyed
from vcontract._workers.lanes.dealer import Dealer
from vcontract._workers.lanes.former_lanes import FormerLanes
from vcontract._workers.lanes.found import in_plan_order, shrunk_once, without_judgements
from vcontract._workers.shares import Share, deal, dealt_vms, limited, plain


class Coordinator:
    """Surveys the target, reads the object, deals the plan out, and puts what comes back together.

    It never touches a VM between `shares` and `end`, but for those that it made. Raises HarnessError if the run cannot get
    under way.
    """

    def __init__(self, started: StartedRun, former: InterruptedRun | None = None) -> None:
        self.former = FormerLanes(former) if former is not None else None
        self.site = started.site
        self._announcer = Announcer(started.reporters)
        self._beginning = begin(started.site, former)
        asked = self._beginning.asked(started.site)
        source = surveyed(asked) if former is None else resumed(former)
        self.testbed, planned = set_out(started.site, source, plan_within_risk)
        self.plan, self._unreachable = planned.plan, planned.unreachable
        self.lane = self.testbed.lane
        self._halted: list[str] = []
        self._before = former.facts.vms if former is not None else {}
        self.dealer: Dealer | None = None

    def shares(self, workers: int) -> list[Share]:
        """Deal the plan out; where there are too few VMs, some are cloned for the workers."""
        facts = self.testbed.judge.tracker.facts
        with suppress(NotArrangedError):  # what could not be read leaves its row untested
            read_object(self.lane.driver)
        lent = self._lend(workers)
        dealt = limited(deal(self.plan.steps, self.lane, facts, workers, lent), self.site.request.max_calls)
        self._tell_start()
        for share in dealt:
            self._announcer.note(f"worker {share.number}: {len(share.steps)} steps on {_names(share)}")
        return dealt

    def lanes(self, most: int, a_host: int = 0) -> list[Share]:
        """Deal the VMs out to at most so many lanes, each with one that serves for most cells; the `dealer` has the steps."""
        steps = self._left()
        facts, vms = self.testbed.judge.tracker.facts, self._there()
        hosts = a_host * len({vm.host for vm in vms.values()})
        count = max(1, min(most, len(plain(self.lane)), hosts or most, self.site.config.limits.parallel_calls or most))
        calls = self.site.request.max_calls
        owned = dealt_vms(steps, self.lane, count)
        first = self.former.next_number if self.former is not None else 1
        shares = [
            Share(
                first + number,
                replace(facts, vms={moid: vm for moid, vm in vms.items() if moid in moids}),
                [],
                [],
                calls // count + (number < calls % count),
            )
            for number, moids in enumerate(owned)
            if not calls or number < calls
        ]
        self.dealer = Dealer(steps, self.testbed.caller, [share.number for share in shares])
        self._tell_start()
        if taken := len(self.plan.steps) - len(steps):
            self._announcer.note(f"{taken} steps were taken before")
        if count < most:
            self._announcer.note(
                f"{count} lanes, not {most}: no more VMs or hosts, or limits.parallel_calls, are there for others"
            )
        for share in shares:
            self._announcer.note(f"lane {share.number}: {_names(share)}")
        return shares

    def _left(self) -> list[Step]:
        """List the steps that are to be dealt; what lanes that were cut left is put back first, so that all begin alike.

        Raises HaltedError if it could not be: nobody would know in which state the VMs are.
        """
        if self.former is None:
            with suppress(NotArrangedError):  # what could not be read leaves its row untested
                read_object(self.lane.driver)
            return list(self.plan.steps)
        self.lane.driver.enter("restore")
        self.lane.restorer.take_over(frozenset(self._before))
        if failed := self.lane.restorer.restore():
            raise HaltedError(
                f"what the run left could not be put back: {'; '.join(failed)} (vcontract cleanup tries again)"
            )
        return self.former.left(self.plan.steps)

    def _there(self) -> dict[str, VmFacts]:
        """Give the VMs that may be dealt: those of the survey, without clones that are gone."""
        vms = self.lane.driver.facts.vms
        return {moid: vm for moid, vm in vms.items() if any(state.exists for state in self.lane.driver.states(vm.ref))}

    def _tell_start(self) -> None:
        tell_start(self._announcer, self.testbed, len(self.plan.steps))
        self._announcer.note(self.plan.text())

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
        former = self.former.parts(self.testbed, self.plan.steps) if self.former is not None else []
        left_vms = {
            moid
            for share, part in zip(shares, given, strict=True)
            if part.worker is not None and part.worker.died
            for moid in share.facts.vms
        }
        left_clones: list[str] = []
        shrunk: list[Finding] = []
        with interruptible(notes, self._halted):
            shrunk = self._shrunk([*former, *given], notes)
            left_clones = self._restored(left_vms, notes)
        judge, recorder = self.testbed.judge, self.site.target.recorder
        judge.close()
        mine = heard(self.site.contract, judge.judgements, recorder.operations)
        methods = chosen_methods(self.site)
        away = {name: why for name, why in self._unreachable.items() if Label.parse(name).method in methods}
        clones = Clones(sum(ref.type == "VirtualMachine" for ref in self.testbed.guard.made), left_clones)
        mine = replace(mine, unreachable=away, notes=notes, halted=self._halted, clones=clones, shrunk=shrunk)
        parts = self._together(mine, [*former, *given])
        total = sum(len(part.judgements) for part in parts)
        judgements = (judgement for part in parts for judgement in part.judgements)
        for number, judgement in enumerate(judgements, 1):
            row = row_of(judgement, self.site.contract, judge.bases)
            self._announcer.tell(CellJudged(judgement.cell, row, judgement.grade, judgement.observed, number, total))
        result = summarize(self.site, self._beginning, parts, self.testbed.caller)
        return finished(self.site, self._announcer, result)

    def _shrunk(self, given: Sequence[PartialResult], notes: list[str]) -> list[Finding]:
        """Make what lanes found smaller, unless the run was told to end; workers of shares have done so themselves."""
        cut = any(part.ended or part.halted or interrupted(part.notes) for part in given)
        if self.dealer is None or cut or not any(part.judgements for part in given):
            return []
        self.lane.driver.enter("restore")
        self.site.target.recorder.observed(RESUMED, {})
        self.testbed.judge.resume()  # meanwhile the lanes did anything to the VMs
        try:
            log_in(self.site.target, self.site.config)
        except TargetError as error:
            notes.append(f"what was found was not made smaller: {error}")
            return []
        place = Path(self.site.context.report)
        shrunk, amiss = shrunk_once(self.testbed, given, place, self._announcer.note)
        if shrunk or amiss:
            self.lane.driver.enter("restore")
            amiss += [Ended.NOT_RESTORED.note(reason) for reason in self.lane.restorer.restore()]
        notes += amiss
        return shrunk

    def _together(self, mine: PartialResult, given: Sequence[PartialResult]) -> list[PartialResult]:
        """Put parts together: of lanes in the plan's order, with the cells that no lane took; else one after the other."""
        if self.dealer is None:
            return [mine, *given]
        judged = in_plan_order(self.plan.steps, [mine, *given])
        if budget := self.site.request.budget:
            taken = {label for part in given for label in (*part.exercised, *part.refused)}
            said = left_out(budget, self.plan.steps, taken, self._beginning.seconds)
            mine = replace(mine, notes=[*mine.notes, said])
        return [replace(self._with_left(mine, given), judgements=judged), *without_judgements(given)]

    def _with_left(self, mine: PartialResult, given: Sequence[PartialResult]) -> PartialResult:
        """Add the cells that no lane took, and why."""
        taken = {cell for part in given for cell in part.planned}
        left = [step.cell.id for step in self.plan.steps if step.cell is not None and step.cell.id not in taken]
        ended = any(part.ended or part.halted or part.notes for part in given)
        return replace(mine, planned=left, ended="" if ended or not left else "no lane had a VM for them any more")

    def _restored(self, left: set[str], notes: list[str]) -> list[str]:
        """Restore VMs that were left, destroy the clones, and look for more; gives the names of clones that are left.

        What failed is added to the notes.
        """
        testbed = self.testbed
        own_clones(self.lane, testbed.working_clones, None, self.site.config)
        self.lane.driver.enter("restore")
        try:
            log_in(self.site.target, self.site.config)  # the last time may be long ago
        except TargetError as error:
            notes.append(Ended.NOT_RESTORED.note(error))
            return []
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


def _names(share: Share) -> str:
    return ", ".join(vm.name for vm in share.facts.vms.values()) or "no VM"
