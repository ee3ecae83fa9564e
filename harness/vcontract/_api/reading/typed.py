"""What a file says, held against the schema: wire values, and what of them no release, or not this one, takes."""

from __future__ import annotations

import base64
import binascii
import difflib
from collections.abc import Mapping
from typing import NamedTuple

from vcontract._api.reading.loose import CUT, TYPE_KEYS, Loose, SpecificationError, check_size, shown, stated
from vcontract._api.reading.names import type_name
from vcontract._schema import SHIPPED, Field, Schema
from vcontract._schema.ages import since
from vcontract._schema.shapes import ANY, REFERENCE, SIMPLE
from vcontract._schema.simple_values import WrongError, from_text, to_text
from vcontract._terms import Json

SPECIFICATION = "CustomizationSpec"
_AROUND = {"CustomizationSpecItem": "spec", "VirtualMachineCloneSpec": "customization"}
"""Types around a specification, and the field that holds it."""
_OWN = ("identity", "globalIPSettings", "nicSettingMap")
_REST = ("configuration_spec", "linux_config", "windows_config", "cloud_config")
_IGNORED = frozenset({*TYPE_KEYS, "_vimid", "_vimref", "dynamicType", "dynamicProperty", "_value"})
"""What clients write beside the fields; none of it is sent."""
_MOST = 100_000
"""Values that a specification may have; the largest real ones have some hundred."""
_BYTE, _SIGN = 256, 128


class Newer(NamedTuple):
    """A field or type that came with a release: its path, its name, the wire version."""

    path: str
    name: str
    since: str


class Refused(NamedTuple):
    """What is not of the schema: the path of the field, and what is wrong with it."""

    path: str
    says: str


class Read(NamedTuple):
    """A specification as wire values; `refused` is what no server takes, `newer` what only newer ones know.

    `open_types`: paths of objects whose type nothing tells; `alternatives` are then the readings, the first is `spec`.
    """

    spec: dict[str, Json]
    refused: tuple[Refused, ...]
    newer: tuple[Newer, ...]
    open_types: dict[str, tuple[str, ...]]
    alternatives: tuple[dict[str, Json], ...]


def read_typed(loose: Loose, schema: Schema) -> Read:
    """Give a specification as wire values. Raises SpecificationError for what is none, or has what no release knows."""
    check_size(loose.root)
    root = _specification(loose)
    first = _Typing(schema, loose, 0)
    spec = first.data(root, SPECIFICATION, "spec")
    most = max((len(names) for names in first.open_types.values()), default=1)
    others = [_Typing(schema, loose, number).data(root, SPECIFICATION, "spec") for number in range(1, most)]
    return Read(spec, tuple(first.refused), tuple(first.newer), first.open_types, (spec, *others))


def _specification(loose: Loose) -> dict[str, Json]:
    """Find the specification in what a file holds: itself, or in an item, a clone's specification or a call."""
    root, way = loose.root, ""
    for _ in range(3):
        said = stated(root)
        kind = type_name(said) if said else ""
        fields = {_wire(name): value for name, value in root.items()}
        if kind == SPECIFICATION or (not kind and any(name in fields for name in _OWN)):
            return root
        inner = next(
            (fields[name] for name in ("spec", "customization") if isinstance(fields.get(name), Mapping)), None
        )
        if kind and kind not in _AROUND:
            raise SpecificationError(f"{way or 'it'} is a {kind[:80]}, not a CustomizationSpec")
        if any(name in fields for name in _REST):
            raise SpecificationError(f"{way or 'it'} is a specification of the REST API, which is not read")
        if inner is None:
            raise SpecificationError(f"{way or 'it'} holds no CustomizationSpec; it has {shown(root)}")
        root, way = {str(name): value for name, value in inner.items()}, f"{way}{'.' if way else ''}spec"
    raise SpecificationError("it holds no CustomizationSpec")


