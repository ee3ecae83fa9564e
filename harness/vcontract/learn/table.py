"""`vcontract learn`: every cell with up to two conditions is exercised, and what came is kept as the target's profile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import TypeAlias

from msgspec.structs import replace

from vcontract.check import REPEAT, Judge, Judgement
from vcontract.check.learned import answers, channels, latencies, precedence, ranks, settled_questions
from vcontract.contract import OK, Contract
from vcontract.errors import AbsentError, HaltedError, UsageError
from vcontract.model import PASSING, VARIED, Cell, cell_of, changes, expect, located
from vcontract.profile import REPEATS, Profile, Target, encode_profile
from vcontract.report.console import ConsoleReporter
from vcontract.report.events import FindingSeen, Reporter, RunEnded, RunEvent
from vcontract.report.result import RunResult
from vcontract.report.run_directory import write_whole
from vcontract.run.conformance import Conformance
from vcontract.run.job import Ground, Job, underway
from vcontract.run.plan import Plan, costed, visited
from vcontract.run.summary import Part
from vcontract.terms import Verdict
from vcontract.testbed import Lane

CUT = "…"
"""Under this name a walk says why it ended early."""


class Progress(ConsoleReporter):
    """Shows how far it is, and nothing of verdicts."""

    def on(self, event: RunEvent) -> None:
        """Show one event."""
        if isinstance(event, RunEnded):
            self.stop()
        elif not isinstance(event, FindingSeen):
            super().on(event)


class Learning(Conformance):
    """A run whose plan is made of cells alone, each as often as it takes to believe its answer."""

    profile: Profile
    told: Sequence[str] = ()
    table = True

    @property
    def done(self) -> bool:
        """Whether all was learned that was asked for."""
        return self.profile.complete

    def _plan(self, lane: Lane) -> Plan:
        found = repeated(told_apart(self._reachable(lane), self.contract), self.contract)
        gone = {each.id for each in found if changes(each, self.contract)}
        groups = [[each for each in found if (len(each.deviations) == 2) is pairs] for pairs in (False, True)]
        steps = [step for each in groups for step in visited(each, gone, self.contract, self.options.seed)]
        return costed(steps, found, gone)

    def _without(self, absent: str) -> Part:
        """Say that there is nothing to be learned."""
        raise AbsentError(absent)

    def _shrink(self, lane: Lane, judge: Judge) -> None:
        """Leave that to a run: here a violation is one more answer."""

    def _part(self, judge: Judge, notes: list[str]) -> Part:
        part = super()._part(judge, notes)
        self.profile = self._profile(judge, part)
        return part

    def _profile(self, judge: Judge, part: Part) -> Profile:
        judged = believed(judge.judgements, self.walker.exercised)
        found = answers(judged, self.contract)
        left = Counter(part.unreachable.values()) + Counter(part.refused.values()) + Counter(part.skipped.values())
        about = self._target_facts()
        return Profile(
            self.contract.object,
            Target(about.url, about.api_version, about.build, about.product),
            self.options.seed,
            found,
            precedence(found),
            channels(found),
            settled_questions(found, self.contract),
            latencies(judged, self.target.recorder.operations, self.contract),
            complete=CUT not in part.skipped and not part.halted,
            left=dict(left),
            calls=part.calls,
            started=self.started.isoformat(timespec="seconds"),
        )


def believed(judgements: Sequence[Judgement], exercised: Collection[str]) -> list[Judgement]:
    """Leave out of calls in a passing state all but the last of a step that was taken: of the others it had passed."""
    last = {each.cell.split(REPEAT)[0]: each.op for each in judgements if PASSING in each.met}
    return [
        each
        for each in judgements
        if PASSING not in each.met
        or (last[label := each.cell.split(REPEAT)[0]] == each.op and label == each.met and label in exercised)
    ]


def told_apart(found: Iterable[Cell], contract: Contract) -> list[Cell]:
    """Leave out pairs of which one condition alone is no reason to refuse, and cells that are no other than a smaller one."""
    return [
        each
        for each in found
        if located([each.state], each.asked, contract) == each.id
        and (len(each.deviations) < 2 or all(_fails(each.method, name, contract) for name in each.deviations))
    ]


def _fails(method: str, deviation: str, contract: Contract) -> bool:
    cell = cell_of(contract, method, [deviation])
    return set(expect([cell.state], cell.asked, contract).allowed) != {OK}


def repeated(found: Sequence[Cell], contract: Contract) -> list[Cell]:
    """Give each cell as often as its answer must come to be believed: once if the documents leave nothing open."""
    return [
        each if number == 1 else replace(each, id=f"{each.id}{REPEAT}{number}")
        for each in found
        for number in range(1, 1 + (REPEATS if _open(each, contract) else 1))
    ]


def _open(cell: Cell, contract: Contract) -> bool:
    """Whether more than one answer is permitted, or one by more than one channel, and a profile may pin it."""
    if {*VARIED, PASSING} & set(cell.deviations):
        return False
    allowed = expect([cell.state], cell.asked, contract).allowed
    task = contract.method(cell.method).has_task
    return len(allowed) > 1 or any(name != OK and task and not each.synchronous for name, each in allowed.items())


def begun(ground: Ground, reporters: list[Reporter]) -> Learning:
    """Begin to learn the table."""
    return Learning(ground.target, ground.contract, ground.config, ground.options, reporters)


Start: TypeAlias = Callable[[Ground, list[Reporter]], Learning]


def learn(job: Job, out: Path, tell: Callable[[str], None], start: Start = begun) -> int:
    """Learn a profile, write it to a file and say in lines what it holds; gives the exit code.

    0: all was exercised that can be; 5: it was cut, and the profile says so. Raises HarnessError.
    """
    if not out.resolve().parent.is_dir():
        raise UsageError(f"--out {out}: its folder does not exist")
    with underway(job) as ground:
        learning = start(ground, [*ground.reporters, Progress()])
        result = learning.run()
    write_whole(out, encode_profile(learning.profile))
    for line in (*(told(learning.profile, result) if learning.table else ()), *learning.told, *cut(result), str(out)):
        tell(line)
    if result.exit_code == HaltedError.exit_code:
        return HaltedError.exit_code
    return 0 if learning.done else 5


def cut(result: RunResult) -> list[str]:
    """Give the notes that say why a run ended early."""
    ends = ("ended early", "interrupted", "halted", "not restored")
    return [f"note: {each}" for each in result.notes if each.startswith(ends)]


def told(profile: Profile, result: RunResult) -> list[str]:
    """Say what a profile holds, in lines."""
    lines = [f"{each.question}: {each.id}: {', '.join(each.answers)}" for each in profile.open]
    for method in dict.fromkeys(each.method for each in profile.precedence):
        order = " > ".join(" ".join(rank) for rank in ranks(profile.precedence, method))
        lines.append(f"{method}: {order}")
    varied = sum(each.sole is None for each in profile.answers)
    lines.append(f"{len(profile.answers)} cells, {varied} of them with more than one answer; {profile.calls} calls")
    if not profile.complete:
        lines.append("not complete: some cells were not exercised")
    if result.verdict is Verdict.VIOLATES:
        lines.append("note: some answers break the contract, and pin nothing; `vcontract run` says which")
    return lines
