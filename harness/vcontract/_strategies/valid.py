"""The valid tier: every alternative of every place of every type occurs in some valid call.

What such a call gets depends on its arguments alone: they are of the schema, and vcontract._model classifies them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

from vcontract._strategies import typed
from vcontract._strategies.case import AS_IS, Case, Turn, with_arguments
from vcontract._strategies.closure import ANY, REFERENCE, Closure, Place
from vcontract._strategies.coverage import goals, seen
from vcontract._strategies.pool import draw
from vcontract._strategies.samples import FULL, LEAST, MANY, any_value, hosted, of_field, sample
from vcontract._strategies.schema_breaks import placed
from vcontract._terms import Arguments, Call, Json, Ref

DRAWN = 24
"""How many arguments are drawn for a method in a run, beside those that are made to show every place; a third where only
the login can be drawn."""
_NOWHERE = Ref("VirtualMachine", "vm-0")


def cases(closure: Closure, base: dict[str, Json]) -> Iterator[Case]:
    """Give the cases that show something no earlier one shows; `base` are valid arguments."""
    wanted = set(goals(closure)) - seen(closure, base)
    call = Call(_NOWHERE, closure.method, Arguments(base), "")
    for case in _all(closure):
        shown = seen(closure, case.turn(call).arguments) & wanted
        if shown:
            wanted -= shown
            yield case


def drawn(closure: Closure, seed: int) -> Iterator[Case]:
    """Give cases whose arguments are drawn from the types alone, all of a method at once when the first is used."""
    parameters = {field.name for field in closure.fields(closure.method) if field.type != REFERENCE}
    count = DRAWN if "spec" in parameters else DRAWN // 3 if parameters else 0

    @cache
    def made() -> list[dict[str, Json]]:
        return draw(typed.arguments(closure.schema, closure.method), seed, count)

    for number in range(count):
        yield Case(closure.method, "valid", "drawn", str(number), AS_IS, _drawing(made, number))


def _drawing(made: Callable[[], list[dict[str, Json]]], number: int) -> Turn:
    def turn(call: Call) -> Call:
        new = dict(made()[number % len(made())])
        if "spec" in new:  # the login and the count of adapters stay right, so that more than these is looked at
            adapters = call.arguments["spec"]["nicSettingMap"]
            mappings = new["spec"].get("nicSettingMap") or adapters
            new["spec"] = {**new["spec"], "nicSettingMap": [*mappings, *adapters][: len(adapters)]}
            new |= {name: argument for name, argument in call.arguments.items() if name == "auth"}
        return with_arguments(call, call.arguments | new)

    return turn


def _all(closure: Closure) -> Iterator[Case]:
    for kind in closure.types:
        for mode in (LEAST, FULL, MANY):
            yield Case(closure.method, "valid", mode, kind, AS_IS, _hosting(closure, kind, mode))
    for place in closure.places:
        for stand_in in closure.stand_ins(place):
            yield Case(
                closure.method, "valid", "value", f"{place.name}={stand_in}", AS_IS, _putting(closure, place, stand_in)
            )
        if place.field.array:
            for count, name in ((0, "none"), (1, "one"), (2, "many")):
                if count or place.field.optional:
                    turn = _counting(closure, place, count)
                    yield Case(closure.method, "valid", name, place.name, AS_IS, turn)


def _hosting(closure: Closure, kind: str, mode: str) -> Turn:
    def turn(call: Call) -> Call:
        return with_arguments(call, hosted(closure, call.arguments, closure.paths[kind], mode))

    return turn


def _putting(closure: Closure, place: Place, stand_in: str) -> Turn:
    kind = place.field.type
    value: Json = stand_in  # of an enumerated type
    if kind == ANY:
        value = any_value(stand_in)
    elif not closure.enum(kind):
        value = sample(closure.schema, stand_in)

    def turn(call: Call) -> Call:
        content = [value] if place.field.array else value
        return with_arguments(call, placed(closure, call.arguments, place, content))

    return turn


def _counting(closure: Closure, place: Place, count: int) -> Turn:
    value = of_field(closure.schema, place.field, count)

    def turn(call: Call) -> Call:
        return with_arguments(call, placed(closure, call.arguments, place, value))

    return turn
