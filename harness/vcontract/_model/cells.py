"""Cells: an arranged state x a method x a kind of call, with at most two deviations from "everything valid"."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

import msgspec
from msgspec.structs import replace

from vcontract._contract import Contract, Method, before
from vcontract._model.conditions import CONDITIONS
from vcontract._model.per_contract import PerContract
from vcontract._model.state import (
    ABORT,
    CUSTOMIZE,
    EXCLUSIVE,
    NETWORK,
    OFF,
    ON,
    SHARED,
    SUSPENDED,
    Asked,
    State,
    possible,
    settle,
)

VALID = "valid"


class Deviation(msgspec.Struct, frozen=True):
    """One thing that is not as a valid call would have it: fields of the state or of the call that differ.

    `only` names what a method must have, any of it, for the deviation to be possible: a parameter by its name, a
    `privilege`, or a `since` that not every client knows.
    """

    name: str
    state: dict[str, object] = {}
    asked: dict[str, object] = {}
    only: tuple[str, ...] = ()


class Cell(msgspec.Struct, frozen=True):
    """One place of the space: its id (`Method:deviation+deviation`), the state to arrange and the call to make."""

    id: str
    method: str
    deviations: tuple[str, ...]
    state: State
    asked: Asked


def _spec(*broken: str) -> dict[str, object]:
    return {"spec": frozenset(broken), "rule_faults": ("InvalidArgument",) if "rule" in broken else ()}


DEVIATIONS: tuple[Deviation, ...] = (
    Deviation("poweredOn", {"power": ON}),
    Deviation("poweredOff", {"power": OFF}),
    Deviation("suspended", {"power": SUSPENDED}),
    Deviation("template", {"template": True}),
    Deviation("noTemplate", {"template": False}),
    Deviation("hostLost", {"connection": "disconnected"}),
    Deviation("unusable", {"connection": "inaccessible"}),
    Deviation("hostFull", {"full": True}),
    Deviation("question", {"question": True}),
    Deviation("pendingPackage", {"pending": True}),
    Deviation("frozen", {"frozen": True}),
    Deviation("busy", {"running": EXCLUSIVE}),
    Deviation("shared", {"running": SHARED}),
    Deviation("toolsStopped", {"tools": "stopped"}),
    Deviation("toolsNever", {"tools": "never"}),
    Deviation("toolsStarting", {"tools": "starting"}),
    Deviation("toolsOld", {"tools": "old"}),
    Deviation("customizing", {"running": CUSTOMIZE}),
    Deviation("aborting", {"running": ABORT}),
    Deviation("networkStarting", {"running": NETWORK}),
    Deviation("orphanedLock", {"orphaned": True}),
    Deviation("engineAbsent", {"engine": "absent"}),
    Deviation("engineBroken", {"engine": "broken"}),
    Deviation("undefinedGuest", {"guest": "undefined"}),
    Deviation("nicCount", asked=_spec("nicCount"), only=("spec",)),
    Deviation("specRule", asked=_spec("rule"), only=("spec",)),
    Deviation("specInferred", asked=_spec("inferred"), only=("spec",)),
    Deviation("loginRejected", asked={"login": "rejected"}, only=("auth",)),
    Deviation("loginMayNot", asked={"login": "mayNot"}, only=("auth",)),
    Deviation("loginUnsettled", asked={"login": "unsettled"}, only=("auth",)),
    Deviation("malformed", asked={"request": "malformed"}),
    Deviation("badValue", asked={"request": "badValue"}, only=("auth", "spec")),
    Deviation("oldVersion", asked={"request": "unknownMethod"}, only=("since",)),
    Deviation("noSession", asked={"session": "none"}),
    Deviation("thisUnknown", asked={"this": "unknown"}),
    Deviation("thisOtherType", asked={"this": "otherType"}),
    Deviation("vmUnknown", asked={"vm": "unknown"}, only=("vm",)),
    Deviation("vmGone", {"exists": False}),
    Deviation("vmOtherType", asked={"vm": "otherType"}, only=("vm",)),
    Deviation("argumentUnknown", asked={"argument": "unknown"}, only=("pool", "host")),
    Deviation("argumentOtherType", asked={"argument": "otherType"}, only=("pool", "host")),
    Deviation("noPrivilege", asked={"privilege": "nowhere"}, only=("privilege",)),
    Deviation("privilegeOnVm", asked={"privilege": "vmOnly"}, only=("privilege",)),
    Deviation("privilegeOnRoot", asked={"privilege": "rootOnly"}, only=("privilege",)),
)
BY_NAME = {deviation.name: deviation for deviation in DEVIATIONS}


def cell(method: str, deviations: Iterable[str], start: Iterable[str] = (), *, itself: bool = False) -> Cell:
    """Build the cell of a method with the named deviations from the state in which a valid call `start`s.

    `itself`: the calls are made on the VM itself, so an object that is none is a VM that is none.
    """
    state, asked = State(), Asked(method)
    for name in start:
        state = replace(state, **BY_NAME[name].state)
    names = tuple(deviations)
    for name in names:
        state = replace(state, **BY_NAME[name].state)
        asked = replace(asked, **BY_NAME[name].asked)
    if itself and asked.this != "ok":
        asked = replace(asked, vm="unknown")
    return Cell(f"{method}:{'+'.join(names) or VALID}", method, names, settle(state), asked)


def shown(state: State) -> tuple[str, ...]:
    """Name the deviations that a state shows, from one in which everything is as most calls would have it."""
    usual = State()
    return tuple(
        deviation.name
        for deviation in DEVIATIONS
        if any(getattr(usual, name) != value for name, value in deviation.state.items())
        and all(getattr(state, name) == value for name, value in deviation.state.items())
    )


def cell_of(contract: Contract, method: str, deviations: Iterable[str] = ()) -> Cell:
    """Build a cell of a contract's method; without deviations that of a valid call."""
    return cell(method, deviations, contract.method(method).start, itself=contract.itself)


