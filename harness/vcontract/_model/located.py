"""Finds the cell that a call really met, whatever was arranged for it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from msgspec.structs import replace

from vcontract._contract import Contract
from vcontract._model.cells import BY_NAME, DEVIATIONS, Cell, cell_of
from vcontract._model.per_contract import PerContract
from vcontract._model.state import Asked, State

VARIED = frozenset(
    {"malformed", "badValue", "specRule", "specInferred", "loginUnsettled", "thisOtherType", "vmOtherType",
     "argumentOtherType"}
)  # fmt: skip
"""Deviations that stand for many different inputs, so the answer to one input is no evidence for another."""
PASSING = "toolsStarting"
"""The deviation that ends by itself, and may have ended unseen when the call is answered."""
MOST = 2
"""Deviations of a cell."""
_KEPT = 1 << 15
"""Answers that are kept for a contract."""


class _Places:
    """The cells of one contract by the state and the call that were met; what was asked before is kept."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._unusual: dict[str, list[tuple[str, dict[str, object], dict[str, object]]]] = {}
        self._cells: dict[tuple[str, tuple[str, ...]], Cell] = {}
        self._ids: dict[tuple[State, Asked], str] = {}

    def id_of(self, state: State, asked: Asked) -> str:
        """Find the cell with the fewest deviations that has this state and call; empty if it would need too many."""
        known = self._ids.get((state, asked))
        if known is None:
            if len(self._ids) >= _KEPT:
                self._ids.clear()
            known = self._ids[state, asked] = self._found(state, asked)
        return known

    def _found(self, state: State, asked: Asked) -> str:
        rules = BY_NAME["specRule"].asked["rule_faults"] if "rule" in asked.spec else ()
        asked = replace(asked, rule_faults=rules, api=())
        names = [
            name
            for name, of_state, of_call in self._deviations(asked.method)
            if (of_state and _has(state, of_state)) or (of_call and _has(asked, of_call))
        ]
        for count in range(MOST + 1):
            for chosen in itertools.combinations(names, count):
                made = self._cell(asked.method, chosen)
                if made.state == state and made.asked == asked:
                    return made.id
        return ""

    def _deviations(self, method: str) -> list[tuple[str, dict[str, object], dict[str, object]]]:
        """Give each deviation with its fields of state and call; without them if a valid call of the method has them all."""
        known = self._unusual.get(method)
        if known is None:
            valid = self._cell(method, ())
            known = self._unusual[method] = [
                (
                    deviation.name,
                    {} if _has(valid.state, deviation.state) else deviation.state,
                    {} if _has(valid.asked, deviation.asked) else deviation.asked,
                )
                for deviation in DEVIATIONS
            ]
        return known

    def _cell(self, method: str, chosen: tuple[str, ...]) -> Cell:
        made = self._cells.get((method, chosen))
        if made is None:
            made = self._cells[method, chosen] = cell_of(self._contract, method, chosen)
        return made


_places = PerContract(_Places)


def located(states: Iterable[State], asked: Asked, contract: Contract) -> str:
    """Name the cell that a call met, in whichever of the states it was; empty if that is none, or not sure."""
    known = {State()} if asked.vm != "ok" else {_plain(state) for state in states}
    # without an engine nothing could have taken or freed a lock, so one that is only possible is left out
    known -= {
        state
        for state in known
        if state.engine == "absent" and replace(state, orphaned=False) in known and state.orphaned
    }
    ids = {_places.of(contract).id_of(state, asked) for state in known}
    return ids.pop() if len(ids) == 1 else ""


def _has(actual: State | Asked, fields: dict[str, object]) -> bool:
    return all(getattr(actual, name) == value for name, value in fields.items())


def _plain(state: State) -> State:
    """Reset the fields on which no answer may depend: the running task, the network, the guest's configuration.

    If the guest cannot be asked anything, also its lock and engine.
    """
    usual = State()
    state = replace(state, task="", network=usual.network, guest=usual.guest)
    return state if state.tools_up else replace(state, orphaned=usual.orphaned, engine=usual.engine)
