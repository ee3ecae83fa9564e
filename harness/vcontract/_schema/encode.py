"""Wire values to a SOAP request: a writer for each type, made at its first use, checks a value and writes it in one pass.

zeep reads the WSDL, but it does not write: it would take thirty times as long. What is written here is, byte for byte, what
zeep would write; `tests/schema/test_wsdl_written.py` holds that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from vcontract._errors import SchemaError
from vcontract._schema.shapes import ANY, REFERENCE, SIMPLE, XSD_NAMESPACE, Field
from vcontract._schema.simple_values import WrongError, attribute, string, to_text, unusual

if TYPE_CHECKING:
    from vcontract._schema.wsdl import Schema
    from vcontract._terms import Json, Ref

VIM, XSD, XSI = "vim25", "xsd", "xsi"
"""The prefixes of requests; the vendor's, since some servers read xsi:type by the prefix and not by what it stands for."""
_SPACES = {
    "soap-env": "http://schemas.xmlsoap.org/soap/envelope/",
    XSD: XSD_NAMESPACE,
    XSI: "http://www.w3.org/2001/XMLSchema-instance",
}
_END = "</soap-env:Body></soap-env:Envelope>"
_Write: TypeAlias = "Callable[[Json, list[str]], None]"
"""Checks a value and adds its text to what was written; raises WrongError."""


