"""The verdict on recorded stress: the histories of one or several processes, each judged by itself, put together."""

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
from vcontract.check import Limits, worst
from vcontract.check.concurrent import COPY, ConcurrentResult, judge_concurrent, together
from vcontract.contract import load, names
from vcontract.errors import RunFileError, UsageError
from vcontract.history import FACTS, stream
from vcontract.model import facts_of
from vcontract.report.result import RunResult, Stress, load_run
from vcontract.run.summary import exit_code
from vcontract.terms import Observed, Operation, Verdict

LIMITS = Limits(seconds=600.0)
"""For all VMs of one history."""
_NOTE, _COPIED, _DUPLICATE = b'{"event":"observed"', b'"duplicate"', "duplicate"
PRECEDENCE = (4, 2, 3, 1, 5, 0)
"""Which exit code stands for several."""


def judge_history(path: Path, replay: str, limits: Limits = LIMITS) -> ConcurrentResult:
    """Judge a history file in one pass. Raises RunFileError if it is none, or says too little."""
    copies = _copies(path)
    events = stream(path)
    facts = next(
        (facts_of(each.facts) for each in events if isinstance(each, Observed) and each.subject == FACTS), None
    )
    if facts is None:
        raise RunFileError(f"{path}: it ends before the target was surveyed; there is nothing to judge")
    return judge_concurrent(
        with_copies((each for each in events if isinstance(each, Operation)), copies),
        facts,
        load(facts.object),
        *(load(each) for each in names() if each != facts.object),
        limits=limits,
        replay=lambda _: replay,
    )


def _copies(path: Path) -> list[tuple[str, float]]:
    """List the requests that a disturbance delivered twice: method, and when; they stand behind what they happened to."""
    found = []
    with suppress(OSError), path.open("rb") as file:
        for line in file:
            if line.startswith(_NOTE) and _COPIED in line:
                facts = msgspec.json.decode(line)["facts"]
                if facts.get("name") == _DUPLICATE and facts.get("what") == "struck":
                    found.append((str(facts.get("method", "")), float(facts.get("asked", 0.0))))
    return sorted(found, key=itemgetter(1))


def with_copies(operations: Iterable[Operation], copies: Sequence[tuple[str, float]]) -> Iterator[Operation]:
    """Put behind each call that may have been delivered twice another one whose answer is lost (it may have happened).

    `copies` are the methods that were, each with a moment between the begin and the end of the call.
    """
    moments: dict[str, list[float]] = defaultdict(list)
    for method, moment in copies:
        moments[method].append(moment)
    for each in operations:
        yield each
        found = moments.get(each.call.method)
        if found and bisect_left(found, each.start) < bisect_right(found, each.end):
            yield msgspec.structs.replace(each, outcome=COPY, status=0, purpose="read", problems=())


def judge_several(directories: Sequence[Path]) -> RunResult | None:
    """Judge saved stress runs, as those of a master's workers, by their histories; None if it is one run of another kind.

    Raises RunFileError for what is no saved run, UsageError for several runs that are not all of stress.
    """
    saved = [(each if each.is_dir() else each.parent, load_run(each)) for each in directories]
    if not any(run.stress for _, run in saved):
        if len(saved) > 1:
            raise UsageError("judge: only runs of stress can be judged together")
        return None
    judged = [_judged(*each) for each in saved]
    return judged[0] if len(judged) == 1 else merged(judged)


def _judged(place: Path, saved: RunResult) -> RunResult:
    if saved.stress is None:
        raise UsageError(f"judge: {place} is no run of stress")
    if not saved.stress.histories:
        raise UsageError(f"judge: the histories of {place} are with its workers: give their run directories")
    return concluded(saved, [judge_history(place / each, saved.replay) for each in saved.stress.histories])


def concluded(run: RunResult, parts: Sequence[ConcurrentResult]) -> RunResult:
    """Put what the parts of a stress run found into its result."""
    whole = together(parts)
    stress = run.stress or Stress(0, 0, 0.0)
    verdict = worst([whole.verdict, *[Verdict.INCONCLUSIVE] * bool(stress.unsure)])
    safe = run.exit_code != exit_code(run.verdict, safe=False)
    return replace(
        run,
        verdict=verdict,
        exit_code=exit_code(verdict, safe=safe),
        version=__version__,
        calls=whole.calls,
        requests=whole.requests,
        rows=whole.rows,
        findings=whole.findings,
        stress=replace(
            stress, latencies=whole.latencies, legal=dict(Counter(whole.machines.values())), lost=whole.lost
        ),
    )


def merged(runs: Sequence[RunResult]) -> RunResult:
    """Put the results of processes that shared one load together; the first names the target.

    The exit code is the one that comes first in design's order.
    """
    first = runs[0]
    parts = [_found(run, number) for number, run in enumerate(runs)]
    told = [stress for run in runs if (stress := run.stress) is not None]
    stress = Stress(
        clients=sum(each.clients for each in told),
        vms=sum(each.vms for each in told),
        seconds=max((each.seconds for each in told), default=0.0),
        histories=[file for each in told for file in each.histories],
        scenario=next((each.scenario for each in told if each.scenario), ""),
        unsure=[why for each in told for why in each.unsure],
        fired=dict(sum((Counter(each.fired) for each in told), Counter())),
    )
    notes = [f"worker {number}: {note}" for number, run in enumerate(runs, 1) for note in run.notes]
    known = replace(first, stress=stress, notes=notes, seconds=max(run.seconds for run in runs))
    whole = concluded(known, parts)
    verdict = worst([whole.verdict, *[run.verdict for run in runs]])
    code = min((run.exit_code for run in runs), key=PRECEDENCE.index)
    return replace(whole, verdict=verdict, exit_code=code)


def _found(run: RunResult, number: int) -> ConcurrentResult:
    """Give what a process found as its result has it."""
    stress = run.stress or Stress(0, 0, 0.0)
    answers = [answer for answer, count in stress.legal.items() for _ in range(count)]
    machines = {f"{number}.{place}": answer for place, answer in enumerate(answers)}
    return ConcurrentResult(
        run.rows, run.findings, stress.latencies, {}, machines, run.calls, run.requests, stress.lost
    )
