"""Power, templates, removal, snapshots, clones and reconfiguration of virtual machines."""

from __future__ import annotations

from typing import Any

import pytest
from pyVmomi import vim, vmodl

POWER_TASKS = {
    "PowerOnVM_Task": {"poweredOff", "suspended"},
    "PowerOffVM_Task": {"poweredOn"},
    "SuspendVM_Task": {"poweredOn"},
    "ResetVM_Task": {"poweredOn"},
}
AFTER = {
    "PowerOnVM_Task": "poweredOn",
    "PowerOffVM_Task": "poweredOff",
    "SuspendVM_Task": "suspended",
    "ResetVM_Task": "poweredOn",
}
REACH = {"poweredOn": None, "poweredOff": "PowerOffVM_Task", "suspended": "SuspendVM_Task"}


def snapshot(bench: Any, name: str, *, memory: bool) -> Any:
    """Take a snapshot; gives the simulator's object."""
    info = bench.do(bench.vm(name), "CreateSnapshot_Task", name="before", description="d", memory=memory, quiesce=False)
    return bench.vcenter.resolve(info.result)


@pytest.mark.parametrize("state", list(REACH))
@pytest.mark.parametrize("method", list(POWER_TASKS))
def test_power_tasks(bench: Any, method: str, state: str) -> None:
    """Each power task works from its states, ends in InvalidPowerState from others; a template is NotSupported."""
    machine = bench.vm("linux-1")
    if REACH[state]:
        bench.do(machine, REACH[state])
    info = bench.do(machine, method)
    if state in POWER_TASKS[method]:
        assert info.state == "success"
        assert str(machine.get_runtime().powerState) == AFTER[method]
    else:
        assert isinstance(info.error, vim.fault.InvalidPowerState)
        assert info.error.existingState == state
    verb = method.removesuffix("VM_Task")
    assert info.descriptionId == f"VirtualMachine.{verb[0].lower()}{verb[1:]}"
    with pytest.raises(vmodl.fault.NotSupported):
        bench.call(bench.vm("linux-template"), method)


def test_tools_come_up_after_boot(bench: Any) -> None:
    """Tools pass through all their states after a boot, and guest operations are ready last."""
    machine = bench.vm("linux-1")
    bench.do(machine, "ResetVM_Task")
    seen = []
    for _ in range(24):
        guest = machine.get_guest()
        seen.append((guest.toolsRunningStatus, guest.guestOperationsReady))
        bench.pass_time(0.5)
    assert list(dict.fromkeys(seen)) == [
        ("guestToolsNotRunning", False),
        ("guestToolsExecutingScripts", False),
        ("guestToolsRunning", False),
        ("guestToolsRunning", True),
    ]
    assert machine.get_guest().toolsStatus == "toolsOk"
    assert bench.vm("linux-notools").get_guest().toolsStatus == "toolsNotInstalled"


def test_exclusive_tasks_refuse_each_other(bench: Any) -> None:
    """While one exclusive task runs, another is refused with that task; a queued one counts too."""
    machine = bench.vm("linux-1")
    running = bench.call(machine, "SuspendVM_Task")
    attempts: list[tuple[str, dict[str, Any]]] = [
        ("PowerOffVM_Task", {}),
        ("Destroy_Task", {}),
        ("ReconfigVM_Task", {"spec": vim.vm.ConfigSpec()}),
        ("RebootGuest", {}),
        ("UnregisterVM", {}),
    ]
    for method, arguments in attempts:
        with pytest.raises(vim.fault.TaskInProgress) as caught:
            bench.call(machine, method, **arguments)
        assert caught.value.task == running.ref
    bench.pass_time(1.0)
    assert machine.busy is None


@pytest.mark.parametrize(
    ("method", "after"), [("ShutdownGuest", "poweredOff"), ("StandbyGuest", "suspended"), ("RebootGuest", "poweredOn")]
)
def test_guest_power(bench: Any, method: str, after: str) -> None:
    """The guest acts later; without Tools or power the call is refused at once."""
    machine = bench.vm("linux-1")
    assert bench.call(machine, method) is None
    assert machine.power == "poweredOn"
    bench.pass_time(10.0)
    assert (machine.power, machine.tools_status) == (after, "guestToolsNotRunning")
    with pytest.raises(vim.fault.ToolsUnavailable):
        bench.call(bench.vm("linux-notools"), method)
    bench.do(bench.vm("linux-2"), "PowerOffVM_Task")
    with pytest.raises(vim.fault.InvalidPowerState):
        bench.call(bench.vm("linux-2"), method)


def test_guest_shutdown_is_overtaken(bench: Any) -> None:
    """A guest that was reset before it could shut down stays on."""
    machine = bench.vm("linux-1")
    bench.call(machine, "ShutdownGuest")
    bench.do(machine, "ResetVM_Task")
    bench.pass_time(30.0)
    assert machine.ready