class _Typing:
    """One reading of a file; where fields tell several types, `choice` says which of them is taken."""

    def __init__(self, schema: Schema, loose: Loose, choice: int) -> None:
        self._schema, self._loose, self._choice = schema, loose, choice
        self._values = 0
        self.refused: list[Refused] = []
        self.newer: list[Newer] = []
        self.open_types: dict[str, tuple[str, ...]] = {}

    def data(self, value: Json, static: str, path: str) -> dict[str, Json]:
        """Read an object in the place of a static type."""
        if value == "":  # XML spells an object without fields so
            value = {}
        if not isinstance(value, Mapping):
            cut = isinstance(value, str) and type_name(value) in self._schema.subtypes(static)
            raise SpecificationError(f"{path}: {CUT if cut else f'must be a {static}, not {_kind_of(value)}'}")
        kind = self._type(value, static, path)
        made: dict[str, Json] = {"_typeName": kind}
        fields = {field.name: field for field in self._schema.types[kind].fields}
        for name, content in value.items():
            field = fields.get(_wire(name))
            if field is not None:
                read = self._field(field, content, f"{path}.{field.name}")
                if read is not None:
                    made[field.name] = read
                    self._age(kind, field.name, f"{path}.{field.name}")
            elif _wire(name) not in _IGNORED:
                raise SpecificationError(f"{path}.{str(name)[:80]}: {_unknown(str(name), kind, list(fields))}")
        missing = [field.name for field in fields.values() if not field.optional and field.name not in made]
        self.refused += [Refused(f"{path}.{name}", f"{kind} requires it") for name in missing]
        return made

    def _type(self, value: Mapping[str, Json], static: str, path: str) -> str:
        written = stated(dict(value))
        possible = [name for name in self._schema.subtypes(static) if name == static or not self._abstract(name)]
        if written:
            kind = type_name(written)
            if kind not in self._schema.subtypes(static):
                known = kind in self._schema.types
                what = f"is no {static}" if known else f"is a type that no release up to {SHIPPED[-1]} has"
                raise SpecificationError(f"{path}: {kind[:80]} {what}")
        elif len(possible) == 1:
            kind = possible[0]
        else:
            kind = self._told_by_fields(value, [name for name in possible if name != static], static, path)
        self._age(kind, "", path)
        return kind

    def _abstract(self, name: str) -> bool:
        return len(self._schema.subtypes(name)) > 1

    def _told_by_fields(self, value: Mapping[str, Json], possible: list[str], static: str, path: str) -> str:
        """Tell a type by the fields that are there: those with all of them, and with nothing required that is missing."""
        given = {_wire(name) for name in value} - _IGNORED
        fitting = [name for name in possible if self._fits(name, given)]
        whole = [name for name in fitting if given == {field.name for field in self._schema.types[name].fields}]
        able = whole or fitting
        if not able:
            raise SpecificationError(
                f"{path}: nothing says which {static} it is, and none has the fields {shown(given)}"
            )
        if len(able) > 1:
            self.open_types[path] = tuple(able)
        return able[min(self._choice, len(able) - 1)]

    def _fits(self, name: str, given: set[str]) -> bool:
        fields = self._schema.types[name].fields
        required = {field.name for field in fields if not field.optional}
        return required <= given <= {field.name for field in fields}

    def _field(self, field: Field, content: Json, path: str) -> Json:
        self._values += 1
        if self._values > _MOST:
            raise SpecificationError(f"{path}: more than {_MOST:,} values, and no specification has so many")
        if (
            content is None or content == []
        ):  # pyVmomi writes a list that is unset as an empty one; either way none is sent
            return None
        if not field.array:
            if isinstance(content, list) and len(content) != 1:
                raise SpecificationError(f"{path}: must be one value, not a list of {len(content)}")
            return self._item(field.type, content[0] if isinstance(content, list) else content, path)
        if field.type == "byte":
            return self._bytes(content, path)
        if not isinstance(content, list):
            if not self._loose.lexical:
                raise SpecificationError(f"{path}: must be a list, not {_kind_of(content)}")
            content = [] if content == "" else [content]
        self._values += len(content)
        return [self._item(field.type, each, f"{path}[{at}]") for at, each in enumerate(content)]

    def _item(self, kind: str, content: Json, path: str) -> Json:
        if kind in SIMPLE:
            return self._simple(kind, content, path)
        if kind in {ANY, REFERENCE}:
            return content
        known = self._schema.types[kind]
        if not known.enum:
            return self.data(content, kind, path)
        if isinstance(content, int):
            raise SpecificationError(
                f"{path}: a {kind} is written by its name, not as {content}; ConvertTo-Json has -EnumsAsStrings for that"
            )
        if content not in known.enum:
            self.refused.append(Refused(path, f"no {kind} is so called; there are {shown(known.enum)}"))
        return content

    def _simple(self, kind: str, content: Json, path: str) -> Json:
        if kind == "string" and content == {}:
            content = ""
        try:
            read = from_text(kind)
            if self._loose.lexical and read is not None and isinstance(content, str):
                content = read(content.strip())
            to_text(kind)(content)
        except WrongError as wrong:
            if isinstance(content, str | Mapping | list):
                raise SpecificationError(f"{path}: must be a {kind}, not {_kind_of(content)}") from wrong
            raise SpecificationError(wrong.text(path)) from wrong
        except (ValueError, KeyError) as wrong:
            raise SpecificationError(f"{path}: must be a {kind}, not {_kind_of(content)}") from wrong
        return content

    def _bytes(self, content: Json, path: str) -> list[int]:
        """Read bytes: base64 as govmomi has them, or numbers, signed as on the wire or not, as .NET has them."""
        if isinstance(content, str):
            try:
                content = list(base64.b64decode(content, validate=True))
            except (binascii.Error, ValueError) as cause:
                raise SpecificationError(f"{path}: no base64: {cause}") from cause
        if not isinstance(content, list):
            raise SpecificationError(f"{path}: must be bytes, not {_kind_of(content)}")
        try:
            numbers = [int(each) for each in content]
        except (TypeError, ValueError, OverflowError) as cause:
            raise SpecificationError(f"{path}: must be bytes: {cause}") from cause
        if not all(-_SIGN <= number < _BYTE for number in numbers):
            raise SpecificationError(f"{path}: must be bytes, from -{_SIGN} to {_BYTE - 1}")
        return [number - _BYTE if number >= _SIGN else number for number in numbers]

    def _age(self, kind: str, field: str, path: str) -> None:
        came = since(kind, field)
        if came:
            self.newer.append(Newer(path, f"{kind}.{field}" if field else kind, came))


def _wire(name: Json) -> str:
    """Give the name of a field on the wire: Go and .NET write its first letter large."""
    text = str(name)
    return f"{text[:1].lower()}{text[1:]}"


def _unknown(name: str, kind: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    meant = f"; {near[0]} is meant?" if near else f"; it has {shown(known, 12)}"
    return f"no {kind} has that in any release up to {SHIPPED[-1]}{meant}"


def _kind_of(value: Json) -> str:
    """Say what a value is without showing it, for it may be a password."""
    names = {
        dict: "an object",
        list: "a list",
        str: "a text",
        bool: "a truth value",
        int: "a number",
        float: "a number",
    }
    return names.get(type(value), f"a {type(value).__name__}")
