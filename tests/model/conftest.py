"""The contract and the fault tree for all tests of the model."""

from __future__ import annotations

import pytest

from vcontract._contract import Contract, load
from vcontract._schema import load as load_schema
from vcontract._shipped import shipped

MANAGER = "VirtualMachineGuestCustomizationManager"


@pytest.fixture(scope="session")
def contract() -> Contract:
    """Give the shipped contract of the manager."""
    return load(MANAGER)


@pytest.fixture(scope="session")
def bases() -> dict[str, str]:
    """Give the base of each type of the newest shipped WSDL, which has every fault that the table names."""
    schema = load_schema(shipped("wsdl") / "9.1.0.0")
    return {name: each.base for name, each in schema.types.items() if each.base}
