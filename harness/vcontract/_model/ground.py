"""The walk over arranged states: which calls leave a state as it was, which states pass by themselves, what lies near."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from vcontract._contract import OK, Contract
from vcontract._model.cells import Cell
from vcontract._model.state import State
from vcontract._model.step import step

_WEIGHTS = {"connection": 4, "running": 3, "power": 3, "template": 9, "tools": 2, "exists": 9}
"""Roughly how many calls it takes to change a part of the state; parts that are not named take one."""


def ground(state: State) -> State:
    """Reduce an arranged state to what matters to the next call: not whether the network is up or the guest customized."""
    return replace(state, network="down", task="", guest="undefined" if state.guest == "undefined" else "before")


def passes(state: State) -> bool:
    """Whether the state ends by itself, as work on the VM and a boot do."""
    return bool(state.running) or (state.tools == "starting" and state.reachable)


def refused(cell: Cell, contract: Contract) -> bool:
    """Whether the contract lets no call of the cell succeed."""
    return all(branch.outcome != OK for branch in step(cell.state, cell.asked, contract))


def changes(cell: Cell, contract: Contract) -> bool:
    """Whether the arranged state is gone after a call of the cell that succeeds, so that it must be arranged again.

    A state that passes by itself is gone by the time that the call's own task has ended.
    """
    ends = [branch.after for branch in step(cell.state, cell.asked, contract) if branch.outcome == OK]
    return bool(ends) and (passes(cell.state) or any(ground(end) != ground(cell.state) for end in ends))


def tour(states: Iterable[State], start: State) -> list[State]:
    """Order states so that each is near the one before it, beginning at `start`: always the nearest next."""
    left, path, here = list(dict.fromkeys(states)), [], start
    while left:
        here = min(left, key=lambda state: _distance(here, state))
        left.remove(here)
        path.append(here)
    return path


def _distance(one: State, other: State) -> int:
    names = (name for name in one.__struct_fields__ if getattr(one, name) != getattr(other, name))
    return sum(_WEIGHTS.get(name, 1) for name in names)
