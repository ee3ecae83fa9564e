"""`vcontract.explain`: the same as the verb says, as values."""

from __future__ import annotations

import pytest

from vcontract._api.explaining import explain
from vcontract._errors import UsageError


def test_a_state_may_be_a_text_or_a_mapping() -> None:
    """Both come to the same."""
    told = explain("CustomizeGuest_Task", "power=poweredOff,login=rejected")
    assert told == explain("CustomizeGuest_Task", {"power": "poweredOff", "login": "rejected"})
    assert told.contract == "VirtualMachineGuestCustomizationManager"
    assert {each.id for each in told.situations} == {"P1"}
    assert {each.outcome: each.because for each in told.permitted} == {
        "InvalidPowerState": ("P1",),
        "InvalidState": ("P1",),
    }


def test_a_method_is_found_in_whatever_contract_has_it() -> None:
    """Of a VM's own methods too; a contract may be named."""
    assert explain("PowerOnVM_Task").contract == "VirtualMachine"
    assert explain("ValidateCredentialsInGuest").contract == "GuestAuthManager"
    assert explain("CustomizeVM_Task", contract="VirtualMachine").method == "CustomizeVM_Task"


@pytest.mark.parametrize(
    ("method", "state", "said"),
    [
        ("MigrateVM_Task", "", "no contract has a method MigrateVM_Task; there are "),
        ("CustomizeGuest_Task", "weather=fine", "weather=fine: unknown; known are "),
        ("CustomizeGuest_Task", "power=half", "must be one of poweredOn"),
    ],
)
def test_what_is_unknown_is_refused_with_what_is_known(method: str, state: str, said: str) -> None:
    """By the error of the user's mistakes."""
    with pytest.raises(UsageError, match=said):
        explain(method, state)
