"""Conformance: survey the target, walk the plan, judge every call, sum up."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

import msgspec
from msgspec.structs import replace

from vcontract.check import REPEAT, SHRINKING, Judge, object_rows, row_of, worst
from vcontract.client import Target
from vcontract.config.config import Config
from vcontract.config.options import Budget, Options
from vcontract.config.permissions import forbidden
from vcontract.contract import Contract, Row, load, rows
from vcontract.errors import AbsentError
from vcontract.findings.program import Performer
from vcontract.findings.shrinker import Shrinker
from vcontract.history import ASKED, FACTS, STEP
from vcontract.model import Cell, Facts, State, sharpness
from vcontract.report.events import CellJudged, FindingSeen, Note, Reporter, RunEnded, RunEvent, RunStarted
from vcontract.report.result import DOCUMENTED, Arrangements, Clones, RunResult, TargetFacts
from vcontract.run.ending import endured, halts, interruptible
from vcontract.run.exerciser import Exerciser
from vcontract.run.interrupted_run import Past
from vcontract.run.known_deviations import with_known
from vcontract.run.object_reads import read_object, read_since
from vcontract.run.plan import Plan, Step, all_cells, plan
from vcontract.run.step_runner import Walker
from vcontract.run.summary import Part, as_shrunk, beside, cells_of, exit_code, heard, not_exercised, summed, waive
from vcontract.schema import bases_of
from vcontract.strategies import Caller
from vcontract.terms import Finding, Operation, Ref, RowVerdict, Verdict
from vcontract.testbed import (
    FULL,
    Driver,
    HealthCheck,
    Lane,
    Levers,
    NotArrangedError,
    Permits,
    actors_of,
    as_json,
    audit,
    clone_parents,
    destroy_clones,
    guard_of,
    host_names,
    make_clones,
    marked,
    own_clones,
    reached,
    survey_target,
)

GUEST = "VirtualMachineGuestCustomizationManager"
"""The contract whose methods work in the guest: other contracts arrange states with them."""
RESTORING, RESTORING_EXCHANGE = 120.0, 5.0
"""Seconds in which VMs are put back after a run with a time limit (or half of that limit), and for one exchange of that."""


class Conformance:
    """One run against one target."""

    def __init__(
        self,
        target: Target,
        contract: Contract,
        config: Config,
        options: Options,
        reporters: Sequence[Reporter],
        finding: Finding | None = None,
        past: Past | None = None,
    ) -> None:
        self.finding, self.past = finding, past
        self.shrunk: dict[str, Finding] = {}
        self.target, self.contract, self.config, self.options = target, contract, config, options
        self.reporters = reporters
        self.bases = bases_of(target.schema)
        self.started, self._from = datetime.now(UTC), time.monotonic()
        self.began = target.recorder.now()
        if options.time_limit:
            target.ends = self.began + options.time_limit
        self.unreachable: dict[str, str] = {}
        self.cloned: Lane | None = None
        self._told = self._looked = 0
        self.halted: list[str] = []
        self.left: list[str] = []

    def run(self) -> RunResult:
        """Do everything and give the result; Ctrl-C ends it cleanly with what is known."""
        try:
            part = self.walk()
        except AbsentError as absent:
            part = self._without(str(absent))
        result = with_known(self.result([part]), self.options.known, cut=bool(self.target.over))
        self._tell(RunEnded(result))
        return result

    def walk(self) -> Part:
        """Survey, plan, walk, shrink and restore; gives what is known, also after Ctrl-C."""
        lane = self._setting_out()
        driver, judge = lane.driver, lane.driver.judge
        exerciser = self.exerciser = Exerciser(lane)
        self.walker = Walker(
            exerciser,
            judge,
            self.config.confirm,
            lambda: self._spent(judge),
            partial(self._report_new, judge),
            partial(self.target.recorder.observed, STEP),
            self.health.look,
        )
        if self.past is not None:
            self.walker.taken_before(self.past.steps)
            lane.restorer.take_over(frozenset(self.past.facts.vms))
        steps = self.walker.left(self.plan.steps)
        self._tell(RunStarted(self._target_facts(), self.options.seed, len(self._rows()), len(steps)))
        if self.plan.text():
            before = len(self.plan.steps) - len(steps)
            self._tell(Note(self.plan.text() + (f"; {before} steps were taken before" if before else "")))
        notes: list[str] = []
        with interruptible(notes, self.halted):
            if self.finding is not None:
                self._replay(self.finding, lane)
            else:
                self._read_object(driver)
                self._walk(steps, exerciser, judge)
                if not self.target.over:
                    self._shrink(lane, judge)
        self.target.pacing.lift()
        if self.options.time_limit:  # a call of the restoring may take no longer than what is left of the patience
            self.target.ends = self.target.recorder.now() + max(RESTORING, self.options.time_limit / 2)
            self.target.patience = RESTORING_EXCHANGE
        if not self.target.over:
            with interruptible(notes, self.halted):
                exerciser.end()
            with interruptible(notes, self.halted):
                driver.enter("restore")
                own_clones(lane, self.cloned, self.past.facts if self.past else None, self.config)
                notes += [f"not restored: {each}" for each in lane.restorer.restore()]
                notes += self._audit(lane)
        if self.target.over and not any(self.target.over in each for each in (*notes, *self.walker.skipped.values())):
            notes.append(f"ended early: {self.target.over}")
        judge.close()
        self._report_new(judge, len(steps), len(steps))
        return self._part(judge, notes)

    def _without(self, absent: str) -> Part:
        """Say that the target has not the object; from the API release on that brought it, a vCenter must have it."""
        self._tell(RunStarted(self._target_facts(), self.options.seed, len(self._rows()), 0))
        recorder = self.target.recorder
        recorder.observed(ASKED, self.options.asked | {"started": self.started.isoformat(timespec="seconds")})
        facts = Facts(self.contract.object, Ref(self.contract.object, ""), self.target.api_version, absent=absent)
        recorder.observed(FACTS, as_json(facts))
        known = all(each.name in self.target.schema.operations for each in self.contract.methods)
        if known and self.target.about.get("apiType") == "VirtualCenter":
            read_since(self.target, self.contract)
        return replace(heard(self.contract, [], recorder.operations), absent=absent)

    def _setting_out(self) -> Lane:
        """Look round and plan; of a run that does not get under way no clone is left."""
        try:
            return self._set_out()
        except BaseException:
            if self.cloned is not None:
                destroy_clones(self.cloned)
            raise

    def _set_out(self) -> Lane:
        """Look round and plan; gives what brings VMs into states."""
        judge = self._judge()
        facts = judge.tracker.facts
        self._guard(facts)
        self.caller = self._caller(facts)
        driver = self._driver(judge)
        levers = Levers.of_target(driver)
        lane = Lane(driver, levers, self.caller, self._hosts(facts), self._helper(facts))
        self.plan = self._plan(lane)
        return lane

    def _survey(self) -> Facts:
        facts = marked(survey_target(self.target, self.config, self.contract), self.config, self.options.pinned)
        if not (wanted := clone_parents(self.config, facts)):
            return facts
        self._guard(facts)
        driver = self._driver(Judge(facts, self.contract, self.bases))
        lane = Lane(driver, Levers.of_target(driver), self._caller(facts))
        make_clones(lane, wanted)
        self.cloned = lane
        return replace(facts, vms={each.value: driver.facts.vms[each.value] for each in lane.cloner.clones})

    def _caller(self, facts: Facts) -> Caller:
        return Caller(self.contract, self.target.schema, facts, actors_of(self.contract, facts), self.options.seed)

    def _guard(self, facts: Facts) -> None:
        """From now on no call leaves that is about what is not ours."""
        self.guard = guard_of(self.target, self.config, self.contract, self.options.id, facts.others)
        for each in self.past.history.operations if self.past is not None else ():
            self.guard.past(each)
        self.target.guard = self.guard
        self.health = HealthCheck(self.target, facts.sessions.get(FULL, ""), self.config.slowest)

    def _audit(self, lane: Lane) -> list[str]:
        """Look for what the run made and left behind; gives what to say of it."""
        self.left, told = audit(lane, self.guard, self.options.id)
        return told

    def _read_object(self, driver: Driver) -> None:
        if self.past is None or not self.past.steps:
            with suppress(NotArrangedError):  # what was not read leaves its row untested
                read_object(driver)

    def _walk(self, steps: Sequence[Step], exerciser: Exerciser, judge: Judge) -> None:
        """Take the steps of the plan."""
        del exerciser, judge  # the walker has them
        self.walker.walk(steps)

    def _judge(self) -> Judge:
        """Look round and give the judge that hears every operation from now on; of a run that was cut, the past too."""
        recorder = self.target.recorder
        if self.past is None:
            facts = self._survey()
            recorder.observed(ASKED, self.options.asked | {"started": self.started.isoformat(timespec="seconds")})
            recorder.observed(FACTS, as_json(facts))
            judge = Judge(facts, self.contract, self.bases)
            recorder.listeners.append(judge.feed)
            return judge
        self.started = datetime.fromisoformat(self.past.asked.started)
        judge = self.past.judge(self.contract, self.bases)
        recorder.listeners.append(judge.feed)
        self.past.check(survey_target(self.target, self.config, self.contract, run=self.options.id))
        return judge

    def _shrink(self, lane: Lane, judge: Judge) -> None:
        """Shrink what was found, as far as the budget goes."""
        judge.close()
        operations = list(self.target.recorder.operations)
        known = heard(self.contract, judge.judgements, operations)
        found = summed(self.contract, self._rows(), [known], self.bases, self.config.confirm, "").findings
        if not found:
            return
        self._tell(Note(f"shrinking {len(found)} findings"))
        led_to = {each.id: self._led_to(each) for each in found}
        shrinker = Shrinker(lane, Performer(lane.driver, SHRINKING), self.options.shrink)
        for each in found:
            self.shrunk[each.id] = shrinker.shrink(each, led_to[each.id])

    def _led_to(self, _: Finding) -> list[Operation]:
        """Give the operations that a finding may rest on."""
        return list(self.target.recorder.operations)

    def _replay(self, finding: Finding, lane: Lane) -> None:
        """Send one finding's program again, about the VM of the same name, else about any that is ready."""
        moid = next((vm.ref.value for vm in lane.driver.facts.vms.values() if vm.name == finding.root[1]), "")
        shrinker = Shrinker(lane, Performer(lane.driver, "replay"), Budget())
        shrinker.again(finding, moid or lane.selection.choose(State()).ref.value)

    def _driver(self, judge: Judge) -> Driver:
        permits = Permits(frozenset(self.config.allow), self.options.max_calls)
        return Driver(self.target, judge, permits, owner=self.config.owner, run=self.options.id)

    def _helper(self, facts: Facts) -> Caller | None:
        """Give the caller of the methods that work in the guest, if they are not under test and the target has them."""
        contract = load(GUEST)
        if contract.object == self.contract.object or contract.content not in self.target.content:
            return None
        known = replace(facts, object=contract.object, manager=reached(self.target, contract))
        return Caller(contract, self.target.schema, known, {"held": FULL}, self.options.seed)

    def _hosts(self, facts: Facts) -> frozenset[str]:
        may = self.config.hosts if "host" in self.config.allow else ()
        return frozenset(moid for moid, name in host_names(self.target, facts).items() if name in may)

    def _plan(self, lane: Lane) -> Plan:
        if self.finding is not None:
            return Plan([])
        reachable = self._reachable(lane)
        may = tuple(each for each in self._methods() if not forbidden(each, lane.driver.permits.allow))
        return plan(self.contract, may, reachable, self.caller.cases(), self.options.seed)

    def _reachable(self, lane: Lane) -> list[Cell]:
        """Read every VM and list the cells that can be reached; notes of the others why not."""
        for vm in lane.driver.facts.vms.values():
            lane.driver.read_vm(vm.ref)
        reachable: list[Cell] = []
        for each in all_cells(self.contract):
            if each.method not in self._methods():
                continue
            reason = lane.unreachable(each)
            if reason:
                self.unreachable[each.id] = reason
            else:
                reachable.append(each)
        return reachable

    def _methods(self) -> tuple[str, ...]:
        return self.options.methods or tuple(each.name for each in self.contract.methods)

    def _spent(self, judge: Judge) -> str:
        """Say why the walk must end; empty if it may go on."""
        calls, limit = self.target.recorder.calls, self.options.max_calls
        if self.target.over:
            return self.target.over
        late = self.options.time_limit and self.target.recorder.now() - self.began > self.options.time_limit
        if late or (limit and calls >= limit):
            return "the limit of calls or of time was reached"
        if self.target.pacing.spent:
            return self.target.pacing.spent
        return "a violation was found" if self.options.stop_at_first and self._violated(judge) else ""

    def _violated(self, judge: Judge) -> bool:
        """Whether anything so far is a violation."""
        new, self._looked = judge.judgements[self._looked :], len(judge.judgements)
        found = [each.verdict for each in new]
        if len(new) == len(judge.judgements):  # the object's own rows are judged from reads before the first call
            found += [each.verdict for each in object_rows(self.contract, self.target.recorder.operations)]
        return Verdict.VIOLATES in found

    def _report_new(self, judge: Judge, done: int, total: int) -> None:
        for each in judge.judgements[self._told :]:
            row = row_of(each, self.contract, self.bases)
            self._tell(CellJudged(each.cell, row, each.grade, each.observed, done, total))
        self._told = len(judge.judgements)

    def _part(self, judge: Judge, notes: list[str]) -> Part:
        operations, walker = self.target.recorder.operations, self.walker
        arrangements = Arrangements(self.plan.least, self.plan.arrangements, self.exerciser.arrangements)
        return replace(
            heard(self.contract, judge.judgements, operations),
            planned=[each.cell.id for each in self.plan.steps if each.cell is not None],
            exercised=sorted(walker.exercised),
            skipped=walker.skipped,
            refused=walker.refused,
            unreachable=self.unreachable,
            arrangements=arrangements,
            shown=self.caller.shown([each.call for each in operations if each.purpose == "judge"]),
            shrunk=list(self.shrunk.values()),
            notes=[*notes, *endured(self.target, self.exerciser.driver, self.halted), *beside(operations)],
            halted=halts(self.target, self.halted),
            clones=Clones(sum(each.type == "VirtualMachine" for each in self.guard.made), self.left),
        )

    def result(self, parts: Sequence[Part]) -> RunResult:
        """Put the parts of the run together to its result, and tell of the findings."""
        options = self.options
        summary = summed(self.contract, self._rows(), parts, self.bases, self.config.confirm, options.report)
        findings = as_shrunk(summary.findings, parts)
        for each in findings:
            self._tell(FindingSeen(each))
        rows_, waived = waive(self._selected(summary.rows), self.config)
        halted = any(each.halted for each in parts)
        cut = [Verdict.INCONCLUSIVE] * bool(halted or self.target.over)
        known = [each.verdict for each in rows_ if each.id not in waived]
        verdict = worst([*known, *cut, *[Verdict.VIOLATES] * bool(findings)])
        return RunResult(
            verdict=verdict,
            exit_code=exit_code(verdict, safe=not any(each.halted or each.clones.left for each in parts)),
            seed=options.seed,
            calls=sum(each.calls for each in parts),
            requests=sum(each.requests for each in parts),
            target=self._target_facts(),
            rows=rows_,
            cells=cells_of(parts),
            findings=findings,
            sharpness=msgspec.to_builtins(sharpness(self.contract, self.bases)),
            profile=options.pinned.profile if options.pinned else DOCUMENTED,
            inputs=self._inputs(parts),
            replay=options.replay,
            notes=[*(note for each in parts for note in each.notes), *summary.notes, *not_exercised(parts)],
            waived=waived,
            started=self.started.isoformat(timespec="seconds"),
            seconds=round(time.monotonic() - self._from, 3),
            workers=[each.worker for each in parts if each.worker],
            clones=Clones(
                sum(each.clones.made for each in parts), [name for each in parts for name in each.clones.left]
            ),
        )

    def _inputs(self, parts: Sequence[Part]) -> dict[str, dict[str, tuple[int, int]]]:
        """Count what was exercised of the methods' arguments."""
        taken = {each.cell.split(REPEAT)[0] for part in parts for each in part.judgements}
        if any(part.absent for part in parts):
            return {}
        found = self.caller.coverage([part.shown for part in parts], taken)
        return {
            name: {part: (share.reached, share.all) for part in ("types", "positions", "constraints")
                   for share in [getattr(found[name], part)]}
            for name in self._methods()
        }  # fmt: skip

    def _rows(self) -> tuple[Row, ...]:
        return rows(self.contract, self.bases)

    def _selected(self, verdicts: Sequence[RowVerdict]) -> list[RowVerdict]:
        """Leave out the rows that were not selected, or whose methods were not."""
        if self.finding is not None:
            return [each for each in verdicts if each.id == self.finding.row]
        if self.options.rows:
            return [each for each in verdicts if each.id in self.options.rows]
        names, wanted = {each.id: each.method for each in self._rows()}, self.options.methods
        return [each for each in verdicts if not wanted or names[each.id] in wanted]

    def _target_facts(self) -> TargetFacts:
        build, name = (str(self.target.about.get(each, "")) for each in ("build", "fullName"))
        return TargetFacts(self.target.url, self.target.api_version, build, name)

    def _tell(self, event: RunEvent) -> None:
        for each in self.reporters:
            each.on(event)
