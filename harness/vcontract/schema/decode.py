"""Reply XML to wire values, driven by a table per type: zeep's own deserialiser takes 35 times as long as the parse."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lxml import etree

from vcontract.schema.shapes import ANY, REFERENCE, SIMPLE, XSD_NAMESPACE, Field
from vcontract.schema.simple_values import BOUNDS, SPECIAL
from vcontract.terms import Fault, Json

if TYPE_CHECKING:
    from collections.abc import Callable

    from vcontract.schema.wsdl import Schema

XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_TYPE = f"{XSI}type"
_NIL = f"{XSI}nil"
_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?|-?INF|NaN")
_DATE_TIME = re.compile(r"-?\d{4,}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})?", re.ASCII)
_BASE64 = re.compile(r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_BOOLEAN = {"true": True, "1": True, "false": False, "0": False}


def _boolean(text: str) -> bool:
    return _BOOLEAN[text]


def _whole(bits: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        value = int(text) if _INTEGER.fullmatch(text) else 1 << 64
        if not -(1 << bits) <= value < 1 << bits:
            raise ValueError(text)
        return value

    return read


def _number(text: str) -> float | str:
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    return text.strip() if text.strip() in SPECIAL else float(text)


def _matching(pattern: re.Pattern[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not pattern.fullmatch("".join(text.split())):
            raise ValueError(text)
        return text

    return read


_READERS: dict[str, Callable[[str], Json]] = {
    "boolean": _boolean,
    "float": _number,
    "double": _number,
    "decimal": _number,
    "integer": _whole(63),
    "dateTime": _matching(_DATE_TIME),
    "base64Binary": _matching(_BASE64),
} | {name: _whole(bits) for name, bits in BOUNDS.items()}


class _Table:
    """The fields of one type by element tag, with their places, and which of them are required."""

    __slots__ = ("by_tag", "fields", "required")

    def __init__(self, namespace: str, fields: tuple[Field, ...]) -> None:
        self.fields = fields
        self.by_tag = {f"{{{namespace}}}{field.name}": (place, field) for place, field in enumerate(fields)}
        self.required = frozenset(field.name for field in fields if not field.optional)


class Decoder:
    """Decodes elements of one schema; each method notes what breaks the schema in `problems`, with the path to it."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._tables: dict[str, _Table] = {}

    def fields(self, element: Any, table: _Table, name: str, path: str, problems: list[str]) -> dict[str, Json]:
        """Decode the children of a data object; a field that is foreign, doubled or out of order is a problem."""
        values: dict[str, Json] = {}
        last = -1
        for child in element:
            declared = table.by_tag.get(child.tag)
            if declared is None:
                declared = self._stray(child, table, name, path, problems)
                if declared is None:
                    continue
            place, field = declared
            if place < last:
                problems.append(f"{path}.{field.name}: out of order in {name}")
            last = max(last, place)
            if field.array:
                seen = values.setdefault(field.name, [])
                seen.append(self.item(child, field.type, f"{path}.{field.name}[{len(seen)}]", problems))
            elif field.name in values:
                problems.append(f"{path}.{field.name}: occurs more than once in {name}")
            else:
                values[field.name] = self.item(child, field.type, f"{path}.{field.name}", problems)
        if not table.required <= values.keys():
            missing = [field.name for field in table.fields if not field.optional and field.name not in values]
            problems.extend(f"{path}.{field_name}: missing, {name} requires it" for field_name in missing)
        if element.text is not None and element.text.strip():
            problems.append(f"{path}: text where {name} has only elements")
        return values

    def table(self, name: str) -> _Table:
        """Give the table of a data object type."""
        table = self._tables.get(name)
        if table is None:
            table = self._tables[name] = _Table(self._schema.namespace, self._schema.types[name].fields)
        return table

    def of_fields(self, fields: tuple[Field, ...]) -> _Table:
        """Make the table of an element that has no named type."""
        return _Table(self._schema.namespace, fields)

    def _stray(self, child: Any, table: _Table, name: str, path: str, problems: list[str]) -> tuple[int, Field] | None:
        """Find the field whose element came in a wrong name space; None: the element is foreign or too new."""
        if not isinstance(child.tag, str):
            return None  # a comment or processing instruction says nothing
        tag = etree.QName(child)
        field = table.by_tag.get(f"{{{self._schema.namespace}}}{tag.localname}")
        if field is None:
            problems.append(f"{path}.{tag.localname}: {name} has no such field at API {self._schema.api_version}")
        else:
            problems.append(f"{path}.{tag.localname}: in name space {tag.namespace or '(none)'}")
        return field

    def item(self, element: Any, static: str, path: str, problems: list[str]) -> Json:
        """Decode one element in the place of a static type."""
        attributes = element.attrib
        stated = attributes.get(_TYPE) if attributes else None
        name = static if stated is None else self._resolve(element, stated, static, path, problems)
        if attributes:
            allowed = (_TYPE, "type") if name == REFERENCE else (_TYPE,)
            strange = [attribute for attribute in attributes if attribute not in allowed]
            problems.extend(f"{path}: attribute {attribute} does not belong here" for attribute in strange)
            if attributes.get(_NIL) in {"true", "1"}:
                return None
        if name in SIMPLE:
            value = self._simple(element, name, path, problems)
            return {"_typeName": name, "_value": value} if static == ANY else value
        if name == REFERENCE:
            return self._reference(element, path, problems)
        if name == ANY:
            if stated is None:
                problems.append(f"{path}: an anyType value needs an xsi:type")
            return element.text or ""
        return self._complex(element, name, static, path, problems)

    def _complex(self, element: Any, name: str, static: str, path: str, problems: list[str]) -> Json:
        known = self._schema.types[name]
        if known.enum:
            text = self._text(element, name, path, problems)
            if text not in known.enum:
                problems.append(f"{path}: {text!r} is no {name}")
            return {"_typeName": name, "_value": text} if static == ANY else text
        values = self.fields(element, self.table(name), name, path, problems)
        if static == ANY and name.startswith("ArrayOf"):
            return next(iter(values.values()), [])
        return {"_typeName": name, **values}

    def _resolve(self, element: Any, stated: str, static: str, path: str, problems: list[str]) -> str:
        prefix, _, local = stated.strip().rpartition(":")
        namespace = element.nsmap.get(prefix or None)
        if namespace == XSD_NAMESPACE:
            if local in SIMPLE and static in {ANY, local}:
                return local
        elif namespace == self._schema.namespace and (local == REFERENCE or local in self._schema.types):
            if static in {ANY, local} or self._schema.is_subtype(local, static):
                return local
            problems.append(f"{path}: xsi:type {stated} is no {static}")
            return static
        problems.append(f"{path}: xsi:type {stated} is unknown at API {self._schema.api_version}")
        return static

    def _simple(self, element: Any, name: str, path: str, problems: list[str]) -> Json:
        text = self._text(element, name, path, problems)
        reader = _READERS.get(name)
        if reader is None:
            return text
        text = text.strip()
        try:
            return reader(text)
        except (ValueError, KeyError):
            problems.append(f"{path}: {text!r} is no {name}")
            return text

    def _text(self, element: Any, name: str, path: str, problems: list[str]) -> str:
        if len(element) and any(isinstance(child.tag, str) for child in element):
            problems.append(f"{path}: elements where {name} has only text")
            return ""
        return "".join(element.itertext()) if len(element) else element.text or ""

    def _reference(self, element: Any, path: str, problems: list[str]) -> dict[str, Json]:
        kind = element.get("type")
        if not kind:
            problems.append(f"{path}: a reference without its type")
        return {"_typeName": REFERENCE, "type": kind or "", "value": self._text(element, REFERENCE, path, problems)}


def as_fault(value: Json, message: str = "") -> Fault:
    """Make a Fault of a decoded fault object."""
    fields = {name: item for name, item in value.items() if name != "_typeName"}
    return Fault(value["_typeName"], fields, message)
