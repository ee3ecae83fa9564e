"""Variants of the wire: versions that are not listed, references that name their server, and what stands in front of it."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pyVmomi import vim

from vcontract._simulator.http1 import Reply
from vcontract._simulator.soap_writer import write_version_mismatch
from vcontract._simulator.variants.registry import variant

if TYPE_CHECKING:
    from vcontract._simulator.http1 import Request
    from vcontract._simulator.objects import Invocation, ManagedObject
    from vcontract._simulator.vcenter import VCenter

_REFERENCE = re.compile(rb'<\w+ type="\w+"')
_HTML = b"<html><body><h1>503 Service Unavailable</h1>The server is temporarily unable to service your request.</body></html>"
_BUSY = (
    Reply(503, b"503 Service Unavailable (Failed to connect to endpoint)", content_type="text/plain"),
    Reply(503, _HTML, content_type="text/html", close=True),
)
"""What proxies say that reach no server, or hold too many connections; without a Retry-After."""
TURNED_AWAY, CUT, FORGOTTEN = 31, 47, 61
"""Each so many-th request is met; primes, so that no two variants meet the same ones, nor the same call again and again."""


@variant
def unlisted_versions_are_served(vcenter: VCenter) -> None:
    """A client that asks for a version that is not listed is served by the newest one."""
    newest = vcenter.versions.newest
    vcenter.decisions.unlisted = lambda _: newest


@variant
def unlisted_version_is_a_mismatch(vcenter: VCenter) -> None:
    """A version that is not listed is refused by the fault code VersionMismatchFaultCode, with a detail."""
    vcenter.decisions.unlisted = lambda action: Reply(500, write_version_mismatch(action, detail=True))


@variant
def unlisted_version_is_a_mismatch_without_detail(vcenter: VCenter) -> None:
    """A version that is not listed is refused by the fault code VersionMismatchFaultCode, and there is no detail."""
    vcenter.decisions.unlisted = lambda action: Reply(500, write_version_mismatch(action, detail=False))


@variant
def references_name_their_server(vcenter: VCenter) -> None:
    """Every reference carries the attribute serverGuid."""
    usual = vcenter.decisions.reply
    told = f' serverGuid="{vcenter.instance_uuid}"'.encode()

    def reply(call: Invocation, written: Reply) -> Reply:
        made = usual(call, written)
        return replace(made, body=_REFERENCE.sub(lambda found: found[0] + told, made.body))

    vcenter.decisions.reply = reply


@variant
def front_proxy_turns_away_now_and_then(vcenter: VCenter) -> None:
    """A proxy in front of the server answers a request now and then with 503, in plain text or HTML, without Retry-After."""
    posts, busy = itertools.count(1), itertools.cycle(_BUSY)

    def front(head: Request, _: bytes) -> Reply | None:
        return next(busy) if head.method == "POST" and next(posts) % TURNED_AWAY == 0 else None

    vcenter.decisions.front = front


@variant
def front_proxy_cuts_reads_now_and_then(vcenter: VCenter) -> None:
    """A proxy in front of the server resets a connection now and then; the read that was on it never reached the server."""
    reads = itertools.count(1)

    def front(_: Request, body: bytes) -> Reply | None:
        return Reply(503, cut=True) if b"RetrieveProperties" in body and next(reads) % CUT == 0 else None

    vcenter.decisions.front = front


@variant
def gateway_forgets_a_session_now_and_then(vcenter: VCenter) -> None:
    """A call now and then is answered with NotAuthenticated although its session lives on."""
    calls = itertools.count(1)
    usual = vcenter.decisions.serve

    def serve(call: Invocation, target: ManagedObject, arguments: dict[str, Any]) -> Any:
        if call.session is not None and call.method != "Logout" and next(calls) % FORGOTTEN == 0:
            raise vim.fault.NotAuthenticated(object=target.ref, privilegeId="System.View")
        return usual(call, target, arguments)

    vcenter.decisions.serve = serve
