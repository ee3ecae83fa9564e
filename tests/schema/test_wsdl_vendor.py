"""What the vendor declares of a managed object, as the lint of contracts sees it."""

from __future__ import annotations

import pytest

from vcontract._errors import SchemaError
from vcontract._schema.vendor import vendor_object

MANAGER = "VirtualMachineGuestCustomizationManager"


def test_the_manager_is_as_published() -> None:
    """No properties, three methods with one privilege and five declared faults, all since 6.8.7."""
    found = vendor_object(MANAGER)
    assert (found.vmodl_name, found.since, found.properties) == ("vim.vm.GuestCustomizationManager", "6.8.7", ())
    names = {each.name: each.vmodl_name for each in found.methods}
    assert names == {
        "CustomizeGuest_Task": "customize",
        "StartGuestNetwork_Task": "startNetwork",
        "AbortCustomization_Task": "abortCustomization",
    }
    for method in found.methods:
        assert method.privilege == "VirtualMachine.Provisioning.Customize"
        assert (method.since, method.task_result) == ("6.8.7", "void")
        assert method.faults[:2] == ("TaskInProgress", "InvalidState")
        assert len(method.faults) == 5
        assert method.result is not None
        assert method.result.type == "ManagedObjectReference"


def test_parameters_have_types_and_privileges() -> None:
    """Parameters in wire order; a guest operation names the privilege on its vm."""
    customize = next(each for each in vendor_object(MANAGER).methods if each.name == "CustomizeGuest_Task")
    assert [(each.name, each.type, each.optional, each.array) for each in customize.parameters] == [
        ("vm", "ManagedObjectReference", False, False),
        ("auth", "GuestAuthentication", False, False),
        ("spec", "CustomizationSpec", False, False),
        ("configParams", "OptionValue", True, True),
    ]
    guest = next(
        each for each in vendor_object("GuestAuthManager").methods if each.name == "ValidateCredentialsInGuest"
    )
    assert guest.parameters[0].privilege == "VirtualMachine.GuestOperations.Query"


def test_inherited_members_and_releases_count() -> None:
    """A VirtualMachine has ManagedEntity's properties; an object is unknown before its release."""
    machine = vendor_object("VirtualMachine", "6.7.3")
    assert {"name", "customValue", "runtime"} <= {each.name for each in machine.properties}
    assert {"Destroy_Task", "PowerOnVM_Task"} <= {each.name for each in machine.methods}
    collector = {each.name: each.since for each in vendor_object("PropertyCollector").methods}
    assert (collector["RetrieveProperties"], collector["RetrievePropertiesEx"]) == ("2.0", "4.1")
    with pytest.raises(SchemaError, match=r"it came with 6\.8\.7"):
        vendor_object(MANAGER, "6.7.3")
