"""Conformance: survey the target, walk the plan, judge every call, sum up."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import msgspec
from msgspec.structs import replace

from harness.check import ASIDE, REPEAT, Judge, Summary, object_rows, row_of, summarise, worst
from harness.contract import Contract, Row, rows
from harness.model import Cell, Facts, Sharpness, State, sharpness
from harness.report.events import CellJudged, FindingSeen, Note, Reporter, RunEnded, RunStarted
from harness.report.result import Cells, Explored, RunResult, TargetFacts
from harness.run.arrange import Arranger
from harness.run.config import Config
from harness.run.exercise import Exerciser
from harness.run.explore import Explorer, violated
from harness.run.object_reads import read_object
from harness.run.plan import Step, all_cells, plan
from harness.run.prior import Historian
from harness.run.program import Performer
from harness.run.shrink import Budget, Shrinker
from harness.run.stage import FULL, UNPRIVILEGED, NotArrangedError, SpentError, Stage
from harness.run.survey import as_json, host_names, survey
from harness.schema import Schema
from harness.strategies import Caller
from harness.strategies.programs import LENGTH, visits
from harness.target import Target
from harness.terms import Finding, Operation, RowVerdict, Verdict

TRIES = 3


class Options(msgspec.Struct, frozen=True):
    """What a run is asked for; limits of 0 are none.

    `explore` is how many programs are executed after the plan, with `explore_only` without it.
    """

    seed: int = 0
    methods: tuple[str, ...] = ()
    max_calls: int = 0
    time_limit: float = 0.0
    shrink: Budget = Budget()
    replay: str = "vcontract run"
    report: str = ""
    stop_at_first: bool = False
    explore: int = 0
    explore_only: bool = False


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
    ) -> None:
        self.finding = finding
        self.shrunk: dict[str, Finding] = {}
        self.target, self.contract, self.config, self.options = target, contract, config, options
        self.reporters = reporters
        self.bases = bases_of(target.schema)
        self.started, self.began = datetime.now(UTC), time.monotonic()
        self.skipped: dict[str, str] = {}
        self.explored = Explored()
        self.left_out: list[str] = []
        self.exercised: set[str] = set()
        self._told = 0

    def run(self) -> RunResult:
        """Do everything and give the result; Ctrl-C ends it cleanly with what is known."""
        facts = survey(self.target, self.config, self.contract)
        self.target.recorder.observed("facts", as_json(facts))
        judge = Judge(facts, self.contract, self.bases)
        self.target.recorder.listeners.append(judge.feed)
        stage = self._stage(judge)
        caller = Caller(self.contract, self.target.schema, facts, self._actors(facts), self.options.seed)
        arranger = Arranger(stage, caller, self._hosts(facts))
        self.caller = caller
        steps, reachable = self._plan(arranger)
        self._tell(RunStarted(self._target_facts(), self.options.seed, len(self._rows()), len(steps)))
        notes: list[str] = []
        with interruptible(notes):
            if self.finding is not None:
                self._replay(self.finding, arranger)
            else:
                read_object(stage)
                self._walk(steps, Exerciser(stage, caller, arranger), judge)
                self._explore(steps, arranger, judge)
                self._shrink(arranger, judge)
        with interruptible(notes):
            stage.enter("restore")
            notes += [f"not restored: {each}" for each in arranger.restore()]
        judge.close()
        self._report_new(judge, len(steps), len(steps))
        result = self._result(judge, reachable, notes)
        self._tell(RunEnded(result))
        return result

    def _shrink(self, arranger: Arranger, judge: Judge) -> None:
        """Shrink what was found, as far as the budget goes."""
        judge.close()
        found = self._summed(judge).findings
        if not found:
            return
        self._tell(Note(f"shrinking {len(found)} findings"))
        operations = list(self.target.recorder.operations)
        shrinker = Shrinker(arranger, Performer(arranger.stage, ASIDE), self.options.shrink)
        for each in found:
            self.shrunk[each.id] = shrinker.shrink(each, operations)

    def _replay(self, finding: Finding, arranger: Arranger) -> None:
        """Send one finding's program again, about the VM of the same name, else about any that is ready."""
        moid = next((vm.ref.value for vm in arranger.stage.facts.vms.values() if vm.name == finding.root[1]), "")
        shrinker = Shrinker(arranger, Performer(arranger.stage, "replay"), Budget())
        shrinker.again(finding, moid or arranger.choose(State()).ref.value)

    def _stage(self, judge: Judge) -> Stage:
        stage = Stage(self.target, judge)
        stage.max_calls = self.options.max_calls
        managers = self.target.content
        if "guestOperationsManager" in managers:
            stage.find_processes()
        return stage

    def _actors(self, facts: Facts) -> dict[str, str]:
        privilege = self.contract.methods[0].privilege
        actors = {"held": FULL}
        account = facts.sessions.get(UNPRIVILEGED, "")
        if facts.privileges.get(account, {}).get(privilege) == "nowhere":
            actors["nowhere"] = UNPRIVILEGED
        return actors

    def _hosts(self, facts: Facts) -> frozenset[str]:
        return frozenset(moid for moid, name in host_names(self.target, facts).items() if name in self.config.hosts)

    def _plan(self, arranger: Arranger) -> tuple[list[Step], int]:
        for vm in arranger.stage.facts.vms.values():
            arranger.stage.read_vm(vm.ref)
        reachable: list[Cell] = []
        for each in all_cells(self.contract):
            reason = arranger.unreachable(each)
            if reason:
                self.skipped[each.id] = reason
            else:
                reachable.append(each)
        if self.finding is not None or self.options.explore_only:
            return [], len(reachable)
        methods = self.options.methods or tuple(each.name for each in self.contract.methods)
        inputs = self.caller.cases()
        return plan(self.contract, methods, reachable, inputs, self.options.seed), len(reachable)

    def _walk(self, steps: Sequence[Step], exerciser: Exerciser, judge: Judge) -> None:
        for number, step in enumerate(steps):
            if self._spent():
                self.skipped["…"] = "the limit of calls or of time was reached"
                return
            if self.options.stop_at_first and self._violated(judge):
                self.skipped["…"] = "a violation was found"
                return
            self._step(step, exerciser, judge)
            self._report_new(judge, number + 1, len(steps))

    def _explore(self, steps: Sequence[Step], arranger: Arranger, judge: Judge) -> None:
        """Go beyond the plan, to what it and the exploration saw least."""
        if not self.options.explore or (self.options.stop_at_first and self._violated(judge)):
            return
        stop = self.options.stop_at_first
        explorer = Explorer(arranger, self.caller, lambda: self._spent() or (stop and violated(judge)))
        seen = visits((each.cell.state, each.cell.asked, each.cell.deviations) for each in steps if each.cell)
        methods = self.options.methods or tuple(each.name for each in self.contract.methods)
        total = len(steps) + self.options.explore * LENGTH
        try:
            for done in explorer.explore(methods, seen, self.options.seed, self.options.explore):
                self._report_new(judge, len(steps) + done, total)
        finally:
            self.explored, self.left_out = explorer.made, explorer.left_out()

    def _violated(self, judge: Judge) -> bool:
        """Whether anything so far is a violation."""
        found = [each.verdict for each in judge.judgements]
        found += [each.verdict for each in object_rows(self.contract, self.target.recorder.operations)]
        return Verdict.VIOLATES in found

    def _spent(self) -> bool:
        calls, limit = self.target.recorder.calls, self.options.max_calls
        late = self.options.time_limit and time.monotonic() - self.began > self.options.time_limit
        return bool((limit and calls >= limit) or late)

    def _step(self, step: Step, exerciser: Exerciser, judge: Judge) -> None:
        """Take a step; again under another label while it is not arranged, or to confirm what it found."""
        for number in range(max(TRIES, self.config.confirm)):
            label = step.label if number == 0 else f"{step.label}{REPEAT}{number + 1}"
            try:
                if step.cell is not None:
                    exerciser.exercise(step.cell, label)
                elif step.case is not None:
                    exerciser.given(step.case, label)
                elif step.prior:
                    Historian(exerciser.stage, exerciser.caller, exerciser.arranger).exercise(
                        step.method, step.prior, label
                    )
                else:
                    exerciser.disturbed(step.method, step.disturb, label)
            except (NotArrangedError, LookupError) as error:
                self.skipped[step.label] = str(error)
                continue
            self.skipped.pop(step.label, None)
            self.exercised.add(step.label)
            judge.close()
            failed = any(each.cell == label and each.verdict is Verdict.VIOLATES for each in judge.judgements)
            if not failed or number + 1 >= self.config.confirm:
                return

    def _report_new(self, judge: Judge, done: int, total: int) -> None:
        for each in judge.judgements[self._told :]:
            row = row_of(each, self.contract, self.bases)
            self._tell(CellJudged(each.cell, row, each.grade, each.observed, done, total))
        self._told = len(judge.judgements)

    def _result(self, judge: Judge, reachable: int, notes: list[str]) -> RunResult:
        recorder, options = self.target.recorder, self.options
        summary = self._summed(judge)
        summary = replace(summary, findings=tuple(self.shrunk.get(each.id, each) for each in summary.findings))
        for each in summary.findings:
            self._tell(FindingSeen(each))
        rows_, waived = waive(self._selected(summary.rows), self.config)
        verdict = worst(
            [each.verdict for each in rows_ if each.id not in waived] + [Verdict.VIOLATES] * bool(summary.findings)
        )
        measured: Sharpness = sharpness(self.contract, self.bases)
        return RunResult(
            verdict=verdict,
            exit_code=exit_code(verdict),
            seed=options.seed,
            calls=recorder.calls,
            requests=recorder.requests,
            target=self._target_facts(),
            rows=rows_,
            explored=self.explored,
            cells=Cells(reachable, len(self.exercised & {each.id for each in all_cells(self.contract)})),
            findings=list(summary.findings),
            sharpness=msgspec.to_builtins(measured),
            inputs=self._inputs(judge),
            replay=options.replay,
            notes=[*notes, *summary.notes, *self._not_exercised(), *self.left_out],
            waived=waived,
            started=self.started.isoformat(timespec="seconds"),
            seconds=round(time.monotonic() - self.began, 3),
        )

    def _inputs(self, judge: Judge) -> dict[str, dict[str, tuple[int, int]]]:
        """Count what was exercised of the methods' arguments."""
        sent = [each.call for each in self.target.recorder.operations if each.purpose == "judge"]
        taken = {each.cell.split(REPEAT)[0] for each in judge.judgements}
        methods = self.options.methods or tuple(each.name for each in self.contract.methods)
        found = self.caller.coverage(sent, taken)
        return {
            name: {part: (share.reached, share.all) for part in ("types", "positions", "constraints")
                   for share in [getattr(found[name], part)]}
            for name in methods
        }  # fmt: skip

    def _summed(self, judge: Judge) -> Summary:
        recorder, confirm = self.target.recorder, self.config.confirm
        return summed(self.contract, self._rows(), judge, recorder.operations, self.bases, confirm, self.options.report)

    def _rows(self) -> tuple[Row, ...]:
        return rows(self.contract, self.bases)

    def _selected(self, verdicts: Sequence[RowVerdict]) -> list[RowVerdict]:
        """Leave out the rows of methods that were not selected."""
        if self.finding is not None:
            return [each for each in verdicts if each.id == self.finding.row]
        if not self.options.methods:
            return list(verdicts)
        names = {each.id: each.method for each in self._rows()}
        return [each for each in verdicts if names[each.id] in self.options.methods]

    def _not_exercised(self) -> list[str]:
        """Name what was not exercised, by the reason why."""
        by_reason: dict[str, dict[str, None]] = {}
        for label, reason in self.skipped.items():
            what = label.partition(":")[2] or label
            if "+" not in what:
                by_reason.setdefault(reason, {})[what] = None
        return [f"not exercised: {', '.join(names)}: {reason}" for reason, names in by_reason.items()]

    def _target_facts(self) -> TargetFacts:
        about = self.target.about
        return TargetFacts(
            self.target.url, self.target.api_version, str(about.get("build", "")), str(about.get("fullName", ""))
        )

    def _tell(self, event: RunStarted | CellJudged | FindingSeen | Note | RunEnded) -> None:
        for each in self.reporters:
            each.on(event)


