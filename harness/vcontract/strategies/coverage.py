"""How much of what a method's arguments can be was exercised: types, positions and constraints."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from vcontract.strategies.case import Case
from vcontract.strategies.closure import ANY, Closure
from vcontract.terms import Call, Envelope, Json

_COUNTS = ("none", "one", "many")


@dataclass(frozen=True)
class Ratio:
    """So many of so many."""

    reached: int
    all: int

    @property
    def percent(self) -> float:
        """Give the share in per cent, rounded down."""
        return 100.0 if not self.all else self.reached * 1000 // self.all / 10


@dataclass(frozen=True)
class Coverage:
    """The shares of one method: types, positions (what can be told apart in a place) and constraints (cases)."""

    types: Ratio
    positions: Ratio
    constraints: Ratio


def goals(closure: Closure) -> tuple[str, ...]:
    """List what can be told apart: each type; each place filled, empty if it may be, with each type or value, and how many."""
    return tuple(dict.fromkeys(_goals(closure)))


def _goals(closure: Closure) -> Iterator[str]:
    yield from closure.types
    for place in closure.places:
        field, name = place.field, place.name
        yield f"{name}+"
        if field.optional and not field.array:
            yield f"{name}-"
        yield from (f"{name}={each}" for each in closure.stand_ins(place))
        if field.array:
            yield from (f"{name}#{each}" for each in _COUNTS[0 if field.optional else 1 :])


def seen(closure: Closure, arguments: dict[str, Json]) -> set[str]:
    """Name what some arguments show of the goals."""
    return set(_seen(closure, closure.method, arguments))


def _seen(closure: Closure, owner: str, values: dict[str, Json]) -> Iterator[str]:
    for field in closure.fields(owner):
        name = f"{owner}.{field.name}"
        given = values.get(field.name)
        items = (given or []) if field.array else [] if given is None else [given]
        yield f"{name}+" if items else f"{name}-"
        if field.array:
            yield f"{name}#{_COUNTS[min(2, len(items))]}"
        for each in items:
            kind = each.get("_typeName", field.type) if isinstance(each, dict) else _simple(field.type, each)
            yield f"{name}={kind}"
            if kind in closure.paths:
                yield str(kind)
                yield from _seen(closure, str(kind), each)


def _simple(static: str, value: Json) -> str:
    """Name a plain value: in an anyType place by what zeep will say of it, of an enumerated type by itself."""
    if static != ANY:
        return str(value)
    return {bool: "boolean", int: "int", str: "string"}.get(type(value), "")


def shown(closure: Closure, sent: Iterable[Call]) -> set[str]:
    """Name what calls of one method show of the goals; what is refused unread exercises no type and no position."""
    found: set[str] = set()
    for each in sent:
        if each.method == closure.method and _valid(each):
            found |= seen(closure, each.arguments)
    return found & set(goals(closure))


def coverage(closure: Closure, found: set[str], cases: Collection[Case], taken: Collection[str]) -> Coverage:
    """Measure one method over what calls have shown, and the names of the cases that were taken."""
    wanted, types = set(goals(closure)), set(closure.types)
    names = {each.name for each in cases if each.method == closure.method}
    return Coverage(
        Ratio(len(found & types), len(types)),
        Ratio(len(found & (wanted - types)), len(wanted - types)),
        Ratio(len(names & set(taken)), len(names)),
    )


def _valid(call: Call) -> bool:
    return not isinstance(call.payload, Envelope) or call.payload.breaks.startswith("legal:")
