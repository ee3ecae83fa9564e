"""Makes the vendor's data objects quickly: the defaults of a type are looked up once, and of a property only what is read."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


@cache
def _blank(kind: Any) -> tuple[dict[str, Any], tuple[tuple[str, Any], ...]]:
    """Give the fields that a new object of a type has, and those among them that are arrays, with their types."""
    fields = dict(vars(kind()))
    return fields, tuple((name, type(value)) for name, value in fields.items() if isinstance(value, list))


def make(kind: Any, /, **fields: Any) -> Any:
    """Make what `kind(**fields)` makes, but for its checks: names and types of the fields are the caller's care."""
    blank, arrays = _blank(kind)
    inside = {**blank, **fields}
    for name, array in arrays:
        if name not in fields:
            inside[name] = array()  # never shared: whoever has the object may append
    made = kind.__new__(kind)
    object.__setattr__(made, "__dict__", inside)
    return made


class Composite:
    """A property that is a data object: its type, and for each field that is ever set how it is made for its owner.

    Called with the owner it makes the whole object. A read of one field makes no other.
    """

    def __init__(self, kind: Any, /, **fields: Callable[[Any], Any]) -> None:
        self._kind = kind
        self._fields = fields

    def __call__(self, owner: Any) -> Any:
        """Make the object."""
        return make(self._kind, **{name: field(owner) for name, field in self._fields.items()})

    def field(self, name: str) -> Callable[[Any], Any]:
        """Give what makes a field, which may be a Composite too."""
        return self._fields.get(name) or (lambda _: getattr(make(self._kind), name, None))
