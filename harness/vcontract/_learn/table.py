"""`vcontract learn`: every cell with up to two conditions is exercised, and what came is kept as the target's profile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

import msgspec
from msgspec.structs import replace

from vcontract._check import Judgement
from vcontract._check.learned import answers, channels, latencies, precedence, ranks, settled_questions
from vcontract._config.request import RunRequest
from vcontract._contract import OK, Contract
from vcontract._errors import HaltedError, UsageError
from vcontract._model import PASSING, VARIED, Cell, cell_of, changes, expect, located
from vcontract._model.labels import Label
from vcontract._profile import REPEATS, Profile, Target, encode_profile
from vcontract._report.console import ConsoleReporter
from vcontract._report.events import FindingSeen, RunEnded, RunEvent
from vcontract._report.page.profile_page import profile_page
from vcontract._report.result import RunResult
from vcontract._report.run_directory import write_out
from vcontract._run.active_run import ActiveRun, Phase, begin, begin_run
from vcontract._run.announcer import Announcer
from vcontract._run.phases import ReadObject, TakeSteps
from vcontract._run.plan import costed, visited
from vcontract._run.planning import Planned, Planner, reachable_cells
from vcontract._run.preparation import Preparation
from vcontract._run.start import StartedRun, underway
from vcontract._run.summarize import finished, summarize
from vcontract._run.summary import PartialResult
from vcontract._terms import Ended, Verdict
from vcontract._testbed import Testbed, surveyed


class Progress:
    """Shows how far it is, and nothing of verdicts."""

    def __init__(self) -> None:
        self._console = ConsoleReporter()

    def on(self, event: RunEvent) -> None:
        """Show one event."""
        if isinstance(event, RunEnded):
            self._console.stop()
        elif not isinstance(event, FindingSeen):
            self._console.on(event)


def plan_table(testbed: Testbed, wanted: Callable[[Cell], bool] = lambda _: True) -> Planned:
    """Plan cells alone, those that are wanted, each as often as it takes to believe its answer."""
    contract, seed = testbed.site.contract, testbed.site.request.seed
    reachable, unreachable = reachable_cells(testbed)
    cells = repeated(told_apart(filter(wanted, reachable), contract), contract)
    gone = {cell.id for cell in cells if changes(cell, contract)}
    groups = [[cell for cell in cells if (len(cell.deviations) == 2) is pairs] for pairs in (False, True)]
    steps = [step for group in groups for step in visited(group, gone, contract, seed)]
    return Planned(costed(steps, cells, gone), unreachable)


class Learned(msgspec.Struct, frozen=True):
    """What was learned, and the result of the run in which it was.

    `done`: all was learned that was asked for. `told` are lines on what was learned beyond the table, `table` whether that
    was learned too.
    """

    profile: Profile
    result: RunResult
    done: bool
    table: bool = True
    told: Sequence[str] = ()


class Lesson(Protocol):
    """One way to learn a profile on what a run stands on."""

    def learn(self, started: StartedRun) -> Learned:
        """Learn it. Raises HarnessError: AbsentError if the target has not the object."""


class TableLesson:
    """Learns the table: what each cell with up to two conditions, if it is `wanted`, is answered."""

    def __init__(self, wanted: Callable[[Cell], bool] = lambda _: True) -> None:
        self._wanted = wanted

    def learn(self, started: StartedRun) -> Learned:
        """Exercise every cell, and give the profile."""
        run, part, result = walked(started, partial(plan_table, wanted=self._wanted), [ReadObject(), TakeSteps()])
        profile = profile_of(run, part, result)
        return Learned(profile, result, profile.complete)


def walked(
    started: StartedRun, planner: Planner, phases: Sequence[Phase]
) -> tuple[ActiveRun, PartialResult, RunResult]:
    """Carry a run out whose answers are learned: here a violation is one more answer, and is not made smaller.

    Raises AbsentError: there is nothing to be learned.
    """
    site, announcer = started.site, Announcer(started.reporters)
    beginning = begin(site)
    run = begin_run(site, surveyed(beginning.asked(site)), planner, beginning, announcer)
    part = run.conduct(phases)
    return run, part, finished(site, announcer, summarize(site, beginning, [part], run.testbed.caller))


def profile_of(run: ActiveRun, part: PartialResult, result: RunResult) -> Profile:
    """Give what the answers of a run teach of its target."""
    site = run.site
    judged = believed(run.testbed.judge.judgements, run.step_runner.exercised)
    answered = answers(judged, site.contract)
    left = Counter(part.unreachable.values()) + Counter(part.refused.values()) + Counter(part.skipped.values())
    left += Counter(filter(None, [part.ended]))
    about = result.target
    return Profile(
        site.contract.object,
        Target(about.url, about.api_version, about.build, about.product),
        site.request.seed,
        answered,
        precedence(answered),
        channels(answered),
        settled_questions(answered, site.contract),
        latencies(judged, site.target.recorder.operations, site.contract),
        complete=not part.ended and not part.halted,
        left=dict(left),
        calls=part.calls,
        started=result.started,
    )


def believed(judgements: Sequence[Judgement], exercised: Collection[str]) -> list[Judgement]:
    """Leave out of calls in a passing state all but the last of a step that was taken: of the others it had passed."""
    last = {Label.parse(judgement.cell).step: judgement.op for judgement in judgements if PASSING in judgement.met}
    return [
        judgement
        for judgement in judgements
        if PASSING not in judgement.met
        or (
            last[label := Label.parse(judgement.cell).step] == judgement.op
            and label == judgement.met
            and label in exercised
        )
    ]


def told_apart(candidates: Iterable[Cell], contract: Contract) -> list[Cell]:
    """Leave out pairs of which one condition alone is no reason to refuse, and cells that are no other than a smaller one."""
    return [
        cell
        for cell in candidates
        if located([cell.state], cell.asked, contract) == cell.id
        and (len(cell.deviations) < 2 or all(_fails(cell.method, name, contract) for name in cell.deviations))
    ]


def _fails(method: str, deviation: str, contract: Contract) -> bool:
    cell = cell_of(contract, method, [deviation])
    return set(expect([cell.state], cell.asked, contract).allowed) != {OK}


def repeated(listed: Sequence[Cell], contract: Contract) -> list[Cell]:
    """Give each cell as often as its answer must come to be believed: once if the documents leave nothing open."""
    return [
        replace(cell, id=str(Label(cell.id).tried(number)))
        for cell in listed
        for number in range(1, 1 + (REPEATS if _open(cell, contract) else 1))
    ]


def _open(cell: Cell, contract: Contract) -> bool:
    """Whether more than one answer is permitted, or one by more than one channel, and a profile may pin it."""
    if {*VARIED, PASSING} & set(cell.deviations):
        return False
    allowed = expect([cell.state], cell.asked, contract).allowed
    task = contract.method(cell.method).has_task
    return len(allowed) > 1 or any(name != OK and task and not outcome.synchronous for name, outcome in allowed.items())


def learn(request: RunRequest, preparation: Preparation, out: Path, tell: Callable[[str], None], lesson: Lesson) -> int:
    """Learn a profile, write it to a file, and a page for people beside it; say in lines what it holds; gives the exit code.

    0: all was exercised that can be; 5: it was cut, and the profile says so. Raises HarnessError.
    """
    if not out.resolve().parent.is_dir():
        raise UsageError(f"--out {out}: its folder does not exist")
    with underway(request, preparation) as started:
        learned = lesson.learn(replace(started, reporters=[*started.reporters, Progress()]))
    write_out(out, encode_profile(learned.profile))
    shown = out.with_suffix(".html" if out.suffix != ".html" else ".html.html")  # never in the profile's own place
    write_out(shown, profile_page(learned.profile))
    lines = (
        *(told(learned.profile, learned.result) if learned.table else ()),
        *learned.told,
        *cut(learned.result),
        str(shown),
        str(out),
    )
    for line in lines:
        tell(line)
    if learned.result.exit_code == HaltedError.exit_code:
        return HaltedError.exit_code
    return 0 if learned.done else 5


def cut(result: RunResult) -> list[str]:
    """Give the notes that say why a run ended early."""
    return [f"note: {note}" for note in result.notes if Ended.of_note(note) is not None]


def told(profile: Profile, result: RunResult) -> list[str]:
    """Say what a profile holds, in lines."""
    lines = [f"{question.question}: {question.id}: {', '.join(question.answers)}" for question in profile.open]
    for method in dict.fromkeys(pair.method for pair in profile.precedence):
        order = " > ".join(" ".join(rank) for rank in ranks(profile.precedence, method))
        lines.append(f"{method}: {order}")
    varied = sum(answer.sole is None for answer in profile.answers)
    lines.append(f"{len(profile.answers)} cells, {varied} of them with more than one answer; {profile.calls} calls")
    if not profile.complete:
        lines.append("not complete: some cells were not exercised")
    if result.verdict is Verdict.VIOLATES:
        lines.append("note: some answers break the contract, and pin nothing; `vcontract run` says which")
    return lines
