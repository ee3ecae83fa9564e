"""Finds the cell that a call really met, whatever was arranged for it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from msgspec.structs import replace

from vcontract.contract import Contract
from vcontract.model.cells import BY_NAME, DEVIATIONS, cell_of
from vcontract.model.state import Asked, State

VARIED = frozenset(
    {"malformed", "badValue", "specRule", "specInferred", "loginUnsettled", "thisOtherType", "vmOtherType",
     "argumentOtherType"}
)  # fmt: skip
"""Deviations that stand for many different inputs, so the answer to one input is no evidence for another."""
PASSING = "toolsStarting"
"""The deviation that ends by itself, and may have ended unseen when the call is answered."""
MOST = 2
"""Deviations of a cell."""


def located(states: Iterable[State], asked: Asked, contract: Contract) -> str:
    """Name the cell that a call met, in whichever of the states it was; empty if that is none, or not sure."""
    known = {State()} if asked.vm != "ok" else {_plain(state) for state in states}
    # without an engine nothing could have taken or freed a lock, so one that is only possible is left out
    known -= {
        state
        for state in known
        if state.engine == "absent" and replace(state, orphaned=False) in known and state.orphaned
    }
    ids = {_id(state, asked, contract) for state in known}
    return ids.pop() if len(ids) == 1 else ""


def _id(state: State, asked: Asked, contract: Contract) -> str:
    """Find the cell with the fewest deviations that has this state and call; empty if it would need too many."""
    rules = BY_NAME["specRule"].asked["rule_faults"] if "rule" in asked.spec else ()
    asked = replace(asked, rule_faults=rules)
    valid = cell_of(contract, asked.method)
    names = [
        deviation.name
        for deviation in DEVIATIONS
        if _told(deviation.state, state, valid.state) or _told(deviation.asked, asked, valid.asked)
    ]
    for count in range(MOST + 1):
        for chosen in itertools.combinations(names, count):
            made = cell_of(contract, asked.method, chosen)
            if made.state == state and made.asked == asked:
                return made.id
    return ""


def _told(fields: dict[str, object], actual: State | Asked, usual: State | Asked) -> bool:
    """Whether something has the fields of a deviation, and they are not as usual."""
    return all(getattr(actual, name) == value for name, value in fields.items()) and any(
        getattr(usual, name) != value for name, value in fields.items()
    )


def _plain(state: State) -> State:
    """Reset the fields on which no answer may depend: the running task, the network, the guest's configuration.

    If the guest cannot be asked anything, also its lock and engine.
    """
    usual = State()
    state = replace(state, task="", network=usual.network, guest=usual.guest)
    return state if state.tools_up else replace(state, orphaned=usual.orphaned, engine=usual.engine)
