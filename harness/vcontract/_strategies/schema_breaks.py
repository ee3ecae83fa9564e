"""The schema tier: exhaustive for every type that a method's arguments can hold.

Each case puts the type into arguments in which all else is of the schema, has the schema write them, and edits the one place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from itertools import pairwise

from lxml import etree

from vcontract._schema import Schema
from vcontract._strategies.case import (
    AS_IS,
    BAD_VALUE,
    MALFORMED,
    TYPE,
    UNSETTLED,
    VIM,
    Case,
    Element,
    Turn,
    call_element,
    envelope,
    mark,
    tree,
    with_arguments,
    written,
)
from vcontract._strategies.closure import ABSTRACT, ANY, ANY_SIMPLE, INTEGERS, REFERENCE, Closure, Place
from vcontract._strategies.samples import FULL, KEPT, any_value, hosted, of_field, sample
from vcontract._terms import Call, Json

Edit = Callable[[Element], None]
_BAD = {"boolean": "perhaps", "dateTime": "yesterday", "double": "1,5"} | dict.fromkeys(INTEGERS, "twelve")
_EMPTY_TYPES = ("CustomizationUnknownName", "CustomizationUnknownIpGenerator")
"""Types without fields, so that an element which claims one of them has nothing else wrong in it."""


class SchemaBreaks:
    """Makes the schema cases of one method; `newest` is the newest schema that is known."""

    def __init__(self, closure: Closure, newest: Schema) -> None:
        self._closure, self._schema, self._newest = closure, closure.schema, newest
        self._later = Closure(newest, closure.method)

    def cases(self) -> Iterator[Case]:
        """Give every case: by type its fields, then the places that hold types, numbers and references, then what is newer."""
        for owner in (self._closure.method, *self._closure.types):
            yield from self._of_owner(owner)
        for place in self._closure.places:
            yield from self._of_place(place)
        yield from self._newer()

    def _of_owner(self, owner: str) -> Iterator[Case]:
        names = [field.name for field in self._closure.fields(owner)]
        required = [field.name for field in self._closure.fields(owner) if not field.optional]
        single = [field.name for field in self._closure.fields(owner) if not field.array]
        if owner == self._closure.method:
            names, required, single = ["_this", *names], ["_this", *required], ["_this", *single]
        for name in required:
            yield self._case(owner, "missing", f"{owner}.{name}", MALFORMED, _without(name))
        for name in single:
            yield self._case(owner, "doubled", f"{owner}.{name}", MALFORMED, _doubled(name))
        for first, second in pairwise(names):
            yield self._case(owner, "reordered", f"{owner}.{first}+{second}", MALFORMED, _reordered(first, second))
        yield self._case(owner, "unknown", owner, MALFORMED, _unknown)

    def _of_place(self, place: Place) -> Iterator[Case]:
        kind, name = place.field.type, place.name
        if kind in _BAD:
            yield self._at(place, "lexical", name, BAD_VALUE, _text(_BAD[kind]))
        if kind in INTEGERS:
            yield self._at(place, "range", name, BAD_VALUE, _text(str(1 << INTEGERS[kind])))
        if self._closure.enum(kind):
            yield self._at(place, "enum", name, BAD_VALUE, _text("noSuchValue"))
        if kind == ANY:
            yield self._at(place, "unknownType", name, MALFORMED, _typed("noSuchType", keep=True))
            for simple in ANY_SIMPLE:
                if simple in _BAD:
                    edit = _text(_BAD[simple])
                    yield self._at(place, "lexical", f"{name}={simple}", BAD_VALUE, edit, any_value(simple))
        if kind == REFERENCE:
            yield from self._reference(place)
        if self._closure.is_data(kind):
            yield from self._data(place)

    def _data(self, place: Place) -> Iterator[Case]:
        kind, name = place.field.type, place.name
        fits = set(self._schema.subtypes(kind))
        unrelated = next(empty for empty in _EMPTY_TYPES if empty not in fits)
        yield self._at(place, "wrongType", name, MALFORMED, _typed(unrelated, keep=kind not in ABSTRACT))
        yield self._at(place, "unknownType", name, MALFORMED, _typed("NoSuchType", keep=kind not in ABSTRACT))
        if kind in ABSTRACT:
            yield self._abstract(place)

    def _abstract(self, place: Place) -> Case:
        """Send a type that is abstract by convention: no source says what a server makes of it."""
        value = sample(self._schema, place.field.type)

        def turn(call: Call) -> Call:
            arguments = self._placed(call, place, [value] if place.field.array else value)
            body = self._schema.request(call.method, call.object, arguments)
            return envelope(with_arguments(call, arguments), body, mark(UNSETTLED, "abstractType", place.name))

        return self._made("abstractType", place.name, UNSETTLED, turn)

    def _reference(self, place: Place) -> Iterator[Case]:
        def to(kind: str, moid: str | None) -> Turn:
            def turn(call: Call) -> Call:
                known = self._full(call, place.owner)[place.field.name]
                value = {"_typeName": REFERENCE, "type": kind, "value": moid or known["value"]}
                return with_arguments(call, call.arguments | {place.field.name: value})

            return turn

        if place.owner != self._closure.method:
            return
        yield self._made("morefType", place.name, AS_IS, to("Folder", None))
        yield self._made("morefDead", place.name, AS_IS, to("VirtualMachine", "vm-0"))
        yield self._at(place, "morefUnknownType", place.name, MALFORMED, _attribute("type", "NoSuchType"))
        yield self._at(place, "morefUntyped", place.name, UNSETTLED, _attribute("type", None))

    def _newer(self) -> Iterator[Case]:
        """Types and fields that only a newer API has; the newest schema writes them, the older client sends them."""
        for place in self._closure.places:
            known = set(self._closure.stand_ins(place))
            later = self._later.stand_ins(place) if self._closure.is_data(place.field.type) else ()
            for kind in later:
                if kind not in known:
                    path = (*self._closure.paths.get(place.owner, ()), (place.field.name, kind))
                    yield self._written_newer("newerType", f"{place.name}={kind}", path)
        for owner in self._closure.types:
            known = {field.name for field in self._closure.fields(owner)}
            for field in self._later.fields(owner):
                if field.name not in known:
                    yield self._written_newer(
                        "newerField", f"{owner}.{field.name}", self._later.paths[owner], field.name
                    )

    def _written_newer(self, kind: str, constraint: str, path: tuple[tuple[str, str], ...], field: str = "") -> Case:
        def turn(call: Call) -> Call:
            arguments = hosted(self._later, call.arguments, path, KEPT)
            if field:
                new = next(field_ for field_ in self._later.fields(path[-1][1]) if field_.name == field)
                _inside(arguments, [step for step, _ in path])[field] = of_field(self._newest, new)
            body = self._newest.request(call.method, call.object, arguments)
            return envelope(call, body, mark(MALFORMED, kind, constraint))

        return self._made(kind, constraint, MALFORMED, turn)

    def _case(self, owner: str, kind: str, constraint: str, expects: str, edit: Edit) -> Case:
        """Make a case that edits the element of a type, or of the call."""

        def turn(call: Call) -> Call:
            arguments = self._full(call, owner)
            body = self._schema.request(call.method, call.object, arguments)
            root = tree(body)
            edit(_find(root, [name for name, _ in self._closure.paths.get(owner, ())]))
            return envelope(with_arguments(call, arguments), written(root), mark(expects, kind, constraint))

        return self._made(kind, constraint, expects, turn)

    def _at(self, place: Place, kind: str, constraint: str, expects: str, edit: Edit, value: Json = None) -> Case:
        """Make a case that edits the element in a place; `value` is put there first."""

        def turn(call: Call) -> Call:
            arguments = self._full(call, place.owner) if value is None else self._placed(call, place, value)
            root = tree(self._schema.request(call.method, call.object, arguments))
            steps = [name for name, _ in self._closure.paths.get(place.owner, ())]
            edit(_find(root, [*steps, place.field.name]))
            return envelope(with_arguments(call, arguments), written(root), mark(expects, kind, constraint))

        return self._made(kind, constraint, expects, turn)

    def _made(self, kind: str, constraint: str, expects: str, turn: Turn) -> Case:
        return Case(self._closure.method, "schema", kind, constraint, expects, turn)

    def _full(self, call: Call, owner: str) -> dict[str, Json]:
        """Give arguments that hold a value of a type with every field in it."""
        if owner != self._closure.method:
            return hosted(self._closure, call.arguments, self._closure.paths[owner], FULL)
        lacking = {
            field.name: of_field(self._schema, field)
            for field in self._closure.fields(owner)
            if not call.arguments.get(field.name)
        }
        return {**call.arguments, **lacking}

    def _placed(self, call: Call, place: Place, value: Json) -> dict[str, Json]:
        return placed(self._closure, call.arguments, place, value)


def placed(closure: Closure, arguments: dict[str, Json], place: Place, value: Json) -> dict[str, Json]:
    """Put a value into a place of the arguments, after the type that owns the place."""
    if place.owner == closure.method:
        return arguments | {place.field.name: value}
    path = closure.paths[place.owner]
    changed = hosted(closure, arguments, path, KEPT)
    _inside(changed, [name for name, _ in path])[place.field.name] = value
    return changed


def _inside(value: dict[str, Json], steps: list[str]) -> dict[str, Json]:
    """Walk along the steps to the object at their end; `hosted` has copied every object on the way."""
    for name in steps:
        value = value[name][0] if isinstance(value[name], list) else value[name]
    return value


def _find(root: Element, steps: list[str]) -> Element:
    element = call_element(root)
    for name in steps:
        child = element.find(f"{{{VIM}}}{name}")
        if child is None:
            raise LookupError(f"the call has no {name}")
        element = child
    return element


def _children(element: Element, name: str) -> list[Element]:
    return element.findall(f"{{{VIM}}}{name}")


def _without(name: str) -> Edit:
    def edit(element: Element) -> None:
        for child in _children(element, name):
            element.remove(child)

    return edit


def _doubled(name: str) -> Edit:
    def edit(element: Element) -> None:
        first = _children(element, name)[0]
        first.addnext(deepcopy(first))

    return edit


def _reordered(first: str, second: str) -> Edit:
    def edit(element: Element) -> None:
        place = _children(element, first)[0]
        for child in _children(element, second):
            place.addprevious(child)

    return edit


def _unknown(element: Element) -> None:
    etree.SubElement(element, f"{{{VIM}}}noSuchField").text = "x"


def _text(text: str) -> Edit:
    def edit(element: Element) -> None:
        element.text = text

    return edit


def _typed(name: str, *, keep: bool) -> Edit:
    """Claim a type in xsi:type; the content of the element is kept, or dropped if the static type is abstract."""

    def edit(element: Element) -> None:
        if not keep:
            for child in list(element):
                element.remove(child)
            element.text = None
        element.set(TYPE, name if element.nsmap.get(None) == VIM else _prefixed(element, name))

    return edit


def _prefixed(element: Element, name: str) -> str:
    prefix = next(prefix_ for prefix_, uri in element.nsmap.items() if uri == VIM)
    return f"{prefix}:{name}" if prefix else name


def _attribute(name: str, value: str | None) -> Edit:
    def edit(element: Element) -> None:
        if value is None:
            del element.attrib[name]
        else:
            element.set(name, value)

    return edit
