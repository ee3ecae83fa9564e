"""Wire values to a SOAP request: checks them against the types, then lets zeep serialise them."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import zeep.exceptions
from lxml import etree
from zeep.xsd import AnyObject

from vcontract.errors import SchemaError
from vcontract.schema.shapes import ANY, REFERENCE, SIMPLE, XSD_NAMESPACE, Field

if TYPE_CHECKING:
    from vcontract.schema.wsdl import Schema
    from vcontract.terms import Json, Ref

BOUNDS = {"byte": 7, "short": 15, "int": 31, "long": 63}
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PYTHON: dict[str, Any] = {
    "boolean": bool,
    "float": float | int,
    "double": float | int,
    "decimal": float | int,
    "integer": int,
} | dict.fromkeys(BOUNDS, int)
SPECIAL = ("INF", "-INF", "NaN")
"""Numbers that JSON cannot carry: as values they are texts, spelled as XSD has it."""
_FLOATS = ("float", "double")
_any_object: Any = AnyObject  # zeep leaves it without annotations


class Encoder:
    """Serialises requests of one schema."""

    def __init__(self, schema: Schema, find: Callable[[etree.QName], Any]) -> None:
        self._schema = schema
        self._find = find
        self._kinds: dict[str, Any] = {}

    def request(self, bound: Any, this: Ref, arguments: Mapping[str, Json]) -> bytes:
        """Build the envelope of a call of zeep's bound operation."""
        operation = self._schema.operations[bound.name]
        values = self._fields(bound.name, operation.parameters, arguments, bound.name)
        values["_this"] = self._reference(this.json(), f"{bound.name}._this")
        try:
            envelope = bound.input.serialize(**values).content
        except (zeep.exceptions.Error, ValueError, TypeError) as error:
            raise SchemaError(f"{bound.name} cannot be written: {error}") from error
        return bytes(etree.tostring(envelope, encoding="UTF-8", xml_declaration=True))

    def _fields(self, owner: str, fields: Sequence[Field], arguments: Mapping[str, Json], path: str) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for field in fields:
            value = arguments.get(field.name)
            if value is None:
                if not field.optional:
                    raise SchemaError(f"{path}.{field.name} is missing: {owner} requires it")
                continue
            at = f"{path}.{field.name}"
            if not field.array:
                values[field.name] = self._item(field.type, value, at)
                continue
            if not isinstance(value, list | tuple):
                raise SchemaError(f"{at} must be a list of {field.type}")
            if not value and not field.optional:
                raise SchemaError(f"{at} is empty: {owner} requires at least one {field.type}")
            values[field.name] = [self._item(field.type, item, f"{at}[{index}]") for index, item in enumerate(value)]
        unknown = arguments.keys() - {field.name for field in fields} - {"_typeName"}
        if unknown:
            names = ", ".join(field.name for field in fields) or "no fields"
            raise SchemaError(f"{path}.{min(unknown)} does not exist: {owner} has {names}")
        return values

    def _item(self, kind: str, value: Json, path: str) -> Any:
        if kind in SIMPLE:
            return simple(kind, value, path)
        if kind == REFERENCE:
            return self._reference(value, path)
        if kind == ANY:
            return self._any(value, path)
        known = self._schema.types[kind]
        if known.enum:
            return self._enum(known.name, known.enum, value, path)
        return self._data(kind, value, path)

    def _data(self, static: str, value: Json, path: str) -> Any:
        if not isinstance(value, Mapping):
            raise SchemaError(f"{path} must be a {static}, not {value!r}")
        name = value.get("_typeName", static)
        if not self._schema.is_subtype(name, static):
            raise SchemaError(f"{path}: {name} is no {static} at API {self._schema.api_version}")
        return self._kind(name)(**self._fields(name, self._schema.types[name].fields, value, path))

    def _any(self, value: Json, path: str) -> Any:
        if isinstance(value, bool):
            value = {"_typeName": "boolean", "_value": value}
        elif isinstance(value, int):
            value = {"_typeName": "int" if -(1 << 31) <= value < 1 << 31 else "long", "_value": value}
        elif isinstance(value, str):
            value = {"_typeName": "string", "_value": value}
        name = str(value.get("_typeName", "")) if isinstance(value, Mapping) else ""
        if name in SIMPLE:
            return _any_object(self._kind(name), simple(name, value.get("_value"), path))
        if name == REFERENCE:
            return _any_object(self._kind(name), self._reference(value, path))
        if name not in self._schema.types:
            raise SchemaError(f"{path}: {value!r} names no type that API {self._schema.api_version} has")
        known = self._schema.types[name]
        if "_value" not in value:
            return _any_object(self._kind(name), self._item(name, value, path))
        if known.enum:
            return _any_object(self._kind(name), self._enum(name, known.enum, value["_value"], path))
        listed = {field.name: value["_value"] for field in known.fields}
        return _any_object(self._kind(name), self._kind(name)(**self._fields(name, known.fields, listed, path)))

    def _reference(self, value: Json, path: str) -> Any:
        named = isinstance(value, Mapping) and value.get("_typeName", REFERENCE) == REFERENCE
        if not named or not {"type", "value"} <= value.keys():
            raise SchemaError(f"{path} must be a {REFERENCE}, not {value!r}")
        moid, kind = simple("string", value["value"], path), simple("string", value["type"], path)
        return self._kind(REFERENCE)(moid, type=kind)

    def _enum(self, name: str, values: tuple[str, ...], value: Json, path: str) -> str:
        if value not in values:
            raise SchemaError(f"{path}: {value!r} is no {name} ({', '.join(values)})")
        return str(value)

    def _kind(self, name: str) -> Any:
        kind = self._kinds.get(name)
        if kind is None:
            namespace = XSD_NAMESPACE if name in SIMPLE else self._schema.namespace
            kind = self._kinds[name] = self._find(etree.QName(namespace, name))
        return kind


def simple(kind: str, value: Json, path: str) -> Any:
    """Check a simple value and give it as zeep takes it; SchemaError if it is of another kind, too large, no XML."""
    if kind in _FLOATS and isinstance(value, str) and value in SPECIAL:
        return value
    if not isinstance(value, _PYTHON.get(kind, str)) or (isinstance(value, bool) and kind != "boolean"):
        raise SchemaError(f"{path} must be a {kind}, not {value!r}")
    if kind in BOUNDS and not -(1 << BOUNDS[kind]) <= value < 1 << BOUNDS[kind]:
        raise SchemaError(f"{path}: {value} does not fit into a {kind}")
    if isinstance(value, str) and (illegal := _ILLEGAL.search(value)):
        raise SchemaError(f"{path}: XML cannot carry the character U+{ord(illegal[0]):04X}")
    if kind == "base64Binary":
        try:
            return base64.b64decode(value, validate=True)
        except binascii.Error as error:
            raise SchemaError(f"{path} is no base64: {error}") from error
    if kind in {"float", "double", "decimal"}:
        return lexical(float(value))
    return value


def lexical(value: float) -> str:
    """Write a float as XSD does, which spells infinity and NaN in its own way."""
    return dict(zip(("inf", "-inf", "nan"), SPECIAL, strict=True)).get(str(value), str(value))
