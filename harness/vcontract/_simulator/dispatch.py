"""Dispatches a request to the method that serves it, with the checks in the order of a real server.

HTTP, envelope, method known at the client's version, session, object, arguments, privileges, then the method itself.
Every refusal is a fault, and so is an error of the simulator's own (SystemError): it never drops a connection for one.
"""

from __future__ import annotations

import logging
import re
import secrets
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pyVmomi import VmomiSupport, vim, vmodl

from vcontract._shipped import shipped
from vcontract._simulator.access import ANONYMOUS
from vcontract._simulator.http1 import Reply, Request
from vcontract._simulator.objects import Invocation
from vcontract._simulator.pending import NotYet, Pending
from vcontract._simulator.property_paths import read_property
from vcontract._simulator.session_manager import COOKIE
from vcontract._simulator.soap_envelope import VIM, CallNode, Malformed, read_envelope
from vcontract._simulator.soap_reader import read_this
from vcontract._simulator.soap_writer import write_fault, write_reply
from vcontract._simulator.versions import known_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from vcontract._simulator.decisions import Decisions
    from vcontract._simulator.vcenter import VCenter

_LOG = logging.getLogger(__name__)
_ENDPOINTS = {"/sdk", "/sdk/", "/sdk/vimService", "/sdk/vim25"}
_PLAIN_TEXT = "text/plain; charset=utf-8"
_KEPT, _SHORT = 512, 8 * 1024
"""How many requests are kept as they were parsed, the last ones, and how many bytes such a request has at most."""

# Reading one property: spoken by pyVmomi's client, in no published WSDL.
_FETCH = VmomiSupport.Object(
    name="Fetch",
    wsdlName="Fetch",
    type=VmomiSupport.ManagedObject,
    version="vim.version.version1",
    privId=ANONYMOUS,
    params=(VmomiSupport.Object(name="prop", type=str, version="vim.version.version1", flags=0, privId=None),),
    result=object,
)

_COOKIE = re.compile(rf'(?:^|[;\s]){COOKIE}="?([^";]*)')
_UNDETERMINED = "while parsing HTTP request before method was determined\nat line 1, column 0"


class Waiting:
    """A call that blocks; `deliver`, set by whoever serves the client, gets the reply; `cancel` forgets the call."""

    def __init__(self, vcenter: VCenter, pending: Pending, run: Callable[[Callable[[], Any]], Reply | None]) -> None:
        self.deliver: Callable[[Reply], None] | None = None
        self.reply: Reply | None = None
        self._vcenter = vcenter
        self._ask = pending.poll
        self._on_timeout = pending.on_timeout
        self._run = run
        self._cancelled = False
        after = vcenter.timeline.after
        self._handle = None if pending.timeout is None else after(pending.timeout, self._expire, of_client=True)

    def settled(self) -> bool:
        """Poll the call, and deliver its reply if that is ready; whether the call is over."""
        if self._cancelled:
            return True
        self.reply = self._run(self._ask)
        if self.reply is None:
            return False
        self.cancel()
        if self.deliver is not None:
            self.deliver(self.reply)
        return True

    def cancel(self) -> None:
        """Forget the call: it is answered, or its client is gone."""
        self._cancelled = True
        if self._handle is not None:
            self._handle.cancel()

    def _expire(self) -> None:
        self._ask = self._on_timeout
        self._vcenter.wake()


