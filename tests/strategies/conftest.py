"""What a run against the built-in simulator knows, without a simulator."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from vcontract._contract import Contract
from vcontract._contract import load as load_contract
from vcontract._model import Facts, GuestAccount, VmFacts
from vcontract._schema import Schema, load
from vcontract._strategies.calls import Caller
from vcontract._terms import Ref

API = "9.1.0.0"
MANAGER = Ref("VirtualMachineGuestCustomizationManager", "GuestCustomizationManager")
VM, TWO_NICS, WINDOWS, NO_NIC = (Ref("VirtualMachine", f"vm-{number}") for number in (1, 2, 3, 4))
GUESTS = (
    GuestAccount("root", "secret:guest.root", may_customize=True),
    GuestAccount("user", "secret:guest.user", may_customize=False),
)


def facts_for(api: str) -> Facts:
    """Give facts with a Linux VM of one, two and no NICs, and a Windows VM."""
    vms = (VmFacts(VM, "one", 1), VmFacts(TWO_NICS, "two", 2), VmFacts(WINDOWS, "win", 1, "windows"))
    return Facts(
        object=MANAGER.type,
        manager=MANAGER,
        api_version=api,
        sessions={"full": "administrator"},
        guests=GUESTS,
        vms={each.ref.value: each for each in (*vms, VmFacts(NO_NIC, "none", 0))},
        others={"group-v1": "Folder"},
    )


@pytest.fixture(scope="session")
def facts_of() -> Callable[[str], Facts]:
    """Give the facts of a target with some API version."""
    return facts_for


@pytest.fixture(scope="session")
def contract() -> Contract:
    """Give the contract of the manager."""
    return load_contract(MANAGER.type)


@pytest.fixture(scope="session")
def newest() -> Schema:
    """Give the newest schema that ships."""
    return load(API)


@pytest.fixture
def caller(contract: Contract, newest: Schema) -> Caller:
    """Give a caller for the newest schema."""
    return Caller(contract, newest, facts_for(API), {"held": "full"}, 7)
