"""A target: its schema, its sessions, and `send`, the one way in which a call reaches it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING

import msgspec

from harness.errors import HarnessError, TargetError
from harness.schema import Schema, load, newest_shipped, parse_versions_document
from harness.target.recorder import Recorder
from harness.target.secrets import Secrets
from harness.target.soap import interpret
from harness.target.wire import UNSENT, Connection, Endpoint, HttpReply, Limits, parse_url, tls_context
from harness.terms import (
    SECRET,
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
)

if TYPE_CHECKING:
    from pathlib import Path

    from harness.target.guard import Guard

COOKIE = "vmware_soap_session"
NOBODY = "nobody"
STRANGER = "stranger"
_MADE_UP = "00000000000000000000000000000000deadbeef"
_INSTANCE = Ref("ServiceInstance", "ServiceInstance")
_BODIES = 256
Shape = Callable[[Json], Json]
Connect = Callable[[], Connection]


class _Session:
    """An actor's connection and cookie; `nobody` never has a cookie, `stranger` always a made-up one."""

    def __init__(self, actor: str, connection: Connection) -> None:
        self.connection = connection
        self.cookie = f'"{_MADE_UP}"' if actor == STRANGER else ""
        self._fixed = actor in {NOBODY, STRANGER}

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
    With a `guard` no call leaves that it does not admit; who sets none sends what he likes.
    """

    def __init__(
        self, endpoint: Endpoint, schema: Schema, recorder: Recorder, secrets: Secrets, connect: Connect
    ) -> None:
        self.url = endpoint.url
        self.schema = schema
        self.recorder = recorder
        self.secrets = secrets
        self.content: dict[str, Json] = {}
        self.guard: Guard | None = None
        self._path = endpoint.path
        self._connect = connect
        self._sessions: dict[str, _Session] = {}
        self._bodies: dict[tuple[str, Ref, bytes], bytes] = {}
        self._lock = threading.Lock()

    @classmethod
    def open(
        cls,
        url: str,
        *,
        wsdl: str | Path | None = None,
        insecure: bool = False,
        ca_file: str | None = None,
        recorder: Recorder | None = None,
        secrets: Secrets | None = None,
        limits: Limits | None = None,
    ) -> Target:
        """Reach a target, choose the newest shipped schema that it offers (or take `wsdl`), read its ServiceContent.

        Raises TargetError, with a line that says what to do, if it is dead, not trusted or no vCenter; UsageError for
        an unusable URL, CA file or WSDL.
        """
        endpoint = parse_url(url)
        tls = tls_context(insecure=insecure, ca_file=ca_file) if endpoint.secure else None
        connect = partial(Connection, endpoint, tls, limits)
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
        exception; SchemaError if the arguments cannot be serialised, HaltedError if the guard does not let the call leave.
        """
        if self.guard is not None:
            self.guard.admit(self, call)
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
        reply = session.connection.post(self._path, body, headers, pacing)
        ended = self.recorder.now()
        if isinstance(reply, Lost):
            return self.recorder.answer(invoke, ended, reply)
        session.note(reply)
        outcome, problems = interpret(self.schema, call.method, reply)
        if shape is not None and isinstance(outcome, Returned):
            outcome = Returned(shape(outcome.value))
        problems = tuple(self.secrets.redact(each) for each in (*problems, *self.secrets.repeated(reply.body)))
        done = self.recorder.answer(invoke, ended, self._redacted(outcome), status=reply.status, problems=problems)
        if self.guard is not None:
            self.guard.heard(done)
        return done

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
    reply = connection.get(path)
    connection.close()
    if isinstance(reply, Lost):
        reason = reply.reason.removeprefix(UNSENT) + _advice(reply.reason)
        raise TargetError(f"{endpoint.url} cannot be reached: {reason}")
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
