"""The HTTP tier: the version that SOAPAction names, the session's cookie, and how the bytes travel.

No source says what a vCenter makes of another content type, so whatever it does is only observed; no body is compressed.
"""

from __future__ import annotations

from collections.abc import Iterator

from vcontract.contract import OLD, Method, before
from vcontract.schema import Schema
from vcontract.strategies.case import (
    AS_IS,
    MALFORMED,
    NO_SESSION,
    UNKNOWN_METHOD,
    UNSETTLED,
    Case,
    Turn,
    envelope,
    mark,
)
from vcontract.terms import Call

NOBODY, STRANGER = "nobody", "stranger"
"""The actors without a cookie, and with one that the server never gave (vcontract.client)."""
PAUSES = (0.01, 0.01, 0.01)
_COOKIE = "vmware_soap_session"

# What a server takes a client for that names no version is the oldest of the old ones.
OLDEST = {
    OLD[0]: (f'"urn:vim25/{OLD[0]}"', UNKNOWN_METHOD),
    "unversioned": ('"urn:vim25"', UNKNOWN_METHOD),
    "none": ("", UNKNOWN_METHOD),
}
FOREIGN = {
    "unknown": ('"urn:vim25/99.9"', MALFORMED),
    "foreign": ('"urn:vcontract/1"', MALFORMED),
}
LEGAL: dict[str, tuple[dict[str, str], tuple[float, ...]]] = {
    "slow": ({}, PAUSES),
    "chunked": ({"Transfer-Encoding": "chunked"}, ()),
    "chunked.slow": ({"Transfer-Encoding": "chunked"}, PAUSES),
    "connection.close": ({"Connection": "close"}, ()),
    "expect": ({"Expect": "100-continue"}, ()),
    "contentType.noCharset": ({"Content-Type": "text/xml"}, ()),
}
CONTENT_TYPES = {
    "json": "application/json",
    "plain": "text/plain; charset=utf-8",
    "soap12": "application/soap+xml; charset=utf-8",
    "latin1": "text/xml; charset=iso-8859-1",
    "none": "",
}
COOKIES = {
    "none": (NOBODY, {}),
    "foreign": (STRANGER, {}),
    "empty": (NOBODY, {"Cookie": f'{_COOKIE}=""'}),
    "otherName": (NOBODY, {"Cookie": "JSESSIONID=1"}),
    "long": (NOBODY, {"Cookie": f"{_COOKIE}={'a' * 4096}"}),
}


def actions(since: str) -> dict[str, tuple[str, str]]:
    """Give the SOAPAction headers that are wrong for a method, by name; a method that every client knows has no old ones."""
    older = before(since)
    old = {older: (f'"urn:vim25/{older}"', UNKNOWN_METHOD), **OLDEST} if older else {}
    return old | FOREIGN


def cases(schema: Schema, documented: Method) -> Iterator[Case]:
    """Give every case of the tier for a method."""
    method = documented.name
    for name, (action, expects) in actions(documented.since).items():
        turn = _headed(schema, {"SOAPAction": action}, mark(expects, "soapAction", name))
        yield Case(method, "http", "soapAction", name, expects, turn)
    unquoted = {"SOAPAction": schema.soap_action}
    yield Case(method, "http", "legal", "soapAction.unquoted", AS_IS, _headed(schema, unquoted, "legal:soapAction"))
    for name, (headers, pacing) in LEGAL.items():
        turn = _headed(schema, headers, mark(AS_IS, "http", name), pacing)
        yield Case(method, "http", "legal", name, AS_IS, turn)
    for name, kind in CONTENT_TYPES.items():
        turn = _headed(schema, {"Content-Type": kind}, mark(UNSETTLED, "contentType", name))
        yield Case(method, "http", "contentType", name, UNSETTLED, turn)
    for name, (actor, headers) in COOKIES.items():
        turn = _headed(schema, headers, mark(NO_SESSION, "cookie", name), actor=actor)
        yield Case(method, "http", "cookie", name, NO_SESSION, turn)


def _headed(
    schema: Schema, headers: dict[str, str], breaks: str, pacing: tuple[float, ...] = (), actor: str = ""
) -> Turn:
    def turn(call: Call) -> Call:
        body = schema.request(call.method, call.object, call.arguments)
        made = envelope(call, body, breaks, headers, pacing)
        return Call(made.object, made.method, made.payload, actor or made.actor)

    return turn
