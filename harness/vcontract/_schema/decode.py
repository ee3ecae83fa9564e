"""Reply XML to wire values, by a reader for each type, made at its first use: zeep's own takes 35 times as long as the parse.

What breaks the schema is noted with the path to it, which is a chain of pairs until it is written: few ever are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from lxml import etree

from vcontract._schema.shapes import ANY, REFERENCE, SIMPLE, XSD_NAMESPACE, Field
from vcontract._schema.simple_values import from_text
from vcontract._terms import Fault, Json

if TYPE_CHECKING:
    from collections.abc import Callable

    from vcontract._schema.wsdl import Schema

XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_TYPE = f"{XSI}type"
_NIL = f"{XSI}nil"
_ON_REFERENCES = (_TYPE, "type", "serverGuid")
"""Attributes of a reference. `serverGuid` says whose it is, is no part of what it is, and is not kept [M O]."""
_UNMARKED = frozenset({"UTF-8", "utf-8"})
"""Encodings in which `xmlns` is spelled in one way only."""
_MOST = 1024
"""Declarations of prefixes, and values of xsi:type, that are remembered: a server has few, but may make up any number."""
_Path: TypeAlias = "tuple[Any, ...]"
"""The path to an element, from the inside out: that of the element around it, and a name or the index in a list; or empty."""


class Reading:
    """One element of a reply while it is read, with all in it: the problems, and the types of the objects that were found.

    `names` are the types that values of xsi:type name, where no prefix is declared inside; else None.
    """

    __slots__ = ("names", "problems", "types")

    def __init__(self, names: dict[str, str] | None = None) -> None:
        self.problems: list[str] = []
        self.types: set[str] = set()
        self.names = names

    def note(self, path: _Path, what: str) -> None:
        """Note what is wrong with the element that a path leads to."""
        steps: list[str] = []
        while path:
            path, step = path
            steps.append(f"[{step}]" if isinstance(step, int) else f".{step}")
        self.problems.append("".join(reversed(steps))[1:] + what)

    def learned(self, stated: str, name: str) -> str:
        """Keep which type a value of xsi:type names, and give it."""
        if self.names is not None and len(self.names) < _MOST:
            self.names[stated] = name
        return name


_Read: TypeAlias = "Callable[[Any, _Path, Reading], Json]"
"""Decodes an element, or what is in it."""
_Declared: TypeAlias = tuple[int, str, bool, _Read]
"""The place of a field in its type, its name, whether it may repeat, and what reads one of its elements."""


class _Table:
    """The fields of one type, or of one element: by element tag, and the names of those that are required."""

    __slots__ = ("by_tag", "name", "required")

    def __init__(self, name: str, fields: tuple[Field, ...], by_tag: dict[str, _Declared]) -> None:
        self.name, self.by_tag = name, by_tag
        self.required = {field.name: None for field in fields if not field.optional}.keys()


class Decoder:
    """Decodes elements of one schema, and notes what breaks it."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._readers: dict[str, _Read] = {}
        self._results: dict[str, _Table] = {}
        self._names: dict[tuple[tuple[str | None, str], ...], dict[str, str]] = {}

    def begin(self, element: Any, source: bytes = b"") -> Reading:
        """Begin to read an element; `source` are the bytes that it was parsed from, if they are at hand."""
        spaces = element.nsmap
        if source.count(b"xmlns") != len(spaces) or element.getroottree().docinfo.encoding not in _UNMARKED:
            return Reading()
        if len(self._names) >= _MOST:
            self._names.clear()
        return Reading(self._names.setdefault(tuple(spaces.items()), {}))

    def result(self, method: str, element: Any, reading: Reading) -> dict[str, Json]:
        """Decode what is in the reply to a method: its result by the name of the element, if there is one."""
        table = self._results.get(method)
        if table is None:
            result = self._schema.operations[method].result
            table = self._results[method] = self._table(f"{method}Response", (result,) if result else ())
        values: dict[str, Json] = {}
        self._fields(element, table, ((), method), reading, values)
        return values

    def request(self, method: str, element: Any, reading: Reading) -> dict[str, Json]:
        """Decode what is in a request of a method: its arguments by name, and `_this`."""
        fields = (Field("_this", REFERENCE, optional=False, array=False), *self._schema.operations[method].parameters)
        values: dict[str, Json] = {}
        self._fields(element, self._table(method, fields), ((), method), reading, values)
        return values

    def item(self, element: Any, static: str, name: str, reading: Reading) -> Json:
        """Decode an element in the place of a static type; `name` is the begin of the path."""
        return self._reader(static)(element, ((), name), reading)

    def _table(self, name: str, fields: tuple[Field, ...]) -> _Table:
        tags = [f"{{{self._schema.namespace}}}{field.name}" for field in fields]
        read = [(place, field.name, field.array, self._reader(field.type)) for place, field in enumerate(fields)]
        return _Table(name, fields, dict(zip(tags, read, strict=True)))

    def _fields(self, element: Any, table: _Table, path: _Path, reading: Reading, values: dict[str, Json]) -> None:
        """Decode the children of an object; a field that is foreign, doubled or out of order is a problem."""
        last = -1
        by_tag = table.by_tag
        for child in element:
            declared = by_tag.get(child.tag)
            if declared is None:
                declared = self._stray(child, table, path, reading)
                if declared is None:
                    continue
            place, name, array, read = declared
            if place < last:
                reading.note((path, name), f": out of order in {table.name}")
            else:
                last = place
            if array:
                seen = values.get(name)
                if seen is None:
                    seen = values[name] = []
                seen.append(read(child, ((path, name), len(seen)), reading))
            elif name in values:
                reading.note((path, name), f": occurs more than once in {table.name}")
            else:
                values[name] = read(child, (path, name), reading)
        if element.text is not None or not table.required <= values.keys():
            self._note_gaps(element, table, path, reading, values)

    @staticmethod
    def _note_gaps(element: Any, table: _Table, path: _Path, reading: Reading, values: dict[str, Json]) -> None:
        """Note what an object lacks, and the text that it has around its elements."""
        for name in table.required:
            if name not in values:
                reading.note((path, name), f": missing, {table.name} requires it")
        if element.text is not None and element.text.strip():
            reading.note(path, f": text where {table.name} has only elements")

    def _stray(self, child: Any, table: _Table, path: _Path, reading: Reading) -> _Declared | None:
        """Find the field whose element came in a wrong name space; None: the element is foreign or too new."""
        if not isinstance(child.tag, str):
            return None  # a comment or processing instruction says nothing
        tag = etree.QName(child)
        declared = table.by_tag.get(f"{{{self._schema.namespace}}}{tag.localname}")
        if declared is None:
            reading.note((path, tag.localname), f": {table.name} has no such field at API {self._schema.api_version}")
        else:
            reading.note((path, tag.localname), f": in name space {tag.namespace or '(none)'}")
        return declared

    def _reader(self, static: str) -> _Read:
        """Give the reader of an element in the place of a static type."""
        read = self._readers.get(static)
        if read is None:
            read = self._readers[static] = self._made(static)
        return read

    def _made(self, static: str) -> _Read:
        """Make the reader: what has no attributes is as the static type says, as a text most often is."""
        bare = self._content(static, stated=static == ANY)
        contents: dict[str, _Read] = {}
        text = static == "string"

        def read(element: Any, path: _Path, reading: Reading) -> Json:
            attributes = element.attrib
            if not attributes:
                return element.text or "" if text and not len(element) else bare(element, path, reading)
            stated, name, content = attributes.get(_TYPE), static, bare
            if stated is not None:
                name = reading.names.get(stated, "") if reading.names is not None else ""
                known = contents.get(name)
                if known is None:
                    name = self._resolve(element, stated, static, path, reading)
                    known = contents[name] = bare if name == static else self._content(name, stated=static == ANY)
                content = known
            if len(attributes) != (stated is not None) + (name == REFERENCE and "type" in attributes):
                allowed = _ON_REFERENCES if name == REFERENCE else (_TYPE,)
                for attribute in attributes:
                    if attribute not in allowed:
                        reading.note(path, f": attribute {attribute} does not belong here")
                if attributes.get(_NIL) in {"true", "1"}:
                    return None
            return content(element, path, reading)

        return read

    def _resolve(self, element: Any, stated: str, static: str, path: _Path, reading: Reading) -> str:
        """Give the type that an xsi:type names if it may stand in the place of a static one, else the static one."""
        prefix, _, local = stated.strip().rpartition(":")
        namespace = element.nsmap.get(prefix or None)
        if namespace == XSD_NAMESPACE:
            if local in SIMPLE and static in {ANY, local}:
                return reading.learned(stated, local)
        elif namespace == self._schema.namespace and (local == REFERENCE or local in self._schema.types):
            if static in {ANY, local} or self._schema.is_subtype(local, static):
                return reading.learned(stated, local)
            reading.note(path, f": xsi:type {stated} is no {static}")
            return static
        reading.note(path, f": xsi:type {stated} is unknown at API {self._schema.api_version}")
        return static

    def _content(self, name: str, *, stated: bool) -> _Read:
        """Make the reader of what is in an element of a type; `stated`: any type may stand there, so the value says its own."""
        if name in SIMPLE:
            return _simple(name, stated=stated)
        if name == REFERENCE:
            return _reference
        if name == ANY:
            return _untyped
        known = self._schema.types[name]
        if known.enum:
            return _enum(name, frozenset(known.enum), stated=stated)
        listed = stated and name.startswith("ArrayOf")
        table: _Table | None = None

        def read(element: Any, path: _Path, reading: Reading) -> Json:
            nonlocal table
            if table is None:  # not made before a value comes, for types hold each other
                table = self._table(name, known.fields)
            reading.types.add(name)
            values: dict[str, Json] = {} if listed else {"_typeName": name}
            self._fields(element, table, path, reading, values)
            return next(iter(values.values()), []) if listed else values

        return read


