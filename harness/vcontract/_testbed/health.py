"""The health check: between batches it looks whether the server still answers as it did, and ends the run if it suffers."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

from vcontract._client import Target
from vcontract._client.actors import CANARY
from vcontract._errors import HaltedError, TargetError
from vcontract._terms import TIME, Arguments, Call, Lost, Ref
from vcontract._testbed.actors import FULL

EVERY = 2.0
"""Seconds between two looks."""
LOGIN = 10
"""Every so many looks a session is opened and ended too."""
_FIRST, _TRIES, _PAUSE = 3, 3, 1.0
_TIMES, _LEAST = 20.0, 1.0
_INSTANCE = Ref("ServiceInstance", "ServiceInstance")


class HealthCheck:
    """Watches one server.

    `slowest` is how many seconds a CurrentTime may take; 0: twenty times what the first ones took, and at least one second.
    `account` is whose session is opened now and then. Too slow or unanswered three times in a row ends the run.
    """

    def __init__(
        self,
        target: Target,
        account: str,
        slowest: float,
        *,
        monotonic: Callable[[], float] | None = None,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self._target, self._account, self._slowest = target, account, slowest
        # by the recorder's clock, so that a recorded run looks when the live one did
        self._monotonic, self._sleep = monotonic or target.recorder.now, sleep or target.recorder.sleep
        self._next, self._looks = self._monotonic(), 0
        self._first: list[float] = []

    def look(self) -> None:
        """Look, if it is time to. Raises HaltedError if the server suffers."""
        if self._monotonic() < self._next:
            return
        ill: list[str] = []
        while why := self._ill():
            ill.append(why)
            if len(ill) == _TRIES:
                raise HaltedError(f"{self._target.url} suffers, {_TRIES} times in a row: {'; '.join(ill)}")
            self._sleep(_PAUSE)
        self._next = self._monotonic() + EVERY

    def _ill(self) -> str:
        self._looks += 1
        done = self._target.send(Call(_INSTANCE, TIME, Arguments({}), FULL), cell=CANARY)
        took = done.end - done.start
        if isinstance(done.outcome, Lost):
            return f"CurrentTime: {done.outcome.reason}"
        if len(self._first) < _FIRST:
            self._first.append(took)
        limit = self._slowest or max(_LEAST, _TIMES * median(self._first))
        if took > limit:
            return f"CurrentTime took {took:.2f} s, more than {limit:.2f} s"
        return self._refused() if self._account and self._looks % LOGIN == 0 else ""

    def _refused(self) -> str:
        """Open a session and end it; says why it could not be opened."""
        try:
            with self._target.recorder.inside(CANARY):
                self._target.login(CANARY, self._account, "account.full")
                self._target.logout(CANARY)
        except TargetError as error:
            return str(error)
        finally:
            self._target.forget(CANARY)
        return ""
