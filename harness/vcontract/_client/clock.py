"""The clock by which a run is timed and waits: this machine's, or that of a recording."""

from __future__ import annotations

import time


class Clock:
    """This machine's monotonic clock; seconds."""

    def now(self) -> float:
        """Give the time from an arbitrary zero."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class RecordedClock(Clock):
    """The clock of a replayed run: it advances as the recording says, and `sleep` returns at once.

    The first reading after an exchange gives the time at which that ended, the next ones the time at which the recorded run
    went on. So a replay decides by the clock as the recorded run did. As with a real clock, no two readings are equal.
    """

    _TICK = 1e-6

    def __init__(self) -> None:
        self._now = self._then = 0.0

    def now(self) -> float:
        """Give the time of the recorded run, from its begin."""
        time_ = self._now + self._TICK
        self._now = max(time_, self._then)
        return time_

    def sleep(self, seconds: float) -> None:
        """Put the clock forward."""
        self._now = max(self._now, self._then) + max(0.0, seconds)

    def reach(self, ended: float, then: float) -> None:
        """Put the clock forward to the end of an exchange, and to when the run went on; it never goes back."""
        self._now, self._then = max(self._now, ended), max(self._then, then)
