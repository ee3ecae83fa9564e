"""A target: its schema, its sessions, and `send`, the one way in which a call reaches it."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from functools import partial
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING

import msgspec

from harness.errors import HarnessError, TargetError
from harness.schema import Schema, load, newest_shipped, parse_versions_document
from harness.target import properties
from harness.target.lasting import BUSY, Pulse, kind_of, patiently, seconds_of, turned_away
from harness.target.proxy import parse_proxy
from harness.target.recorder import Recorder
from harness.target.secrets import Secrets
from harness.target.soap import interpret
from harness.target.wire import Connection, Endpoint, HttpReply, Limits, parse_url, tls_context
from harness.terms import (
    SECRET,
    TURNED_AWAY,
    UNSENT,
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

COOKIE = "vmware_soap_session"
NOBODY = "nobody"
STRANGER = "stranger"
_MADE_UP = "00000000000000000000000000000000deadbeef"
_INSTANCE = Ref("ServiceInstance", "ServiceInstance")
_BODIES = 256
IDLE = 300.0
_SHARE, _LEAST = 5.0, 1.0
"""Seconds that an exchange gets, where it may take them, of a run that must end; and even after that end."""
Shape = Callable[[Json], Json]
Connect = Callable[[], Connection]


class _Session:
    """An actor's connection and cookie; `nobody` never has a cookie, `stranger` always a made-up one.

    `login` are the arguments with which it logged in, until it logs out. `fresh`: it had to log in again, and no call since
    was served.
    """

    def __init__(self, actor: str, connection: Connection) -> None:
        self.connection = connection
        self.login: dict[str, Json] = {}
        self.fresh = self.asking = False
        self.used = time.monotonic()
        self.cookie = f'"{_MADE_UP}"' if actor == STRANGER else ""
        self._fixed = actor in {NOBODY, STRANGER}

    def heard(self, call: Call, outcome: Outcome) -> None:
        """Note what an answer says of the session."""
        self.used = time.monotonic()
        if call.method == "Login" and isinstance(outcome, Returned):
            self.login = call.arguments
        elif call.method == "Logout":
            self.login = {}
        elif not isinstance(outcome, Lost) and not unauthenticated(outcome) and not self.asking:
            self.fresh = False

    def note(self, reply: HttpReply) -> None:
        """Take the cookie that the server sets; Secure is not heeded, loopback HTTP has no better channel."""
        for name, value in reply.headers:
            if name != "set-cookie" or self._fixed:
                continue
            try:
                jar = SimpleCookie(value)
            except CookieError:
                continue
            if COOKIE in jar:
                self.cookie = jar[COOKIE].coded_value


class Target:
    """A server that answers calls; each actor has a session and a connection of its own.

    `content` is the decoded ServiceContent, `about` its AboutInfo. Different actors may be used by different threads.

    A session that ended by itself, as a vCenter's do after 30 idle minutes, is opened again when its actor is told so, and
    looked after before a judged call if it was idle for `IDLE` seconds; `renewed` names the actors to whom that happened.
    No exchange lasts longer than `patience` seconds, or than a quarter of what is left until `ends` (a moment of
    time.monotonic). `pulse` tells when the target is gone.
    """

    def __init__(
        self, endpoint: Endpoint, schema: Schema, recorder: Recorder, secrets: Secrets, connect: Connect
    ) -> None:
        self.url = endpoint.url
        self.schema = schema
        self.recorder = recorder
        self.secrets = secrets
        self.content: dict[str, Json] = {}
        self._path = endpoint.path
        self._connect = connect
        self._sessions: dict[str, _Session] = {}
        self._bodies: dict[tuple[str, Ref, bytes], bytes] = {}
        self.patience = self.ends = math.inf
        self.renewed: list[str] = []
        self.pulse = Pulse()
        self._lock = threading.Lock()

    @classmethod
    def open(  # noqa: PLR0913 - what a user may say of the way to a target
        cls,
        url: str,
        *,
        wsdl: str | Path | None = None,
        insecure: bool = False,
        ca_file: str | None = None,
        recorder: Recorder | None = None,
        secrets: Secrets | None = None,
        limits: Limits | None = None,
        proxy: str = "",
    ) -> Target:
        """Reach a target, choose the newest shipped schema that it offers (or take `wsdl`), read its ServiceContent.

        `proxy` is that on the way, `http://HOST:PORT`; empty: none. Raises TargetError, with a line that says what to do,
        if it is dead, busy, not trusted or no vCenter; UsageError for an unusable URL, CA file or WSDL.
        """
        endpoint = parse_url(url)
        tls = tls_context(insecure=insecure, ca_file=ca_file) if endpoint.secure else None
        connect = partial(Connection, endpoint, tls, limits, parse_proxy(proxy))
        schema = load(wsdl) if wsdl is not None else _offered_schema(endpoint, connect())
        target = cls(endpoint, schema, recorder or Recorder(), secrets or Secrets(), connect)
        outcome = target.send(Call(_INSTANCE, "RetrieveServiceContent", Arguments({}), NOBODY)).outcome
        if not isinstance(outcome, Returned) or not isinstance(outcome.value, dict):
            target.close()
            raise TargetError(f"{endpoint.url} gave no ServiceContent: {_in_words(outcome)}")
        target.content = outcome.value
        return target

    @property
    def api_version(self) -> str:
        """The wire version of every call."""
        return self.schema.api_version

    @property
    def about(self) -> dict[str, Json]:
        """The AboutInfo of the target: fullName, version, build, apiVersion and others."""
        found = self.content.get("about")
        return found if isinstance(found, dict) else {}

    def manager(self, name: str) -> Ref:
        """Give a manager by its name in ServiceContent; TargetError if the target has none."""
        found = as_ref(self.content.get(name))
        if found is None:
            raise TargetError(f"{self.url} has no {name} (API {self.api_version})")
        return found

    def login(self, actor: str, username: str, password_secret: str) -> Operation:
        """Open the actor's session with a named secret; raises TargetError if it is refused."""
        name = SECRET + password_secret.removeprefix(SECRET)
        self.forget(actor)
        arguments = Arguments({"userName": username, "password": name})
        done = self.send(Call(self.manager("sessionManager"), "Login", arguments, actor), purpose="arrange")
        if not isinstance(done.outcome, Returned):
            raise TargetError(f"{self.url} refuses the login of {username}: {_in_words(done.outcome)}")
        return done

    def logout(self, actor: str) -> Operation:
        """End the actor's session; its cookie is kept, so that later calls show what an ended session gets."""
        call = Call(self.manager("sessionManager"), "Logout", Arguments({}), actor)
        return self.send(call, purpose="arrange")

    def forget(self, actor: str) -> None:
        """Drop an actor's connection and cookie without a word to the server."""
        with self._lock:
            session = self._sessions.pop(actor, None)
        if session is not None:
            session.connection.close()

    def close(self) -> None:
        """Close every connection."""
        for actor in list(self._sessions):
            self.forget(actor)

    def send(self, call: Call, purpose: str = "read", cell: str = "", *, shape: Shape | None = None) -> Operation:
        """Send a call and record it, before the bytes leave and after the answer.

        `shape` makes a returned value compact before it is recorded. Whatever the server does is a value, never an
        exception; SchemaError if the arguments cannot be serialised. A read is sent again while the server is busy, and
        once if it left on a connection that the server was closing. Reads and arranging calls are sent again, once, if
        their session had ended (oracle rule A13): then nothing was done.
        """

        def once() -> tuple[Operation, float]:
            return self._once(call, purpose, cell, shape)

        def busy(made: tuple[Operation, float]) -> float | None:
            return made[1] if kind_of(made[0].outcome) == TURNED_AWAY else None

        session = self._session(call.actor)
        if purpose == "judge" and session.login and time.monotonic() - session.used > IDLE:
            self._renew(call)
        done, _ = patiently(once, busy, self.left) if purpose == "read" else once()
        if purpose == "read" and not done.status and isinstance(done.outcome, Lost) and not kind_of(done.outcome):
            done, _ = once() if self._session(call.actor).connection.reused else (done, 0.0)
        if unauthenticated(done.outcome) and self._renew(call) and purpose != "judge":
            done, _ = once()
        return done

    @property
    def left(self) -> float:
        """The seconds until the run ends."""
        return self.ends - time.monotonic()

    def _renew(self, call: Call) -> bool:
        """Log an actor in again whose session has ended; False if it lives, never was, or cannot be opened again."""
        session = self._session(call.actor)
        own = {"cookie"} & {each.lower() for each in getattr(call.payload, "headers", ())}
        if not session.login or session.asking or own:
            return False
        session.asking = True
        asked = properties.read(self, call.actor, self.manager("sessionManager"), ["currentSession"])
        session.asking = False
        if isinstance(asked.outcome, Lost) or session.fresh or shows_session(asked.outcome):
            return False
        try:
            self.login(call.actor, session.login["userName"], session.login["password"])
        except TargetError as error:
            self.pulse.stopped = f"the session of {session.login['userName']} has ended: {error}"
            return False
        self._session(call.actor).fresh = True
        self.renewed.append(call.actor)
        return True

    def _once(self, call: Call, purpose: str, cell: str, shape: Shape | None) -> tuple[Operation, float]:
        """Send a call once; gives with the operation the seconds for which a busy server wants to be left alone."""
        session = self._session(call.actor)
        headers = {
            "Content-Type": "text/xml; charset=utf-8",
            "SOAPAction": f'"{self.schema.soap_action}"',
        }
        if session.cookie:
            headers["Cookie"] = f"{COOKIE}={session.cookie}"
        pacing: tuple[float, ...] = ()
        if isinstance(call.payload, Envelope):
            body, pacing = call.payload.body, call.payload.pacing
            given = {name.lower() for name in call.payload.headers}
            headers = {name: value for name, value in headers.items() if name.lower() not in given}
            headers |= call.payload.headers
        else:
            body = self._serialised(call, call.payload, again=purpose == "read")
        body = self.secrets.resolve(body)
        invoke = self.recorder.invoke(call, purpose, cell)
        share = max(self.left / 4, min(self.left, _SHARE), _LEAST)  # a call that hangs leaves something for others
        reply = session.connection.post(self._path, body, headers, pacing, min(self.patience, share))
        ended = self.recorder.now()
        if isinstance(reply, Lost):
            self.pulse.heard(call.method, reply)
            return self.recorder.answer(invoke, ended, reply), 0.0
        session.note(reply)
        outcome, problems = interpret(self.schema, call.method, reply)
        if away := turned_away(reply, outcome, purpose):
            outcome, problems = away, ()
        if shape is not None and isinstance(outcome, Returned):
            outcome = Returned(shape(outcome.value))
        self.pulse.heard(call.method, outcome)
        session.heard(call, outcome)
        problems = tuple(self.secrets.redact(each) for each in (*problems, *self.secrets.repeated(reply.body)))
        done = self.recorder.answer(invoke, ended, self._redacted(outcome), status=reply.status, problems=problems)
        return done, seconds_of(reply)

    def _serialised(self, call: Call, payload: Arguments, *, again: bool) -> bytes:
        """Serialise a call; what is read over and over is serialised once."""
        if not again:
            return self.schema.request(call.method, call.object, payload.values)
        key = (call.method, call.object, msgspec.json.encode(payload))
        body = self._bodies.get(key)
        if body is None:
            if len(self._bodies) >= _BODIES:
                self._bodies.clear()
            body = self._bodies[key] = self.schema.request(call.method, call.object, payload.values)
        return body

    def _session(self, actor: str) -> _Session:
        with self._lock:
            if actor not in self._sessions:
                self._sessions[actor] = _Session(actor, self._connect())
                self._sessions[actor].connection.met = bool(self.content)
            return self._sessions[actor]

    def _redacted(self, outcome: Outcome) -> Outcome:
        if isinstance(outcome, Returned):
            return Returned(self.secrets.redact_value(outcome.value))
        if isinstance(outcome, Lost):
            return Lost(self.secrets.redact(outcome.reason))
        fault = outcome.fault
        clean = type(fault)(fault.type, self.secrets.redact_value(fault.fields), self.secrets.redact(fault.message))
        return Faulted(clean, outcome.channel)


