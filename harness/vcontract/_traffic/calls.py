"""From the exchanges of an archive to operations: which method of which object was called with what, and what came back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import msgspec
from lxml import etree

from vcontract._client.secret_fields import MARKED
from vcontract._client.soap import interpret, local_name, parse
from vcontract._contract import version_number
from vcontract._errors import SchemaError
from vcontract._schema import SHIPPED, Schema, load
from vcontract._schema.metadata import known_versions
from vcontract._terms import Arguments, Call, Json, Lost, Operation, Outcome, Ref
from vcontract._traffic.archive import Archive, Exchange

_COOKIE = re.compile(r"\bvmware_soap_session=\"?([^\";,\s]+)")
_ACTION = re.compile(r"urn:vim25/([\w.]+)")
_SPACE = "urn:vim25"
_WORD = 60
"""Characters of a text that may be a word of an enumeration; no name of one is longer."""
_SHOWN = frozenset({"returnval", "objects", "objectSet"})
"""Elements of replies that may hold what is shown of an object."""


class Heard(msgspec.Struct, frozen=True):
    """One call of the recording: the operation, whose number is that of the entry and whose actor is its session.

    `shows` are the ObjectContent and ObjectUpdate values of its reply. `release` is the API version that was spoken, and
    `exact` whether it is one of those known, so that what breaks its schema breaks the wire contract. `sent` are the fields
    in the request, each with its type or method, and the words in it; `received` the types of the objects in the reply.
    `clear`: a password stands in the request.
    """

    operation: Operation
    shows: tuple[Json, ...] = ()
    release: str = ""
    exact: bool = False
    sent: frozenset[tuple[str, str]] = frozenset()
    received: frozenset[str] = frozenset()
    clear: bool = False


class Conversation(msgspec.Struct, frozen=True):
    """The calls of a recording in the order in which they began, and in a line each what of it is none."""

    calls: tuple[Heard, ...]
    entries: int
    others: int
    notes: tuple[str, ...] = ()


def heard(archive: Archive, wsdl: str = "") -> Conversation:
    """Read the calls of an archive; `wsdl` takes the place of the release that each request names. Raises SchemaError."""
    given = load(wsdl) if wsdl else None
    sessions: dict[str, str] = {}
    calls: list[Heard] = []
    notes = list(archive.damaged)
    for exchange in archive.exchanges:
        element = _called(exchange.request)
        if element is None:
            continue
        schema, exact = (given, True) if given is not None else _spoken(exchange)
        try:
            calls.append(_heard(exchange, element, schema, sessions, exact=exact))
        except (SchemaError, RecursionError) as error:
            notes.append(f"entry {exchange.entry}: {etree.QName(element).localname} cannot be read: {error}")
    clear = [str(each.operation.op) for each in calls if each.clear]
    if clear:
        shown = ", ".join(clear[:10]) + (f" and {len(clear) - 10} more" if len(clear) > 10 else "")
        notes.append(f"passwords stand in it (entries {shown}): whoever has the file has them; none is shown here")
    return Conversation(
        tuple(calls), archive.entries, archive.entries - len(calls) - len(archive.damaged), tuple(notes)
    )


def _called(body: bytes) -> etree._Element | None:
    """Find the element of the method in a request; None if it is no call of vSphere's."""
    root = parse(body)
    if isinstance(root, str) or etree.QName(root).localname != "Envelope":
        return None
    contents = [child for part in root if local_name(part) == "Body" for child in part if isinstance(child.tag, str)]
    if len(contents) != 1 or etree.QName(contents[0]).namespace != _SPACE:
        return None
    return contents[0]


def _heard(
    exchange: Exchange, element: etree._Element, schema: Schema, sessions: dict[str, str], *, exact: bool
) -> Heard:
    method = etree.QName(element).localname
    this, values = _asked(element, method, schema)
    reply = exchange.reply
    types: set[str] = set()
    outcome: Outcome = Lost("the recording has no whole reply")
    told: tuple[str, ...] = ()
    if reply is not None:
        outcome, told = interpret(schema, method, reply, types)
    known = exact and method in schema.operations
    operation = Operation(
        exchange.entry,
        Call(this, method, Arguments(values), _session(exchange, method, sessions)),
        exchange.start,
        exchange.end,
        outcome,
        reply.status if reply is not None else 0,
        tuple(told) if known else (),
    )
    shows = () if reply is None else tuple(_fetched(element, this, reply.body, schema) or _shown(reply.body, schema))
    types |= {str(each["_typeName"]) for shown in shows for each in _objects(shown)}
    return Heard(
        operation, shows, schema.api_version, exact, _sent(method, values), frozenset(types), _in_clear(values)
    )


