"""A clock for runs that wait for what never comes."""

from __future__ import annotations

from vcontract._client.clock import Clock


class WaitedTime(Clock):
    """A clock that only waiting puts forward, so that what is counted is what was waited for, and no slow machine."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        """Give the time; no two readings are equal."""
        self.time += 1e-6
        return self.time

    def sleep(self, seconds: float) -> None:
        """Put the clock forward."""
        self.time += seconds
