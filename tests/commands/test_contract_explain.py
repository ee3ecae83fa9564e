"""`contract explain`: what a method may answer in a state that the user describes."""

from __future__ import annotations

import pytest

from vcontract._commands.contract_explain import explain
from vcontract._errors import ContractError, UsageError

MANAGER = "VirtualMachineGuestCustomizationManager"


def told(state: str, method: str = "CustomizeGuest_Task") -> list[str]:
    """Give the lines of an explanation."""
    return explain(MANAGER, method, state).split("\n")


def test_a_valid_call_succeeds() -> None:
    """Nothing is wrong where nothing is said."""
    assert told("")[0] == "CustomizeGuest_Task: OK"
    assert told("", "AbortCustomization_Task")[0] == "AbortCustomization_Task: OK ?InvalidState"


def test_the_lines_that_hold_are_named_with_their_source() -> None:
    """The documented example: a rejected login cannot be known where the VM is off."""
    lines = told("power=poweredOff,auth=rejected")
    assert lines[0] == "CustomizeGuest_Task: InvalidPowerState ~InvalidState"
    assert lines[1:] == ["  P1: the VM is powered off [S]: InvalidPowerState InvalidState"]


def test_a_state_may_be_described_by_names_of_deviations() -> None:
    """As cells are named, alone or with fields."""
    assert told("poweredOff") == told("power=poweredOff")
    assert (
        told("poweredOff, loginRejected, busy")[0]
        == "CustomizeGuest_Task: InvalidPowerState InvalidState TaskInProgress"
    )
    assert told("nicCount")[0] == "CustomizeGuest_Task: InvalidArgument NicSettingMismatch ~CustomizationFault"


def test_a_state_that_cannot_be_is_the_nearest_that_can() -> None:
    """A template is off, so its Tools do not run."""
    assert told("template=true,tools=ready") == told("template")
    assert told("template")[0] == "CustomizeGuest_Task: InvalidPowerState InvalidVmState NotSupported ~InvalidState"


def test_what_rests_on_nothing_of_its_own_says_so() -> None:
    """A line whose success another one forbids."""
    lines = told("question=yes,auth=rejected")
    assert "  I1: the VM waits for an answer to a question [D I]: QuestionPending InvalidState" in lines
    assert any(line.startswith("  P2: ") for line in told("power=suspended"))


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ("powr=poweredOff", "--state powr=poweredOff: unknown; known are "),
        ("sleeping", "--state sleeping: unknown; known are "),
        ("power=off", "--state power=off: must be one of poweredOn, poweredOff, suspended"),
        ("question=perhaps", "--state question=perhaps: must be true or false"),
        ("login=root", "--state login=root: must be one of accepted, mayNot, rejected, unsettled"),
        ("method=x", "--state method=x: unknown"),
    ],
)
def test_a_mistake_is_one_line_with_what_is_known(state: str, text: str) -> None:
    """Unknown names, unknown values."""
    with pytest.raises(UsageError) as caught:
        told(state)
    assert str(caught.value).startswith(text)
    assert "\n" not in str(caught.value)


def test_unknown_contract_and_method() -> None:
    """The errors of the contract room, as they are."""
    with pytest.raises(ContractError, match="no contract for Nothing"):
        explain("Nothing", "CustomizeGuest_Task", "")
    with pytest.raises(ContractError, match="has no method Reboot"):
        told("", "Reboot")
