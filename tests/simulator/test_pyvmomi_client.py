"""The vendor's own client, unchanged, against the simulator over sockets."""

from __future__ import annotations

import ssl
import threading
from typing import TYPE_CHECKING, Any

import pytest
from pyVim.connect import Disconnect, SmartConnect
from pyVim.task import WaitForTask, WaitForTasks
from pyVmomi import SoapStubAdapter, vim, vmodl

from tests.windows import fitted
from vcontract._simulator import Settings, SimulatorServer

if TYPE_CHECKING:
    from collections.abc import Iterator

USER, PASSWORD = "administrator@vsphere.local", "vcontract"
PC = vmodl.query.PropertyCollector


def port_of(url: str) -> int:
    """Take the port from a URL."""
    return int(url.rpartition(":")[2].partition("/")[0])


@pytest.fixture(scope="module")
def server() -> Iterator[SimulatorServer]:
    """Serve one simulator for this file."""
    with SimulatorServer(fitted(task_time=0.03, boot_time=0.02, report_time=0.0)) as running:
        yield running


@pytest.fixture
def instance(server: SimulatorServer) -> Iterator[Any]:
    """Connect and log in as a user of pyVmomi does."""
    connected = SmartConnect(protocol="http", host="127.0.0.1", port=port_of(server.url), user=USER, pwd=PASSWORD)
    yield connected
    Disconnect(connected)
    connected._stub.DropConnections()


def machine(instance: Any, name: str) -> Any:
    """Find a machine through a container view."""
    content = instance.content
    view = content.viewManager.CreateContainerView(content.rootFolder, [vim.VirtualMachine], True)  # noqa: FBT003 - pyVmomi's signature
    found = next(vm for vm in view.view if vm.name == name)
    view.Destroy()
    return found


def test_smart_connect_negotiates_and_logs_in(instance: Any) -> None:
    """The newest version that both know is used, and the session is the user's."""
    assert instance._stub.versionId == '"urn:vim25/8.0.3.0"'
    assert instance.content.about.apiVersion == "8.0.3.0"
    assert instance.content.sessionManager.currentSession.userName == "VSPHERE.LOCAL\\administrator"
    assert instance.content.guestCustomizationManager._moId == "GuestCustomizationManager"
    assert instance.CurrentTime().tzinfo is not None


def test_smart_connect_over_tls() -> None:
    """With the simulator's authority trusted, everything works over https."""
    with SimulatorServer(Settings(tls=True)) as running:
        context = ssl.create_default_context(cafile=running.ca_file)
        connected = SmartConnect(
            host="127.0.0.1", port=port_of(running.url), user=USER, pwd=PASSWORD, sslContext=context
        )
        assert connected.content.about.name == "VMware vCenter Server"
        Disconnect(connected)
        connected._stub.DropConnections()


def test_a_wrong_password_is_an_invalid_login(server: SimulatorServer) -> None:
    """The client raises what it raises against a real server."""
    stub = SoapStubAdapter("127.0.0.1", -port_of(server.url), version="vim.version.v8_0_3_0", path="/sdk")
    with pytest.raises(vim.fault.InvalidLogin, match="incorrect user name or password"):
        vim.ServiceInstance("ServiceInstance", stub).content.sessionManager.Login(USER, "wrong")
    stub.DropConnections()


@pytest.mark.parametrize("version", ["vim.version.version6", "vim.version.v6_8_7", "vim.version.v9_0_0_0"])
def test_every_version_of_the_client_is_understood(version: str) -> None:
    """Old and new stubs read the same machine; below 6.8.7 there is no customization manager."""
    with SimulatorServer(fitted(api="9.1.0.0")) as running:
        stub = SoapStubAdapter("127.0.0.1", -port_of(running.url), version=version, path="/sdk")
        connected = vim.ServiceInstance("ServiceInstance", stub)
        connected.content.sessionManager.Login(USER, PASSWORD)
        vm = machine(connected, "linux-1")
        assert vm.runtime.powerState == "poweredOn"
        assert vm.guest.toolsRunningStatus == "guestToolsRunning"
        assert vm.config.name == "linux-1"
        has = version != "vim.version.version6"
        assert (connected.content.guestCustomizationManager is not None) is has
        stub.DropConnections()


def test_wait_for_task_sees_success_and_error(instance: Any) -> None:
    """WaitForTask returns on success and raises the task's own error."""
    vm = machine(instance, "linux-1")
    task = vm.PowerOff()
    assert WaitForTask(task) == "success"
    assert task.info.completeTime >= task.info.startTime
    off = vm.PowerOff
    with pytest.raises(vim.fault.InvalidPowerState) as caught:
        WaitForTask(off())
    assert caught.value.existingState == "poweredOff"
    WaitForTasks([vm.PowerOn(), machine(instance, "linux-2").PowerOff()])
    assert vm.runtime.powerState == "poweredOn"
    assert task in vm.recentTask


