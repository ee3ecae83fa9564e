"""The verdict on a recorded stress run: each process's history is judged alone, and the results are merged."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from operator import itemgetter
from pathlib import Path

import msgspec
from msgspec.structs import replace

from vcontract import __version__
from vcontract._check import Limits, worst
from vcontract._check.concurrent import COPY, ConcurrentResult, judge_concurrent, together
from vcontract._contract import load, names
from vcontract._errors import RunFileError, UsageError
from vcontract._history import FACTS, stream
from vcontract._model import facts_of
from vcontract._report.result import RunResult, Stress, load_run
from vcontract._run.summary import exit_code
from vcontract._saved_file import held_by, open_saved, understood
from vcontract._stress.rounds import until_shown
from vcontract._stress.thresholds import crossed
from vcontract._terms import Observed, Operation, Verdict

LIMITS = Limits(seconds=600.0)
"""The limits of judging one history, all its VMs together."""
_NOTE, _COPIED, _DUPLICATE = b'{"event":"observed"', b'"duplicate"', "duplicate"
PRECEDENCE = (4, 2, 3, 1, 5, 0)
"""The exit codes of several processes by precedence: the first that occurs is that of the run."""


def judge_history(path: Path, replay: str, limits: Limits = LIMITS) -> ConcurrentResult:
    """Judge a history file in one pass. Raises RunFileError if it is none, or ends before the survey."""
    with understood(path):
        return _history_judged(path, replay, limits)


def _history_judged(path: Path, replay: str, limits: Limits) -> ConcurrentResult:
    copies = _copies(path)
    events = stream(path)
    facts = next(
        (facts_of(event.facts) for event in events if isinstance(event, Observed) and event.subject == FACTS), None
    )
    if facts is None:
        raise RunFileError(f"{path}: it ends before the target was surveyed; there is nothing to judge")
    return judge_concurrent(
        with_copies((event for event in events if isinstance(event, Operation)), copies),
        facts,
        load(facts.object),
        *(load(name) for name in names() if name != facts.object),
        limits=limits,
        replay=lambda _: until_shown(replay),
    )


def _copies(path: Path) -> list[tuple[str, float]]:
    """List the requests that a disturbance delivered twice, as method and time; their notes stand behind the operations."""
    copies = []
    with suppress(OSError), open_saved(path) as file:
        for line in file:
            if line.startswith(_NOTE) and _COPIED in line:
                facts = msgspec.json.decode(line)["facts"]
                if facts.get("name") == _DUPLICATE and facts.get("what") == "struck":
                    copies.append((str(facts.get("method", "")), float(facts.get("asked", 0.0))))
    return sorted(copies, key=itemgetter(1))


def with_copies(operations: Iterable[Operation], copies: Sequence[tuple[str, float]]) -> Iterator[Operation]:
    """Insert behind each call that may have been delivered twice a copy with a lost answer, which may have happened.

    `copies` are the methods of the duplicates, each with a moment between the begin and the end of its call.
    """
    moments: dict[str, list[float]] = defaultdict(list)
    for method, moment in copies:
        moments[method].append(moment)
    for operation in operations:
        yield operation
        delivered = moments.get(operation.call.method)
        if delivered and bisect_left(delivered, operation.start) < bisect_right(delivered, operation.end):
            yield msgspec.structs.replace(operation, outcome=COPY, status=0, purpose="read", problems=())


def judge_several(directories: Sequence[Path]) -> RunResult | None:
    """Judge saved stress runs, as those of a master's workers, by their histories; None if it is one run of another kind.

    Raises RunFileError for what is no saved run, UsageError for several runs that are not all of stress.
    """
    saved = [(directory if directory.is_dir() else directory.parent, load_run(directory)) for directory in directories]
    if not any(run.stress for _, run in saved):
        if len(saved) > 1:
            raise UsageError("judge: only runs of stress can be judged together")
        return None
    judged = [_judged(*run) for run in saved]
    return judged[0] if len(judged) == 1 else merged(judged)


def _judged(place: Path, saved: RunResult) -> RunResult:
    if saved.stress is None:
        raise UsageError(f"judge: {place} is no run of stress")
    if not saved.stress.histories:
        raise UsageError(f"judge: the histories of {place} are with its workers: give their run directories")
    return concluded(
        saved, [judge_history(held_by(place, history), saved.replay) for history in saved.stress.histories]
    )


def concluded(run: RunResult, parts: Sequence[ConcurrentResult]) -> RunResult:
    """Put the judgements of a run's histories into its result."""
    whole = together(parts)
    stress = run.stress or Stress(0, 0, 0.0)
    failing, unmeasured = crossed(stress.fail_if, whole.latencies)
    unsure = list(dict.fromkeys((*stress.unsure, *unmeasured)))
    verdict = worst([whole.verdict, *[Verdict.INCONCLUSIVE] * bool(unsure)])
    safe = run.exit_code != exit_code(run.verdict, safe=False)
    code = exit_code(verdict, safe=safe)
    return replace(
        run,
        verdict=verdict,
        exit_code=min(code, 1, key=PRECEDENCE.index) if failing else code,
        version=__version__,
        calls=whole.calls,
        requests=whole.requests,
        rows=whole.rows,
        findings=whole.findings,
        stress=replace(
            stress,
            latencies=whole.latencies,
            legal=dict(Counter(whole.machines.values())),
            lost=whole.lost,
            unsure=unsure,
            crossed=failing,
        ),
    )


def merged(runs: Sequence[RunResult], fail_if: Sequence[str] = ()) -> RunResult:
    """Merge the results of processes that shared one load; the target is that of the first.

    The exit code is the one that comes first in PRECEDENCE; the thresholds hold for all together.
    """
    first = runs[0]
    parts = [_judgement_of(run, number) for number, run in enumerate(runs)]
    loads = [stress for run in runs if (stress := run.stress) is not None]
    stress = Stress(
        clients=sum(part.clients for part in loads),
        vms=sum(part.vms for part in loads),
        seconds=max((part.seconds for part in loads), default=0.0),
        histories=[file for part in loads for file in part.histories],
        scenario=next((part.scenario for part in loads if part.scenario), ""),
        unsure=[why for part in loads for why in part.unsure],
        fired=dict(sum((Counter(part.fired) for part in loads), Counter())),
        fail_if=list(fail_if),
    )
    notes = [f"worker {number}: {note}" for number, run in enumerate(runs, 1) for note in run.notes]
    known = replace(first, stress=stress, notes=notes, seconds=max(run.seconds for run in runs))
    whole = concluded(known, parts)
    verdict = worst([whole.verdict, *[run.verdict for run in runs]])
    code = min((whole.exit_code, *(run.exit_code for run in runs)), key=PRECEDENCE.index)
    return replace(whole, verdict=verdict, exit_code=code)


def _judgement_of(run: RunResult, number: int) -> ConcurrentResult:
    """Make a judgement of the result of a process."""
    stress = run.stress or Stress(0, 0, 0.0)
    answers = [answer for answer, count in stress.legal.items() for _ in range(count)]
    machines = {f"{number}.{place}": answer for place, answer in enumerate(answers)}
    return ConcurrentResult(
        run.rows, run.findings, stress.latencies, {}, machines, run.calls, run.requests, stress.lost
    )
