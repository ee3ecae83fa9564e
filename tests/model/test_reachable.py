"""The states that a VM can be driven into, one step at a time: finite, and every line and row of the contract lies in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest
from msgspec.structs import replace

from vcontract._contract import Contract, documented_as, rows
from vcontract._model import Asked, State, expect, settle, step
from vcontract._model.expect import Expectation
from vcontract._model.sharpness import settled
from vcontract._model.state import possible

C, N, A = "CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task"
KINDS = {"customize": C, "network": N, "abort": A}
MID = ("power", "gone", "session", "host", "tools", "cancel", "abort", "moved", "account")
FRESH = (State(power="poweredOff", tools="stopped"), State(power="poweredOff", tools="never"))
MOST = 20_000
Step = Callable[[State], Iterator[State]]


def power(state: State) -> Iterator[State]:
    """PowerOnVM_Task, PowerOffVM_Task, SuspendVM_Task, ResetVM_Task; a reboot may free an orphaned lock, or not."""
    if state.template or state.connection != "connected" or state.running:
        return
    booting = "never" if state.tools == "never" else "starting"
    if state.power != "poweredOn":
        yield replace(state, power="poweredOn", tools=booting)
        return
    yield settle(replace(state, power="suspended"))
    for held in {state.orphaned, False}:
        yield settle(replace(state, power="poweredOff", orphaned=held, network="down"))
        yield replace(state, tools=booting, question=False, orphaned=held, network="down")


def tools(state: State) -> Iterator[State]:
    """Go through the stages of Tools: starting, ready, old, stopped."""
    if state.reachable and state.tools != "never":
        following = {"starting": ("ready", "old"), "stopped": ("starting",)}.get(state.tools, ("stopped",))
        yield from (settle(replace(state, tools=each)) for each in following)


def levers(state: State) -> Iterator[State]:
    """Do what an operator can do in the guest: remove, break or put back the engine, leave the lock behind."""
    if state.tools_up and not state.running:
        yield from (replace(state, engine=each) for each in ("ok", "absent", "broken"))
        yield replace(state, orphaned=True)


def work(state: State) -> Iterator[State]:
    """Tasks start, and end on any branch that the contract permits; an abort joins a customization."""
    if state.connection != "connected":
        return
    if not state.running and not state.question:
        started = [
            replace(state, running=each) for each in ("exclusive", "shared") if each == "exclusive" or state.reachable
        ]
        if state.tools_up:
            started += [replace(state, running=each) for each in KINDS]
        yield from (each for each in started if possible(each))
    elif state.running:
        yield replace(state, running="")


def calls(contract: Contract) -> Step:
    """Give the step of a valid call of each method, to each of its ends."""

    def called(state: State) -> Iterator[State]:
        for method in (C, N, A):
            yield from (each.after for each in step(state, Asked(method), contract))

    return called


def world(state: State) -> Iterator[State]:
    """Lose a host and get it back; mark, ask, freeze, leave a package, clone in mid-customization, destroy."""
    if state.connection == "connected":
        yield from (replace(state, connection=each) for each in ("disconnected", "notResponding", "inaccessible"))
    else:
        yield replace(state, connection="connected")
    if state.power == "poweredOff" and not state.running:
        yield replace(state, template=not state.template)
        yield replace(state, pending=not state.pending)
        yield State(exists=False)
    if state.power == "poweredOn" and not state.running:
        yield replace(state, question=not state.question)
    if state.power == "poweredOn" and not state.running and not state.question and state.connection == "connected":
        yield replace(state, frozen=not state.frozen)
    if state.running == "customize":
        yield replace(state, running="", orphaned=True)


def neighbours(state: State, called: Step) -> set[State]:
    """List every state one step away."""
    if not state.exists:
        return set()
    return {settle(each) for walk in (power, tools, levers, work, world, called) for each in walk(state)}


@pytest.fixture(scope="module")
def reachable(contract: Contract) -> frozenset[State]:
    """Search breadth first from a fresh VM until nothing new comes."""
    called, seen, front = calls(contract), set(FRESH), set(FRESH)
    while front:
        front = {each for state in front for each in neighbours(state, called)} - seen
        seen |= front
        assert len(seen) < MOST, "the set of states does not close"
    return frozenset(seen)


ASKED: list[dict[str, Any]] = [
    {},
    *({"login": each} for each in ("rejected", "mayNot", "unsettled")),
    *({"privilege": each} for each in ("nowhere", "vmOnly", "rootOnly")),
    *({"request": each} for each in ("malformed", "badValue", "unknownMethod", "unlistedVersion", "unsettled")),
    {"session": "none"},
    *({"this": each} for each in ("unknown", "otherType")),
    *({"vm": each} for each in ("unknown", "otherType")),
    *({"spec": frozenset({each})} for each in ("nicCount", "inferred")),
    {"spec": frozenset({"rule"}), "rule_faults": ("InvalidArgument",)},
]


def all_calls() -> list[Asked]:
    """List every method with at most one thing wrong in the call; a specification goes with CustomizeGuest_Task alone."""
    return [
        replace(Asked(method), **asked)
        for method, asked in product((C, N, A), ASKED)
        if method == C or "spec" not in asked
    ]


def mids(state: State) -> Iterator[State]:
    """Add what may happen while a valid call's task runs."""
    if state == State():
        yield from (replace(state, mid=frozenset({each})) for each in (*MID, "slow"))
        yield replace(state, mid=frozenset({"power", "off"}))


