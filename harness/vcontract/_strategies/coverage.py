"""Measures how much of the space of a method's arguments was exercised: types, positions and constraints."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from vcontract._strategies.case import Case
from vcontract._strategies.closure import ANY, Closure
from vcontract._terms import Call, Envelope, Json

_COUNTS = ("none", "one", "many")


@dataclass(frozen=True)
class Ratio:
    """A ratio: a part, and the whole that it is measured against."""

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
    """List the coverage goals: each type, and each place filled, empty (if optional), with each type or value, and by count."""
    return tuple(dict.fromkeys(_goals(closure)))


def _goals(closure: Closure) -> Iterator[str]:
    yield from closure.types
    for place in closure.places:
        field, name = place.field, place.name
        yield f"{name}+"
        if field.optional and not field.array:
            yield f"{name}-"
        yield from (f"{name}={stand_in}" for stand_in in closure.stand_ins(place))
        if field.array:
            yield from (f"{name}#{count}" for count in _COUNTS[0 if field.optional else 1 :])


def seen(closure: Closure, arguments: dict[str, Json]) -> set[str]:
    """List the goals that some arguments reach."""
    return set(_seen(closure, closure.method, arguments))


def _seen(closure: Closure, owner: str, values: dict[str, Json]) -> Iterator[str]:
    for field in closure.fields(owner):
        name = f"{owner}.{field.name}"
        value = values.get(field.name)
        items = (value or []) if field.array else [] if value is None else [value]
        yield f"{name}+" if items else f"{name}-"
        if field.array:
            yield f"{name}#{_COUNTS[min(2, len(items))]}"
        for item in items:
            kind = item.get("_typeName", field.type) if isinstance(item, dict) else _simple(field.type, item)
            yield f"{name}={kind}"
            if kind in closure.paths:
                yield str(kind)
                yield from _seen(closure, str(kind), item)


def _simple(static: str, value: Json) -> str:
    """Name a plain value: in an anyType place by what zeep will say of it, of an enumerated type by itself."""
    if static != ANY:
        return str(value)
    return {bool: "boolean", int: "int", str: "string"}.get(type(value), "")


def shown(closure: Closure, sent: Iterable[Call]) -> set[str]:
    """List the goals that the calls of one method reach; a request that is refused unread reaches none."""
    names: set[str] = set()
    for values in sent:
        if values.method == closure.method and _valid(values):
            names |= seen(closure, values.arguments)
    return names & set(goals(closure))


def coverage(closure: Closure, reached: set[str], cases: Collection[Case], taken: Collection[str]) -> Coverage:
    """Measure one method over what calls have shown, and the names of the cases that were taken."""
    wanted, types = set(goals(closure)), set(closure.types)
    names = {case.name for case in cases if case.method == closure.method}
    return Coverage(
        Ratio(len(reached & types), len(types)),
        Ratio(len(reached & (wanted - types)), len(wanted - types)),
        Ratio(len(names & set(taken)), len(names)),
    )


def _valid(call: Call) -> bool:
    return not isinstance(call.payload, Envelope) or call.payload.breaks.startswith("legal:")
