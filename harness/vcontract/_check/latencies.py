"""How long answers took, by method and outcome, in bounded memory however many there were."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

import msgspec

from vcontract._check.grade import name_of
from vcontract._terms import Operation

_STEP = math.log(1.01)
_LEAST = 1e-6


class Latency(msgspec.Struct, frozen=True):
    """Of one method's answers of one kind: how many, the percentiles and the longest, in milliseconds (exact to 1 %).

    `classes` counts the answers by class of duration, so that those of several processes can be put together.
    """

    method: str
    outcome: str
    count: int
    p50: float
    p95: float
    p99: float
    longest: float
    classes: dict[str, int] = {}


class Latencies:
    """Counts durations in classes that are each 1 % longer than the one before."""

    def __init__(self) -> None:
        self._classes: dict[tuple[str, str], Counter[int]] = defaultdict(Counter)
        self._longest: dict[tuple[str, str], float] = defaultdict(float)

    def feed(self, operation: Operation) -> None:
        """Take one operation."""
        key, seconds = (operation.call.method, name_of(operation.outcome)), operation.end - operation.start
        self._classes[key][round(math.log(max(seconds, _LEAST)) / _STEP)] += 1
        self._longest[key] = max(self._longest[key], seconds)

    def table(self) -> list[Latency]:
        """Give a line for each method and outcome, by name."""
        return [_line(*key, counts, self._longest[key]) for key, counts in sorted(self._classes.items())]


def merged_latencies(tables: Sequence[Sequence[Latency]]) -> list[Latency]:
    """Put the tables of several processes together."""
    classes: dict[tuple[str, str], Counter[int]] = defaultdict(Counter)
    longest: dict[tuple[str, str], float] = defaultdict(float)
    for latency in (line for table in tables for line in table):
        classes[latency.method, latency.outcome].update(
            {int(number): count for number, count in latency.classes.items()}
        )
        longest[latency.method, latency.outcome] = max(longest[latency.method, latency.outcome], latency.longest / 1000)
    return [_line(*key, counts, longest[key]) for key, counts in sorted(classes.items())]


def _line(method: str, outcome: str, counts: Counter[int], longest: float) -> Latency:
    return Latency(
        method=method,
        outcome=outcome,
        count=counts.total(),
        p50=_share(counts, 0.5),
        p95=_share(counts, 0.95),
        p99=_share(counts, 0.99),
        longest=round(1000 * longest, 3),
        classes={str(number): count for number, count in sorted(counts.items())},
    )


def _share(counts: Counter[int], share: float) -> float:
    """Give the duration that so large a share of the answers did not exceed."""
    wanted, seen = share * counts.total(), 0
    for number in sorted(counts):
        seen += counts[number]
        if seen >= wanted:
            return round(1000 * math.exp(number * _STEP), 3)
    return 0.0
