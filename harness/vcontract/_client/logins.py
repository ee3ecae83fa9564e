"""Logins at a target: one at a time of each account, and none after one was refused, for vCenter locks accounts.

This holds for all sessions of a verb, and where its processes share a folder for all of them.
"""

from __future__ import annotations

import fcntl
import threading
import time
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from vcontract._client.lasting import kind_of
from vcontract._client.offered import in_words
from vcontract._errors import RefusedLoginError
from vcontract._terms import OTHER_VERSION, TURNED_AWAY, UNSENT, Faulted, Lost, Operation, Outcome, Returned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ACCEPTED = "accepted"
_TROUBLES = frozenset({"SystemError", "HostCommunication", "RequestCanceled", OTHER_VERSION})
"""Faults of a server that could not look at the password; after any other the account counts as refused."""
_PAUSE = 0.02
"""Seconds between two looks whether another process has done with an account."""


class Logins:
    """What became of the logins of each account.

    `place` is a folder that other processes use too; without one, or on a machine that has it not, what is known stays here.
    """

    def __init__(self, place: str = "") -> None:
        self._place = Path(place) if place else None
        self._known: dict[str, str] = {}
        self._turns: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def attempt(self, url: str, username: str, once: Callable[[], Operation]) -> Operation:
        """Make a login by `once`, when no other of the account is under way; gives what came of it.

        Raises RefusedLoginError, and makes none, if one of the account was refused; or if the answer to its first one was
        lost, which may have been a refusal.
        """
        key = sha256(f"{url} {username.casefold()}".encode()).hexdigest()[:32]
        with self._turn(key):
            before = self._before(key)
            if before not in {"", _ACCEPTED}:
                raise RefusedLoginError(f"{url} refuses the login of {username}: {before}; it is not tried again")
            done = once()
            self._keep(key, _after(before, done.outcome))
            return done

    @contextmanager
    def _turn(self, key: str) -> Iterator[None]:
        """Keep other threads, and other processes, from logging the account in meanwhile."""
        with self._lock:
            turn = self._turns.setdefault(key, threading.Lock())
        with turn:
            if self._place is None or not self._place.is_dir():
                yield
                return
            with (self._place / f"{key}.lock").open("a") as file:
                while not _locked(file.fileno()):
                    time.sleep(_PAUSE)
                yield

    def _before(self, key: str) -> str:
        """Give what is known of an account: empty if nothing, _ACCEPTED, or why it must not be tried again."""
        if (known := self._known.get(key, "")) not in {"", _ACCEPTED} or self._place is None:
            return known
        try:
            return (self._place / key).read_text("utf-8")
        except FileNotFoundError:
            return known

    def _keep(self, key: str, known: str) -> None:
        self._known[key] = known
        if self._place is not None and self._place.is_dir():
            (self._place / key).write_text(known, "utf-8")


def _after(before: str, outcome: Outcome) -> str:
    """Say what is known of an account after a login."""
    if isinstance(outcome, Returned):
        return _ACCEPTED
    if isinstance(outcome, Faulted):
        return before if outcome.fault.type in _TROUBLES else in_words(outcome) or "an unknown fault"
    if before == _ACCEPTED or kind_of(outcome) in {UNSENT, TURNED_AWAY}:
        return before
    return f"the answer was lost ({_reason(outcome)}), and may have been a refusal"


def _reason(outcome: Lost) -> str:
    return " ".join(outcome.reason.split())


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
