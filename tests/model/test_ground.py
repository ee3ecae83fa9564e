"""The walk over arranged states: what stands after a call, what passes, what lies near."""

from __future__ import annotations

import pytest

from vcontract._contract import Contract, load
from vcontract._model import State, cell, changes, ground, passes, refused, tour
from vcontract._model.state import CUSTOMIZE, OFF, SUSPENDED

CUSTOMIZES, ABORTS = "CustomizeGuest_Task", "AbortCustomization_Task"


@pytest.fixture(scope="module")
def contract() -> Contract:
    """Give the shipped contract."""
    return load("VirtualMachineGuestCustomizationManager")


def test_a_guest_as_customized_is_the_same_ground() -> None:
    """What a success leaves behind hinders no later call, but an undefined guest is another state."""
    assert ground(State(guest="spec", network="up")) == ground(State())
    assert ground(State(guest="undefined")) != ground(State())
    assert ground(State(power=OFF)) != ground(State())


def test_what_passes_by_itself() -> None:
    """Work and a boot; not a boot that nobody can see."""
    assert passes(State(running=CUSTOMIZE))
    assert passes(State(tools="starting"))
    assert not passes(State())
    assert not passes(State(tools="starting", connection="disconnected"))


@pytest.mark.parametrize(
    ("method", "deviations", "told"),
    [
        (CUSTOMIZES, (), "stands"),
        (CUSTOMIZES, ("loginRejected",), "refused"),
        (CUSTOMIZES, ("poweredOff",), "refused"),
        (CUSTOMIZES, ("undefinedGuest",), "gone"),
        (ABORTS, ("orphanedLock",), "gone"),
        (ABORTS, ("customizing",), "gone"),
        (ABORTS, ("customizing", "loginRejected"), "refused"),
        (CUSTOMIZES, ("toolsStarting",), "gone"),
    ],
)
def test_which_calls_leave_the_state(contract: Contract, method: str, deviations: tuple[str, ...], told: str) -> None:
    """A refusal changes nothing; a success may; and its task outlasts what passes."""
    found = cell(method, deviations)
    assert changes(found, contract) is (told == "gone")
    assert refused(found, contract) is (told == "refused")


def test_a_tour_goes_to_the_nearest_next() -> None:
    """From the settled state: first what differs by little, each state once."""
    far, near, beside = State(template=True, power=OFF), State(orphaned=True), State(power=SUSPENDED, tools="stopped")
    assert tour([far, beside, near, State(), near], State()) == [State(), near, beside, far]
