"""Derives a profile from judgements: answers by cell, which condition wins, channels, open questions, latencies."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise

from vcontract._check.judgement import Judgement
from vcontract._contract import OK, Contract
from vcontract._model import PASSING, VARIED, Cell, all_cells, cells, expect, holding, read_of
from vcontract._profile import SAMPLES, SUCCESS, Answer, Channel, Latency, Observed, Precedence, Settled
from vcontract._terms import Json, Operation, Returned, Verdict, as_ref

_FINAL = ("success", "error")


def answer_key(judgement: Judgement, contract: Contract, *, sure: bool = True) -> tuple[str, str] | None:
    """Give outcome and channel of a judged call; None if no answer came or, if `sure`, what it met is not known."""
    if (sure and not judgement.met) or judgement.verdict is Verdict.INCONCLUSIVE:
        return None
    if judgement.observed == OK:
        return SUCCESS, "task" if contract.method(judgement.method).has_task else "call"
    return (judgement.observed, judgement.channel) if judgement.observed[:1].isupper() else None


def answers(judgements: Iterable[Judgement], contract: Contract) -> tuple[Answer, ...]:
    """Count the answers by the cell that each call met, in the contract's order of cells."""
    seen: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for judgement in judgements:
        if (key := answer_key(judgement, contract)) is not None:
            seen[judgement.met][key] += 1
    return tuple(
        Answer(cell.id, cell.method, cell.deviations, _observed(seen[cell.id]), _permitted(cell, contract))
        for cell in all_cells(contract)
        if cell.id in seen
    )


def _observed(counts: Mapping[tuple[str, str], int]) -> tuple[Observed, ...]:
    listed = [Observed(fault, channel, count) for (fault, channel), count in counts.items()]
    return tuple(sorted(listed, key=lambda answer: (-answer.count, answer)))


def _permitted(cell: Cell, contract: Contract) -> tuple[str, ...]:
    return tuple(expect([cell.state], cell.asked, contract).text().replace(OK, SUCCESS).split())


def precedence(listed: Iterable[Answer]) -> tuple[Precedence, ...]:
    """Derive, by method, which of two conditions wins where both hold: its answer always came, and the other's differs.

    No evidence are: two conditions with the same answer, two that together are answered as neither is alone, and conditions
    that stand for many inputs or pass by themselves.
    """
    known = {answer.id: answer for answer in listed}
    precedences = []
    for answer in known.values():
        sole = answer.sole
        if len(answer.conditions) != 2 or sole is None or {*VARIED, PASSING} & set(answer.conditions):
            continue
        singles = [known.get(f"{answer.method}:{name}") for name in answer.conditions]
        alone = [single.sole.text() if single is not None and single.sole is not None else "" for single in singles]
        if alone.count(sole.text()) == 1 and all(alone) and SUCCESS not in {text.split()[0] for text in alone}:
            first = alone.index(sole.text())
            winner, loser = answer.conditions[first], answer.conditions[1 - first]
            precedences.append(Precedence(answer.method, winner, loser, sole.fault, sole.channel))
    return tuple(precedences)


def ranks(precedences: Iterable[Precedence], method: str) -> list[list[str]]:
    """Sort the conditions of a method into ranks: a condition loses only to conditions of earlier ranks.

    Conditions that beat each other in a circle, which no order of checks explains, share the last rank.
    """
    loses: dict[str, set[str]] = {}
    for entry in precedences:
        if entry.method == method:
            loses.setdefault(entry.loser, set()).add(entry.winner)
            loses.setdefault(entry.winner, set())
    listed: list[list[str]] = []
    while loses:
        free = [name for name, winners in loses.items() if not winners & loses.keys()]
        listed.append(free or list(loses))
        loses = {name: winners for name, winners in loses.items() if name not in listed[-1]}
    return listed


def channels(listed: Iterable[Answer]) -> tuple[Channel, ...]:
    """Count, by method and fault, how often each channel was taken."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for answer in listed:
        for observed in answer.observed:
            if observed.fault != SUCCESS:
                counts[answer.method, observed.fault, observed.channel] += observed.count
    pairs = dict.fromkeys((method, fault) for method, fault, _ in counts)
    return tuple(Channel(*pair, counts[(*pair, "call")], counts[(*pair, "task")]) for pair in pairs)


def settled_questions(listed: Iterable[Answer], contract: Contract) -> tuple[Settled, ...]:
    """List the questions that the documents leave open where at most one condition holds, with the answers that came."""
    by_id = {cell.id: cell for cell in cells(contract, 1)}
    settled = []
    for answer in listed:
        if len(answer.permitted) > 1 and (cell := by_id.get(answer.id)) is not None:
            titles = [
                situation.title
                for situation in holding(cell.state, cell.asked, contract)
                if {permit.outcome for permit in situation.permitted(answer.method)} != {OK}
            ]
            settled.append(
                Settled("; ".join(titles), answer.id, tuple(observed.text() for observed in answer.observed))
            )
    return tuple(settled)


def latencies(
    judgements: Iterable[Judgement], operations: Sequence[Operation], contract: Contract
) -> tuple[Latency, ...]:
    """Sum up how long each outcome of each method took, in seconds."""
    by_op = {operation.op: operation for operation in operations}
    ends = _ends(operations)
    taken: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for judgement in judgements:
        key = answer_key(judgement, contract)
        if key is not None and judgement.op in by_op:
            seconds = _seconds(by_op[judgement.op], ends) if key[1] == "task" else _trip(by_op[judgement.op])
            if seconds is not None:
                taken[(judgement.method, *key)].append(seconds)
    return tuple(
        Latency(*key, len(values), round(statistics.median(values), 6), round(_p95(values), 6), _sampled(values))
        for key, values in sorted(taken.items())
    )


def _sampled(values: Sequence[float]) -> tuple[float, ...]:
    """Keep at most SAMPLES durations, sorted and at even distances: enough to compare two profiles."""
    ordered, most = sorted(values), min(len(values), SAMPLES)
    places = [round(index * (len(ordered) - 1) / max(most - 1, 1)) for index in range(most)]
    return tuple(round(ordered[place], 6) for place in places)


def _trip(operation: Operation) -> float:
    return operation.end - operation.start


def _ends(operations: Iterable[Operation]) -> dict[str, tuple[float, Mapping[str, Json]]]:
    """Compute, for each task that a read saw ended, the time and the info of the first such read."""
    ends: dict[str, tuple[float, Mapping[str, Json]]] = {}
    for operation in operations:
        read = read_of(operation)
        info = (read[1] or {}).get("info") if read is not None and read[0].type == "Task" else None
        if read is not None and isinstance(info, Mapping) and info.get("state") in _FINAL:
            ends.setdefault(read[0].value, (operation.end, info))
    return ends


def _seconds(operation: Operation, ends: Mapping[str, tuple[float, Mapping[str, Json]]]) -> float | None:
    task = as_ref(operation.outcome.value) if isinstance(operation.outcome, Returned) else None
    if task is None or task.value not in ends:
        return None
    read, info = ends[task.value]
    try:
        times = [datetime.fromisoformat(str(info.get(name))) for name in ("queueTime", "completeTime")]
        return next((end - begin).total_seconds() for begin, end in pairwise(times))
    except (ValueError, TypeError):
        return read - operation.start


def _p95(values: Sequence[float]) -> float:
    """Give the smallest value that 95 of 100 do not exceed."""
    return sorted(values)[-(-95 * len(values) // 100) - 1]
