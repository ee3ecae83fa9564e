"""Limits of the requests to a target: a second, at once, and in all."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from vcontract._errors import UsageError

_NAP = 0.25
"""Seconds after which a wait looks whether it must end."""


class SpentError(UsageError):
    """A limit of calls or requests is reached; a run that is under way ends with what is known."""


class _Account:
    """What was sent, and when the next request may be, for all who share the limits."""

    def __init__(self, at_once: int) -> None:
        self.sent = 0
        self.next = 0.0
        self.lock = threading.Lock()
        self.places = threading.BoundedSemaphore(at_once) if at_once else None


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
        self._asked = (per_second, at_once, total)
        self._pause = 1 / per_second if per_second else 0.0
        self._total = total
        self._clock, self._sleep = clock, sleep
        self._account = _Account(at_once)

    def beside(self) -> Pacing:
        """Give the pacing of another target of the same run: the limits hold for all together.

        Each is stopped by itself, and has the limit of all requests lifted for itself.
        """
        other = Pacing(*self._asked, clock=self._clock, sleep=self._sleep)
        other._account = self._account
        return other

    @property
    def sent(self) -> int:
        """How many requests were sent, by all who share the limits."""
        return self._account.sent

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
        if self._account.places is not None:
            self._account.places.acquire()
        try:
            self._await_turn()
        except BaseException:
            self._leave()
            raise

    def __exit__(self, *_: object) -> None:
        self._leave()

    def _await_turn(self) -> None:
        """Wait until the next request may be sent. Raises SpentError if no more are allowed.

        From request to request there is always the whole pause, however late one was: so no second ever has one too many.
        """
        account = self._account
        with account.lock:
            if self.spent:
                raise SpentError(self.spent)
            while self._pause and (left := account.next - self._clock()) > 0 and not self.stopped():
                self._sleep(min(left, _NAP))
            account.sent += 1
            account.next = self._clock() + self._pause

    def _leave(self) -> None:
        if self._account.places is not None:
            self._account.places.release()