def _asked(element: etree._Element, method: str, schema: Schema) -> tuple[Ref, dict[str, Json]]:
    """Read what a request asks: the object and the arguments; what in them breaks the schema is the client's matter."""
    this = next((child for child in element if local_name(child) == "_this"), None)
    ref = Ref("", "") if this is None else Ref(this.get("type") or "", (this.text or "").strip())
    if method not in schema.operations:
        return ref, {}
    values, _ = schema.decode_request(method, element)
    values.pop("_this", None)
    return ref, values


def _session(exchange: Exchange, method: str, sessions: dict[str, str]) -> str:
    """Name the session of an exchange by a number; empty if no cookie tells. A cookie itself is kept nowhere."""
    sent = " ".join(value for name, value in exchange.headers if name == "cookie")
    came = " ".join(value for name, value in exchange.reply.headers if name == "set-cookie") if exchange.reply else ""
    found = (_COOKIE.search(came) if method.startswith("Login") else None) or _COOKIE.search(sent)
    return sessions.setdefault(found[1], f"session {len(sessions) + 1}") if found else ""


def _spoken(exchange: Exchange) -> tuple[Schema, bool]:
    """Load the schema of the version that a request names; of one that is not known the next older one, which is not exact."""
    action = next((value for name, value in exchange.headers if name == "soapaction"), "")
    named = _ACTION.search(action)
    return _release(named[1] if named else "")


@cache
def _release(named: str) -> tuple[Schema, bool]:
    if named in SHIPPED:
        return load(named), True
    older = (
        [version for version in SHIPPED if version_number(version) <= version_number(named)]
        if named in known_versions()
        else []
    )
    return load(older[-1] if older else SHIPPED[-1]), False


def _fetched(element: etree._Element, this: Ref, body: bytes, schema: Schema) -> list[Json]:
    """Give what `Fetch` shows, by which pyVmomi reads a property: no WSDL has it; the shape is that of its requests [O]."""
    if local_name(element) != "Fetch":
        return []
    root = parse(body)
    paths = [child.text for child in element if local_name(child) == "prop" and child.text]
    values = [] if isinstance(root, str) else [each for each in root.iter() if local_name(each) == "returnval"]
    if len(paths) != 1 or not values:
        return []
    value = [schema.decode(each, "anyType")[0] for each in values]
    return [{"obj": this.json(), "propSet": [{"name": paths[0], "val": value[0] if len(value) == 1 else value}]}]


def _shown(body: bytes, schema: Schema) -> Iterator[Json]:
    """Decode what a reply shows of objects, whatever method it answers."""
    root = parse(body)
    if isinstance(root, str):
        return
    for element in root.iter():
        if not isinstance(element.tag, str) or local_name(element) not in _SHOWN:
            continue
        inside = {local_name(child) for child in element if isinstance(child.tag, str)}
        if "obj" in inside and inside & {"propSet", "changeSet"}:
            yield schema.decode(element, "ObjectContent" if "propSet" in inside else "ObjectUpdate")[0]


def _sent(method: str, values: dict[str, Json]) -> frozenset[tuple[str, str]]:
    """List the fields of a request as (type or method, field), and its short texts, maybe of an enumeration, as ("", text)."""
    found = {(method, ""), *((method, name) for name in values)}
    for each in _objects(values):
        kind = str(each["_typeName"])
        found |= {(kind, ""), *((kind, name) for name in each if name != "_typeName")}
        told = [text for name, text in each.items() if name not in MARKED.get(kind, ())]
        found |= {("", text) for text in told if isinstance(text, str) and len(text) <= _WORD}
    return frozenset(found)


def _objects(value: Json) -> Iterator[dict[str, Json]]:
    if isinstance(value, dict):
        if "_typeName" in value:
            yield value
        for inner in value.values():
            yield from _objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _objects(inner)


def _in_clear(values: dict[str, Json]) -> bool:
    """Whether a request holds a value that the vendor marks as a secret, or a login's password."""
    held = [values.get("password")]
    held += [each.get(field) for each in _objects(values) for field in MARKED.get(str(each["_typeName"]), ())]
    return any(isinstance(text, str) and text and not text.startswith("secret:") for text in held)
