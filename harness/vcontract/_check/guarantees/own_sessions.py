"""Checks that sessions do not leak into each other: each client has the identity and the privileges of its own login.

What the VM's own history leaves out (calls refused for their session or privilege) is judged here.
"""

from __future__ import annotations

from collections.abc import Mapping

from vcontract._check.guarantees.breach import Breach
from vcontract._check.guarantees.task_lives import TaskLives
from vcontract._check.promises import account_name
from vcontract._contract import Contract
from vcontract._model import Facts
from vcontract._terms import Faulted, Grade, Json, Operation, Returned, subject

_DENIED = "NoPermission"
_HELD, _NOWHERE = "held", "nowhere"


class OwnSessions:
    """Holds what each client is told of its session, and what it may, against its own login."""

    name = "own-sessions"

    def __init__(self, facts: Facts, contract: Contract) -> None:
        self.judged = 0
        self.breaches: list[Breach] = []
        self._facts = facts
        self._privileges = {method.name: tuple(method.privileges) for method in contract.methods}
        self._may: dict[tuple[str, str], str] = {}
        self._keys: dict[str, str] = {}
        self._owners: dict[str, str] = {}

    def feed(self, operation: Operation, lives: TaskLives) -> None:
        """Take one operation."""
        if lives.read is not None:
            ref, values = lives.read
            if ref.type == "SessionManager" and values:
                self._current(operation, values.get("currentSession"))
        elif operation.call.method in self._privileges:
            self._allowed(operation)
        elif operation.call.method == "Login":
            self._login(operation)

    def close(self, lives: TaskLives) -> None:
        """Take the end of the history: nothing more is to be said."""

    def _login(self, operation: Operation) -> None:
        outcome, actor = operation.outcome, operation.call.actor
        value = outcome.value if isinstance(outcome, Returned) else None
        key = str(value.get("key", "")) if isinstance(value, Mapping) else ""
        if not key:
            return
        self.judged += 1
        other = self._owners.get(key, actor)
        if other != actor and self._keys.get(other) == key:
            why = f"key: the new session of {actor} has the key of that of {other}"
            self._say(operation, Grade.PROTOCOL, "OK", "a session of its own", "key", why)
        self._keys[actor], self._owners[key] = key, actor

    def _current(self, operation: Operation, session: Json) -> None:
        actor = operation.call.actor
        if not isinstance(session, Mapping) or actor not in self._keys:
            return
        self.judged += 1
        key, user = str(session.get("key", "")), account_name(str(session.get("userName", "")))
        other = self._owners.get(key)
        if key != self._keys[actor] and other is not None and other != actor:
            why = f"currentSession: {actor} is shown the session of {other}"
            self._say(operation, Grade.PROTOCOL, "OK", "its own session", "currentSession.key", why)
        elif user and actor in self._facts.sessions and user != account_name(self._facts.sessions[actor]):
            why = f"currentSession: {actor} logged in as {self._facts.sessions[actor]} and is {user}"
            self._say(operation, Grade.PROTOCOL, "OK", "its own session", "currentSession.userName", why)

    def _allowed(self, operation: Operation) -> None:
        outcome, method, actor = operation.outcome, operation.call.method, operation.call.actor
        may = self._may.get((actor, method))
        if may is None:
            may = self._may[actor, method] = self._known(actor, method)
        if isinstance(outcome, Faulted) and outcome.fault.type == _DENIED:
            self.judged += 1
            if may == _HELD:
                why = f"{actor} has the privileges of {method} and is refused"
                self._say(operation, Grade.SPURIOUS, _DENIED, "no NoPermission", "", why, "call")
        elif isinstance(outcome, Returned) and may:
            self.judged += 1
            if may == _NOWHERE:
                why = f"{actor} lacks a privilege of {method} and is let through"
                self._say(operation, Grade.MISSING, "OK", _DENIED, "", why)

    def _known(self, actor: str, method: str) -> str:
        """Say whether an actor has all the privileges of a method, or lacks one; empty if that is not known."""
        held = self._facts.privileges.get(self._facts.sessions.get(actor, ""), {})
        known = {held.get(privilege, "") for privilege in self._privileges[method]}
        return _NOWHERE if _NOWHERE in known else _HELD if known == {_HELD} else ""

    def _say(  # all that a breach of a session is made of
        self,
        operation: Operation,
        grade: Grade,
        observed: str,
        expected: str,
        field: str,
        why: str,
        channel: str = "",
    ) -> None:
        method, vm = operation.call.method, subject(operation.call)
        self.breaches.append(Breach(operation.op, method, vm, grade, expected, observed, why, channel, field))
