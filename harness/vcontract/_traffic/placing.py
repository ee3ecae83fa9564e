"""Where a recorded call may have stood: every state and every caller that what is known of it does not rule out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache

import msgspec
from msgspec.structs import replace

from vcontract._contract import Contract, load, version_number
from vcontract._model import Asked, Expectation, State, all_cells, expect, settle
from vcontract._model.conditions.midtask import MID_TASK
from vcontract._model.expect import either

_NEWEST = "9.1.0.0"
"""The version whose faults for calls without a session are the most."""
_REQUESTS = ("unlistedVersion", "unsettled")
"""Kinds of requests that are no deviation of a cell; nobody can tell from a recording whether a server lists a version."""


class Known(msgspec.Struct, frozen=True):
    """What is known of a call: fields of the state, and of what was asked, with their values.

    `begun`: its task had begun, so that what came about meanwhile may have ended that.
    """

    state: tuple[tuple[str, object], ...] = ()
    asked: tuple[tuple[str, object], ...] = ()
    begun: bool = False


class Place(msgspec.Struct, frozen=True):
    """What the contract allows there: the union over all that may be; `states` are by outcome those that permit it."""

    expectation: Expectation
    states: Mapping[str, frozenset[State]]


@lru_cache(256)
def place_of(object_name: str, method: str, known: Known) -> Place:
    """Compute what a call may be answered, where nothing is known of it but this."""
    contract = load(object_name)
    reached = _reached(contract, method, known)
    permitting: defaultdict[str, set[State]] = defaultdict(set)
    found = []
    for asked, states in reached.items():
        found.append(expect(frozenset(states), asked, contract))
        for state in states:
            for outcome in expect(frozenset({state}), asked, contract).allowed:
                permitting[outcome].add(state)
    return Place(either(method, found), {outcome: frozenset(states) for outcome, states in permitting.items()})


def _reached(contract: Contract, method: str, known: Known) -> dict[Asked, set[State]]:
    """Give the states that are possible, by what may have been asked."""
    reached: defaultdict[Asked, set[State]] = defaultdict(set)
    for cell in all_cells(contract):
        if cell.method != method:
            continue
        state = settle(replace(cell.state, **dict(known.state)))
        asked = replace(cell.asked, **dict(known.asked))
        if asked.session == "none":
            asked = replace(asked, api=version_number(_NEWEST))
        for each in (asked, *(replace(asked, request=request) for request in _REQUESTS if not cell.deviations)):
            reached[each] |= {state, *(_meanwhile(state) if known.begun else ())}
    return reached


def _meanwhile(state: State) -> set[State]:
    """Give a state with what may have come about while its task ran."""
    words = (*MID_TASK, "slow", "off", "engine")
    return {replace(state, mid=frozenset(mid)) for mid in ({"off", "power"}, *({word} for word in words))}
