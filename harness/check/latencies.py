"""How long answers took, by method and outcome, in bounded memory however many there were."""

from __future__ import annotations

import math
from collections import Counter, defaultdict

import msgspec

from harness.check.grade import name_of
from harness.terms import Operation

_STEP = math.log(1.01)
_LEAST = 1e-6


class Latency(msgspec.Struct, frozen=True):
    """Of one method's answers of one kind: how many, and the percentiles and the longest, in milliseconds (exact to 1 %)."""

    method: str
    outcome: str
    count: int
    p50: float
    p95: float
    p99: float
    longest: float


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
        return [
            Latency(
                method=method,
                outcome=outcome,
                count=counts.total(),
                p50=_share(counts, 0.5),
                p95=_share(counts, 0.95),
                p99=_share(counts, 0.99),
                longest=round(1000 * self._longest[method, outcome], 3),
            )
            for (method, outcome), counts in sorted(self._classes.items())
        ]


def _share(counts: Counter[int], share: float) -> float:
    """Give the duration that so large a share of the answers did not exceed."""
    wanted, seen = share * counts.total(), 0
    for number in sorted(counts):
        seen += counts[number]
        if seen >= wanted:
            return round(1000 * math.exp(number * _STEP), 3)
    return 0.0
