"""Limits of the requests to a target: a second, at once, and in all."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from vcontract.errors import UsageError

_NAP = 0.25
"""Seconds after which a wait looks whether it must end."""


class SpentError(UsageError):
    """A limit of calls or requests is reached; a run that is under way ends with what is known."""


class Pacing:
    """A context around each request; entering it, before the request is recorded, waits until the limits permit one more.

    A limit of 0 is none. Safe for many threads. Entering raises SpentError after `total` requests, until that limit is
    lifted. `stopped` ends a wait early: whoever sets it sees to it that the request is not sent.
    """

    def __init__(
        self,
        per_second: float = 0.0,
        at_once: int = 0,
        total: int = 0,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.limited = bool(per_second or at_once or total)
        self.stopped: Callable[[], bool] = lambda: False
        self.sent = 0
        self._pause = 1 / per_second if per_second else 0.0
        self._total = total
        self._clock, self._sleep = clock, sleep
        self._places = threading.BoundedSemaphore(at_once) if at_once else None
        self._lock = threading.Lock()
        self._next = 0.0

    @property
    def spent(self) -> str:
        """The reason why no more requests are allowed; empty if some are."""
        if not self._total or self.sent < self._total:
            return ""
        return f"the limit of {self._total} requests was reached (limits.total_calls)"

    def lift(self) -> None:
        """Remove the limit `total`, so that what was disturbed can be put back, however many requests that takes."""
        self._total = 0

    def __enter__(self) -> None:
        if self._places is not None:
            self._places.acquire()
        try:
            self._await(self._turn())
        except BaseException:
            self._leave()
            raise

    def __exit__(self, *_: object) -> None:
        self._leave()

    def _turn(self) -> float:
        """Reserve the time of the next request, and give it. Raises SpentError if no more are allowed."""
        with self._lock:
            if self.spent:
                raise SpentError(self.spent)
            self.sent += 1
            turn = max(self._next, self._clock())
            self._next = turn + self._pause
            return turn

    def _await(self, turn: float) -> None:
        while self._pause and (left := turn - self._clock()) > 0 and not self.stopped():
            self._sleep(min(left, _NAP))

    def _leave(self) -> None:
        if self._places is not None:
            self._places.release()
