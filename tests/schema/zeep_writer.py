"""Requests as zeep writes them, of wire values that are as they should be: the measure of our own writer."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from lxml import etree
from zeep.xsd import AnyObject

from vcontract._schema import Field, Schema
from vcontract._schema.shapes import ANY, REFERENCE, SIMPLE, XSD_NAMESPACE
from vcontract._schema.source import read_document
from vcontract._shipped import shipped
from vcontract._terms import Json, Ref

PREFIXES = {
    "xsd": XSD_NAMESPACE,
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "vim25": "urn:vim25",
}
_SPECIAL = {"inf": "INF", "-inf": "-INF", "nan": "NaN"}
_any_object: Any = AnyObject  # zeep leaves it without annotations


class ZeepWriter:
    """Serialises requests of a shipped set by zeep's own types."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._document, _ = read_document(str(shipped("wsdl") / schema.api_version / "vimService.wsdl"))
        for prefix, namespace in PREFIXES.items():
            self._document.types.set_ns_prefix(prefix, namespace)
        [service] = self._document.services.values()
        [port] = service.ports.values()
        self._bound = port.binding.all()

    def request(self, method: str, this: Ref, arguments: Mapping[str, Json]) -> bytes:
        """Serialise a call."""
        values = self._fields(self._schema.operations[method].parameters, arguments)
        envelope = self._bound[method].input.serialize(_this=self._reference(this.json()), **values).content
        return etree.tostring(envelope, encoding="UTF-8", xml_declaration=True)

    def _fields(self, fields: Sequence[Field], values: Mapping[str, Json]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for field in fields:
            value = values.get(field.name)
            if value is not None:
                many = field.array
                made[field.name] = (
                    [self._item(field.type, item) for item in value] if many else self._item(field.type, value)
                )
        return made

    def _item(self, kind: str, value: Json) -> Any:
        if kind in SIMPLE:
            return _simple(kind, value)
        if kind == REFERENCE:
            return self._reference(value)
        if kind == ANY:
            return self._any(value)
        return value if self._schema.types[kind].enum else self._data(value.get("_typeName", kind), value)

    def _data(self, name: str, value: Json) -> Any:
        return self._kind(name)(**self._fields(self._schema.types[name].fields, value))

    def _any(self, value: Json) -> Any:
        if isinstance(value, str | int):
            whole = "int" if isinstance(value, int) and -(1 << 31) <= value < 1 << 31 else "long"
            value = {"_typeName": {str: "string", bool: "boolean"}.get(type(value), whole), "_value": value}
        name = value["_typeName"]
        if name in SIMPLE:
            return _any_object(self._kind(name), _simple(name, value["_value"]))
        if name == REFERENCE or "_value" not in value:
            return _any_object(self._kind(name), self._item(name, value))
        if self._schema.types[name].enum:
            return _any_object(self._kind(name), value["_value"])
        fields = self._schema.types[name].fields
        return _any_object(self._kind(name), self._data(name, {field.name: value["_value"] for field in fields}))

    def _reference(self, value: Json) -> Any:
        return self._kind(REFERENCE)(value["value"], type=value["type"])

    def _kind(self, name: str) -> Any:
        namespace = XSD_NAMESPACE if name in SIMPLE else self._schema.namespace
        return self._document.types.get_type(etree.QName(namespace, name))


def _simple(kind: str, value: Json) -> Any:
    if kind == "base64Binary":
        return base64.b64decode(value)
    if kind in {"float", "double", "decimal"} and not isinstance(value, str):
        return _SPECIAL.get(str(float(value)), str(float(value)))
    return value
