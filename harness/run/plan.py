"""Which cells a run exercises, in which order: rows first, then pairs, each arranged state used for all its calls."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

import msgspec

from harness.contract import Contract
from harness.model import BY_NAME, Cell, State, cells
from harness.run.exercise import disturbances
from harness.run.prior import pasts
from harness.strategies import Case

PAIRS = 40
"""How many pairs of deviations a run exercises beyond all cells with at most one."""


class Step(msgspec.Struct, frozen=True):
    """One thing to do: a cell, a case of its input, or a valid call of a method that is disturbed or has a past."""

    label: str
    cell: Cell | None = None
    method: str = ""
    disturb: str = ""
    prior: str = ""
    case: Case | None = None


def plan(
    contract: Contract, methods: Sequence[str], reachable: Iterable[Cell], inputs: Sequence[Case], seed: int
) -> list[Step]:
    """List the steps: rows first, then one case of each kind of input, then calls with a past, disturbances, and the rest.

    The rows are everything valid and one deviation each. Of the pairs come first those of a caller who may not and a VM
    on which something runs; the others are drawn with the seed.
    """
    found = [each for each in reachable if each.method in methods]
    single = sorted((each for each in found if len(each.deviations) < 2), key=_state_first)
    pairs = [each for each in found if len(each.deviations) == 2]
    first = [each for each in pairs if _guarded(each)]
    rest = [each for each in pairs if not _guarded(each)]
    drawn = first + random.Random(seed).sample(rest, min(PAIRS, len(rest)))  # noqa: S311 - a plan, no secret
    steps = [Step(each.id, each) for each in single]
    kinds, others = _one_of_each_kind([each for each in inputs if each.method in methods], seed)
    steps += [Step(each.name, method=each.method, case=each) for each in kinds]
    chosen = [method.name for method in contract.methods if method.name in methods]
    steps += [Step(f"{name}:{what}", method=name, prior=what) for name in chosen for what in pasts(contract, name)]
    steps += [
        Step(f"{name}:{what}", method=name, disturb=what) for name in chosen for what in disturbances(contract, name)
    ]
    steps += [Step(each.id, each) for each in sorted(drawn, key=_state_first)]
    return steps + [Step(each.name, method=each.method, case=each) for each in others]


def _one_of_each_kind(inputs: Sequence[Case], seed: int) -> tuple[list[Case], list[Case]]:
    """Split the cases: one of each kind that can be told apart, drawn with the seed, and the others.

    With the first go those of a method's own parameters: each method reads these itself, the types below are shared.
    """
    groups: dict[tuple[str, str, str], list[Case]] = {}
    for each in inputs:
        groups.setdefault((each.tier, each.kind, each.expects), []).append(each)
    draw = random.Random(seed)  # noqa: S311 - a plan, no secret
    first = {id(draw.choice(group)) for group in groups.values()}
    first |= {id(each) for each in inputs if each.constraint.startswith(f"{each.method}.")}
    return [each for each in inputs if id(each) in first], [each for each in inputs if id(each) not in first]


def all_cells(contract: Contract) -> tuple[Cell, ...]:
    """List every cell of a contract with at most two deviations."""
    return tuple(cells(contract))


def _guarded(cell: Cell) -> bool:
    """Whether a caller who must be refused meets a VM on which something runs, or whose lock is held."""
    asked = cell.asked
    refused = asked.privilege == "nowhere" or asked.login in {"rejected", "mayNot"} or asked.session == "none"
    return refused and bool(cell.state.running or cell.state.orphaned)


def _state_first(cell: Cell) -> tuple[bool, tuple[str, ...], str]:
    """Order cells by the state that they need, the settled one first, so that it is arranged once."""
    arranged = tuple(sorted(name for name in cell.deviations if BY_NAME[name].state))
    return cell.state != State(), arranged, cell.id