def _offered_schema(endpoint: Endpoint, connection: Connection) -> Schema:
    path = f"{endpoint.path}/vimServiceVersions.xml"
    reply = patiently(
        lambda: connection.get(path),
        lambda got: seconds_of(got) if isinstance(got, HttpReply) and got.status in BUSY else None,
        math.inf,
    )
    connection.close()
    if isinstance(reply, Lost):
        reason = reply.reason.removeprefix(UNSENT) + _advice(reply.reason)
        raise TargetError(f"{endpoint.url} cannot be reached: {reason}")
    if reply.status in BUSY:
        raise TargetError(f"{endpoint.url} is too busy: {path} has status {reply.status}; try again later")
    if reply.status != 200:
        raise TargetError(f"{endpoint.url} is no vCenter: {path} has status {reply.status}{_elsewhere(reply)}")
    try:
        offered = parse_versions_document(reply.body)
    except HarnessError as error:
        raise TargetError(f"{endpoint.url} is no vCenter: {path} is no list of versions: {error}") from error
    version = newest_shipped(offered)
    if version is None:
        raise TargetError(f"{endpoint.url} offers API {', '.join(offered) or 'nothing'}; no WSDL shipped here fits")
    return load(version)


def _advice(reason: str) -> str:
    if "certificate not trusted" in reason:
        return "; give the CA that signed it, or --insecure to accept any"
    if "WRONG_VERSION_NUMBER" in reason:
        return "; does it speak http instead of https?"
    return ""


def _elsewhere(reply: HttpReply) -> str:
    return f", it points to {reply.header('location')}" if reply.header("location") else ""


def _in_words(outcome: Outcome) -> str:
    if isinstance(outcome, Faulted):
        return f"{outcome.fault.type}: {outcome.fault.message}".replace("\n", " ").rstrip(": ")
    return outcome.reason if isinstance(outcome, Lost) else "an empty reply"