def test_terminate_and_template(bench: Any) -> None:
    """TerminateVM acts at once; only a powered-off machine becomes a template, and back."""
    machine = bench.vm("linux-1")
    with pytest.raises(vim.fault.InvalidPowerState):
        bench.call(machine, "MarkAsTemplate")
    bench.call(machine, "TerminateVM")
    with pytest.raises(vim.fault.InvalidPowerState):
        bench.call(machine, "TerminateVM")
    bench.call(machine, "MarkAsTemplate")
    assert machine.get_config().template
    with pytest.raises(vmodl.fault.NotSupported):
        bench.call(machine, "MarkAsTemplate")
    bench.call(machine, "MarkAsVirtualMachine", pool=machine.host.pool.ref)
    with pytest.raises(vmodl.fault.NotSupported):
        bench.call(machine, "MarkAsVirtualMachine", pool=machine.host.pool.ref)
    assert bench.do(machine, "PowerOnVM_Task").state == "success"


def test_removal(bench: Any) -> None:
    """A running machine cannot go; one that is off goes with its snapshots, and its reference is dead."""
    for name, method in (("linux-1", "Destroy_Task"), ("linux-2", "UnregisterVM")):
        machine = bench.vm(name)
        taken = snapshot(bench, name, memory=False)
        if method == "Destroy_Task":
            assert isinstance(bench.do(machine, method).error, vim.fault.InvalidPowerState)
        else:
            with pytest.raises(vim.fault.InvalidPowerState):
                bench.call(machine, method)
        bench.do(machine, "PowerOffVM_Task")
        bench.call(machine, method)
        bench.pass_time(1.0)
        for dead in (machine.ref, taken.ref):
            with pytest.raises(vmodl.fault.ManagedObjectNotFound):
                bench.vcenter.resolve(dead)
        assert machine.ref not in machine.parent.get_childEntity()


def test_snapshots(bench: Any) -> None:
    """Reverting brings back power, guest and configuration, with or without memory; tickets are void."""
    machine = bench.vm("linux-1")
    assert machine.get_snapshot() is None
    taken = snapshot(bench, "linux-1", memory=True)
    cold = snapshot(bench, "linux-1", memory=False)
    tree = machine.get_snapshot()
    assert tree.currentSnapshot == cold.ref
    assert tree.rootSnapshotList[0].childSnapshotList[0].snapshot == cold.ref
    where = {"vm": machine.ref}
    ticket = bench.call("guestOperationsAuthManager", "AcquireCredentialsInGuest", requestedAuth=bench.root, **where)
    bench.guest_call("CustomizeGuest_Task", "linux-1", spec=bench.spec())
    bench.pass_time(3.0)
    bench.guest_call("StartGuestNetwork_Task", "linux-1")
    bench.pass_time(3.0)
    assert machine.get_guest().hostName == "web-1"
    assert bench.do(taken, "RevertToSnapshot_Task").state == "success"
    assert machine.ready
    assert machine.get_guest().hostName == "linux-1"
    with pytest.raises(vim.fault.InvalidGuestLogin):
        bench.call("guestOperationsAuthManager", "ValidateCredentialsInGuest", auth=ticket, **where)
    bench.do(cold, "RevertToSnapshot_Task")
    assert machine.power == "poweredOff"
    bench.do(machine, "RevertToCurrentSnapshot_Task")
    assert bench.do(taken, "RemoveSnapshot_Task", removeChildren=False).state == "success"
    assert [each.snapshot for each in machine.get_snapshot().rootSnapshotList] == [cold.ref]
    bench.do(machine, "RemoveAllSnapshots_Task")
    assert machine.get_snapshot() is None
    assert isinstance(bench.do(machine, "RevertToCurrentSnapshot_Task").error, vim.fault.NotFound)


def test_instant_clone(bench: Any) -> None:
    """The child runs at once with its parent's guest and marks and a MAC of its own; the parent must be on."""
    parent = bench.vm("linux-1")
    spec = vim.vm.InstantCloneSpec(
        name="child-1",
        location=vim.vm.RelocateSpec(),
        config=[vim.option.OptionValue(key="guestinfo.a", value="b")],
    )
    child = bench.vcenter.resolve(bench.do(parent, "InstantClone_Task", spec=spec).result)
    assert child.ready
    assert child.get_guest().hostName == "linux-1"
    config = child.get_config()
    options = {each.key: each.value for each in config.extraConfig}
    assert options == {"vcontract.owner": "vcontract", "guestinfo.a": "b"}
    assert config.hardware.device[0].macAddress != parent.get_config().hardware.device[0].macAddress
    assert config.instanceUuid != parent.get_config().instanceUuid
    assert child.ref in parent.parent.get_childEntity()
    assert child.ref in parent.host.get_vm()
    assert isinstance(bench.do(parent, "InstantClone_Task", spec=spec).error, vim.fault.DuplicateName)
    bench.do(parent, "PowerOffVM_Task")
    spec.name = "child-2"
    assert isinstance(bench.do(parent, "InstantClone_Task", spec=spec).error, vim.fault.InvalidPowerState)
    bench.do(child, "PowerOffVM_Task")
    assert bench.do(child, "Destroy_Task").state == "success"


