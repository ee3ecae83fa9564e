"""Which of the calls that somebody recorded meet a difference of two WSDLs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vcontract._report.behaviour import CallsDifference
from vcontract._schema import Schema
from vcontract._terms import Difference
from vcontract._traffic.calls import Heard

_EVERY = frozenset({"namespaceChanged"})
"""Kinds of differences that every call meets."""
_WORDS = frozenset({"valueRemoved", "valueAdded"})
"""Kinds that are about a word of an enumeration."""


def met(differences: Sequence[Difference], calls: Sequence[Heard], old: Schema) -> tuple[CallsDifference, ...]:
    """Give the differences that some call meets, with these calls, for clients that were made for the WSDL `old`.

    A field that a request would have to leave out counts only for calls that hold it, one that is wanted for all that hold its
    type; what is received for all whose replies hold the type.
    """
    found = []
    for difference in differences:
        mine = tuple(
            f"entry {each.operation.op} {each.operation.call.method}" for each in _meeting(difference, calls, old)
        )
        if mine:
            fields = {name: getattr(difference, name) for name in difference.__struct_fields__}
            found.append(CallsDifference(**fields, calls=mine))
    return tuple(found)


def _meeting(difference: Difference, calls: Sequence[Heard], old: Schema) -> Iterator[Heard]:
    """Give the calls that meet a difference."""
    place = difference.path.partition("/")[0]
    holder, _, member = place.partition(".")
    for each in calls:
        if difference.kind in _EVERY:
            yield each
        elif difference.kind in _WORDS:
            if ("", member) in each.sent and difference.position != "received":
                yield each
        elif _sends(difference, each, old, holder, member) or _receives(difference, each, old, holder):
            yield each


def _sends(difference: Difference, call: Heard, old: Schema, holder: str, member: str) -> bool:
    if difference.position == "received":
        return False
    wanted = member if difference.old else ""  # what is new in B is missing in whatever holds its type
    return any(name == wanted and _is(kind, holder, old) for kind, name in call.sent)


def _receives(difference: Difference, call: Heard, old: Schema, holder: str) -> bool:
    return difference.position == "received" and any(_is(kind, holder, old) for kind in call.received)


def _is(kind: str, holder: str, old: Schema) -> bool:
    """Whether a method, or an object of a type, has what a difference says of `holder`."""
    return kind == holder or old.is_subtype(kind, holder)
