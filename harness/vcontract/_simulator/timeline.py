"""The simulator's clock and its agenda of things that happen later; nothing else in the simulator reads a clock."""

from __future__ import annotations

import heapq
import itertools
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_LOG = logging.getLogger(__name__)

Action = Callable[[], None]


class Handle:
    """An entry of the agenda; cancelling it twice, or after it ran, does no harm.

    With `of_client` it is about a client's patience, which no skipped time shortens.
    """

    __slots__ = ("action", "of_client")

    def __init__(self, action: Action, *, of_client: bool = False) -> None:
        self.action: Action | None = action
        self.of_client = of_client

    def cancel(self) -> None:
        """Take the entry off the agenda."""
        self.action = None


class Timeline:
    """The clock, in seconds since the simulator started, and the agenda; `monotonic` may be replaced in tests."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._zero = monotonic()
        self._epoch = datetime.now(UTC)
        self._agenda: list[tuple[float, int, Handle]] = []
        self._order = itertools.count()
        self._due: float | None = None

    def now(self) -> float:
        """Seconds since the start; while a due action runs, the moment at which it was due."""
        return self._due if self._due is not None else self._monotonic() - self._zero

    def datetime(self) -> datetime:
        """Give the server's wall clock (UTC), moving with `now`."""
        return self._epoch + timedelta(seconds=self.now())

    def after(self, delay: float, action: Action, *, of_client: bool = False) -> Handle:
        """Schedule `action` for `delay` seconds from now."""
        handle = Handle(action, of_client=of_client)
        heapq.heappush(self._agenda, (self.now() + delay, next(self._order), handle))
        return handle

    def next_due(self) -> float | None:
        """Seconds until the next entry is due (0 if overdue); None if the agenda is empty."""
        while self._agenda and self._agenda[0][2].action is None:
            heapq.heappop(self._agenda)
        return max(0.0, self._agenda[0][0] - self.now()) if self._agenda else None

    def skip(self, most: float) -> bool:
        """Let the time until the server's next entry pass at once if that is at most `most` seconds; whether it did."""
        entries = [(moment, handle) for moment, _, handle in self._agenda if handle.action and not handle.of_client]
        left = min((moment for moment, _ in entries), default=float("inf")) - self.now()
        if left > most:
            return False
        if left > 0:
            self._zero -= left
            self._agenda = [
                (moment + left * handle.of_client, number, handle) for moment, number, handle in self._agenda
            ]
            heapq.heapify(self._agenda)
        return True

    def run_due(self) -> None:
        """Run everything that is due, in order; called before each request and by the server's timer.

        An action that raises is logged, and the others still run, as the server must go on.
        """
        limit = self.now()
        while self._agenda and self._agenda[0][0] <= limit:
            self._due, _, handle = heapq.heappop(self._agenda)
            action, handle.action = handle.action, None
            try:
                if action is not None:
                    action()
            except Exception:  # noqa: BLE001 - one mistake of ours must not stop the clock
                _LOG.exception("something that was due broke")
            finally:
                self._due = None
