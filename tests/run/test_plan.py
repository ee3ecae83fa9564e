"""Which cells a run exercises, and in which order."""

from __future__ import annotations

from itertools import groupby, pairwise

import pytest

from vcontract._contract import Contract, load
from vcontract._model import State, all_cells, cells, changes, ground, refused
from vcontract._run.plan import Step, plan

MANAGER = "VirtualMachineGuestCustomizationManager"
METHODS = ("CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task")


@pytest.fixture(scope="module")
def contract() -> Contract:
    """Give the shipped contract."""
    return load(MANAGER)


def deviations(step: Step) -> int:
    """Say how many things are wrong in a step; a step without a cell stands between."""
    return len(step.cell.deviations) if step.cell else -1


def test_rows_come_first_then_disturbances_then_pairs(contract: Contract) -> None:
    """So that a run that is cut short has seen the most of the rows."""
    steps = plan(contract, METHODS, all_cells(contract), (), 1).steps
    kinds = [
        kind
        for kind, _ in groupby(
            "row" if 0 <= deviations(each) < 2 else "pair" if each.cell else "task" for each in steps
        )
    ]
    assert kinds == ["task", "row", "task", "pair"]
    single = {each.id for each in cells(contract, 1)}
    assert single == {each.label for each in steps if 0 <= deviations(each) < 2}


@pytest.mark.parametrize(("methods", "shown"), [(METHODS, 3), (METHODS[:1], 3), (METHODS[1:], 0)])
def test_what_makes_settings_show_comes_before_all(methods: tuple[str, ...], shown: int, contract: Contract) -> None:
    """A customization with a network start or a boot behind it: nothing else tells that one does nothing."""
    steps = plan(contract, methods, all_cells(contract), (), 1).steps
    then = [number for number, each in enumerate(steps) if each.prior.startswith("then")]
    assert then == list(range(shown))
    assert {steps[number].method for number in then} <= {METHODS[0]}


def test_each_arranged_state_is_used_once_for_all_its_calls(contract: Contract) -> None:
    """Among rows, and among pairs, the cells of one state stand together; the settled state first."""
    steps = plan(contract, METHODS, all_cells(contract), (), 1).steps
    for group in ([each for each in steps if deviations(each) in counts] for counts in ((0, 1), (2,))):
        states = [state for state, _ in groupby(each.cell.state for each in group if each.cell)]
        assert len(states) == len(set(states))
    first = next(each.cell for each in steps if each.cell)
    assert first.state == State()


def test_no_step_is_taken_twice(contract: Contract) -> None:
    """Every label is its own."""
    labels = [each.label for each in plan(contract, METHODS, all_cells(contract), (), 1).steps]
    assert len(labels) == len(set(labels))


def test_every_reachable_cell_is_planned(contract: Contract) -> None:
    """Not a sample."""
    steps = plan(contract, METHODS, all_cells(contract), (), 1).steps
    assert {each.cell.id for each in steps if each.cell} == {each.id for each in all_cells(contract)}


def test_the_seed_orders_the_cells(contract: Contract) -> None:
    """The same seed the same, another one others."""
    first, again, other = (
        [each.label for each in plan(contract, METHODS, all_cells(contract), (), seed).steps] for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other
    assert sorted(first) == sorted(other)


def test_the_plan_arranges_hardly_more_than_it_must(contract: Contract) -> None:
    """Within one and a half times of what any order needs; and the bound is that of the cells, counted here again."""
    found = [each for each in all_cells(contract) if each.state.exists]
    planned = plan(contract, METHODS, found, (), 1)
    least = 0
    for state in {ground(each.state) for each in found}:
        mine = [each for each in found if ground(each.state) == state]
        least += max(1, sum(changes(each, contract) for each in mine))
    assert planned.least == least
    assert planned.least <= planned.arrangements <= 1.5 * planned.least


def test_only_refused_calls_share_what_runs(contract: Contract) -> None:
    """A step that leaves work running is refused by the contract, and the next one wants the same work."""
    steps = plan(contract, METHODS, all_cells(contract), (), 1).steps
    kept = [(one, other) for one, other in pairwise(steps) if one.keep]
    assert len(kept) > 100
    for one, other in kept:
        assert one.cell is not None
        assert other.cell is not None
        assert refused(one.cell, contract)
        assert one.cell.state == other.cell.state
        assert one.cell.state.running


def test_only_the_wanted_methods_and_the_reachable_cells(contract: Contract) -> None:
    """What is not asked for, or cannot be arranged, is not planned."""
    reachable = [each for each in all_cells(contract) if "template" not in each.deviations]
    steps = plan(contract, METHODS[1:2], reachable, (), 1).steps
    assert {each.label.partition(":")[0] for each in steps} == {METHODS[1]}
    assert not any("template" in each.label for each in steps)
