"""The HTTP tier: the version that SOAPAction names, the session's cookie, and how the bytes travel.

No source says what a vCenter makes of another content type, so whatever it does is only observed; no body is compressed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from vcontract._contract import OLD, Method, older_version
from vcontract._schema import Schema
from vcontract._strategies.case import (
    AS_IS,
    NO_SESSION,
    UNKNOWN_METHOD,
    UNLISTED,
    UNSETTLED,
    Case,
    Turn,
    envelope,
    mark,
)
from vcontract._terms import Call

NOBODY, STRANGER = "nobody", "stranger"
"""The actors without a cookie, and with one that the server never gave (vcontract._client)."""
PAUSES = (0.01, 0.01, 0.01)
_COOKIE = "vmware_soap_session"

# No source says what a server takes a client for that names no version, or one that the server does not list.
VERSIONLESS = {"unversioned": ('"urn:vim25"', UNLISTED), "none": ("", UNLISTED)}
FOREIGN = {"unknown": ('"urn:vim25/99.9"', UNLISTED), "foreign": ('"urn:vcontract/1"', UNLISTED)}
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


def actions(since: str, listed: Collection[str] | None) -> dict[str, tuple[str, str]]:
    """Give the SOAPAction headers that are wrong for a method, by name; a method that every client knows has no old ones.

    `listed` are the versions that the server lists (None: all): what it does not list it may serve, or refuse by itself.
    """
    older, known = older_version(since, listed)
    if not older:
        return FOREIGN
    oldest = listed is None or OLD[0] in listed
    old = {older: known, OLD[0]: oldest}
    named = {
        name: (f'"urn:vim25/{name}"', UNKNOWN_METHOD if is_listed else UNLISTED) for name, is_listed in old.items()
    }
    return named | VERSIONLESS | FOREIGN


def cases(schema: Schema, documented: Method, listed: Collection[str] | None = None) -> Iterator[Case]:
    """Give every case of the tier for a method; `listed` are the versions that the server lists (None: all)."""
    method = documented.name
    for name, (action, expects) in actions(documented.since, listed).items():
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
