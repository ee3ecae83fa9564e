"""`vcontract contract explain`: what a method may answer in a state that the user describes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_type_hints

from msgspec.structs import fields, replace

from vcontract.contract import load
from vcontract.errors import UsageError
from vcontract.model import BY_NAME, Allowed, Asked, State, cell, expect, holding, settle
from vcontract.model.state import VALUES

_ALIASES = {"auth": "login"}
_TRUE, _FALSE = {"true", "yes", "1"}, {"false", "no", "0"}


def explain(contract_name: str, method: str, described: str) -> str:
    """Give the expectation and its situations as text. Raises UsageError for an unknown name, with those that exist."""
    contract = load(contract_name)
    contract.method(method)
    state, asked = _described(method, contract.method(method).start, described)
    state = settle(state)
    expectation = expect([state], asked, contract)
    lines = [f"{method}: {expectation.text() or 'nothing is permitted'}"]
    for situation in holding(state, asked, contract):
        permits = expect_of(situation.id, expectation.allowed)
        lines.append(f"  {situation.id}: {situation.title} [{situation.source}]: {permits}")
    return "\n".join(lines)


def expect_of(situation: str, allowed: dict[str, Allowed]) -> str:
    """Name the permitted outcomes that rest on a situation."""
    names = [name for name, permitted in allowed.items() if situation in permitted.situations]
    return " ".join(names) or "nothing of its own"


def _described(method: str, start: Sequence[str], described: str) -> tuple[State, Asked]:
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