def _text(element: Any, name: str, path: _Path, reading: Reading) -> str:
    """Give the text of an element that holds something else too: comments, or elements that do not belong there."""
    if any(isinstance(child.tag, str) for child in element):
        reading.note(path, f": elements where {name} has only text")
        return ""
    return "".join(element.itertext())


def _simple(name: str, *, stated: bool) -> _Read:
    parse = from_text(name)

    def read(element: Any, path: _Path, reading: Reading) -> Json:
        value = _text(element, name, path, reading) if len(element) else element.text or ""
        if parse is not None:
            value = value.strip()
            try:
                value = parse(value)
            except (ValueError, KeyError):
                reading.note(path, f": {value!r} is no {name}")
        return {"_typeName": name, "_value": value} if stated else value

    return read


def _enum(name: str, texts: frozenset[str], *, stated: bool) -> _Read:
    def read(element: Any, path: _Path, reading: Reading) -> Json:
        text = _text(element, name, path, reading) if len(element) else element.text or ""
        if text not in texts:
            reading.note(path, f": {text!r} is no {name}")
        return {"_typeName": name, "_value": text} if stated else text

    return read


def _reference(element: Any, path: _Path, reading: Reading) -> Json:
    kind = element.get("type")
    if not kind:
        reading.note(path, ": a reference without its type")
    moid = _text(element, REFERENCE, path, reading) if len(element) else element.text or ""
    return {"_typeName": REFERENCE, "type": kind or "", "value": moid}


def _untyped(element: Any, path: _Path, reading: Reading) -> Json:
    if element.get(_TYPE) is None:
        reading.note(path, ": an anyType value needs an xsi:type")
    return element.text or ""


def as_fault(value: Json, message: str = "") -> Fault:
    """Make a Fault of a decoded fault object."""
    fields = {name: item for name, item in value.items() if name != "_typeName"}
    return Fault(value["_typeName"], fields, message)
