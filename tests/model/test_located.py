"""Which cell a call met is told from state and call alone, and only where it is sure."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from vcontract._contract import Contract, load
from vcontract._model import State, cell_of, cells, expect, located
from vcontract._model.state import EXCLUSIVE, Asked

CUSTOMIZE = "CustomizeGuest_Task"


@pytest.fixture(scope="module")
def manager() -> Contract:
    """Give the contract of the object."""
    return load("VirtualMachineGuestCustomizationManager")


@pytest.mark.parametrize("name", ["VirtualMachineGuestCustomizationManager", "GuestAuthManager"])
def test_a_cell_is_found_again_or_one_that_expects_the_same(name: str) -> None:
    """Where a cell is no other than a smaller one, as the same is permitted in both."""
    contract = load(name)
    for each in cells(contract):
        found = located([each.state], each.asked, contract)
        method, _, names = found.partition(":")
        assert method == each.method, each.id
        deviations = () if names == "valid" else names.split("+")
        other = cell_of(contract, method, deviations)
        if each.asked.vm != "ok":
            assert each.asked == other.asked  # then the call is about no VM, and no state is known
            continue
        assert set(deviations) <= set(each.deviations)
        allowed = [expect([one.state], one.asked, contract).allowed.keys() for one in (each, other)]
        assert allowed[0] == allowed[1], (each.id, found)


def test_what_no_answer_rests_on_makes_no_difference(manager: Contract) -> None:
    """Which task runs, whether the guest was customized before, and of a VM that is off what its guest holds."""
    busy = State(running=EXCLUSIVE)
    asked = Asked(CUSTOMIZE)
    assert located([replace(busy, task="task-7"), replace(busy, guest="spec")], asked, manager) == f"{CUSTOMIZE}:busy"
    absent = State(engine="absent")
    assert located([absent, replace(absent, orphaned=True)], asked, manager) == f"{CUSTOMIZE}:engineAbsent"
    assert located([replace(absent, orphaned=True)], asked, manager) == f"{CUSTOMIZE}:orphanedLock+engineAbsent"
    off = State(power="poweredOff", tools="stopped")
    assert located([off, replace(off, orphaned=True)], asked, manager) == f"{CUSTOMIZE}:poweredOff"


@pytest.mark.parametrize(
    "states",
    [
        (State(), State(running=EXCLUSIVE)),
        (State(mid=frozenset({"power"})),),
        (State(running=EXCLUSIVE, orphaned=True, engine="broken"),),
    ],
)
def test_what_is_not_sure_is_no_cell(manager: Contract, states: tuple[State, ...]) -> None:
    """Two states that differ, something that began in mid-task, and more than two deviations."""
    assert located(states, Asked(CUSTOMIZE), manager) == ""