def summed(
    contract: Contract,
    listed: Sequence[Row],
    judge: Judge,
    operations: Sequence[Operation],
    bases: dict[str, str],
    confirm: int,
    report: str,
) -> Summary:
    """Sum up what a judge found over some operations."""
    extra = object_rows(contract, operations)
    return summarise(
        contract,
        listed,
        judge.judgements,
        extra,
        bases,
        confirm=confirm,
        replay=lambda id_: f"vcontract replay {report or 'RUN'}#{id_}",
    )


def bases_of(schema: Schema) -> dict[str, str]:
    """Give the base of each type of a schema, by name."""
    return {name: each.base for name, each in schema.types.items() if each.base}


def waive(verdicts: Sequence[RowVerdict], config: Config) -> tuple[list[RowVerdict], dict[str, str]]:
    """Find the untested rows that the configuration excuses; gives all rows, and the reasons by row."""
    waived = {
        each.id: reason for each in verdicts if each.verdict is Verdict.UNTESTED and (reason := config.waiver(each.id))
    }
    return list(verdicts), waived


def exit_code(verdict: Verdict) -> int:
    """Give the exit code of a verdict: 0 conforms, 1 violates, 5 inconclusive or untested."""
    return {Verdict.CONFORMS: 0, Verdict.VIOLATES: 1}.get(verdict, 5)


@contextmanager
def interruptible(notes: list[str]) -> Iterator[None]:
    """Let Ctrl-C, and a target that dies, end what is inside; what is known is kept."""
    try:
        yield
    except KeyboardInterrupt:
        notes.append("interrupted: what was not reached is untested")
    except (SpentError, NotArrangedError) as error:
        notes.append(f"ended early: {error}")