class Encoder:
    """Serialises requests of one schema."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        spaces = _SPACES | {VIM: schema.namespace}
        declared = " ".join(f'xmlns:{prefix}="{attribute(space)}"' for prefix, space in spaces.items())
        begin = f"<soap-env:Envelope {declared}><soap-env:Body>"
        self._begin = f"<?xml version='1.0' encoding='UTF-8'?>\n{begin}"
        self._methods: dict[str, _Write] = {}
        self._objects: dict[str, _Write] = {}
        self._this = self._reference("_this")

    def request(self, method: str, element: str, this: Ref, arguments: Mapping[str, Json]) -> bytes:
        """Write the envelope of a call with its element. Raises SchemaError with the path to what is wrong."""
        write = self._methods.get(method)
        if write is None:
            write = self._methods[method] = self._fields(method, self._schema.operations[method].parameters)
        out = [self._begin, f"<{VIM}:{element}>"]
        try:
            self._this(this.json(), out)
            write(arguments, out)
        except WrongError as wrong:
            raise SchemaError(wrong.text(method)) from wrong.__cause__
        out.append(f"</{VIM}:{element}>{_END}")
        return "".join(out).encode()

    def _fields(self, owner: str, fields: Sequence[Field]) -> _Write:
        """Make the writer of the elements in an object of a type, or in a call."""
        tags = [_tags(field.name) if field.type == "string" and not field.array else ("", "") for field in fields]
        steps = tuple(
            (field.name, field.optional, self._field(owner, field), *each)
            for field, each in zip(fields, tags, strict=True)
        )
        known = frozenset({"_typeName", *(field.name for field in fields)})

        def write(values: Mapping[str, Json], out: list[str]) -> None:
            name = ""
            get = values.get
            try:
                for name, optional, write_one, begin, end in steps:
                    value = get(name)
                    if begin and type(value) is str and not unusual(value):  # most values are such texts
                        out.append(f"{begin}{value}{end}")
                    elif value is not None:
                        write_one(value, out)
                    elif not optional:
                        raise WrongError(f" is missing: {owner} requires it")  # noqa: TRY301 - its path is added below
            except WrongError as wrong:
                wrong.way.append(f".{name}")
                raise
            if not values.keys() <= known:
                names = ", ".join(field.name for field in fields) or "no fields"
                raise WrongError(f" does not exist: {owner} has {names}", f".{min(values.keys() - known)}")

        return write

    def _field(self, owner: str, field: Field) -> _Write:
        write_one = self._element(field.name, field.type)
        if not field.array:
            return write_one

        def write(value: Json, out: list[str]) -> None:
            if not isinstance(value, list | tuple):
                raise WrongError(f" must be a list of {field.type}")
            if not value and not field.optional:
                raise WrongError(f" is empty: {owner} requires at least one {field.type}")
            for index, item in enumerate(value):
                try:
                    write_one(item, out)
                except WrongError as wrong:
                    wrong.way.append(f"[{index}]")
                    raise

        return write

    def _element(self, tag: str, kind: str) -> _Write:
        """Make the writer of an element of a static type."""
        if kind in SIMPLE:
            return _simple(tag, kind)
        if kind == REFERENCE:
            return self._reference(tag)
        if kind == ANY:
            return self._any(tag)
        known = self._schema.types[kind]
        return _enum(tag, known.name, known.enum) if known.enum else self._data(tag, kind)

    def _data(self, tag: str, static: str, usual: str = "") -> _Write:
        """Make the writer of a data object: xsi:type says its type if that is not the static one, for which `usual` stands."""
        shapes: dict[str, tuple[str, str, str, _Write]] = {}

        def write(value: Json, out: list[str]) -> None:
            if type(value) is not dict and not isinstance(value, Mapping):
                raise WrongError(f" must be a {static}, not {value!r}")
            name = value.get("_typeName", static)
            shape = shapes.get(name)
            if shape is None:
                if not self._schema.is_subtype(name, static):
                    raise WrongError(f": {name} is no {static} at API {self._schema.api_version}")
                stated = usual if name == static else f' {XSI}:type="{VIM}:{name}"'
                shape = shapes[name] = (*_tags(tag, stated), f"<{VIM}:{tag}{stated}/>", self._object(name))
            begin, end, empty, write_fields = shape
            here = len(out)
            out.append(begin)
            write_fields(value, out)
            if len(out) > here + 1:
                out.append(end)
            else:
                out[here] = empty

        return write

    def _object(self, name: str) -> _Write:
        write = self._objects.get(name)
        if write is None:
            write = self._objects[name] = self._fields(name, self._schema.types[name].fields)
        return write

    def _reference(self, tag: str, stated: str = "") -> _Write:
        """Make the writer of a reference: the type of the object is an attribute."""
        begin, end = f'<{VIM}:{tag} type="', f"</{VIM}:{tag}>"

        def write(value: Json, out: list[str]) -> None:
            named = isinstance(value, Mapping) and value.get("_typeName", REFERENCE) == REFERENCE
            if not named or "type" not in value or "value" not in value:
                raise WrongError(f" must be a {REFERENCE}, not {value!r}")
            moid = string(value["value"])
            out.append(f'{begin}{attribute(value["type"])}"{stated}>{moid}{end}')

        return write

    def _any(self, tag: str) -> _Write:
        """Make the writer of an element that holds a value of any type, which xsi:type names."""
        known: dict[str, _Write] = {}

        def write(value: Json, out: list[str]) -> None:
            inner = value
            if isinstance(value, bool):
                name = "boolean"
            elif isinstance(value, int):
                name = "int" if -(1 << 31) <= value < 1 << 31 else "long"
            elif isinstance(value, str):
                name = "string"
            else:
                name = str(value.get("_typeName", "")) if isinstance(value, Mapping) else ""
                inner = value.get("_value") if name in SIMPLE else value
            write_it = known.get(name)
            if write_it is None:
                if name not in SIMPLE and name != REFERENCE and name not in self._schema.types:
                    raise WrongError(f": {value!r} names no type that API {self._schema.api_version} has")
                write_it = known[name] = self._stated(tag, name)
            write_it(inner, out)

        return write

    def _stated(self, tag: str, name: str) -> _Write:
        """Make the writer of an element whose type is stated: what has a `_value` is an enumerated one, or a list."""
        if name in SIMPLE:
            return _simple(tag, name, f' {XSI}:type="{XSD}:{name}"')
        stated = f' {XSI}:type="{VIM}:{name}"'
        if name == REFERENCE:
            return self._reference(tag, stated)
        known = self._schema.types[name]
        if known.enum:
            write_enum = _enum(tag, name, known.enum, stated)
            return lambda value, out: write_enum(value.get("_value", value), out)
        write = self._data(tag, name, stated)
        listed = [field.name for field in known.fields]
        return lambda value, out: write(dict.fromkeys(listed, value["_value"]) if "_value" in value else value, out)


def _tags(tag: str, stated: str = "") -> tuple[str, str]:
    return f"<{VIM}:{tag}{stated}>", f"</{VIM}:{tag}>"


def _simple(tag: str, kind: str, stated: str = "") -> _Write:
    text, (begin, end) = to_text(kind), _tags(tag, stated)

    def write(value: Json, out: list[str]) -> None:
        out.append(f"{begin}{text(value)}{end}")

    return write


def _enum(tag: str, name: str, values: tuple[str, ...], stated: str = "") -> _Write:
    whole = {value: f"<{VIM}:{tag}{stated}>{string(value)}</{VIM}:{tag}>" for value in values}

    def write(value: Json, out: list[str]) -> None:
        written = whole.get(value) if isinstance(value, str) else None
        if written is None:
            raise WrongError(f": {value!r} is no {name} ({', '.join(values)})")
        out.append(written)

    return write
