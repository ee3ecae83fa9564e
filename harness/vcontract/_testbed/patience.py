"""How long a run waits: generous until it was seen how long things take at this target, then a multiple of that."""

from __future__ import annotations

TIMES = 8
"""A wait is given so many times the longest that was seen: boots of one server differ by less, a broken one by far more."""

LEAST = 10.0
"""No wait is given fewer seconds: a machine that stalls for some is not a server that is broken."""

MISSES = 2
"""What so often in a row did not come about in all its time, and never yet has, is not waited for again."""


class Patience:
    """The longest that each kind of thing was seen to take, in seconds, and how long it may take from now on.

    `first` is what a kind gets that has not come about yet. Only waits get shorter by what was measured, never what a verdict
    rests on.
    """

    def __init__(self, first: float) -> None:
        self._first = first
        self.slowest: dict[str, float] = {}
        self._missed: dict[tuple[str, str], int] = {}

    def of(self, kind: str) -> float:
        """Give the seconds that something of a kind may take."""
        seen = self.slowest.get(kind)
        return self._first if seen is None else max(TIMES * seen, min(LEAST, self._first))

    def hopeless(self, kind: str, whose: str) -> bool:
        """Whether something, of that VM, is not worth another wait."""
        return self._missed.get((kind, whose), 0) >= MISSES

    def took(self, kind: str, whose: str, seconds: float) -> None:
        """Take in how long something took."""
        self.slowest[kind] = max(seconds, self.slowest.get(kind, 0.0))
        self._missed.pop((kind, whose), None)

    def missed(self, kind: str, whose: str) -> None:
        """Take in that something did not come about in all its time."""
        self._missed[kind, whose] = self._missed.get((kind, whose), 0) + 1
