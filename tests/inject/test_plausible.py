"""What may be injected by default: only what the contract permits in some state of the VM."""

from __future__ import annotations

import pytest

from vcontract._inject.plausible import contract_of, place_of

MANAGER = ("CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task")


@pytest.mark.parametrize("method", MANAGER)
def test_every_documented_fault_is_plausible_in_both_channels(method: str) -> None:
    """All 21 documented faults, each with the state that permits it; a fault that stands for others comes as one of them."""
    found = contract_of(method)
    assert found is not None
    for fault in found[1].fault:
        for channel in ("call", "task"):
            place = place_of(method, fault.type, channel)
            assert place is not None, (fault.type, channel)
            assert place.situations
            assert (place.fault == fault.type) is (fault.type != "RuntimeFault")


@pytest.mark.parametrize(
    ("fault", "channel", "where"),
    [
        ("TaskInProgress", "call", "busy (B1)"),
        ("InvalidPowerState", "task", "poweredOff (P1)"),
        ("InvalidGuestLogin", "call", "loginRejected (L1)"),
        ("NotAuthenticated", "call", "noSession (Q1)"),
        ("NicSettingMismatch", "call", "nicCount (X1)"),
        ("RequestCanceled", "task", "cancel while the task ran (M6)"),
        ("ManagedObjectNotFound", "task", "gone while the task ran (M2)"),
    ],
)
def test_the_state_is_named(fault: str, channel: str, where: str) -> None:
    """The plainest state in which a fault is permitted, with the rows of the table."""
    place = place_of("CustomizeGuest_Task", fault, channel)
    assert place is not None
    assert place.text == where


@pytest.mark.parametrize(
    ("method", "fault", "channel"),
    [
        ("CustomizeGuest_Task", "InvalidRequest", "call"),
        ("CustomizeGuest_Task", "MethodNotFound", "call"),
        ("CustomizeGuest_Task", "NotAuthenticated", "task"),
        ("CustomizeGuest_Task", "RequestCanceled", "call"),
        ("CustomizeGuest_Task", "FileFault", "call"),
        ("StartGuestNetwork_Task", "NicSettingMismatch", "call"),
        ("ValidateCredentialsInGuest", "InvalidGuestLogin", "task"),
        ("Login", "InvalidLogin", "call"),
    ],
)
def test_what_no_state_permits_is_not_plausible(method: str, fault: str, channel: str) -> None:
    """What a request in good order belies, what the method cannot raise, what comes by the other channel alone."""
    assert place_of(method, fault, channel) is None
