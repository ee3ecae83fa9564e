"""One plain value of each type, and the way to put it into arguments that are valid otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vcontract._schema import Field, Schema
from vcontract._strategies.closure import ANY, REFERENCE, Closure, concrete
from vcontract._terms import Json

LEAST, KEPT, FULL, MANY = "least", "kept", "full", "many"
"""How full a value is: required fields, those and the present ones, every field once, lists with two items."""
PREFERRED = (
    "NamePasswordAuthentication",
    "CustomizationLinuxPrep",
    "CustomizationFixedName",
    "CustomizationDhcpIpGenerator",
    "CustomizationDhcpIpV6Generator",
    "CustomizationLinuxOptions",
)
_TEXTS = {
    "name": "web-1",
    "base": "web",
    "domain": "example.com",
    "ipAddress": "10.0.0.5",
    "subnetMask": "255.255.255.0",
    "gateway": "10.0.0.1",
    "timeZone": "Europe/Berlin",
    "macAddress": "00:50:56:00:00:01",
    "dnsServerList": "10.0.0.53",
    "username": "vcontract-nobody",
    "password": "secret:guest.nobody",
    "metadata": "{}",
    "compatibleCustomizationMethod": "GOSC_METHOD_1",
}
ANY_VALUES: dict[str, Json] = {
    "string": "x",
    "boolean": True,
    "int": 1,
    "long": 1 << 40,
    "short": -1,
    "byte": -128,
    "double": 1.5,
    "dateTime": "2026-01-01T00:00:00Z",
    "ArrayOfString": ["x", ""],
    "ArrayOfBoolean": [True],
    "ArrayOfInt": [1, -1],
    "ArrayOfLong": [1 << 40],
    "ArrayOfDouble": [1.5],
    "ArrayOfByte": [-128, 127],
}


def sample(schema: Schema, kind: str, mode: str = LEAST) -> dict[str, Json]:
    """Give a value of exactly this data object type; what it holds is as small as can be."""
    value: dict[str, Json] = {"_typeName": kind}
    for field in schema.types[kind].fields:
        if mode in {FULL, MANY} or not field.optional:
            value[field.name] = of_field(schema, field, 2 if mode == MANY else 1)
    if kind == "CustomizationFixedIpV6":
        value["ipAddress"] = "2001:db8::5"
    return value


def of_field(schema: Schema, field: Field, count: int = 1) -> Json:
    """Give a plain value of a field; a list has `count` items."""
    item = _item(schema, field)
    return [item] * count if field.array else item


def _item(schema: Schema, field: Field) -> Json:
    if field.type == "string":
        return _TEXTS.get(field.name, "x")
    if field.type == ANY:
        return any_value("string")
    if field.type == REFERENCE:
        return {"_typeName": REFERENCE, "type": "VirtualMachine", "value": "vm-0"}
    if field.type in ANY_VALUES:
        return 64 if field.name == "subnetMask" else ANY_VALUES[field.type]
    known = schema.types[field.type]
    if known.enum:
        return known.enum[0]
    names = concrete(schema, field.type)
    return sample(schema, next((name for name in PREFERRED if name in names), names[0]))


def any_value(kind: str) -> dict[str, Json]:
    """Give a value of an anyType place."""
    return {"_typeName": kind, "_value": ANY_VALUES[kind]}


def hosted(
    closure: Closure, values: Mapping[str, Json], path: Sequence[tuple[str, str]], mode: str, owner: str = ""
) -> dict[str, Json]:
    """Put a value of the path's last type into arguments, as full as `mode` says.

    `path` names the field and the type of each step from `owner` (default: the method). What stands in the way is kept if
    it is of the path's type, else replaced; of a list the first item is.
    """
    (name, kind), rest = path[0], path[1:]
    content = values.get(name)
    first = content[0] if isinstance(content, list) and content else content
    value = sample(closure.schema, kind, LEAST if rest else mode)
    if isinstance(first, dict) and first.get("_typeName") == kind:
        kept = first if rest or mode != LEAST else _required(closure.schema, kind, first)
        value |= {name: value_ for name, value_ in kept.items() if value_ not in (None, [])}
    if rest:
        value = hosted(closure, value, rest, mode, kind)
    elif mode == MANY:
        value |= {field.name: of_field(closure.schema, field, 2) for field in closure.fields(kind) if field.array}
    listed = next(field.array for field in closure.fields(owner or closure.method) if field.name == name)
    return {**values, name: [value, *(content or ())[1:]] if listed else value}


def _required(schema: Schema, kind: str, value: Mapping[str, Json]) -> dict[str, Json]:
    """Keep of a value what its type requires."""
    return {field.name: value[field.name] for field in schema.types[kind].fields if not field.optional}
