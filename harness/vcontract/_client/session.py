"""A target: its schema, its sessions, and `send`, the one way in which a call reaches it."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from vcontract._client import properties
from vcontract._client.actors import COOKIE, NOBODY, Connect, Session
from vcontract._client.bodies import Bodies, Varies
from vcontract._client.exchanges.recent import RecentExchanges
from vcontract._client.lasting import Pulse, kind_of, patiently, seconds_of, turned_away, was_cut
from vcontract._client.logins import Logins
from vcontract._client.long_replies import shortened
from vcontract._client.offered import in_words, listed_versions, offered_schema, refused_version, versions
from vcontract._client.pacing import Pacing
from vcontract._client.proxy import parse_proxy
from vcontract._client.recorder import Recorder
from vcontract._client.recording import PAIR, POST, SESSION, Passed, Tape
from vcontract._client.secret_bodies import without_fields, without_hidden
from vcontract._client.secret_fields import Hidden, veiled
from vcontract._client.secrets import Secrets
from vcontract._client.soap import OperationIds, interpret
from vcontract._client.trust import Trust, tls_context
from vcontract._client.wire import Connection, Endpoint, HttpReply, Limits, parse_url
from vcontract._errors import TargetError
from vcontract._schema import Schema, load
from vcontract._terms import (
    SECRET,
    TURNED_AWAY,
    Arguments,
    Call,
    Envelope,
    Faulted,
    Json,
    Lost,
    Operation,
    Outcome,
    Ref,
    Returned,
    as_ref,
    shows_session,
    unauthenticated,
)

if TYPE_CHECKING:
    from pathlib import Path

    from vcontract._client.guard import Guard

_INSTANCE = Ref("ServiceInstance", "ServiceInstance")
_READ = "RetrievePropertiesEx"
"""The method without which nothing can be known of a target."""
IDLE = 300.0
_SHARE, _LEAST = 5.0, 1.0
"""Seconds that an exchange gets near the end of a run, if so many are left, and that it gets even after that end."""
_LONG_POLL = "WaitForUpdatesEx"
"""A call that a proxy may cut as it waits for news: whoever made it looks for himself then."""
Shape = Callable[[Json], Json]


class Target:
    """A server that answers calls; each actor has a session and a connection of its own.

    `content` is the decoded ServiceContent, `about` its AboutInfo, `versions` the API versions that it lists (empty: it was not
    asked, because a WSDL was given). Different actors may be used by different threads.

    A session that ended by itself, as a vCenter's do after 30 idle minutes, is opened again once a call is refused for that,
    and before a judged call if it was idle for `IDLE` seconds and has ended; `renewed` lists the actors of these logins,
    `denied` those that were told that they have none while `currentSession` showed one.
    No exchange lasts longer than `patience` seconds, or than a quarter of what is left until `ends` (a moment of
    the recorder; `late` says why nothing is to be waited for after it). `pulse` tells when the target is gone. If there is
    a `guard`, each call must be admitted by it.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        schema: Schema,
        recorder: Recorder,
        secrets: Secrets,
        connect: Connect,
        pacing: Pacing,
        tape: Tape | None = None,
    ) -> None:
        self.url = endpoint.url
        self.schema = schema
        self.recorder = recorder
        self.secrets = secrets
        self.logins = Logins()
        self.pacing = pacing
        pacing.stopped = recorder.stopping
        self._turn = pacing if pacing.limited else nullcontext()
        self.operation_ids = OperationIds()
        self.content: dict[str, Json] = {}
        self.versions: tuple[str, ...] = ()
        self.guard: Guard | None = None
        self._path = endpoint.path
        self._connect = connect
        self._tape, self.exchanges = tape, RecentExchanges(secrets)
        self._sessions: dict[str, Session] = {}
        self._bodies = Bodies(schema)
        self.patience = self.ends = math.inf
        self.late = ""
        self.renewed: list[str] = []
        self.denied: list[str] = []
        self.pulse = Pulse()
        self._lock = threading.Lock()

    @classmethod
    def open(  # noqa: PLR0913 - all that there is to say of a server, each by name
        cls,
        url: str,
        *,
        wsdl: str | Path | None = None,
        trust: Trust | None = None,
        recorder: Recorder | None = None,
        secrets: Secrets | None = None,
        limits: Limits | None = None,
        connect: Connect | None = None,
        tape: Tape | None = None,
        pacing: Pacing | None = None,
        proxy: str = "",
        logins: Logins | None = None,
        run: str = "",
    ) -> Target:
        """Reach a target, choose the newest schema that it offers (or take `wsdl`), read its ServiceContent.

        `connect` takes the place of the network; `tape` records every exchange; `proxy` is that on the way,
        `http://HOST:PORT` (empty: none); `logins` know what became of those at other targets of a verb; the mark `run` names
        requests, unless the server answers only unnamed ones. Raises TargetError, with a line that says what to do, if it is
        dead, busy, not trusted or no vCenter; UsageError for an unusable URL, CA file, proxy or WSDL.
        """
        endpoint = parse_url(url)
        if connect is None:
            tls = tls_context(trust or Trust()) if endpoint.secure else None
            wire = partial(Connection, endpoint, trust, limits, parse_proxy(proxy), tls=tls)
            connect = lambda _: wire()  # noqa: E731 - on the wire all actors' connections are alike
        pacing = pacing or Pacing()
        listed: tuple[str, ...] = ()
        if wsdl is None:
            listed = listed_versions(endpoint, versions(endpoint, connect(NOBODY), pacing, tape))
        schema = load(wsdl) if wsdl is not None else offered_schema(endpoint, listed)
        target = cls(endpoint, schema, recorder or Recorder(), secrets or Secrets(), connect, pacing, tape)
        target.logins = logins or target.logins
        target.versions = listed
        target.operation_ids = OperationIds(run)
        asked = Call(_INSTANCE, "RetrieveServiceContent", Arguments({}), NOBODY)
        outcome = target.operation_ids.tried(lambda: target.send(asked).outcome)
        if not isinstance(outcome, Returned) or not isinstance(outcome.value, dict):
            target.close()
            why = refused_version(outcome, "RetrieveServiceContent", schema.api_version) or in_words(outcome)
            raise TargetError(f"{endpoint.url} gave no ServiceContent: {why}")
        target.content = outcome.value
        return target

    @property
    def api_version(self) -> str:
        """The wire version of every call."""
        return self.schema.api_version

    @property
    def about(self) -> dict[str, Json]:
        """The AboutInfo of the target: fullName, version, build, apiVersion and others."""
        about = self.content.get("about")
        return about if isinstance(about, dict) else {}

    @property
    def over(self) -> str:
        """The reason why the target can answer no further call; empty if it may."""
        return next((session.connection.over for session in self._sessions.values() if session.connection.over), "")

    def manager(self, name: str) -> Ref:
        """Give a manager by its name in ServiceContent; TargetError if the target has none."""
        manager = as_ref(self.content.get(name))
        if manager is None:
            raise TargetError(f"{self.url} has no {name} (API {self.api_version})")
        return manager

    def login(self, actor: str, username: str, password_secret: str) -> Operation:
        """Open the actor's session with a named secret; raises TargetError if it is refused.

        After a refusal no further login of the account is sent: RefusedLoginError.
        """
        name = SECRET + password_secret.removeprefix(SECRET)
        self.forget(actor)
        arguments = Arguments({"userName": username, "password": name})
        call = Call(self.manager("sessionManager"), "Login", arguments, actor)
        done = self.logins.attempt(self.url, username, lambda: self.send(call, purpose="arrange"))
        if not isinstance(done.outcome, Returned):
            why = refused_version(done.outcome, "Login", self.api_version) or in_words(done.outcome)
            raise TargetError(f"{self.url} refuses the login of {username}: {why}")
        return done

    def logout(self, actor: str) -> Operation:
        """End the actor's session; its cookie is kept, so that later calls show what an ended session gets."""
        call = Call(self.manager("sessionManager"), "Logout", Arguments({}), actor)
        return self.send(call, purpose="arrange")

    def forget(self, actor: str) -> None:
        """Drop an actor's connection and cookie without a request to the server."""
        with self._lock:
            session = self._sessions.pop(actor, None)
        if session is not None:
            session.connection.close()

    def close(self) -> None:
        """Close every connection."""
        for actor in list(self._sessions):
            self.forget(actor)

    def send(
        self, call: Call, purpose: str = "read", cell: str = "", *, shape: Shape | None = None, varies: Varies = ()
    ) -> Operation:
        """Send a call and record it, before the bytes leave and after the answer.

        `shape` makes a returned value compact before it is recorded; `varies` are texts in the arguments by which alone
        calls differ, as Bodies has it. Whatever the server does is a value, never an exception; SchemaError if the arguments
        cannot be serialised, SpentError if the target's pacing allows no more, HaltedError if the guard does not let the call
        leave. A read is sent again while the server is busy, or closes connections without a reply. Reads and
        arranging calls are sent again, once, if their session had ended (oracle rule A13), or lives and was denied by somebody
        in front of the server: in both cases nothing was done.
        """
        patient = purpose == "read" and call.method != _LONG_POLL

        def once() -> tuple[Operation, float]:
            return self._once(call, purpose, cell, shape, varies)

        def busy(made: tuple[Operation, float]) -> float | None:
            away = kind_of(made[0].outcome) == TURNED_AWAY or was_cut(made[0].outcome)
            return made[1] if away else None

        def at_once() -> tuple[Operation, float]:
            """Send it; a second time without a pause if it left on a connection that the server was closing."""
            made = once()
            return once() if was_cut(made[0].outcome) and self._session(call.actor).connection.reused else made

        if self.guard is not None:
            self.guard.admit(self, call)
        session = self._session(call.actor)
        if purpose == "judge" and session.login and time.monotonic() - session.used > IDLE:
            self._has_session(call)
        done, _ = patiently(at_once, busy, self.left, self.recorder.stopping) if patient else once()
        if unauthenticated(done.outcome) and self._has_session(call) and purpose != "judge":
            done, _ = once()
        if self.guard is not None:
            self.guard.heard(done)
        return done

    def guard_with(self, guard: Guard) -> None:
        """Have a guard admit each further call before it is sent."""
        self.guard = guard

    def expect_losses(self, calm: int) -> None:
        """Multiply the number of answers lost in a row after which the target counts as gone."""
        self.pulse = Pulse(calm)

    def end_at(self, moment: float, patience: float = math.inf, late: str = "") -> None:
        """Set the moment of the recorder's clock at which the run ends, and the seconds that an exchange may last.

        `late` says why nothing more is to be waited for, or arranged, after that moment; empty: something may.
        """
        self.ends, self.patience, self.late = moment, patience, late

    @property
    def left(self) -> float:
        """The seconds until the run ends."""
        return self.ends - self.recorder.now()

    def _has_session(self, call: Call) -> bool:
        """Whether the actor of a call has a session, perhaps a new one: it is logged in again, once, if its session has ended.

        False if it never had one, just got one, or the login is refused.
        """
        session = self._session(call.actor)
        own = {"cookie"} & {name.lower() for name in getattr(call.payload, "headers", ())}
        if not session.login or session.asking or own:
            return False
        session.asking = True
        asked = properties.read(self, call.actor, self.manager("sessionManager"), ["currentSession"])
        session.asking = False
        if isinstance(asked.outcome, Lost) or session.fresh:
            return False
        if shows_session(asked.outcome):
            self.denied.append(call.actor)
            return True
        try:
            self.login(call.actor, session.login["userName"], session.login["password"])
        except TargetError as error:
            self.pulse.stopped = f"the session of {session.login['userName']} has ended: {error}"
            return False
        self._session(call.actor).fresh = True
        self.renewed.append(call.actor)
        return True

    def _once(
        self, call: Call, purpose: str, cell: str, shape: Shape | None, varies: Varies
    ) -> tuple[Operation, float]:
        """Send a call once; gives the operation, and the seconds that a busy server asks to wait."""
        session = self._session(call.actor)
        headers = {
            "Content-Type": "text/xml; charset=utf-8",
            "SOAPAction": f'"{self.schema.soap_action}"',
        }
        if session.cookie:
            headers["Cookie"] = f"{COOKIE}={session.cookie}"
        if isinstance(call.payload, Envelope):
            body, pacing = call.payload.body, call.payload.pacing
            own = {name.lower() for name in call.payload.headers}
            headers = {name: value for name, value in headers.items() if name.lower() not in own}
            headers |= call.payload.headers
        else:
            body, pacing = self._bodies.body(call, call.payload, varies, again=purpose == "read"), ()
        sent = self.secrets.resolve(body, call.method)
        with self._turn:
            invoke = self.recorder.invoke(call, purpose, cell)
            share = max(self.left / 4, min(self.left, _SHARE), _LEAST)  # a call that hangs leaves something for others
            named = self.operation_ids.named(sent, invoke.op)
            reply = session.connection.post(self._path, named, headers, pacing, min(self.patience, share))
            ended = self.recorder.now()
        outcome, problems, shown, searched = self._understood(call.method, session, reply)
        passed = Passed(call.actor, POST, self._path, invoke.time, ended, shown, headers, body)
        self.exchanges.heard(invoke.op, passed)
        if self._tape is not None:
            self._tape.keep(passed)
        if isinstance(reply, Lost):
            self.pulse.heard(call.method, reply)
            return self.recorder.answer(invoke, ended, outcome), 0.0
        if away := turned_away(reply, outcome, purpose):
            outcome, problems = away, ()
        if shape is not None and isinstance(outcome, Returned):
            outcome = Returned(shape(outcome.value))
        self.pulse.heard(call.method, outcome)
        if call.method == _READ and (why := refused_version(outcome, _READ, self.api_version)):
            self.pulse.stopped = f"the target cannot be read: {why}"
        session.heard(call, outcome)
        if isinstance(outcome, Lost) or not self.secrets.covers(searched):
            outcome = self.secrets.redact_outcome(outcome)
        done = self.recorder.answer(invoke, ended, outcome, status=reply.status, problems=problems)
        return done, seconds_of(reply)

    def _understood(
        self, method: str, session: Session, reply: HttpReply | Lost
    ) -> tuple[Outcome, tuple[str, ...], HttpReply | Lost, int]:
        """Read a reply; gives the outcome, the problems, and the reply as a recording may keep it, without secrets.

        The last is how many secrets no text of the outcome can hold, as `Secrets.cleaned` says it.
        """
        if isinstance(reply, Lost):
            return self.secrets.redact_outcome(reply), (), reply, 0
        if cookies := [value for name, value in reply.headers if name == "set-cookie"]:
            session.note(cookies)
            for pair in filter(
                None, map(PAIR.match, cookies)
            ):  # also of those who take none: it is a session all the same
                self.secrets.learn(pair[3], SESSION)
        repeated = self.secrets.repeated(reply.body)
        body, searched = self.secrets.cleaned(shortened(reply.body))
        if body is not reply.body:
            reply = msgspec.structs.replace(reply, body=body)
        types: set[str] = set()
        read, problems = interpret(self.schema, method, reply, types)
        outcome, hidden = self._veiled(method, read, types)
        body = without_hidden(reply.body, hidden)
        if isinstance(outcome, Lost) or problems:
            body = without_fields(body, everyday=isinstance(outcome, Lost))
        if body is not reply.body:
            reply = msgspec.structs.replace(reply, body=body)
        return outcome, tuple(self.secrets.redact(problem) for problem in (*problems, *repeated)), reply, searched

    def _veiled(self, method: str, outcome: Outcome, types: set[str]) -> tuple[Outcome, list[Hidden]]:
        """Replace the values of secret fields in an outcome by names; gives it and what was hidden."""
        if isinstance(outcome, Returned):
            value, hidden = veiled(method, outcome.value, self.secrets.learn, types)
            return Returned(value), hidden
        if isinstance(outcome, Lost):
            return outcome, []
        fault = outcome.fault
        fields, hidden = veiled("", {"_typeName": fault.type, **fault.fields}, self.secrets.learn, types)
        del fields["_typeName"]
        return Faulted(msgspec.structs.replace(fault, fields=fields), outcome.channel), hidden

    def _session(self, actor: str) -> Session:
        with self._lock:
            if actor not in self._sessions:
                self._sessions[actor] = Session(actor, self._connect(actor))
                self._sessions[actor].connection.met = bool(self.content)
                self._sessions[actor].connection.stopped = self.recorder.stopping
            return self._sessions[actor]
