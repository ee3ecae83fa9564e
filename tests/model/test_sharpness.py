"""How sharp the predictions are: the gates below which the oracle is worth nothing."""

from __future__ import annotations

import pytest

from vcontract._contract import OK, Contract, ancestors, documented_as
from vcontract._model import Cell, cells, expect, sharpness
from vcontract._model.sharpness import settled, universe

MANY = 0.5


@pytest.fixture(scope="module")
def permitted(contract: Contract) -> dict[Cell, frozenset[str]]:
    """Give, for every cell with at most two deviations, what more than an inference permits."""
    return {each: settled(expect([each.state], each.asked, contract)) for each in cells(contract)}


def test_gates(contract: Contract, bases: dict[str, str]) -> None:
    """A mean of at most 3 outcomes where one thing is wrong, and nine in ten of all answers refused."""
    found = sharpness(contract, bases)
    assert found.pivot_mean <= 3
    assert found.kill_rate >= 0.9
    assert found.success_forbidden > found.cells / 2
    assert found.exact > 100


def test_measure_counts_what_it_says(
    permitted: dict[Cell, frozenset[str]], contract: Contract, bases: dict[str, str]
) -> None:
    """The numbers in run.json are those of the cells, counted here another way."""
    found, possible = sharpness(contract, bases), universe(contract, bases)
    pairs = [(cell, name) for cell in permitted for name in possible]
    refused = sum(name not in permitted[cell] for cell, name in pairs)
    pivots = [len(names) for cell, names in permitted.items() if len(cell.deviations) == 1]
    assert found.cells == len(permitted)
    assert found.outcomes == len(possible)
    assert found.kill_rate == pytest.approx(refused / len(pairs), abs=1e-4)
    assert found.pivot_mean == pytest.approx(sum(pivots) / len(pivots), abs=0.01)
    assert found.exact == sum(len(names) == 1 for names in permitted.values())
    assert found.success_forbidden == sum(OK not in names for names in permitted.values())
    assert all(count == len(permitted[next(c for c in permitted if c.id == id_)]) for id_, count in found.weakest)


def test_universe_is_what_a_method_may_raise_at_all(contract: Contract, bases: dict[str, str]) -> None:
    """Success, each declared fault with its descendants, and the RuntimeFault tree; not other VimFaults."""
    found = universe(contract, bases)
    assert {OK, "TaskInProgress", "InvalidPowerState", "NicSettingMismatch", "RuntimeFault", "SystemError"} <= found
    assert not {"ToolsUnavailable", "GuestOperationsUnavailable", "InvalidLogin", "MethodFault", "VimFault"} & found
    assert len(found) == 1 + 30 + len([each for each in bases if "RuntimeFault" in ancestors(each, bases)])


@pytest.mark.parametrize("fault", ["SystemError", "RuntimeFault", "UnexpectedFault", "DatabaseError"])
def test_a_server_that_always_answers_so_passes_no_cell(fault: str, permitted: dict[Cell, frozenset[str]]) -> None:
    """The environment's RuntimeFaults are permitted nowhere."""
    assert [cell.id for cell, names in permitted.items() if fault in names] == []


@pytest.mark.parametrize("answer", [OK, "InvalidState", "CustomizationFault", "TaskInProgress", "NoPermission"])
def test_a_server_that_always_answers_the_same_fails_many_cells(
    answer: str, permitted: dict[Cell, frozenset[str]], contract: Contract
) -> None:
    """Whatever the constant answer is, most cells refuse it, and some of each method's do."""
    refused = [cell for cell, names in permitted.items() if answer not in names]
    assert len(refused) > MANY * len(permitted)
    assert {each.method for each in refused} == {each.name for each in contract.methods}


def test_no_constant_server_passes_as_many_as_the_best(
    permitted: dict[Cell, frozenset[str]], contract: Contract, bases: dict[str, str]
) -> None:
    """The best constant answer is the one reported, and it passes no more than half."""
    answer, share = sharpness(contract, bases).best_constant
    for other in set().union(*permitted.values()):
        assert sum(other in names for names in permitted.values()) / len(permitted) <= share + 0.001, (other, answer)
    assert share < MANY


def test_each_documented_row_has_a_cell_on_both_sides(
    permitted: dict[Cell, frozenset[str]], contract: Contract, bases: dict[str, str]
) -> None:
    """A single deviation suffices to make a documented fault possible, and there are cells in which it is wrong."""
    for method in contract.methods:
        documented = tuple(each.type for each in method.fault)
        for fault in documented:
            may = {
                any(documented_as(name, documented, bases) == fault for name in names)
                for cell, names in permitted.items()
                if cell.method == method.name and len(cell.deviations) < 2
            }
            assert may == {True, False}, (method.name, fault)
