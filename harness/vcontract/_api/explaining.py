"""What a method may answer in a state that is described in words: the contract's situations, as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_type_hints

import msgspec
from msgspec.structs import fields, replace

from vcontract._contract import load
from vcontract._contract.load import load_with
from vcontract._errors import UsageError
from vcontract._model import BY_NAME, Asked, State, cell, expect, holding, settle
from vcontract._model.state import VALUES

_ALIASES = {"auth": "login"}
_TRUE, _FALSE = {"true", "yes", "1"}, {"false", "no", "0"}


class Permitted(msgspec.Struct, frozen=True):
    """One outcome that the contract permits: `OK` or the WSDL name of a fault.

    `grade`: conforms, imprecise (a less exact fault than documented) or unsettled (no source says). `because`: ids of the
    situations that permit it.
    """

    outcome: str
    grade: str
    because: tuple[str, ...]


class Because(msgspec.Struct, frozen=True):
    """A situation that holds: its id in contracts/ORACLE.md, what it says, the letters of its sources."""

    id: str
    title: str
    source: str


class Explanation(msgspec.Struct, frozen=True):
    """What a method may answer: every permitted outcome, and the situations that hold; `text` is all of it in one line."""

    contract: str
    method: str
    text: str
    permitted: tuple[Permitted, ...]
    situations: tuple[Because, ...]


def explain(method: str, state: str | Mapping[str, str] = "", contract: str | None = None) -> Explanation:
    """Say what a method may answer in a state of VM and call.

    `state`: `power=poweredOff,login=rejected`, a mapping of the same, or names of deviations as `poweredOff`; what it does
    not name is as a valid call has it. `contract`: the object whose method is meant; None: the first that has it.
    Raises UsageError for a name or a value that is unknown, with those that there are.
    """
    found = load(contract) if contract else load_with(method)
    found.method(method)
    text = state if isinstance(state, str) else ",".join(f"{name}={value}" for name, value in state.items())
    settled, asked = described(method, found.method(method).start, text)
    settled = settle(settled)
    expectation = expect([settled], asked, found)
    held = holding(settled, asked, found)
    return Explanation(
        found.object,
        method,
        expectation.text() or "nothing is permitted",
        tuple(Permitted(each.outcome, str(each.grade), each.situations) for each in expectation.allowed.values()),
        tuple(Because(each.id, each.title, each.source) for each in held),
    )


def described(method: str, start: Sequence[str], described: str) -> tuple[State, Asked]:
    """Read `power=poweredOff,login=rejected`, or names of deviations such as `poweredOff`."""
    state, asked = State(), Asked(method)
    for name in start:
        state = replace(state, **BY_NAME[name].state)
    for part in filter(None, (text.strip() for text in described.split(","))):
        name, _, value = part.partition("=")
        name = _ALIASES.get(name, name)
        if not value and name in BY_NAME:
            described_cell = cell(method, [name], start)
            state = replace(state, **{key: getattr(described_cell.state, key) for key in BY_NAME[name].state})
            asked = replace(asked, **{key: getattr(described_cell.asked, key) for key in BY_NAME[name].asked})
        elif name in _names(State):
            state = replace(state, **{name: _value(State, name, value)})
        elif name in _names(Asked):
            asked = replace(asked, **{name: _value(Asked, name, value)})
        else:
            known = sorted({*_names(State), *_names(Asked), *BY_NAME})
            raise UsageError(f"--state {part}: unknown; known are {', '.join(known)}")
    return state, asked


def _names(kind: type[State | Asked]) -> set[str]:
    return {field.name for field in fields(kind)} - {"method", "task"}


def _value(kind: type[State | Asked], name: str, value: str) -> object:
    wanted = get_type_hints(kind)[name]
    if wanted is bool:
        if value.lower() not in _TRUE | _FALSE:
            raise UsageError(f"--state {name}={value}: must be true or false")
        return value.lower() in _TRUE
    if wanted is not str:
        return frozenset(value.split("+"))
    known = VALUES.get(name)
    if known and value not in known:
        raise UsageError(f"--state {name}={value}: must be one of {', '.join(known)}")
    return value
