"""What passed the gate: each call with what was done to it, without a secret; and what is known of the tasks injected."""

from __future__ import annotations

import threading
import time

import msgspec

from vcontract._inject.choosing import Strike

READS = frozenset(
    {
        "Fetch", "RetrieveProperties", "RetrievePropertiesEx", "WaitForUpdates", "WaitForUpdatesEx", "CheckForUpdates",
        "CreateFilter", "ContinueRetrievePropertiesEx",
    }
)  # fmt: skip


class Passed(msgspec.Struct):
    """A call that came: its number, seconds since the gate opened, session (a number; 0: none), method, VM.

    `strike` is what was done to it. `outcome` is `returned`, the type of a fault, `lost`, or an HTTP status; `task` the
    task that it was given.
    """

    number: int
    time: float
    session: int
    method: str
    vm: str
    strike: Strike | None = None
    outcome: str = ""
    task: str = ""


class Watched(msgspec.Struct):
    """A task that was injected: how often it was read, how often after its end, and whether somebody tried to cancel it."""

    reads: int = 0
    after_end: int = 0
    cancelled: bool = False


class Journal:
    """Keeps what passed, for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._zero = time.monotonic()
        self._passed: list[Passed] = []
        self._sessions: dict[str, int] = {}
        self._ended: set[int] = set()
        self._logins = 0
        self.watched: dict[str, Watched] = {}

    @property
    def passed(self) -> tuple[Passed, ...]:
        """Every call so far."""
        with self._lock:
            return tuple(self._passed)

    def came(self, method: str, vm: str, cookie: str) -> Passed:
        """Note a call."""
        with self._lock:
            new = Passed(len(self._passed) + 1, time.monotonic() - self._zero, self._number(cookie), method, vm)
            self._passed.append(new)
            return new

    def logged_in(self, call: Passed, cookie: str) -> None:
        """Note that a call began a session."""
        with self._lock:
            call.session = self._number(cookie)
            self._ended.discard(call.session)

    def logged_out(self, call: Passed) -> None:
        """Note that a call ended its session."""
        with self._lock:
            self._ended.add(call.session)

    def open_sessions(self) -> frozenset[int]:
        """Give the sessions that were used and not logged out."""
        with self._lock:
            return frozenset(self._sessions.values()) - self._ended

    def watch(self, moid: str) -> None:
        """Follow what is read of a task."""
        with self._lock:
            self.watched[moid] = Watched()

    def read(self, moid: str, *, ended: bool, cancels: bool) -> None:
        """Note that a client asked about a task."""
        with self._lock:
            seen = self.watched.setdefault(moid, Watched())
            seen.reads += not cancels
            seen.after_end += ended and not cancels
            seen.cancelled = seen.cancelled or cancels

    def _number(self, cookie: str) -> int:
        """Give the number of a session; the cookie itself stays in memory, and is told to nobody."""
        return self._sessions.setdefault(cookie, len(self._sessions) + 1) if cookie else 0
