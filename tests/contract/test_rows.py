"""The rows of a contract: the view of its situations by fault, and the promises beside them."""

from __future__ import annotations

import pytest

from vcontract._contract import Contract, Row, ancestors, documented_as, load, older_version, rows
from vcontract._schema import load as load_schema
from vcontract._shipped import shipped

MANAGER = "VirtualMachineGuestCustomizationManager"
METHODS = ("CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task")
DOCUMENTED = (
    "TaskInProgress", "InvalidState", "InvalidPowerState", "InvalidGuestLogin", "GuestPermissionDenied",
    "CustomizationFault", "RuntimeFault",
)  # fmt: skip


@pytest.fixture(scope="module")
def bases() -> dict[str, str]:
    """Give the base of each type of the newest shipped WSDL."""
    return {name: each.base for name, each in load_schema(shipped("wsdl") / "9.1.0.0").types.items() if each.base}


@pytest.fixture(scope="module")
def contract() -> Contract:
    """Give the shipped contract."""
    return load(MANAGER)


@pytest.fixture(scope="module")
def listed(contract: Contract, bases: dict[str, str]) -> dict[str, Row]:
    """Give the rows by id."""
    return {each.id: each for each in rows(contract, bases)}


def test_the_rows_are_those_of_the_page(listed: dict[str, Row]) -> None:
    """21 documented faults, five promises a method, three of the object, five of every method; each id once."""
    parts = ("Success", "parameters", "privilege", "since", "result")
    wanted = [f"{MANAGER}/{method}/{part}" for method in METHODS for part in (*DOCUMENTED, *parts)]
    wanted += [f"{MANAGER}/{part}" for part in ("properties", "since", "singleton")]
    every = ("NotAuthenticated", "NoPermission", "ManagedObjectNotFound", "InvalidRequest", "MethodNotFound")
    assert list(listed) == wanted + [f"EveryMethod/{each}" for each in every]
    assert all(each.says and each.source for each in listed.values())


@pytest.mark.parametrize(
    ("row", "situations"),
    [
        ("CustomizeGuest_Task/TaskInProgress", {"B1", "B2", "T5", "K1", "K3", "K4", "M8"}),
        ("CustomizeGuest_Task/InvalidPowerState", {"P1", "P2", "P3", "M1", "M2"}),
        ("StartGuestNetwork_Task/InvalidGuestLogin", {"L1", "L3", "M9"}),
        ("AbortCustomization_Task/GuestPermissionDenied", {"L2"}),
        ("AbortCustomization_Task/CustomizationFault", {"T2", "T4", "E1", "M1", "M2", "M5"}),
        (
            "CustomizeGuest_Task/CustomizationFault",
            {"I2", "X1", "X2", "X3", "T2", "T4", "K1", "K3", "K4", "K2", "E1", "M1", "M2", "M5", "M7"},
        ),
    ],
)
def test_a_fault_row_lists_the_situations_that_may_raise_it(
    row: str, situations: set[str], listed: dict[str, Row]
) -> None:
    """The fault itself, or one that is documented as it."""
    assert set(listed[f"{MANAGER}/{row}"].when) == situations


def test_the_runtime_fault_row_has_its_causes(listed: dict[str, Row]) -> None:
    """Request, session, object, privilege, host; the specification's InvalidArgument only where there is a specification."""
    always = {"W1", "W1.value", "W2", "Q1", "O1", "O1.type", "O2", "O3", "V1", "V2", "V2.root", "H1", "H2", "P3"}
    for method in METHODS:
        assert always <= set(listed[f"{MANAGER}/{method}/RuntimeFault"].when)
    assert {"X1", "X2", "X3"} <= set(listed[f"{MANAGER}/CustomizeGuest_Task/RuntimeFault"].when)
    assert not {"X1", "X2", "X3"} & set(listed[f"{MANAGER}/AbortCustomization_Task/RuntimeFault"].when)


def test_every_method_rows_are_raised_synchronously(listed: dict[str, Row], contract: Contract) -> None:
    """Each rests on W, Q, O and V alone."""
    synchronous = {each.id for each in contract.situations if each.synchronous}
    for row in listed.values():
        if row.id.startswith("EveryMethod/"):
            assert row.when
            assert set(row.when) <= synchronous
    assert listed["EveryMethod/NotAuthenticated"].when == ("Q1",)
    assert set(listed["EveryMethod/ManagedObjectNotFound"].when) == {"O1", "O1.type", "O2", "O3"}


def test_a_fault_is_documented_as_itself_or_its_nearest_ancestor(bases: dict[str, str]) -> None:
    """InvalidPowerState is documented beside its ancestor InvalidState; what is neither is nothing."""
    assert documented_as("InvalidPowerState", DOCUMENTED, bases) == "InvalidPowerState"
    assert documented_as("QuestionPending", DOCUMENTED, bases) == "InvalidState"
    assert documented_as("NicSettingMismatch", DOCUMENTED, bases) == "CustomizationFault"
    assert documented_as("NotAuthenticated", DOCUMENTED, bases) == "RuntimeFault"
    assert documented_as("GuestOperationsUnavailable", DOCUMENTED, bases) == ""
    assert ancestors("NotAuthenticated", bases)[:4] == (
        "NotAuthenticated",
        "NoPermission",
        "SecurityError",
        "RuntimeFault",
    )
    assert ancestors("a", {"a": "b", "b": "a"}) == ("a", "b")


@pytest.mark.parametrize(
    ("since", "listed", "older"),
    [
        ("6.8.7", None, ("6.7.3", True)),
        ("6.8.7", ("9.1.0.0", "8.0.3.0", "6.8.7", "6.8.6", "6.7.3", "5.5"), ("6.7.3", True)),
        ("6.8.7", ("8.0.3.0", "6.8.6", "6.7", "6.8.2"), ("6.8.6", True)),
        ("6.8.7", ("8.0.3.0", "6.8.7"), ("6.7.3", False)),
        ("6.8.7", (), ("6.7.3", False)),
        ("2.0", ("8.0.3.0",), ("", False)),
        ("2.0", None, ("", False)),
    ],
)
def test_the_version_that_lacks_a_method_is_one_that_the_server_lists(
    since: str, listed: tuple[str, ...] | None, older: tuple[str, bool]
) -> None:
    """An old release, else the nearest before; one that the server does not list is said to be none."""
    assert older_version(since, listed) == older
