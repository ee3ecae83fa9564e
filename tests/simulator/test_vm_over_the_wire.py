"""The vendor's client drives the machines over HTTP, as an operator's script would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pyVim.connect import Disconnect, SmartConnect
from pyVim.task import WaitForTask
from pyVmomi import vim, vmodl

from tests.windows import fitted
from vcontract._simulator import Settings, SimulatorServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def service() -> Iterator[Any]:
    """Give a logged-in ServiceInstance of a quick simulator."""
    with SimulatorServer(fitted(task_time=0.05, boot_time=0.02, report_time=0.0)) as server:
        port = int(server.url.split(":")[2].split("/")[0])
        found = SmartConnect(
            protocol="http", host="127.0.0.1", port=port, user="administrator@vsphere.local", pwd="vcontract"
        )
        yield found
        Disconnect(found)


def machine(service: Any, name: str) -> Any:
    """Find a machine by name, walking down from the root folder."""
    folder = service.content.rootFolder.childEntity[0].vmFolder.childEntity[0]
    return next(each for each in folder.childEntity if each.name == name)


def login(username: str = "root") -> Any:
    """Make guest credentials."""
    return vim.vm.guest.NamePasswordAuthentication(username=username, password="guest", interactiveSession=False)


def specification(host_name: str) -> Any:
    """Make a specification for one adapter with a static address."""
    kind = vim.vm.customization
    adapter = kind.IPSettings(ip=kind.FixedIp(ipAddress="192.0.2.7"), subnetMask="255.255.255.0")
    return kind.Specification(
        identity=kind.LinuxPrep(hostName=kind.FixedName(name=host_name), domain="example.com"),
        globalIPSettings=kind.GlobalIPSettings(),
        nicSettingMap=[kind.AdapterMapping(adapter=adapter)],
    )


def test_clone_customize_abort(service: Any) -> None:
    """A clone gets its own name and address; aborting another run ends it; the lock travels to a clone of the clone."""
    manager = service.content.guestCustomizationManager
    parent = machine(service, "linux-1")
    clone = vim.vm.InstantCloneSpec(name="clone-1", location=vim.vm.RelocateSpec())
    task = parent.InstantClone_Task(clone)
    WaitForTask(task, si=service)
    child = task.info.result
    task = manager.CustomizeGuest_Task(
        vm=child,
        auth=login(),
        spec=specification("web-1"),
        configParams=[vim.option.OptionValue(key="k", value="v")],
    )
    WaitForTask(task, si=service)
    WaitForTask(manager.StartGuestNetwork_Task(vm=child, auth=login()), si=service)
    assert (child.guest.hostName, child.guest.ipAddress) == ("web-1", "192.0.2.7")
    running = manager.CustomizeGuest_Task(vm=child, auth=login(), spec=specification("web-2"))
    clone.name = "clone-2"
    forking = child.InstantClone_Task(clone)
    with pytest.raises(vim.fault.TaskInProgress):
        manager.CustomizeGuest_Task(vm=child, auth=login(), spec=specification("web-3"))
    WaitForTask(forking, si=service)
    grandchild = forking.info.result
    WaitForTask(manager.AbortCustomization_Task(vm=child, auth=login()), si=service)
    assert isinstance(running.info.error, vim.fault.CustomizationFault)
    with pytest.raises(vim.fault.CustomizationFault):
        WaitForTask(manager.CustomizeGuest_Task(vm=grandchild, auth=login(), spec=specification("web-4")), si=service)
    WaitForTask(manager.AbortCustomization_Task(vm=grandchild, auth=login()), si=service)
    WaitForTask(manager.CustomizeGuest_Task(vm=grandchild, auth=login(), spec=specification("web-4")), si=service)
    WaitForTask(manager.StartGuestNetwork_Task(vm=grandchild, auth=login()), si=service)
    assert grandchild.summary.guest.hostName == "web-4"
    for each in (child, grandchild):
        WaitForTask(each.PowerOffVM_Task(), si=service)
        WaitForTask(each.Destroy_Task(), si=service)
        with pytest.raises(vmodl.fault.ManagedObjectNotFound):
            assert each.name


def test_operations_take_what_the_wire_gives(service: Any) -> None:
    """Every operation with optional parameters accepts what the dispatcher hands over, given or left out."""
    vm = machine(service, "linux-2")
    processes = service.content.guestOperationsManager.processManager
    accounts = service.content.guestOperationsManager.authManager
    program = vim.vm.guest.ProcessManager.ProgramSpec(programPath="/bin/true", arguments="")
    pid = processes.StartProgramInGuest(vm, login(), program)
    assert [each.pid for each in processes.ListProcessesInGuest(vm, login())] == [pid]
    assert processes.ListProcessesInGuest(vm, login(), [pid])[0].exitCode == 0
    ticket = accounts.AcquireCredentialsInGuest(vm, login())
    accounts.ValidateCredentialsInGuest(vm, ticket)
    accounts.ReleaseCredentialsInGuest(vm, ticket)
    task = vm.CreateSnapshot_Task(name="s", memory=True, quiesce=False)
    WaitForTask(task, si=service)
    WaitForTask(task.info.result.RevertToSnapshot_Task(suppressPowerOn=False), si=service)
    WaitForTask(vm.RevertToCurrentSnapshot_Task(), si=service)
    WaitForTask(vm.RemoveAllSnapshots_Task(), si=service)
    WaitForTask(vm.runtime.host.DisconnectHost_Task(), si=service)
    WaitForTask(vm.runtime.host.ReconnectHost_Task(), si=service)
    field = service.content.customFieldsManager.AddCustomFieldDef("f", vim.VirtualMachine)
    service.content.customFieldsManager.SetField(vm, field.key, "x")
    assert vm.customValue[0].value == "x"
    vm.TerminateVM()
    vm.MarkAsTemplate()
    vm.MarkAsVirtualMachine(pool=machine(service, "linux-1").resourcePool)
    WaitForTask(vm.PowerOnVM_Task(), si=service)


def test_every_property_can_be_read(service: Any) -> None:
    """`all` of every entity is answered without a missing property, and unset ones are left out."""
    collect = vmodl.query.PropertyCollector
    seen = set()
    root = service.content.rootFolder
    for kind in (vim.VirtualMachine, vim.HostSystem, vim.Folder, vim.Datacenter, vim.ComputeResource, vim.ResourcePool):
        view = service.content.viewManager.CreateContainerView(root, [kind], recursive=True)
        for found in [root, *view.view] if kind is vim.Folder else view.view:
            [content] = service.content.propertyCollector.RetrieveProperties(
                [
                    collect.FilterSpec(
                        objectSet=[collect.ObjectSpec(obj=found)], propSet=[collect.PropertySpec(type=kind, all=True)]
                    )
                ]
            )
            assert not content.missingSet
            names = {each.name for each in content.propSet}
            assert {"name", "overallStatus", "configStatus"} <= names
            seen.add((kind, found))
    assert len({kind for kind, _ in seen}) == 6
    assert machine(service, "linux-1").snapshot is None


def test_a_service_that_restarts_ends_sessions_and_no_work() -> None:
    """As vpxd does: on the same port, without its sessions; the task that was under way is done meanwhile, by the host."""
    account = {"user": "administrator@vsphere.local", "pwd": "vcontract"}
    with SimulatorServer(Settings(task_time=0.2, boot_time=0.02)) as server:
        place = {"protocol": "http", "host": "127.0.0.1", "port": int(server.url.split(":")[2].split("/")[0])}
        before = SmartConnect(**place, **account)
        moid = machine(before, "linux-1").PowerOffVM_Task()._moId
        before._stub.DropConnections()  # they would be cut
        server.restart(0.3)
        with pytest.raises(vim.fault.NotAuthenticated):
            machine(before, "linux-1")
        before._stub.DropConnections()
        after = SmartConnect(**place, **account)
        task = vim.Task(moid, after._stub)
        assert task.info.state == "success"
        assert machine(after, "linux-1").runtime.powerState == "poweredOff"
        Disconnect(after)