@pytest.fixture(scope="module")
def expectations(reachable: frozenset[State], contract: Contract) -> list[tuple[State, Asked, Expectation]]:
    """Expect each call in each state, but for marks that the contract does not look at (guest, network)."""
    marked = {replace(each, guest="before", network="down") for each in reachable}
    states = [*marked, *(mid for each in marked for mid in mids(each))]
    return [(state, asked, expect([state], asked, contract)) for state in states for asked in all_calls()]


def test_the_states_are_finite_and_can_all_exist(reachable: frozenset[State]) -> None:
    """The search closes, and every state that it found is one in which a VM can be."""
    assert 500 < len(reachable) < MOST, f"{len(reachable)} reachable states"
    odd = [each for each in reachable if not possible(each)]
    assert not odd, f"{len(odd)} of {len(reachable)} cannot exist, e.g. {odd[:1]}"


def test_every_situation_is_reached(expectations: list[tuple[State, Asked, Expectation]], contract: Contract) -> None:
    """Each line of the table holds in some reachable state for some call, for each method of which it says something."""
    reached = {(name, asked.method) for _, asked, found in expectations for name in found.situations}
    wanted = {(each.id, method) for each in contract.situations for method in (C, N, A) if each.permitted(method)}
    assert reached == wanted


def test_every_documented_row_is_reached_on_both_sides(
    expectations: list[tuple[State, Asked, Expectation]], contract: Contract, bases: dict[str, str]
) -> None:
    """Each fault of each method may appear somewhere by more than inference, and may not appear somewhere else."""
    for method in contract.methods:
        documented = tuple(each.type for each in method.fault)
        found = {settled(expected) for _, asked, expected in expectations if asked.method == method.name}
        for fault in documented:
            sides = {any(documented_as(name, documented, bases) == fault for name in names) for names in found}
            assert sides == {True, False}, (method.name, fault)
        assert any("OK" in names for names in found)
        assert any(names == {"OK"} for names in found)
    fault_rows = [each for each in rows(contract, bases) if each.fault and each.method]
    assert len(fault_rows) == 21


def test_no_cell_permits_nothing(expectations: list[tuple[State, Asked, Expectation]]) -> None:
    """No two lines contradict each other: some outcome that more than an inference permits is always left."""
    empty = [(state, asked) for state, asked, found in expectations if not settled(found)]
    assert not empty, f"{len(empty)} of {len(expectations)} cells, e.g. {empty[:1]}"


def test_the_lock_is_never_held_and_orphaned_at_once(reachable: frozenset[State]) -> None:
    """A running customization holds the lock itself, with an engine that works."""
    assert any(each.orphaned for each in reachable)
    for each in reachable:
        assert each.running != "customize" or (not each.orphaned and each.engine == "ok" and each.tools_up)
