"""The facts of operations and types that the harness needs, read from zeep once and kept as plain values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

_NUMBERS = {"byte", "short", "int", "long", "float", "double", "decimal", "integer"}
SIMPLE = frozenset({"string", "boolean", "dateTime", "base64Binary", "anyURI", *_NUMBERS})
REFERENCE = "ManagedObjectReference"
ANY = "anyType"
XSD_NAMESPACE = "http://www.w3.org/2001/XMLSchema"

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Field:
    """A field, parameter or result: its type is a WSDL or XSD name without prefix; an array may repeat."""

    name: str
    type: str
    optional: bool
    array: bool


@dataclass(frozen=True, slots=True)
class DataType:
    """A type that may occur on the wire: fields base first for a data object or fault, else the values of an enum."""

    name: str
    base: str | None
    fields: tuple[Field, ...]
    enum: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """A method: its parameters without `_this`, its result (None for void), and the fault types that it declares."""

    name: str
    parameters: tuple[Field, ...]
    result: Field | None
    faults: tuple[str, ...]


class Lazy(Mapping[str, Value], Generic[Value]):
    """A mapping that computes each value at its first use, because a run uses few of 1,600 types."""

    def __init__(self, sources: Mapping[str, Any], make: Callable[[Any], Value]) -> None:
        self._sources = sources
        self._make = make
        self._made: dict[str, Value] = {}

    def __getitem__(self, name: str) -> Value:
        made = self._made.get(name)
        if made is None:
            made = self._made[name] = self._make(self._sources[name])
        return made

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)


def read_field(element: Any) -> Field:
    """Read zeep's element; zeep leaves anyType without a name."""
    many = element.max_occurs == "unbounded" or element.max_occurs > 1
    return Field(element.name, element.type.name or ANY, element.min_occurs == 0, many)


def read_fields(kind: Any) -> tuple[Field, ...]:
    """Read the fields of zeep's type: none of a simple one; `_value_1` is the pseudo member of an empty type."""
    return tuple(read_field(element) for name, element in getattr(kind, "elements", ()) if name != "_value_1")


def read_type(kind: Any, values: tuple[str, ...]) -> DataType:
    """Read zeep's type, given the values that it may have if it is enumerated."""
    return (
        DataType(kind.name, "string", (), values) if values else DataType(kind.name, read_base(kind), read_fields(kind))
    )


def read_base(kind: Any) -> str | None:
    """Name the type that zeep's type extends, of a simple type the XSD type that it restricts.

    zeep keeps neither as such: only the types that it accepts, and a Python base class.
    """
    bases = getattr(kind, "_extension_types", None)
    base = getattr(bases[0], "_xsd_type", None) if bases else None
    if base is not None:
        return str(base.name)
    restricted = getattr(kind, "_default_qname", None)  # a complex type is an anyType there, which says nothing
    return None if restricted is None or restricted.localname == ANY else str(restricted.localname)


def read_operation(operation: Any) -> Operation:
    """Read zeep's bound operation."""
    output = operation.output.body.type
    results = read_fields(output)
    faults = tuple(
        next(iter(message.parts.values())).element.type.name for message in operation.abstract.fault_messages.values()
    )
    parameters = tuple(field for field in read_fields(operation.input.body.type) if field.name != "_this")
    return Operation(operation.name, parameters, results[0] if results else None, faults)
