"""The clock by which a run is timed and waits: this machine's, or that of a recording."""

from __future__ import annotations

import time


class Clock:
    """This machine's monotonic clock; seconds."""

    def now(self) -> float:
        """Tell the time, from a zero that means nothing."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let so much time pass."""
        time.sleep(seconds)


class RecordedClock(Clock):
    """A clock that stands still but where a recording says that time passed; whoever sleeps does not wait.

    Two looks at it never give the same time, as with a real one. What a run decides by the clock it decides again: the first
    look after an exchange tells when that ended, the next ones when the recorded run had thought about it.
    """

    _TICK = 1e-6

    def __init__(self) -> None:
        self._now = self._then = 0.0

    def now(self) -> float:
        """Tell the time of the recorded run, from its begin."""
        time_ = self._now + self._TICK
        self._now = max(time_, self._then)
        return time_

    def sleep(self, seconds: float) -> None:
        """Put the clock forward."""
        self._now = max(self._now, self._then) + max(0.0, seconds)

    def reach(self, ended: float, then: float) -> None:
        """Put the clock forward to the end of an exchange, and to when the run went on; it never goes back."""
        self._now, self._then = max(self._now, ended), max(self._then, then)
