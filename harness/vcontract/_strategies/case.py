"""A case: one thing that is wrong with a call (or odd and legal), and the function that makes a valid call so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from lxml import etree

from vcontract._terms import Arguments, Call, Envelope, Json

VIM = "urn:vim25"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
XSD = "http://www.w3.org/2001/XMLSchema"
TYPE = f"{{{XSI}}}type"

MALFORMED, BAD_VALUE, UNKNOWN_METHOD, UNLISTED, NO_SESSION, UNSETTLED, AS_IS = (
    "malformed",
    "badValue",
    "unknownMethod",
    "unlistedVersion",
    "noSession",
    "unsettled",
    "",
)
"""What a case demands of the oracle: a class of request, or (as is) a judgement by the arguments alone."""
_MARKS = {
    MALFORMED: "schema",
    BAD_VALUE: "value",
    UNKNOWN_METHOD: "version",
    UNLISTED: "unlisted",
    NO_SESSION: "session",
    UNSETTLED: "open",
    AS_IS: "legal",
}
Turn = Callable[[Call], Call]
Element: TypeAlias = etree._Element  # noqa: SLF001 - the one name that lxml has for it


@dataclass(frozen=True)
class Case:
    """One constraint, and the function that makes a valid call break it.

    `tier` is valid, semantic, schema, xml, http or auth; `kind` the class of constraints; `constraint` the one that is
    broken; `expects` the oracle's class of the request; `nics` how many NICs the VM must have. `turn` raises LookupError
    if the call at hand cannot be made so.
    """

    method: str
    tier: str
    kind: str
    constraint: str
    expects: str
    turn: Turn
    nics: int = 0

    @property
    def label(self) -> str:
        """Name the case; no two of a method have the same."""
        return f"{self.tier}:{self.kind}:{self.constraint}"

    @property
    def name(self) -> str:
        """Name the case among those of all methods."""
        return f"{self.method}:{self.label}"


def mark(expects: str, kind: str, constraint: str) -> str:
    """Name what an envelope breaks, as vcontract._model reads it."""
    return f"{_MARKS[expects]}:{kind}:{constraint}"


def envelope(
    call: Call, body: bytes, breaks: str, headers: dict[str, str] | None = None, pacing: tuple[float, ...] = ()
) -> Call:
    """Give the call with these bytes in the place of its arguments."""
    payload = Envelope(body, breaks, headers or {}, call.arguments, pacing)
    return Call(call.object, call.method, payload, call.actor)


def with_arguments(call: Call, arguments: dict[str, Json]) -> Call:
    """Give the call with other arguments."""
    return Call(call.object, call.method, Arguments(arguments), call.actor)


def tree(body: bytes) -> Element:
    """Parse what the schema wrote."""
    return etree.fromstring(body)


def written(root: Element) -> bytes:
    """Write a tree as the schema writes it."""
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def call_element(root: Element) -> Element:
    """Find the element of the call in an envelope."""
    return root[-1][0]
