"""Which cells a run exercises, in which order: rows first, then pairs, each arranged state used for all its calls."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

import msgspec

from harness.contract import Contract
from harness.model import BY_NAME, Cell, State, cells
from harness.run.exercise import MID

PAIRS = 60
"""How many pairs of deviations a run exercises beyond all cells with at most one."""


class Step(msgspec.Struct, frozen=True):
    """One thing to do: a cell, or a valid call of a method that is disturbed in mid-task."""

    label: str
    cell: Cell | None = None
    method: str = ""
    disturb: str = ""


def plan(contract: Contract, methods: Sequence[str], reachable: Iterable[Cell], seed: int) -> list[Step]:
    """List the steps: everything valid, one deviation each, mid-task disturbances, then pairs drawn with the seed."""
    found = [each for each in reachable if each.method in methods]
    single = sorted((each for each in found if len(each.deviations) < 2), key=_state_first)
    pairs = [each for each in found if len(each.deviations) == 2]
    drawn = random.Random(seed).sample(pairs, min(PAIRS, len(pairs)))  # noqa: S311 - a plan, no secret
    steps = [Step(each.id, each) for each in single]
    steps += [
        Step(f"{method.name}:{what}", None, method.name, what)
        for method in contract.methods
        if method.name in methods
        for what in MID
    ]
    return steps + [Step(each.id, each) for each in sorted(drawn, key=_state_first)]


def all_cells(contract: Contract) -> tuple[Cell, ...]:
    """List every cell of a contract with at most two deviations."""
    return tuple(cells(contract))


def _state_first(cell: Cell) -> tuple[bool, tuple[str, ...], str]:
    """Order cells by the state that they need, the settled one first, so that it is arranged once."""
    arranged = tuple(sorted(name for name in cell.deviations if BY_NAME[name].state))
    return cell.state != State(), arranged, cell.id