class Dispatcher:
    """Answers requests on behalf of one VCenter."""

    def __init__(self, vcenter: VCenter) -> None:
        self._vcenter = vcenter
        self._parse_once = lru_cache(maxsize=_KEPT)(read_envelope)

    def answer(self, head: Request, body: bytes) -> Reply | Waiting:
        """Answer a request: a call, or a document under /sdk/; what stands in front of the server may answer in its place."""
        turned_away = self._vcenter.decisions.front(head, body)
        if turned_away is not None:
            return turned_away
        path = head.target.partition("?")[0]
        if head.method == "POST":
            return self._call(head, body) if path in _ENDPOINTS else Reply(404, content_type=_PLAIN_TEXT)
        if head.method in {"GET", "HEAD"}:
            return self._document(path)
        return Reply(405, headers=(("allow", "GET, HEAD, POST"),), content_type=_PLAIN_TEXT)

    def _document(self, path: str) -> Reply:
        folder, _, name = path.rpartition("/")
        if folder == "/sdk" and name == "vimServiceVersions.xml":
            return Reply(200, self._vcenter.versions.document, content_type="text/xml")
        served = shipped("wsdl") / self._vcenter.settings.api / name
        if folder == "/sdk" and served.suffix in {".wsdl", ".xsd"} and served.is_file():
            return Reply(200, served.read_bytes(), content_type="text/xml")
        return Reply(404, content_type=_PLAIN_TEXT)

    def _call(self, head: Request, body: bytes) -> Reply | Waiting:
        newest = self._vcenter.versions.newest
        action = head.headers.get("soapaction", "")
        version = self._vcenter.versions.asked(action)
        if version is None:
            served = self._vcenter.decisions.unlisted(action)
            if isinstance(served, Reply):
                return served
            version = served
        if version is None:
            return _refusal(Malformed(f"Unsupported version URI {action.strip()}", _UNDETERMINED), newest)
        try:
            request = self._parse_once(body) if len(body) <= _SHORT else read_envelope(body)
            info = _method(request)
        except Malformed as bad:
            return _refusal(bad.within(_UNDETERMINED), version)
        version = self._vcenter.decisions.understood(version, info)
        cookie = _COOKIE.search(head.headers.get("cookie", ""))
        session = self._vcenter.sessions.find(cookie[1]) if cookie else None
        own = session.cookie if session else secrets.token_hex(20)
        call = Invocation(request.node.name, version, session, own, head)

        def run(produce: Callable[[], Any]) -> Any:
            return _run(produce, call, info, self._vcenter.decisions)

        outcome = run(lambda: self._invoke(request, info, call))
        if isinstance(outcome, Pending):
            return Waiting(self._vcenter, outcome, run)
        assert isinstance(outcome, Reply)  # only a Pending's poll may say NotYet
        if session is None and self._vcenter.sessions.find(own) is not None:
            secure = " Secure;" if self._vcenter.settings.tls else ""  # else a client with a cookie jar would send none
            return replace(outcome, headers=(("set-cookie", f'{COOKIE}="{own}"; Path=/; HttpOnly;{secure}'),))
        return outcome

    def _invoke(self, request: CallNode, info: Any, call: Invocation) -> Any:
        decide = self._vcenter.decisions
        if not known_at(call.version, info.version):
            receiver = _parsed(request, info, lambda: read_this(request.node, info.type, self._vcenter.versions.newest))
            raise vmodl.fault.MethodNotFound(receiver=receiver, method=call.method)
        this = _parsed(request, info, lambda: read_this(request.node, info.type, call.version))
        if call.session is None and decide.needs_session(call, info):
            raise vim.fault.NotAuthenticated(object=this, privilegeId=info.privId or "System.View")
        if call.session is not None:
            self._vcenter.sessions.use(call.session)
        arguments = _parsed(request, info, lambda: decide.read(request.node, info, call.version))
        target = self._vcenter.resolve(this)
        if call.session is not None:
            decide.authorise(call.session, info, this, arguments)
        if info is _FETCH:
            return read_property(target, arguments["prop"], call)
        return decide.serve(call, target, arguments)


def _method(request: CallNode) -> Any:
    node = request.node
    if node.name == "Fetch" and node.uri in VIM:
        return _FETCH
    try:
        return VmomiSupport.GetWsdlMethod(VIM[0] if node.uri in VIM else node.uri, node.name).info
    except KeyError:
        what = f"Unable to resolve WSDL method name {node.name} for namespace name {node.uri}"
        raise Malformed(what, *request.frames) from None


def _parsed(request: CallNode, info: Any, read: Callable[[], Any]) -> Any:
    """Read a part of the call; what is malformed becomes an InvalidRequest that names the place."""
    try:
        return read()
    except Malformed as bad:
        method = VmomiSupport.Uncapitalize(info.name)
        outermost = f"while parsing HTTP request for method {method}\non object of type {info.type.__name__}"
        for frame in (*request.frames, f"{outermost}\nat line 1, column 0"):
            bad.within(frame)
        raise vmodl.fault.InvalidRequest(msg=bad.text) from None


def _run(produce: Callable[[], Any], call: Invocation, info: Any, decide: Decisions) -> Any:
    """Give the reply for the value or fault of `produce`; its Pending if it blocks, None if it gives NotYet."""
    try:
        value = produce()
        if value is NotYet or isinstance(value, Pending):
            return None if value is NotYet else value
        body = write_reply(call.method, info.result, value, decide.reply_version(call))
        return decide.reply(call, Reply(200, body))
    except vmodl.MethodFault as fault:
        body = write_fault(decide.fault(call, fault), decide.reply_version(call))
        return decide.reply(call, Reply(500, body))
    except Exception as mistake:  # noqa: BLE001 - our own mistake must reach the client as a fault, and the log
        _LOG.exception("%s broke", call.method)
        return Reply(500, write_fault(vmodl.fault.SystemError(reason=type(mistake).__name__), call.version))


def _refusal(bad: Malformed, version: str) -> Reply:
    return Reply(500, write_fault(vmodl.fault.InvalidRequest(msg=bad.text), version))
