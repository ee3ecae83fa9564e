"""A client's session ends while it is used, as by a time-out or by an administrator."""

from __future__ import annotations

from typing import Any

from vcontract._client import Recorder
from vcontract._disturbances.system.disturbance import NotStruckError, Strike, StrikeContext, System
from vcontract._terms import Operation, Returned


class ExpiredSession(System, frozen=True, kw_only=True):
    """End the session of a client by SessionManager.TerminateSession; only ever one that a login of this run opened."""

    def lacks(self, context: StrikeContext) -> str:
        """Need a session of another actor."""
        return "" if set(context.sessions) - {context.actor} else "there is no session of a client that could be ended"

    def strike(self, strike: Strike) -> dict[str, Any]:
        """End one; its client notices at its next call."""
        context = strike.context
        sessions = {actor: key for actor, key in sorted(context.sessions.items()) if actor != context.actor}
        if not sessions:
            raise NotStruckError(self.lacks(context))
        actor = strike.rng.choice(list(sessions))
        context.do(context.target.manager("sessionManager"), "TerminateSession", sessionId=[sessions[actor]])
        return {"actor": actor}


class Logins(dict[str, str]):
    """The key of the newest session of each actor, as the name of a secret; it is kept by listening to a recorder."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        recorder.listeners.append(self.heard)

    def heard(self, done: Operation) -> None:
        """Store the key of a login, drop that of a logout."""
        if done.call.method == "Login" and isinstance(done.outcome, Returned) and isinstance(done.outcome.value, dict):
            self[done.call.actor] = str(done.outcome.value.get("key", ""))
        elif done.call.method == "Logout":
            self.pop(done.call.actor, None)
