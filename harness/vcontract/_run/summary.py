"""What a walk over a plan gave, and how the parts of a run are put together to its result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import chain

import msgspec
from msgspec.structs import replace

from vcontract._check import Confirming, Judgement, Summary, object_findings, object_rows, summarise
from vcontract._config.config import Config
from vcontract._config.printed_command import finding_command
from vcontract._config.request import RunRequest
from vcontract._config.risk import REFUSALS, level_of
from vcontract._contract import Contract, Row
from vcontract._model import read_of
from vcontract._model.labels import inputs_of
from vcontract._report.result import Arrangements, Cells, Clones, Worker
from vcontract._run.idle_reads import idle_reads
from vcontract._terms import LONG, UNTRIED, Ended, Finding, Lost, Operation, RowVerdict, Verdict

_REST = "…"
"""Stands for all steps that were not tried, as the run had to stop."""
_TOLD = 10
"""So many different things that went wrong beside the judged calls are told."""


class PartialResult(msgspec.Struct, frozen=True):
    """What one walk over a plan, or over a share of one, gave; JSON can carry it.

    `own` are the verdicts on the object's own rows, `own_findings` what breaks them. `planned` are the ids of the cells
    of the plan; `exercised`, `skipped`, `refused` and `unreachable` tell what became of its steps, `ended` why the last
    were not tried, `shown` what valid calls showed of each method's arguments.
    `slowest` has the most seconds that things took, `idle_reads` counts the requests that could tell nothing new.
    `halted` says why the target was not asked any more, or why going on might have done harm. `worker` is None if one
    process does it all. `absent` says why nothing can be tested on this target, if so. `carried_out`: below `clones` a call was
    carried out that had to be refused, which ends the run, the walks of others too.
    """

    judgements: list[Judgement] = []
    own: list[RowVerdict] = []
    own_findings: list[Finding] = []
    planned: list[str] = []
    exercised: list[str] = []
    skipped: dict[str, str] = {}
    ended: str = ""
    refused: dict[str, str] = {}
    unreachable: dict[str, str] = {}
    arrangements: Arrangements = Arrangements()
    shown: dict[str, list[str]] = {}
    shrunk: list[Finding] = []
    calls: int = 0
    requests: int = 0
    notes: list[str] = []
    halted: list[str] = []
    clones: Clones = Clones()
    slowest: dict[str, float] = {}
    idle_reads: int = 0
    worker: Worker | None = None
    absent: str = ""
    carried_out: bool = False


def heard(contract: Contract, judgements: Sequence[Judgement], operations: Sequence[Operation]) -> PartialResult:
    """Give what a history alone tells of a walk."""
    return PartialResult(
        judgements=list(judgements),
        own=object_rows(contract, operations),
        own_findings=object_findings(contract, operations),
        calls=sum(operation.purpose == "judge" for operation in operations),
        requests=len(operations),
        idle_reads=idle_reads(operations),
    )


def beside(operations: Sequence[Operation]) -> list[str]:
    """Say what went wrong with calls that nobody judges (they arrange, or read what is no task), and which replies were cut."""
    problems_by_text: Counter[str] = Counter()
    for operation in operations:
        problems_by_text.update(
            f"{operation.call.method}: {problem}" for problem in operation.problems if problem.startswith(LONG)
        )
        read = read_of(operation)
        if operation.purpose == "judge" or (read is not None and read[0].type == "Task"):
            continue
        if isinstance(operation.outcome, Lost):
            problems_by_text[f"lost: {operation.call.method}: {operation.outcome.reason}"] += 1
        problems_by_text.update(
            f"beside the judged calls: {operation.call.method}: {problem}" for problem in operation.deviations
        )
    lines = [f"{text} ({count}x)" for text, count in problems_by_text.most_common(_TOLD)]
    return (
        [*lines, f"and {len(problems_by_text) - _TOLD} more of this kind"] if len(problems_by_text) > _TOLD else lines
    )


def summed(
    contract: Contract,
    listed: Sequence[Row],
    parts: Sequence[PartialResult],
    bases: dict[str, str],
    confirm: int,
    report: str,
    asked: RunRequest,
) -> Summary:
    """Sum up what was judged; of each of the object's own rows the first verdict that tells something counts.

    `report` is the run's directory, `asked` what was asked of it: the commands that replay findings name both.
    """
    own: dict[str, RowVerdict] = {}
    for row in chain.from_iterable(part.own for part in parts):
        if row.id not in own or own[row.id].verdict is Verdict.UNTESTED:
            own[row.id] = row
    shrunk = [finding for part in parts for finding in part.shrunk]
    proven = frozenset(id_ for finding in shrunk if _times(finding) >= confirm for id_ in finding.was)
    summary = summarise(
        contract,
        listed,
        [judgement for part in parts for judgement in part.judgements],
        list(own.values()),
        bases,
        confirm=Confirming(confirm, proven, one_sided=level_of(asked) == REFUSALS),
        replay=lambda id_: finding_command(report or "RUN", id_, asked),
    )
    of_object = {each.id: each for part in parts for each in part.own_findings if each.row in own}
    of_object = {
        id_: replace(each, replay=finding_command(report or "RUN", id_, asked))
        for id_, each in of_object.items()
        if own[each.row].verdict is Verdict.VIOLATES
    }
    summary = replace(summary, findings=(*of_object.values(), *summary.findings))
    died = next(
        (f"{part.worker.history}: {part.worker.died}" for part in parts if part.worker and part.worker.died), ""
    )
    rows = tuple(_doubted(row, died) if died and row.id not in own else row for row in summary.rows)
    absent = next((part.absent for part in parts if part.absent), "")
    return replace(summary, rows=tuple(_without(row, absent) for row in rows))


def _times(finding: Finding) -> int:
    """Say how often a finding was seen again when it was tried again."""
    times = finding.repeats.partition(" ")[0]
    return int(times) if times.isdigit() else 0


def _without(row: RowVerdict, absent: str) -> RowVerdict:
    """Say of an untested row that what it is about is not there, if it is not."""
    return replace(row, reason=absent) if absent and row.verdict is Verdict.UNTESTED else row


def as_shrunk(
    findings: Sequence[Finding], shrunk: Sequence[Finding], replay: Callable[[str], str] = str
) -> list[Finding]:
    """Give the findings as they were shrunk, with their ids; of several workers' the one that was seen again.

    Two that turn out to be the same deviation are one. `replay` turns an id into the command that replays it.
    """
    best_last = sorted(
        shrunk, key=lambda each: (not each.provisional, each.repeats != UNTRIED, not each.repeats.startswith("0"))
    )
    known = {id_: each for each in best_last for id_ in each.was} | {
        each.was[0]: each for each in best_last if each.was
    }
    found: dict[str, Finding] = {}
    for finding in findings:
        small = next((known[id_] for id_ in finding.was if id_ in known), finding)
        if small is not finding:
            small = replace(small, replay=replay(small.id))
        found[small.id] = _with(found.get(small.id, small), finding)
    for larger in list(found.values()):
        smaller = min((each for each in found.values() if each.covers(larger)), key=_size, default=None)
        if smaller is not None:
            found[smaller.id] = _with(smaller, found.pop(larger.id))
    return list(found.values())


def _size(finding: Finding) -> tuple[int, int]:
    return len(finding.cause), finding.op


def _with(finding: Finding, other: Finding) -> Finding:
    """Give a finding with the rows and cells of another one, which is the same deviation."""
    return replace(
        finding,
        rows=_joined(finding.rows, other.rows),
        cells=_joined(finding.cells, other.cells),
        was=_joined(finding.was, other.was),
    )


def with_broken(rows: Sequence[RowVerdict], findings: Sequence[Finding]) -> list[RowVerdict]:
    """Give verdicts on rows with those that findings break by what only shrinking showed: the method that did it."""
    broken = {row: finding for finding in findings if not finding.provisional for row in finding.rows}
    return [
        replace(row, verdict=Verdict.VIOLATES, reason=f"{finding.method} met it: {finding.detail}")
        if (finding := broken.get(row.id)) is not None and row.verdict is not Verdict.VIOLATES
        else row
        for row in rows
    ]


def _joined(some: Sequence[str], more: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*some, *more)))


def _doubted(row: RowVerdict, died: str) -> RowVerdict:
    """Call no row kept that a worker which died may have been about to see broken."""
    if row.verdict is not Verdict.CONFORMS:
        return row
    return replace(row, verdict=Verdict.INCONCLUSIVE, reason=f"a worker died: {died}")


def slowest_of(parts: Sequence[PartialResult]) -> dict[str, float]:
    """Give, by what it was, the most seconds that anything took in one of the parts."""
    return {kind: max(part.slowest.get(kind, 0.0) for part in parts) for part in parts for kind in part.slowest}


def cells_of(parts: Sequence[PartialResult]) -> Cells:
    """Sort the cells: exercised, not seen although they can be reached, and out of reach with the reason."""
    planned = [cell for part in parts for cell in part.planned]
    exercised = {cell for part in parts for cell in part.exercised}
    refused = {name: why for part in parts for name, why in part.refused.items()}
    refused = {name: refused[name] for name in planned if name in refused}
    unreachable: dict[str, list[str]] = {}
    for name, reason in [*(pair for part in parts for pair in part.unreachable.items()), *refused.items()]:
        unreachable.setdefault(reason, []).append(name)
    seen = [cell for cell in planned if cell in exercised]
    made = [part.arrangements for part in parts]
    return Cells(
        reachable=len(planned) - len(refused),
        exercised=len(seen),
        seen=seen,
        unseen=[cell for cell in planned if cell not in exercised | refused.keys()],
        unreachable=unreachable,
        arrangements=Arrangements(
            sum(arrangements.least for arrangements in made),
            sum(arrangements.planned for arrangements in made),
            sum(arrangements.made for arrangements in made),
        ),
    )


def not_exercised(parts: Sequence[PartialResult]) -> list[str]:
    """Name what was not exercised, by the reason why."""
    by_reason: dict[str, dict[str, None]] = {}
    for part in parts:
        rest = {_REST: part.ended} if part.ended else {}
        for label, reason in (part.unreachable | part.refused | part.skipped | rest).items():
            what = inputs_of(label)
            if "+" not in what:
                by_reason.setdefault(reason, {})[what] = None
    return [f"not exercised: {', '.join(names)}: {reason}" for reason, names in by_reason.items()]


def waive(verdicts: Sequence[RowVerdict], config: Config) -> tuple[list[RowVerdict], dict[str, str]]:
    """Find the untested rows that the configuration excuses; gives all rows, and the reasons by row."""
    waived = {
        row.id: reason for row in verdicts if row.verdict is Verdict.UNTESTED and (reason := config.waiver(row.id))
    }
    return list(verdicts), waived


def partial_of(parts: Sequence[PartialResult], cells: Cells, over: str) -> str:
    """Say how far a run came that did not come to its end, and what ended it: a signal, a limit, the target (`over`)."""
    told = [note for part in parts for note in part.notes]
    early = [note.removeprefix(Ended.EARLY.note("")) for note in told if Ended.of_note(note) is Ended.EARLY]
    signal = Ended.INTERRUPTED.value if interrupted(told) else ""
    ways = (signal, *(why for part in parts for why in part.halted), *(part.ended for part in parts), *early, over)
    why = next(filter(None, ways), "")
    if not why:
        return ""
    return f"{cells.exercised:,} of {cells.reachable:,} cells ({why})" if cells.reachable else why


def too_few(cells: Cells, percent: float) -> list[str]:
    """Say, if it is so, that fewer of the cells within reach were exercised than were asked for."""
    if not cells.reachable or 100 * cells.exercised >= percent * cells.reachable:
        return []
    share = 100 * cells.exercised / cells.reachable
    return [f"coverage: {share:.1f} % of the cells within reach were exercised, at least {percent:g} % are asked for"]


def interrupted(notes: Sequence[str]) -> bool:
    """Whether notes of a run, or of a part of one, tell that a signal ended it."""
    return any(Ended.of_note(note) is Ended.INTERRUPTED for note in notes)


def exit_code(verdict: Verdict, *, safe: bool = True) -> int:
    """Give the exit code of a verdict: 0 conforms, 1 violates, 5 inconclusive or untested.

    3, whatever the verdict, of a run that was halted or left something behind.
    """
    return {Verdict.CONFORMS: 0, Verdict.VIOLATES: 1}.get(verdict, 5) if safe else 3
