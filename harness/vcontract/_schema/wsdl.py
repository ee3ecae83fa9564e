"""A loaded WSDL: its operations and types, requests to bytes, replies to wire values."""

from __future__ import annotations

import gc
import re
import tempfile
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from lxml import etree

from vcontract._errors import SchemaError
from vcontract._schema.build import build, write_set
from vcontract._schema.decode import Decoder, as_fault
from vcontract._schema.encode import Encoder
from vcontract._schema.metadata import known_versions
from vcontract._schema.releases import SHIPPED
from vcontract._schema.shapes import (
    ANY,
    REFERENCE,
    SIMPLE,
    DataType,
    Lazy,
    Operation,
    read_base,
    read_operation,
    read_type,
)
from vcontract._schema.ship import roots_of
from vcontract._schema.source import Fetch, read_document
from vcontract._shipped import shipped
from vcontract._terms import Fault, Json, Ref

_RELEASE = re.compile(r"\d+(\.\d+)*(u\d+)?")
_UNVERSIONED = "2.5u2"
"""The version that a server assumes of a client that names none; source: pyVmomi marks this release as the legacy one."""


class Schema:
    """One WSDL, read only and safe to share between threads.

    `api_version` is the wire version of its SOAPAction, `namespace` that of its messages. Methods raise SchemaError
    when they are handed what the WSDL does not have; what a *server* sent wrongly is returned as a list of problems.
    """

    def __init__(self, document: Any, enumerations: Mapping[str, tuple[str, ...]], where: str) -> None:
        self._document = document
        self._enumerations = enumerations
        self._bound: dict[str, Any] = _bound_operations(document, where)
        first = next(iter(self._bound.values()))
        self.soap_action = str(first.soapaction)
        self.api_version = self.soap_action.rpartition("/")[2] if "/" in self.soap_action else _UNVERSIONED
        self.namespace = str(first.input.body.qname.namespace)
        self.operations: Mapping[str, Operation] = Lazy(self._bound, read_operation)
        self._encoder = Encoder(self)
        self._decoder = Decoder(self)

    @cached_property
    def types(self) -> Mapping[str, DataType]:
        """Every data object, fault, enumerated and ArrayOf type by WSDL name, without those of the requests."""
        return Lazy(self._kinds, lambda kind: read_type(kind, self._enumerations.get(kind.name, ())))

    @cached_property
    def _kinds(self) -> dict[str, Any]:
        requests = {operation.input.body.type.name for operation in self._bound.values()} | {REFERENCE}
        named = [kind for kind in self._document.types.types if kind.qname and kind.qname.namespace == self.namespace]
        return {kind.name: kind for kind in named if kind.name not in requests}

    @cached_property
    def _lineages(self) -> dict[str, tuple[str, ...]]:
        bases = {name: read_base(kind) for name, kind in self._kinds.items()}
        lineages: dict[str, tuple[str, ...]] = {}
        for name in bases:
            chain: list[str] = []
            at: str | None = name
            while at is not None and at in bases:
                if at in chain:
                    raise SchemaError(f"the WSDL of API {self.api_version} has a type that extends itself: {at}")
                chain.append(at)
                at = bases[at]
            lineages[name] = tuple(chain)
        return lineages

    @cached_property
    def _below(self) -> dict[str, tuple[str, ...]]:
        subtypes: dict[str, list[str]] = {name: [name] for name in self._lineages}
        for name, lineage in self._lineages.items():
            for base in lineage[1:]:
                subtypes[base].append(name)
        return {name: tuple(names) for name, names in subtypes.items()}

    def subtypes(self, base: str) -> tuple[str, ...]:
        """Name the types that xsi:type may give in the place of a static type, the type itself first."""
        return self._below.get(base, ())

    def is_subtype(self, name: str, base: str) -> bool:
        """Whether a type may stand where `base` is expected; a type is its own subtype, an unknown one is none's."""
        return base in self._lineages.get(name, ())

    def request(self, method: str, this: Ref, arguments: Mapping[str, Json]) -> bytes:
        """Serialise a call as a SOAP envelope: UTF-8 bytes with the XML declaration.

        Arguments are wire values (vcontract._terms), without `_this`. SchemaError names the path of an unknown or missing
        parameter or field, or of a value of the wrong kind.
        """
        element = str(self._find(method).input.body.qname.localname)
        return self._encoder.request(method, element, this, arguments)

    def decode_reply(
        self, method: str, body: Any, source: bytes = b"", types: set[str] | None = None
    ) -> tuple[Json, tuple[str, ...]]:
        """Decode the `XxxResponse` element of a reply: the result (None for void and unset), and its problems.

        `source`, the bytes that it was parsed from, makes that quicker. The types of the objects in it are added to `types`.
        """
        self._find(method)
        result = self.operations[method].result
        reading = self._decoder.begin(body, source)
        expected = f"{{{self.namespace}}}{method}Response"
        if body.tag != expected:
            reading.problems.append(f"{method}: the reply is {body.tag}, not {expected}")
        values = self._decoder.result(method, body, reading)
        if types is not None:
            types |= reading.types
        return values.get("returnval", [] if result and result.array else None), tuple(reading.problems)

    def decode_request(self, method: str, element: Any) -> tuple[dict[str, Json], tuple[str, ...]]:
        """Decode the element of a request: its arguments, `_this` among them, and its problems."""
        self._find(method)
        reading = self._decoder.begin(element)
        values = self._decoder.request(method, element, reading)
        return values, tuple(reading.problems)

    def decode(self, element: Any, static_type: str) -> tuple[Json, tuple[str, ...]]:
        """Decode one element in the place of a static type (WSDL or XSD name, `anyType` too): value and problems."""
        if static_type not in {*SIMPLE, ANY, REFERENCE} and static_type not in self.types:
            raise SchemaError(f"the WSDL of API {self.api_version} has no type {static_type}")
        reading = self._decoder.begin(element)
        value = self._decoder.item(element, static_type, etree.QName(element).localname, reading)
        return value, tuple(reading.problems)

    def decode_fault(self, element: Any, types: set[str] | None = None) -> tuple[Fault, tuple[str, ...]]:
        """Decode the child of a SOAP fault's detail; the element is named after the xsi:type, with `Fault` behind it.

        A fault of a type that the schema lacks keeps the name the server gave it, and is a problem. `types` as above.
        """
        reading = self._decoder.begin(element)
        problems = reading.problems
        name = etree.QName(element).localname
        stated = (element.get("{http://www.w3.org/2001/XMLSchema-instance}type") or "").rpartition(":")[2]
        kind = stated or name.removesuffix("Fault")
        if not stated:
            problems.append(f"{name}: the fault has no xsi:type")
        if name != f"{kind}Fault":
            problems.append(f"{name}: the element of a {kind} is {kind}Fault")
        if not self.is_subtype(kind, "MethodFault"):
            problems.append(f"{name}: {kind} is no fault at API {self.api_version}")
            return Fault(kind), tuple(problems)
        if element.tag != f"{{{self.namespace}}}{name}":
            problems.append(f"{name}: in name space {etree.QName(element).namespace or '(none)'}")
        value = self._decoder.item(element, kind, name, reading)
        if types is not None:
            types |= reading.types
        return as_fault(value), tuple(problems)

    def _find(self, method: str) -> Any:
        if method not in self._bound:
            raise SchemaError(f"the WSDL of API {self.api_version} has no method {method}")
        return self._bound[method]