def test_reconfigure(bench: Any) -> None:
    """Name, notes, options and adapters change; a stale version and an unknown adapter end the task in error."""
    machine = bench.vm("linux-1")
    old = machine.change_version
    nic = machine.get_config().hardware.device[0]
    nic.connectable.connected = False
    edit = vim.vm.device.VirtualDeviceSpec(operation="edit", device=nic)
    add = vim.vm.device.VirtualDeviceSpec(operation="add", device=vim.vm.device.VirtualVmxnet3(key=-1))
    options = [vim.option.OptionValue(key="a", value="1"), vim.option.OptionValue(key="vcontract.owner", value="")]
    spec = vim.vm.ConfigSpec(name="other", annotation="n", deviceChange=[edit, add], extraConfig=options)
    assert bench.do(machine, "ReconfigVM_Task", spec=spec).state == "success"
    config = machine.get_config()
    assert (config.name, config.annotation, [each.key for each in config.extraConfig]) == ("other", "n", ["a"])
    assert [each.connectable.connected for each in config.hardware.device] == [False, True]
    assert list(machine.get_guest().net[0].ipAddress) == []
    stale = bench.do(machine, "ReconfigVM_Task", spec=vim.vm.ConfigSpec(changeVersion=old))
    assert isinstance(stale.error, vim.fault.ConcurrentAccess)
    taken = bench.do(machine, "ReconfigVM_Task", spec=vim.vm.ConfigSpec(name="linux-2"))
    assert isinstance(taken.error, vim.fault.DuplicateName)
    remove = vim.vm.device.VirtualDeviceSpec(operation="remove", device=nic)
    assert bench.do(machine, "ReconfigVM_Task", spec=vim.vm.ConfigSpec(deviceChange=[remove])).state == "success"
    again = bench.do(machine, "ReconfigVM_Task", spec=vim.vm.ConfigSpec(deviceChange=[remove]))
    assert isinstance(again.error, vmodl.fault.InvalidArgument)
    bench.guest_call("StartGuestNetwork_Task", "other")
    with pytest.raises(vim.fault.InvalidState):
        bench.call(machine, "ReconfigVM_Task", spec=spec)


def test_host(bench: Any) -> None:
    """A disconnected host takes its machines with it: every operation is refused until it is back."""
    machine = bench.vm("host2-linux-1")
    host = machine.host
    assert bench.do(host, "DisconnectHost_Task").state == "success"
    assert str(machine.get_runtime().connectionState) == "disconnected"
    assert str(host.get_runtime().connectionState) == "disconnected"
    assert isinstance(bench.do(host, "DisconnectHost_Task").error, vim.fault.InvalidState)
    for method in ("PowerOffVM_Task", "ShutdownGuest", "Destroy_Task"):
        with pytest.raises(vmodl.fault.HostNotConnected):
            bench.call(machine, method)
    with pytest.raises(vmodl.fault.HostNotConnected):
        bench.run_in_guest("host2-linux-1", "/bin/true", "")
    assert bench.do(host, "ReconnectHost_Task").state == "success"
    assert isinstance(bench.do(host, "ReconnectHost_Task").error, vim.fault.InvalidState)
    assert bench.do(machine, "PowerOffVM_Task").state == "success"


def test_clone_of_changed_adapters(bench: Any) -> None:
    """A child keeps its parent's adapter keys, may start disconnected, and gets fresh keys for new adapters."""
    parent = bench.vm("linux-2nic")
    first, second = parent.get_config().hardware.device
    remove = vim.vm.device.VirtualDeviceSpec(operation="remove", device=first)
    bench.do(parent, "ReconfigVM_Task", spec=vim.vm.ConfigSpec(deviceChange=[remove]))
    second.connectable.connected = False
    edit = vim.vm.device.VirtualDeviceSpec(operation="edit", device=second)
    add = vim.vm.device.VirtualDeviceSpec(operation="add", device=vim.vm.device.VirtualVmxnet3(key=-1))
    spec = vim.vm.InstantCloneSpec(name="child-1", location=vim.vm.RelocateSpec(deviceChange=[edit, add]))
    child = bench.vcenter.resolve(bench.do(parent, "InstantClone_Task", spec=spec).result)
    devices = child.get_config().hardware.device
    assert [(each.key, each.connectable.connected) for each in devices] == [(4001, False), (4002, True)]
    task = bench.guest_call("CustomizeGuest_Task", "child-1", spec=bench.spec(nics=2))
    bench.pass_time(3.0)
    assert task.get_info().state == "success"
    bench.guest_call("StartGuestNetwork_Task", "child-1")
    bench.pass_time(3.0)
    assert [list(each.ipAddress) for each in child.get_guest().net] == [[], ["192.0.2.10"]]
