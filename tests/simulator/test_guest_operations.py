"""Guest credentials and programs, and custom fields."""

from __future__ import annotations

from typing import Any

import pytest
from pyVmomi import vim, vmodl

AUTH, PROCESS = "guestOperationsAuthManager", "guestOperationsProcessManager"
guest = vim.vm.guest


def test_credentials(bench: Any) -> None:
    """Names and tickets are checked; SSPI is not supported; a boot voids tickets."""
    machine = bench.vm("linux-1")
    where = {"vm": machine.ref}
    assert bench.call(AUTH, "ValidateCredentialsInGuest", auth=bench.auth("user"), **where) is None
    sspi = guest.SSPIAuthentication(interactiveSession=False, sspiToken="x")
    with pytest.raises(vim.fault.OperationNotSupportedByGuest):
        bench.call(AUTH, "AcquireCredentialsInGuest", requestedAuth=sspi, **where)
    for method in ("ValidateCredentialsInGuest", "ReleaseCredentialsInGuest"):
        with pytest.raises(vim.fault.InvalidGuestLogin):
            bench.call(AUTH, method, auth=bench.auth("nobody"), **where)
    ticket = bench.call(AUTH, "AcquireCredentialsInGuest", requestedAuth=bench.root, **where)
    assert bench.call(AUTH, "ValidateCredentialsInGuest", auth=ticket, **where) is None
    bench.do(machine, "ResetVM_Task")
    bench.pass_time(10.0)
    with pytest.raises(vim.fault.InvalidGuestLogin):
        bench.call(AUTH, "ValidateCredentialsInGuest", auth=ticket, **where)


def test_unreachable_guest(bench: Any) -> None:
    """Without an agent that answers there are no guest operations; without power even less."""
    bench.run_in_guest("linux-1", "/usr/bin/systemctl", "stop vmtoolsd")
    for name in ("linux-1", "linux-notools"):
        with pytest.raises(vim.fault.GuestOperationsUnavailable):
            bench.processes(name)
    with pytest.raises(vim.fault.InvalidPowerState):
        bench.processes("linux-template")
    manager = bench.manager("guestOperationsManager")
    for part, moid in (("authManager", AUTH), ("processManager", PROCESS)):
        assert bench.vcenter.resolve(manager.property(part)).moid == moid


def test_programs(bench: Any) -> None:
    """Programs get ids and exit codes; only root may touch the engine; a Windows guest has no such programs."""
    plain = bench.run_in_guest("linux-1", "/bin/true", "")
    denied = bench.run_in_guest("linux-1", "/usr/bin/rm", "-rf /usr/share/vmware-gosc", bench.auth("user"))
    bench.run_in_guest("windows-1", "/usr/bin/systemctl", "stop vmtoolsd")
    found = bench.processes("linux-1")
    assert [(each.pid, each.exitCode, each.owner) for each in found] == [(plain, 0, "root"), (denied, 1, "user")]
    assert [each.name for each in bench.processes("linux-1", denied)] == ["rm"]
    assert bench.vm("windows-1").ready
    with pytest.raises(vim.fault.GuestProcessNotFound) as caught:
        bench.processes("linux-1", 1)
    assert caught.value.pid == 1
    task = bench.guest_call("StartGuestNetwork_Task", "linux-1")
    bench.pass_time(3.0)
    assert task.get_info().state == "success", "the engine is still there"


def test_lock_file(bench: Any) -> None:
    """A lock that was left behind can be removed by hand; one that a customization holds stays."""
    machine = bench.vm("linux-1")
    bench.run_in_guest("linux-1", "/usr/bin/touch", "/var/run/vmware-gosc.lock")
    assert machine.guest.lock == "orphaned"
    bench.run_in_guest("linux-1", "/usr/bin/rm", "-f /var/run/vmware-gosc.lock")
    assert machine.guest.lock == "free"
    bench.guest_call("CustomizeGuest_Task", "linux-1", spec=bench.spec())
    bench.run_in_guest("linux-1", "/usr/bin/rm", "-f /var/run/vmware-gosc.lock")
    assert machine.guest.lock == "held"


def test_custom_fields(bench: Any) -> None:
    """A field is defined once, set on an entity, seen there and taken away again."""
    field = bench.call("CustomFieldsManager", "AddCustomFieldDef", name="owner", moType=vim.VirtualMachine)
    with pytest.raises(vim.fault.DuplicateName):
        bench.call("CustomFieldsManager", "AddCustomFieldDef", name="owner")
    machine = bench.vm("linux-1")
    bench.call("CustomFieldsManager", "SetField", entity=machine.ref, key=field.key, value="x")
    assert [(each.key, each.value) for each in machine.get_customValue()] == [(field.key, "x")]
    assert field.key in [each.key for each in machine.property("availableField")]
    bench.call("CustomFieldsManager", "SetField", entity=machine.ref, key=field.key, value="")
    assert machine.get_customValue() == []
    with pytest.raises(vmodl.fault.InvalidArgument):
        bench.call("CustomFieldsManager", "SetField", entity=machine.ref, key=1, value="x")
