"""A client's session ends under its hands, as after a time-out or by an administrator."""

from __future__ import annotations

from typing import Any

from vcontract.client import Recorder
from vcontract.disturbances.system.disturbance import NotStruckError, Strike, StrikeContext, System
from vcontract.terms import Operation, Returned


class ExpiredSession(System, frozen=True, kw_only=True):
    """End the session of a client by SessionManager.TerminateSession; only ever one that a login of this run opened."""

    def lacks(self, context: StrikeContext) -> str:
        """Want a session that is not the disturber's own."""
        return "" if set(context.sessions) - {context.actor} else "there is no session of a client that could be ended"

    def strike(self, strike: Strike) -> dict[str, Any]:
        """End one; the client finds out by itself."""
        context = strike.context
        sessions = {actor: key for actor, key in sorted(context.sessions.items()) if actor != context.actor}
        if not sessions:
            raise NotStruckError(self.lacks(context))
        actor = strike.rng.choice(list(sessions))
        context.do(context.target.manager("sessionManager"), "TerminateSession", sessionId=[sessions[actor]])
        return {"actor": actor}


class Logins(dict[str, str]):
    """The key of the newest session of each actor, by the name of the secret that it is; it listens to a recorder."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        recorder.listeners.append(self.heard)

    def heard(self, done: Operation) -> None:
        """Learn from a login, forget with a logout."""
        if done.call.method == "Login" and isinstance(done.outcome, Returned) and isinstance(done.outcome.value, dict):
            self[done.call.actor] = str(done.outcome.value.get("key", ""))
        elif done.call.method == "Logout":
            self.pop(done.call.actor, None)