def deviations_of(contract: Contract, method: Method) -> tuple[Deviation, ...]:
    """List the possible deviations of a method: it has the field, and some situation of the contract depends on it."""
    spoken = {
        name
        for situation in contract.situations
        if (permits := situation.permitted(method.name))
        for name in (*situation.when, *situation.needs, *(permit.condition for permit in permits))
    }
    has = {*method.takes, "privilege" * bool(method.privileges), "since" * bool(before(method.since))}
    valid = cell_of(contract, method.name)
    able = []
    for deviation in DEVIATIONS:
        if deviation.only and not has & set(deviation.only):
            continue
        other = cell_of(contract, method.name, [deviation.name])
        turned = {
            name
            for name, holds in CONDITIONS.items()
            if holds(valid.state, valid.asked) != holds(other.state, other.asked)
        }
        if turned & spoken:
            able.append(deviation)
    return tuple(able)


def all_cells(contract: Contract) -> tuple[Cell, ...]:
    """List every cell of a contract with at most two deviations, fewest first."""
    return _cells.of(contract)


def cells(contract: Contract, deviations: int = 2) -> Iterator[Cell]:
    """Give every cell of a contract's methods with at most so many deviations, fewest first."""
    able = {method.name: deviations_of(contract, method) for method in contract.methods}
    for count in range(deviations + 1):
        for method, those in able.items():
            for chosen in itertools.combinations(those, count):
                candidate = cell_of(contract, method, [deviation.name for deviation in chosen])
                if _distinct(chosen) and _shows(candidate, chosen):
                    yield candidate


_cells = PerContract(lambda contract: tuple(cells(contract)))


def _distinct(chosen: tuple[Deviation, ...]) -> bool:
    """Whether no two deviations claim the same field."""
    claimed = [name for deviation in chosen for name in (*deviation.state, *deviation.asked)]
    return len(claimed) == len(set(claimed))


def _shows(candidate: Cell, chosen: tuple[Deviation, ...]) -> bool:
    """Whether the state can exist and every deviation is still in it; of a frozen VM nothing else can be arranged."""
    if candidate.state.frozen and candidate.state != State(frozen=True):
        return False
    kept = all(
        getattr(candidate.state, name) == value for deviation in chosen for name, value in deviation.state.items()
    )
    return kept and possible(candidate.state)