def _bound_operations(document: Any, where: str) -> dict[str, Any]:
    for service in document.services.values():
        for port in service.ports.values():
            operations = {
                operation.name: operation
                for operation in port.binding.all().values()
                if operation.input.body is not None
            }
            if operations:
                return operations
    raise SchemaError(f"{where} is no usable WSDL: it has no service with a SOAP binding and operations")


def load(path_or_url: str | Path, *, fetch: Fetch | None = None) -> Schema:
    """Load a WSDL: the wire version of a release, a folder, a `vimService.wsdl`, or an http(s) URL.

    `fetch` downloads one URL, for a URL only. The set of a release is loaded once a process, and built first if it does
    not ship. SchemaError: unreadable, looping, or no WSDL.
    """
    text = str(path_or_url)
    if text in SHIPPED:
        return _load_shipped(text)
    if text in known_versions():
        return load_roots(text, roots_of(text))
    if "://" in text and "@" in text:
        raise SchemaError("the URL of a WSDL holds a user name, which would be shown; leave it out")
    if text.startswith(("http://", "https://")):
        return _load(text, fetch)
    path = Path(text)
    if _RELEASE.fullmatch(text) and not path.exists():
        meant = [version for version in known_versions() if version.startswith(f"{text}.")] or known_versions()
        raise SchemaError(f"{text} is no API version, and no file; there are {', '.join(meant)}")
    return _load(str(path / "vimService.wsdl" if path.is_dir() else path), None)


def release(version: str) -> Schema:
    """Load the set of a release that a saved file names; nothing else is opened, wherever the name may point.

    Raises SchemaError if there is no such release.
    """
    if version not in known_versions():
        raise SchemaError(f"there is no API release {version[:40]!r}; name the WSDL that the run used with --wsdl")
    return load(version)


@cache
def _load_shipped(version: str) -> Schema:
    schema = _load(str(shipped("wsdl") / version / "vimService.wsdl"), None)
    gc.freeze()  # the types live as long as the process; walking them costs each full collection 30 ms
    return schema


@cache
def load_roots(version: str, roots: tuple[str, ...]) -> Schema:
    """Build and load the set of a release for roots (vcontract._schema.closure), once a process; raises SchemaError."""
    with tempfile.TemporaryDirectory(prefix="vcontract-wsdl-") as folder:
        write_set(build(version, roots), Path(folder))
        return _load(str(Path(folder) / "vimService.wsdl"), None)


def _load(location: str, fetch: Fetch | None) -> Schema:
    if not location.startswith(("http://", "https://")):
        location = str(Path(location).resolve())
    document, enumerations = read_document(location, fetch)
    return Schema(document, enumerations, location)


def plain(value: Json) -> Json:
    """Give the bare value of an anyType position: of `{"_typeName": "string", "_value": "x"}` that is "x"."""
    return value["_value"] if isinstance(value, Mapping) and "_value" in value else value


def bases_of(schema: Schema) -> dict[str, str]:
    """Give the base of each type of a schema, by name."""
    return {name: definition.base for name, definition in schema.types.items() if definition.base}
