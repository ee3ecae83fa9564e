"""Computes where a client of a WSDL meets its types: in what it sends, in what it receives."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from vcontract._schema.diff.change import RECEIVED, SENT, Position
from vcontract._schema.wsdl import Schema

_ROOT = "MethodFault"
"""The ancestor of every vSphere fault; a client never sends one, though `LocalizedMethodFault` occurs in requests."""


@dataclass(frozen=True)
class Reach:
    """The types that calls send and receive, and the static types of the places where subtypes may stand for them.

    `raised` are the faults that some method declares. A type that no call names can only come in a place of any type, as
    the properties of managed objects do: it counts as received.
    """

    sent: frozenset[str]
    sent_places: frozenset[str]
    received_places: frozenset[str]
    raised: frozenset[str]
    received: frozenset[str]

    def positions(self, name: str) -> frozenset[Position]:
        """Say where a client meets a type."""
        sent = name in self.sent
        return (SENT if sent else frozenset()) | (RECEIVED if name in self.received or not sent else frozenset())

    def places(self, ancestors: Collection[str]) -> frozenset[Position]:
        """Say where a type with these ancestors may stand in the place of one of them."""
        sent = SENT if self.sent_places.intersection(ancestors) else frozenset()
        return sent | (RECEIVED if self.received_places.intersection(ancestors) else frozenset())


def reach(schema: Schema) -> Reach:
    """Follow the operations of a WSDL to all the types that their messages may hold."""
    operations = schema.operations.values()
    raised = frozenset(fault for operation in operations for fault in operation.faults)
    faults = {name for root in (*raised, _ROOT) for name in schema.subtypes(root)}
    sent, sent_places = _follow(
        schema, (parameter.type for operation in operations for parameter in operation.parameters), faults
    )
    answers = (operation.result.type for operation in operations if operation.result)
    received, places = _follow(schema, (*answers, *raised))
    known = sent | received
    # An ancestor of a type that calls name is not thereby the type of a property, and lists of any type only wrap others.
    loose = [name for name in schema.types if known.isdisjoint(schema.subtypes(name)) and not is_list(name)]
    more, more_places = _follow(schema, loose)
    return Reach(
        frozenset(sent), frozenset(sent_places), frozenset(places | more_places), raised, frozenset(received | more)
    )


def lineage(schema: Schema, name: str) -> tuple[str, ...]:
    """Name a type and its ancestors in the WSDL, nearest first."""
    chain: list[str] = []
    at: str | None = name
    while at is not None and at in schema.types:
        chain.append(at)
        at = schema.types[at].base
    return tuple(chain)


def is_list(name: str) -> bool:
    """Whether a type is a list in a place of any type; the vendor names them all so."""
    return name.startswith("ArrayOf")


def _follow(schema: Schema, start: Iterable[str], leave_out: Collection[str] = ()) -> tuple[set[str], set[str]]:
    """Give the types that may stand in some places and in those within them, and the static types of all places."""
    todo, places, reached = list(start), set[str](), set[str]()
    while todo:
        place = todo.pop()
        if place in places:
            continue
        places.add(place)
        for name in schema.subtypes(place):
            if name not in reached and name not in leave_out:
                reached.add(name)
                todo += [field.type for field in schema.types[name].fields]
    return reached, places
