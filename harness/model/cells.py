"""Cells: an arranged state x a method x a kind of call, with at most two deviations from "everything valid"."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

import msgspec
from msgspec.structs import replace

from harness.contract import Contract
from harness.model.state import (
    ABORT,
    CUSTOMIZE,
    EXCLUSIVE,
    NETWORK,
    OFF,
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

    `only` names the parameter that a method must have for the deviation to be possible.
    """

    name: str
    state: dict[str, object] = {}
    asked: dict[str, object] = {}
    only: str = ""


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
    Deviation("poweredOff", {"power": OFF}),
    Deviation("suspended", {"power": SUSPENDED}),
    Deviation("template", {"template": True}),
    Deviation("hostLost", {"connection": "disconnected"}),
    Deviation("unusable", {"connection": "inaccessible"}),
    Deviation("question", {"question": True}),
    Deviation("pendingPackage", {"pending": True}),
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
    Deviation("nicCount", asked=_spec("nicCount"), only="spec"),
    Deviation("specRule", asked=_spec("rule"), only="spec"),
    Deviation("specInferred", asked=_spec("inferred"), only="spec"),
    Deviation("loginRejected", asked={"login": "rejected"}),
    Deviation("loginMayNot", asked={"login": "mayNot"}),
    Deviation("loginUnsettled", asked={"login": "unsettled"}),
    Deviation("malformed", asked={"request": "malformed"}),
    Deviation("badValue", asked={"request": "badValue"}),
    Deviation("oldVersion", asked={"request": "unknownMethod"}),
    Deviation("noSession", asked={"session": "none"}),
    Deviation("thisUnknown", asked={"this": "unknown"}),
    Deviation("thisOtherType", asked={"this": "otherType"}),
    Deviation("vmUnknown", asked={"vm": "unknown"}),
    Deviation("vmGone", {"exists": False}),
    Deviation("vmOtherType", asked={"vm": "otherType"}),
    Deviation("noPrivilege", asked={"privilege": "nowhere"}),
    Deviation("privilegeOnVm", asked={"privilege": "vmOnly"}),
    Deviation("privilegeOnRoot", asked={"privilege": "rootOnly"}),
)
BY_NAME = {each.name: each for each in DEVIATIONS}


def cell(method: str, deviations: Iterable[str]) -> Cell:
    """Build the cell of a method with the named deviations."""
    chosen = [BY_NAME[name] for name in deviations]
    state, asked = State(), Asked(method)
    for each in chosen:
        state = replace(state, **each.state)
        asked = replace(asked, **each.asked)
    names = tuple(each.name for each in chosen)
    return Cell(f"{method}:{'+'.join(names) or VALID}", method, names, settle(state), asked)


def shown(state: State) -> tuple[str, ...]:
    """Name the deviations that a state shows."""
    return tuple(
        each.name
        for each in DEVIATIONS
        if each.state and all(getattr(state, name) == value for name, value in each.state.items())
    )


def cells(contract: Contract, deviations: int = 2) -> Iterator[Cell]:
    """Give every cell of a contract's methods with at most so many deviations, fewest first."""
    for count in range(deviations + 1):
        for method in contract.methods:
            parameters = {each.split(":")[0] for each in method.parameters}
            able = [each for each in DEVIATIONS if not each.only or each.only in parameters]
            for chosen in itertools.combinations(able, count):
                found = cell(method.name, [each.name for each in chosen])
                if _distinct(chosen) and _shows(found, chosen):
                    yield found


def _distinct(chosen: tuple[Deviation, ...]) -> bool:
    """Whether no two deviations claim the same field."""
    claimed = [name for each in chosen for name in (*each.state, *each.asked)]
    return len(claimed) == len(set(claimed))


def _shows(found: Cell, chosen: tuple[Deviation, ...]) -> bool:
    """Whether the state can exist and every deviation is still in it."""
    kept = all(getattr(found.state, name) == value for each in chosen for name, value in each.state.items())
    return kept and possible(found.state)
