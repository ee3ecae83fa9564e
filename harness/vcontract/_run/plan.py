"""Which cells a run exercises, in which order: rows first, then pairs, each arranged state used for all its calls."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

import msgspec
from msgspec.structs import replace

from vcontract._contract import Contract
from vcontract._model import Cell, State, changes, ground, refused, tour
from vcontract._run.exerciser import disturbances
from vcontract._run.preludes import preludes_of, shown_by
from vcontract._strategies.case import Case
from vcontract._strategies.semantic import COUNT


class Step(msgspec.Struct, frozen=True):
    """One thing to do: a cell, a case of its input, or a valid call of a method that is disturbed or has a past.

    `keep`: the next step wants the same passing state and this one's call must be refused, so both are made while the
    same work runs.
    """

    label: str
    cell: Cell | None = None
    method: str = ""
    disturb: str = ""
    prior: str = ""
    case: Case | None = None
    keep: bool = False


class Plan(msgspec.Struct, frozen=True):
    """The steps of a run, and what they cost.

    `states` are the distinct states that its cells need, `arrangements` how often the plan arranges one, and `least` the
    fewest arrangements that any order can do with: each state once, and anew for each but one of the cells after whose call
    it is gone.
    """

    steps: list[Step]
    states: int = 0
    arrangements: int = 0
    least: int = 0

    def text(self) -> str:
        """Say in one line what the plan costs; nothing if it has no cells."""
        cells = sum(step.cell is not None for step in self.steps)
        if not cells:
            return ""
        return (
            f"{len(self.steps)} steps; {cells} cells in {self.states} states: {self.arrangements} arrangements, "
            f"at least {self.least} are needed"
        )


def plan(
    contract: Contract, methods: Sequence[str], reachable: Iterable[Cell], inputs: Sequence[Case], seed: int
) -> Plan:
    """Plan a run: rows first, then one case of each kind of input, then calls with a past, disturbances, and the rest.

    Before all stands what alone shows that a customization does anything. The rows are everything valid and one deviation each.
    Of the pairs come first those in the states in which a caller who may not meets a VM on which something runs, and last,
    behind the other cases, all others.
    """
    chosen_cells = [cell for cell in reachable if cell.method in methods]
    single = [cell for cell in chosen_cells if len(cell.deviations) < 2]
    pairs = [cell for cell in chosen_cells if len(cell.deviations) >= 2]
    guarded = {cell.state for cell in pairs if _guarded(cell)}
    first = [cell for cell in pairs if cell.state in guarded]
    rest = [cell for cell in pairs if cell.state not in guarded]
    kinds, others = _one_of_each_kind([case for case in inputs if case.method in methods], seed)
    chosen = [method.name for method in contract.methods if method.name in methods]
    gone = {cell.id for cell in chosen_cells if changes(cell, contract)}
    steps = [
        *(Step(f"{name}:{what}", method=name, prior=what) for name in chosen for what in shown_by(contract, name)),
        *visited(single, gone, contract, seed),
        *(Step(case.name, method=case.method, case=case) for case in kinds),
        *(Step(f"{name}:{what}", method=name, prior=what) for name in chosen for what in preludes_of(contract, name)),
        *(
            Step(f"{name}:{what}", method=name, disturb=what)
            for name in chosen
            for what in disturbances(contract, name)
        ),
        *visited(first, gone, contract, seed),
        *(Step(case.name, method=case.method, case=case) for case in others),
        *visited(rest, gone, contract, seed),
    ]
    return costed(steps, chosen_cells, gone)


def costed(steps: list[Step], visited_cells: Iterable[Cell], gone: set[str]) -> Plan:
    """Make a plan of steps, of which the cells are those that were found, and count what it costs."""
    all_visited = list(visited_cells)
    ends = Counter(ground(cell.state) for cell in all_visited if cell.id in gone)
    states = {ground(cell.state) for cell in all_visited}
    least = sum(max(1, ends[state]) for state in states)
    return Plan(steps, len(states), _arrangements(steps, gone), least)


def visited(chosen: Sequence[Cell], gone: set[str], contract: Contract, seed: int) -> list[Step]:
    """Order cells by their states, the settled one first; in each state the calls that leave it as it is come first.

    `gone` are the cells after whose call the state is gone. Among equals the seed decides: what a call leaves behind that
    nobody expects is met by another one each time.
    """
    places = {state: number for number, state in enumerate(tour((cell.state for cell in chosen), State()))}
    draw = random.Random(seed)  # noqa: S311 - a plan, no secret
    ends = {cell.id: (cell.id in gone, not refused(cell, contract)) for cell in chosen}
    ordered = sorted(chosen, key=lambda cell: (places[cell.state], ends[cell.id], draw.random()))
    steps = [Step(cell.id, cell) for cell in ordered]
    for number, (one, other) in enumerate(pairwise(ordered)):
        if one.state == other.state and one.state.running and ends[one.id] == (False, False):
            steps[number] = replace(steps[number], keep=True)
    return steps


def _arrangements(steps: Sequence[Step], gone: set[str]) -> int:
    """Count how often the cells of some steps find their state not standing; `gone` are those that leave none standing."""
    count, standing = 0, State(exists=False, power="")
    for step in steps:
        if step.cell is None:
            standing = State() if step.case else State(exists=False, power="")
            continue
        if ground(step.cell.state) != standing:
            count += 1
        standing = State(exists=False, power="") if step.cell.id in gone else ground(step.cell.state)
    return count


def _one_of_each_kind(inputs: Sequence[Case], seed: int) -> tuple[list[Case], list[Case]]:
    """Split the cases: one of each kind that can be told apart, drawn with the seed, and the others.

    With the first go those of a method's own parameters: each method reads these itself, the types below are shared.
    """
    groups: dict[tuple[str, str, str], list[Case]] = {}
    for case in inputs:
        # a count is checked against either end by itself
        kind = case.constraint if case.kind == COUNT else case.kind
        groups.setdefault((case.tier, kind, case.expects), []).append(case)
    draw = random.Random(seed)  # noqa: S311 - a plan, no secret
    first = {id(draw.choice(group)) for group in groups.values()}
    first |= {id(case) for case in inputs if case.constraint.startswith(f"{case.method}.")}
    return [case for case in inputs if id(case) in first], [case for case in inputs if id(case) not in first]


def _guarded(cell: Cell) -> bool:
    """Whether a caller who must be refused meets a VM on which something runs, or whose lock is held."""
    asked = cell.asked
    may_not = asked.privilege == "nowhere" or asked.login in {"rejected", "mayNot"} or asked.session == "none"
    return may_not and bool(cell.state.running or cell.state.orphaned)
