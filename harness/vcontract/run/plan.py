"""Which cells a run exercises, in which order: rows first, then pairs, each arranged state used for all its calls."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

import msgspec
from msgspec.structs import replace

from vcontract.contract import Contract
from vcontract.model import Cell, State, cells, changes, ground, refused, tour
from vcontract.run.exerciser import disturbances
from vcontract.run.preludes import preludes_of
from vcontract.strategies import Case
from vcontract.strategies.semantic import COUNT


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
        cells = sum(each.cell is not None for each in self.steps)
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

    The rows are everything valid and one deviation each. Of the pairs come first those in the states in which a caller who
    may not meets a VM on which something runs, and last, behind the other cases, all others.
    """
    found = [each for each in reachable if each.method in methods]
    single = [each for each in found if len(each.deviations) < 2]
    pairs = [each for each in found if len(each.deviations) >= 2]
    guarded = {each.state for each in pairs if _guarded(each)}
    first = [each for each in pairs if each.state in guarded]
    rest = [each for each in pairs if each.state not in guarded]
    kinds, others = _one_of_each_kind([each for each in inputs if each.method in methods], seed)
    chosen = [method.name for method in contract.methods if method.name in methods]
    gone = {each.id for each in found if changes(each, contract)}
    steps = [
        *visited(single, gone, contract, seed),
        *(Step(each.name, method=each.method, case=each) for each in kinds),
        *(Step(f"{name}:{what}", method=name, prior=what) for name in chosen for what in preludes_of(contract, name)),
        *(
            Step(f"{name}:{what}", method=name, disturb=what)
            for name in chosen
            for what in disturbances(contract, name)
        ),
        *visited(first, gone, contract, seed),
        *(Step(each.name, method=each.method, case=each) for each in others),
        *visited(rest, gone, contract, seed),
    ]
    return costed(steps, found, gone)


def costed(steps: list[Step], found: Iterable[Cell], gone: set[str]) -> Plan:
    """Make a plan of steps, of which the cells are those that were found, and count what it costs."""
    listed = list(found)
    ends = Counter(ground(each.state) for each in listed if each.id in gone)
    states = {ground(each.state) for each in listed}
    least = sum(max(1, ends[each]) for each in states)
    return Plan(steps, len(states), _arrangements(steps, gone), least)


def visited(chosen: Sequence[Cell], gone: set[str], contract: Contract, seed: int) -> list[Step]:
    """Order cells by their states, the settled one first; in each state the calls that leave it as it is come first.

    `gone` are the cells after whose call the state is gone. Among equals the seed decides: what a call leaves behind that
    nobody expects is met by another one each time.
    """
    places = {state: number for number, state in enumerate(tour((each.state for each in chosen), State()))}
    draw = random.Random(seed)  # noqa: S311 - a plan, no secret
    ends = {each.id: (each.id in gone, not refused(each, contract)) for each in chosen}
    ordered = sorted(chosen, key=lambda each: (places[each.state], ends[each.id], draw.random()))
    steps = [Step(each.id, each) for each in ordered]
    for number, (one, other) in enumerate(pairwise(ordered)):
        if one.state == other.state and one.state.running and ends[one.id] == (False, False):
            steps[number] = replace(steps[number], keep=True)
    return steps


def _arrangements(steps: Sequence[Step], gone: set[str]) -> int:
    """Count how often the cells of some steps find their state not standing; `gone` are those that leave none standing."""
    count, standing = 0, State(exists=False, power="")
    for each in steps:
        if each.cell is None:
            standing = State() if each.case else State(exists=False, power="")
            continue
        if ground(each.cell.state) != standing:
            count += 1
        standing = State(exists=False, power="") if each.cell.id in gone else ground(each.cell.state)
    return count


def _one_of_each_kind(inputs: Sequence[Case], seed: int) -> tuple[list[Case], list[Case]]:
    """Split the cases: one of each kind that can be told apart, drawn with the seed, and the others.

    With the first go those of a method's own parameters: each method reads these itself, the types below are shared.
    """
    groups: dict[tuple[str, str, str], list[Case]] = {}
    for each in inputs:
        # a count is checked against either end by itself
        kind = each.constraint if each.kind == COUNT else each.kind
        groups.setdefault((each.tier, kind, each.expects), []).append(each)
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
    may_not = asked.privilege == "nowhere" or asked.login in {"rejected", "mayNot"} or asked.session == "none"
    return may_not and bool(cell.state.running or cell.state.orphaned)
