"""Computes what a method's arguments can hold: types, the places that hold them, and a path from the method to each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from vcontract._schema import Field, Schema

ANY = "anyType"
REFERENCE = "ManagedObjectReference"
INTEGERS = {"byte": 7, "short": 15, "int": 31, "long": 63}
SIMPLE = frozenset({"string", "boolean", "dateTime", "float", "double", *INTEGERS})
ANY_SIMPLE = ("string", "boolean", "int", "long", "short", "byte", "double", "dateTime")
ANY_ARRAYS = ("ArrayOfString", "ArrayOfBoolean", "ArrayOfInt", "ArrayOfLong", "ArrayOfDouble", "ArrayOfByte")
ABSTRACT = frozenset(
    {
        "CustomizationIdentitySettings",
        "CustomizationName",
        "CustomizationIpGenerator",
        "CustomizationIpV6Generator",
        "CustomizationOptions",
        "GuestAuthentication",
    }
)
"""Types that are never meant to be sent as such; a convention, for the WSDL marks no type as abstract."""


@dataclass(frozen=True, slots=True)
class Place:
    """A field of a type, or a parameter of a method; its `name` is `OWNER.FIELD`."""

    owner: str
    field: Field

    @property
    def name(self) -> str:
        """Name the place."""
        return f"{self.owner}.{self.field.name}"


class Closure:
    """Everything that a method's arguments can hold at one API version; `types` are data object types, nearest first."""

    def __init__(self, schema: Schema, method: str) -> None:
        self.schema, self.method = schema, method
        self.paths: dict[str, tuple[tuple[str, str], ...]] = {}
        waiting = [method]
        for owner in waiting:
            for field in self.fields(owner):
                for name in self.concrete(field.type):
                    if name not in self.paths:
                        self.paths[name] = (*self.paths.get(owner, ()), (field.name, name))
                        waiting.append(name)

    @property
    def types(self) -> tuple[str, ...]:
        """Name the data object types that may be sent."""
        return tuple(self.paths)

    def fields(self, owner: str) -> tuple[Field, ...]:
        """Give the fields of a type, base first, or the parameters of the method."""
        if owner == self.method:
            return self.schema.operations[owner].parameters
        return self.schema.types[owner].fields

    def is_data(self, kind: str) -> bool:
        """Whether a static type is a data object type."""
        return kind not in {ANY, REFERENCE} and kind not in SIMPLE and not self.enum(kind)

    def enum(self, kind: str) -> tuple[str, ...]:
        """Give the values of an enumerated type; none for any other."""
        return () if kind in {ANY, REFERENCE} or kind in SIMPLE else self.schema.types[kind].enum

    def concrete(self, kind: str) -> tuple[str, ...]:
        """Name the types that may stand in the place of a data object type, without the abstract ones."""
        return concrete(self.schema, kind) if self.is_data(kind) else ()

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """List every place of the method and of every type."""
        return tuple(Place(owner, field) for owner in (self.method, *self.types) for field in self.fields(owner))

    def stand_ins(self, place: Place) -> tuple[str, ...]:
        """List the alternatives of a place: the types of a polymorphic one, the values of an enumerated one."""
        kind = place.field.type
        if kind == ANY:
            return (*ANY_SIMPLE, *(array for array in ANY_ARRAYS if array in self.schema.types))
        narrowed = self.enum(kind) or self.concrete(kind)
        return narrowed if len(narrowed) > 1 or kind in ABSTRACT else ()


def concrete(schema: Schema, kind: str) -> tuple[str, ...]:
    """Name the types that may stand in the place of a data object type, without the abstract ones."""
    return tuple(subtype for subtype in schema.subtypes(kind) if subtype not in ABSTRACT)
