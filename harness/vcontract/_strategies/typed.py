"""Values of any type of a schema, drawn with Hypothesis: all that the schema allows, whatever a live call makes of it.

Few draws, for each costs some 30 microseconds: one for which optional fields are there, one for a list's length, one for a
text. A value holds only types and fields that the loaded schema has, so one of an older API is never too new for it.
"""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

from vcontract._schema import Field, Schema
from vcontract._strategies.closure import ANY, ANY_ARRAYS, ANY_SIMPLE, INTEGERS, REFERENCE, concrete
from vcontract._terms import Json

DEPTH = 12
"""How deep optional fields are filled: more than any input needs, and an end for types that contain themselves."""

# Characters that XML 1.0 allows (its production 2), with each that some writer or reader is known to lose.
CHARACTERS = st.characters(
    codec="utf-8",
    exclude_categories=["Cc", "Cs"],
    exclude_characters="\ufffe\uffff",
    include_characters="\t\n\r\x7f\x85",
)
NASTY = (
    "",
    " ",
    " x ",
    "\t\n",
    "a\r\nb",
    "]]>",
    "<a>&amp;</a>",
    "&#0;",
    "'\"",
    "e\u0301",
    "\u202eabc",
    "\U0001f5a5\U00010000\U0010fffd",
    "\u00df\u0130\u0131",
    "%s%n{0}$(x)`x`",
    "../..\\",
    "\u00a0\u2028\u0085",
    "x" * 255,
)
TEXT = st.one_of(st.text(CHARACTERS, max_size=12), st.sampled_from(NASTY))
TIMES = st.sampled_from(
    ["1970-01-01T00:00:00Z", "2026-02-28T23:59:59.999999Z", "2024-02-29T12:00:00+05:30", "9999-12-31T00:00:00-14:00"]
)
FLOATS: st.SearchStrategy[float | str] = st.one_of(
    st.sampled_from([0.0, -0.0, 1.5, 1e308, 5e-324, "INF", "-INF"]), st.floats(-1e9, 1e9)
)


def whole(bits: int) -> st.SearchStrategy[int]:
    """Draw a signed number of that many bits beside the sign, often one at a boundary."""
    low, high = -(1 << bits), (1 << bits) - 1
    return st.one_of(st.sampled_from([0, 1, -1, high, low, high - 1, low + 1]), st.integers(low, high))


SIMPLE: dict[str, st.SearchStrategy[Json]] = {
    "string": TEXT,
    "boolean": st.booleans(),
    "dateTime": TIMES,
    "float": st.sampled_from([0.0, 1.5, -2.25]),
    "double": FLOATS,
    **{name: whole(bits) for name, bits in INTEGERS.items()},
}
_COUNTS = st.sampled_from([1, 0, 2, 3])


def values(schema: Schema, type_name: str, *, depth: int = DEPTH) -> st.SearchStrategy[Json]:
    """Draw wire values of a static type (WSDL or XSD name, `anyType` too), each of any concrete subtype."""
    return _values(schema, type_name, depth)


@st.composite
def _values(draw: st.DrawFn, schema: Schema, kind: str, depth: int) -> Json:
    return _Drawing(draw, schema).item(kind, depth)


@st.composite
def arguments(draw: st.DrawFn, schema: Schema, method: str) -> dict[str, Json]:
    """Draw all arguments of a method but its references; the caller says which objects are meant."""
    parameters = [parameter for parameter in schema.operations[method].parameters if parameter.type != REFERENCE]
    return _Drawing(draw, schema).fields(tuple(parameters), DEPTH)


class _Drawing:
    """One example being drawn."""

    def __init__(self, draw: st.DrawFn, schema: Schema) -> None:
        self._draw: Callable[[st.SearchStrategy[Json]], Json] = draw
        self._schema = schema

    def item(self, kind: str, depth: int) -> Json:
        """Draw one value in the place of a static type."""
        if kind in SIMPLE:
            return self._draw(SIMPLE[kind])
        if kind == ANY:
            return self._any()
        if kind == REFERENCE:
            return {"_typeName": REFERENCE, "type": "VirtualMachine", "value": self._draw(_MOIDS)}
        known = self._schema.types[kind]
        if known.enum:
            return self._draw(st.sampled_from(known.enum))
        names = concrete(self._schema, kind)
        name = names[0] if len(names) == 1 else self._draw(st.sampled_from(names))
        return {"_typeName": name, **self.fields(self._schema.types[name].fields, depth - 1)}

    def fields(self, fields: tuple[Field, ...], depth: int) -> dict[str, Json]:
        """Draw the fields of a type: one number says which of the optional ones are there."""
        optional = sum(field.optional for field in fields)
        present = self._draw(st.integers(0, (1 << optional) - 1)) if optional and depth > 0 else 0
        drawn: dict[str, Json] = {}
        for field in fields:
            if field.optional:
                present, wanted = divmod(present, 2)
                if not wanted:
                    continue
            drawn[field.name] = self._list(field, depth) if field.array else self.item(field.type, depth)
        return drawn

    def _list(self, field: Field, depth: int) -> list[Json]:
        count = self._draw(_COUNTS)
        return [self.item(field.type, depth) for _ in range(count if field.optional else max(1, count))]

    def _any(self) -> Json:
        arrays = tuple(array for array in ANY_ARRAYS if array in self._schema.types)
        kind = self._draw(st.sampled_from((*ANY_SIMPLE, *arrays)))
        if kind in SIMPLE:
            return {"_typeName": kind, "_value": self._draw(SIMPLE[kind])}
        (field,) = self._schema.types[kind].fields
        return {"_typeName": kind, "_value": self._list(field, 0)}


_MOIDS = st.sampled_from(["vm-0", "vm-42"])
