"""Whether the steps of one concurrent history have a legal order: encoded events in, an answer out.

A *step* has a kind (a number of the table), an interval in which it happened (from its *begin* to its *end*) and optionally a
step that must come before it. A step without an end may have happened at any time since its begin, or never.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from enum import StrEnum
from math import inf

import msgspec

from vcontract._check.search import NOBODY, Limits, Open, OutOfLimitsError, Search
from vcontract._check.transitions import Table


class Steps(msgspec.Struct, frozen=True):
    """The steps of one history: for step n its kind, and the step that must come before it (NOBODY: none).

    `events` lists the begins (`2n`) and ends (`2n + 1`) in the order of time. A step begins no earlier than the step that must
    come before it, and ends no earlier than that step does.
    """

    kinds: Sequence[int]
    before: Sequence[int]
    events: Sequence[int]


class Answer(StrEnum):
    """Whether there is a legal order; `inconclusive`: the search hit its limits first."""

    LEGAL = "legal"
    ILLEGAL = "illegal"
    INCONCLUSIVE = "inconclusive"


class Result(msgspec.Struct, frozen=True):
    """The result of a search, and the reason if it was inconclusive.

    `event` is the index of the first end that no legal order reaches (or of the event at which the search gave up, or the
    number of events), `states` the bit set of what was possible before it, `most` the largest number of configurations.
    """

    answer: Answer
    event: int
    states: int
    most: int = 0
    reason: str = ""


def _outlook(steps: Steps) -> tuple[array[int], bytearray]:
    """Compute for each step the index of its end (0: it has none), and whether another step must come after it."""
    ends, followed = array("q", bytes(8 * len(steps.kinds))), bytearray(len(steps.kinds))
    for place, event in enumerate(steps.events):
        if event & 1:
            ends[event >> 1] = place
    for first in steps.before:
        if first != NOBODY:
            followed[first] = 1
    return ends, followed


def linearize(table: Table, states: int, steps: Steps, limits: Limits | None = None) -> Result:
    """Search for a legal order of a history that may begin in any of `states` (a bit set)."""
    search = Search(table, states, limits)
    ends, followed = _outlook(steps)
    kinds, before, begun = steps.kinds, steps.before, dict[int, Open]()
    begin, end = search.begin, search.end
    # what `Search.begin` says of most steps is known here: they are passive, and possible in the one configuration there is
    certain = [splits if passive else {} for splits, passive in zip(table.splits, table.passive, strict=True)]
    sole = search.sole
    answer, reason, event = Answer.LEGAL, "", NOBODY
    try:
        for event in steps.events:
            number = event >> 1
            if event & 1:
                step = begun.pop(number, None)
                if step is not None:
                    if not end(step):
                        answer = Answer.ILLEGAL
                        break
                    sole = search.sole
            else:
                first = begun.get(before[number])
                kind = kinds[number]
                known = certain[kind].get(sole)
                if known is None or known[0] != sole or first is not None:
                    step = begin(kind, ends[number] or inf, first, last=not followed[number])
                    if step is not None:
                        begun[number] = step
                        sole = search.sole
    except OutOfLimitsError as error:
        answer, reason = Answer.INCONCLUSIVE, str(error)
    place = len(steps.events) if answer is Answer.LEGAL else list(steps.events).index(event)
    return Result(answer, place, search.states, search.most, reason)


def replayed(table: Table, states: int, steps: Steps, events: int) -> list[int]:
    """Replay the first `events` events; return the states possible before each of them, and after the last one."""
    search, begun, possible = Search(table, states), dict[int, Open](), []
    ends, followed = _outlook(steps)
    for event in steps.events[:events]:
        possible.append(search.states)
        number = event >> 1
        if event & 1:
            step = begun.pop(number, None)
            if step is not None:
                search.end(step)
        else:
            first = begun.get(steps.before[number])
            step = search.begin(steps.kinds[number], ends[number] or inf, first, last=not followed[number])
            if step is not None:
                begun[number] = step
    return [*possible, search.states]