def test_the_three_methods_work_from_the_vendors_client(instance: Any) -> None:
    """CustomizeGuest_Task, StartGuestNetwork_Task and AbortCustomization_Task run to their end."""
    vm, manager = machine(instance, "linux-3"), instance.content.guestCustomizationManager
    auth = vim.vm.guest.NamePasswordAuthentication(username="root", password="guest", interactiveSession=False)
    kind = vim.vm.customization
    adapter = kind.IPSettings(ip=kind.FixedIp(ipAddress="192.0.2.2"), subnetMask="255.255.255.0")
    spec = kind.Specification(
        identity=kind.LinuxPrep(hostName=kind.FixedName(name="web"), domain="example.com"),
        globalIPSettings=kind.GlobalIPSettings(),
        nicSettingMap=[kind.AdapterMapping(adapter=adapter)],
    )
    assert WaitForTask(manager.Customize(vm, auth, spec)) == "success"
    assert WaitForTask(manager.StartNetwork(vm, auth)) == "success"
    assert WaitForTask(manager.AbortCustomization(vm, auth)) == "success"
    assert vm.guest.hostName.startswith("web")


def test_waiting_for_updates_blocks_until_another_client_acts(instance: Any) -> None:
    """WaitForUpdatesEx in one connection is answered by what happens in another."""
    vm, collector = machine(instance, "linux-4"), instance.content.propertyCollector
    spec = PC.FilterSpec(
        objectSet=[PC.ObjectSpec(obj=vm)],
        propSet=[PC.PropertySpec(type=vim.VirtualMachine, pathSet=["runtime.powerState"])],
    )
    made = collector.CreateFilter(spec, True)  # noqa: FBT003 - pyVmomi's signature
    first = collector.WaitForUpdatesEx("", PC.WaitOptions(maxWaitSeconds=60))
    assert first.filterSet[0].objectSet[0].changeSet[0].val == "poweredOn"
    actor = threading.Timer(0.05, vm.PowerOff)
    actor.start()
    second = collector.WaitForUpdatesEx(first.version, PC.WaitOptions(maxWaitSeconds=60))
    actor.join()
    assert second.filterSet[0].objectSet[0].changeSet[0].val == "poweredOff"
    assert collector.WaitForUpdatesEx(second.version, PC.WaitOptions(maxWaitSeconds=0)) is None
    made.Destroy()


def test_a_wait_is_cancelled_from_another_thread(instance: Any) -> None:
    """CancelWaitForUpdates ends the waiting call with RequestCanceled."""
    collector = instance.content.propertyCollector
    over = threading.Event()

    def cancel() -> None:  # what comes before the wait cancels nothing
        while not over.wait(0.05):
            collector.CancelWaitForUpdates()

    actor = threading.Thread(target=cancel)
    actor.start()
    with pytest.raises(vmodl.fault.RequestCanceled):
        collector.WaitForUpdatesEx("", PC.WaitOptions(maxWaitSeconds=60))
    over.set()
    actor.join()


def test_the_task_history_is_read_by_the_vendors_client(instance: Any) -> None:
    """A collector made by pyVmomi gives TaskInfos."""
    vm = machine(instance, "linux-2nic")
    task = vm.Suspend()
    WaitForTask(task)
    chosen = vim.TaskFilterSpec(entity=vim.TaskFilterSpec.ByEntity(entity=vm, recursion="self"))
    collector = instance.content.taskManager.CreateCollector(chosen)
    assert [each.key for each in collector.ReadNext(10)] == [task._moId]
    assert collector.latestPage[0].state == "success"
    collector.Remove()


def test_all_properties_of_a_machine_are_readable(instance: Any) -> None:
    """What `all` gives can be decoded by the vendor's client, for every kind of object in the inventory."""
    content = instance.content
    view = content.viewManager.CreateContainerView(content.rootFolder, [], True)  # noqa: FBT003 - pyVmomi's signature
    walk = PC.TraversalSpec(type=vim.view.ContainerView, path="view", skip=False)
    spec = PC.FilterSpec(
        objectSet=[PC.ObjectSpec(obj=view, skip=True, selectSet=[walk])],
        propSet=[PC.PropertySpec(type=vim.ManagedEntity, all=True)],
    )
    found = content.propertyCollector.RetrieveContents([spec])
    assert {type(each.obj) for each in found} >= {vim.VirtualMachine, vim.Folder, vim.Datacenter, vim.HostSystem}
    assert all(each.missingSet == [] for each in found)
