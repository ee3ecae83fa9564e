"""How the fields of a type, or the parameters or the result of a method, differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from vcontract._schema.diff.change import Change, Kind, Position
from vcontract._schema.shapes import ANY, Field
from vcontract._schema.wsdl import Schema

_WIDER = (("byte", "short", "int", "long", "integer", "decimal"), ("float", "double"), ("anyURI", "string"))
"""Each type holds every value of those before it, written the same."""


def member_changes(
    path: str,
    old: Sequence[Field],
    new: Sequence[Field],
    schemas: tuple[Schema, Schema],
    positions: AbstractSet[Position],
) -> Iterator[Change]:
    """List the fields that were removed, changed and added."""
    before, after = {member.name: member for member in old}, {member.name: member for member in new}
    for name, field in before.items():
        if name not in after:
            kind = Kind.FIELD_REMOVED if field.optional else Kind.REQUIRED_REMOVED
            yield Change(kind, f"{path}.{name}", written(field), "", positions)
        else:
            yield from field_changes(f"{path}.{name}", field, after[name], schemas, positions)
    for name, field in after.items():
        if name not in before:
            kind = Kind.FIELD_ADDED if field.optional else Kind.REQUIRED_ADDED
            yield Change(kind, f"{path}.{name}", "", written(field), positions)


def order_changes(
    path: str, old: Sequence[Field], new: Sequence[Field], positions: AbstractSet[Position]
) -> Iterator[Change]:
    """Report a changed order of the fields that both sides have, for an XSD sequence fixes the order."""
    before, after = {member.name for member in old}, {member.name for member in new}
    was = ", ".join(member.name for member in old if member.name in after)
    now = ", ".join(member.name for member in new if member.name in before)
    if was != now:
        yield Change(Kind.ORDER_CHANGED, path, was, now, positions)


def field_changes(
    path: str, old: Field, new: Field, schemas: tuple[Schema, Schema], positions: AbstractSet[Position]
) -> Iterator[Change]:
    """List how one field differs: its type, whether it is required, whether it repeats."""
    kinds = []
    if old.type != new.type:
        kinds.append(retyped(old.type, new.type, schemas))
    if old.optional != new.optional:
        kinds.append(Kind.BECAME_OPTIONAL if new.optional else Kind.BECAME_REQUIRED)
    if old.array != new.array:
        kinds.append(Kind.BECAME_ARRAY if new.array else Kind.BECAME_SINGLE)
    for kind in kinds:
        yield Change(kind, path, written(old), written(new), positions)


def written(field: Field) -> str:
    """Write a field's type: `[]` if it repeats, `?` if it is optional."""
    return f"{field.type}{'[]' * field.array}{'?' * field.optional}"


def retyped(old: str, new: str, schemas: tuple[Schema, Schema]) -> Kind:
    """Say how one type stands to another that takes its place."""
    before, after = schemas
    if _holds(new, old, before):
        return Kind.TYPE_WIDENED
    if _holds(old, new, after):
        return Kind.TYPE_NARROWED
    if new == ANY or after.is_subtype(old, new):
        return Kind.TYPE_RAISED
    if old == ANY or after.is_subtype(new, old):
        return Kind.TYPE_LOWERED
    return Kind.TYPE_REPLACED


def _holds(wide: str, narrow: str, schema: Schema) -> bool:
    """Whether a simple type holds all values of another, which is one of a schema's."""
    if wide == "string" and narrow in schema.types and schema.types[narrow].enum:
        return True
    return any(wide in line and narrow in line and line.index(narrow) < line.index(wide) for line in _WIDER)
