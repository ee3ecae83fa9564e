"""The three operations of the GuestCustomizationManager: every refusal, every way to end, and what they change."""

from __future__ import annotations

from typing import Any

import pytest
from pyVmomi import vim, vmodl

CUSTOMIZE, NETWORK, ABORT = "CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task"
METHODS = [CUSTOMIZE, NETWORK, ABORT]
KILL = ("/usr/bin/pkill", "-9 -f vmware-gosc")
LEAVE_LOCK = ("/usr/bin/touch", "/var/run/vmware-gosc.lock")
REMOVE_ENGINE = ("/usr/bin/rm", "-rf /usr/share/vmware-gosc")
BREAK_ENGINE = ("/usr/bin/chmod", "-R a-x /usr/share/vmware-gosc")
INSTALL_ENGINE = ("/usr/bin/apt-get", "install --reinstall gosc")


def arguments(bench: Any, method: str, **spec: Any) -> dict[str, Any]:
    """Give what a method takes beside vm and auth."""
    return {"spec": bench.spec(**spec)} if method == CUSTOMIZE else {}


def refused(bench: Any, method: str, name: str, auth: Any = None) -> Any:
    """Call a method that must be refused at once; gives the fault."""
    before = len(bench.vcenter.tasks.recent())
    with pytest.raises(vmodl.MethodFault) as caught:
        bench.guest_call(method, name, auth, **arguments(bench, method))
    assert len(bench.vcenter.tasks.recent()) == before, "a task beside a synchronous fault"
    return caught.value


def ended(bench: Any, task: Any) -> Any:
    """Let a task end; gives its TaskInfo."""
    bench.pass_time(3.0)
    info = task.get_info()
    assert info.state in {"success", "error"}
    return info


def test_customization_changes_the_guest(bench: Any) -> None:
    """A success brings the status, and StartGuestNetwork then name, address and resolver."""
    task = bench.guest_call(CUSTOMIZE, "linux-1", spec=bench.spec())
    assert str(task.get_info().state) == "running"
    assert bench.vm("linux-1").get_guest().customizationInfo.customizationStatus == "TOOLSDEPLOYPKG_RUNNING"
    info = ended(bench, task)
    assert (info.state, info.result, info.error, info.cancelable) == ("success", None, None, False)
    assert info.descriptionId == "vm.GuestCustomizationManager.customize"
    assert ended(bench, bench.guest_call(NETWORK, "linux-1")).state == "success"
    guest = bench.vm("linux-1").get_guest()
    assert (guest.hostName, guest.ipAddress) == ("web-1", "192.0.2.10")
    assert guest.net[0].ipConfig.ipAddress[0].prefixLength == 24
    [stack] = guest.ipStack
    assert (stack.dnsConfig.domainName, list(stack.dnsConfig.ipAddress)) == ("example.com", ["192.0.2.53"])
    assert guest.customizationInfo.customizationStatus == "TOOLSDEPLOYPKG_SUCCEEDED"


def test_network_start_asks_for_a_lease(bench: Any) -> None:
    """A specification with DHCP leaves the address as it is; StartGuestNetwork brings a lease, always the same."""
    addresses = [bench.vm("linux-1").get_guest().ipAddress]
    for wanted in ("192.0.2.10", None):
        assert ended(bench, bench.guest_call(CUSTOMIZE, "linux-1", spec=bench.spec(address=wanted))).state == "success"
        for _ in range(2):
            addresses.append(bench.vm("linux-1").get_guest().ipAddress)
            assert ended(bench, bench.guest_call(NETWORK, "linux-1")).state == "success"
    lease = addresses[0]
    assert [*addresses, bench.vm("linux-1").get_guest().ipAddress] == [lease, lease, *["192.0.2.10"] * 2, lease, lease]


@pytest.mark.parametrize("method", METHODS)
def test_state_faults(bench: Any, method: str) -> None:
    """Power, template, Tools, host and a dead reference are refused at once, with their fields."""
    for name, existing in (("linux-template", "poweredOff"), ("linux-2", "suspended"), ("linux-3", "poweredOff")):
        if existing == "suspended":
            bench.do(bench.vm(name), "SuspendVM_Task")
        elif name == "linux-3":
            bench.do(bench.vm(name), "PowerOffVM_Task")
        fault = refused(bench, method, name)
        assert isinstance(fault, vim.fault.InvalidPowerState)
        assert (fault.requestedState, fault.existingState) == ("poweredOn", existing)
    assert type(refused(bench, method, "linux-notools")) is vim.fault.InvalidState
    bench.run_in_guest("linux-1", "/usr/bin/systemctl", "stop vmtoolsd")
    assert type(refused(bench, method, "linux-1")) is vim.fault.InvalidState
    bench.do(bench.vm("linux-1"), "ResetVM_Task")
    assert type(refused(bench, method, "linux-1")) is vim.fault.InvalidState, "Tools are still starting"
    bench.pass_time(10.0)
    assert ended(bench, bench.guest_call(method, "linux-1", **arguments(bench, method))).state == "success"
    bench.do(bench.vm("host2-linux-1").host, "DisconnectHost_Task")
    assert isinstance(refused(bench, method, "host2-linux-1"), vmodl.fault.HostNotConnected)
    gone = bench.vm("linux-3").ref
    bench.do(bench.vm("linux-3"), "Destroy_Task")
    with pytest.raises(vmodl.fault.ManagedObjectNotFound) as caught:
        bench.call("GuestCustomizationManager", method, vm=gone, auth=bench.root, **arguments(bench, method))
    assert caught.value.obj == gone


@pytest.mark.parametrize("method", METHODS)
def test_login_faults(bench: Any, method: str) -> None:
    """A rejected login is refused at once, an account that may not ends the task; a ticket serves as a login."""
    guest = vim.vm.guest
    strangers = [
        bench.auth("nobody"),
        bench.auth("root", "wrong"),
        guest.SSPIAuthentication(interactiveSession=False, sspiToken="x"),
        guest.SAMLTokenAuthentication(interactiveSession=False, token="x"),
        guest.TicketedSessionAuthentication(interactiveSession=False, ticket="x"),
    ]
    for auth in strangers:
        assert isinstance(refused(bench, method, "linux-1", auth), vim.fault.InvalidGuestLogin)
    task = bench.guest_call(method, "linux-1", bench.auth("user"), **arguments(bench, method))
    assert isinstance(task.get_info().error, vim.fault.GuestPermissionDenied)
    where = {"vm": bench.vm("linux-1").ref}
    ticket = bench.call("guestOperationsAuthManager", "AcquireCredentialsInGuest", requestedAuth=bench.root, **where)
    assert ended(bench, bench.guest_call(method, "linux-1", ticket, **arguments(bench, method))).state == "success"
    bench.call("guestOperationsAuthManager", "ReleaseCredentialsInGuest", auth=ticket, **where)
    assert isinstance(refused(bench, method, "linux-1", ticket), vim.fault.InvalidGuestLogin)


@pytest.mark.parametrize("method", METHODS)
def test_busy(bench: Any, method: str) -> None:
    """An exclusive task and each guest operation refuse the next one by name, but an abort is let in."""
    snapshot = bench.start(
        bench.vm("linux-1"), "CreateSnapshot_Task", name="s", description="", memory=False, quiesce=False
    )
    fault = refused(bench, method, "linux-1")
    assert isinstance(fault, vim.fault.TaskInProgress)
    assert fault.task == snapshot.ref
    bench.pass_time(3.0)
    for running in METHODS:
        task = bench.guest_call(running, "linux-1", **arguments(bench, running))
        if method == ABORT and running != ABORT:
            assert ended(bench, bench.guest_call(ABORT, "linux-1")).state == "success"
            continue
        fault = refused(bench, method, "linux-1")
        assert isinstance(fault, vim.fault.TaskInProgress)
        assert fault.task == task.ref
        assert ended(bench, task).state == "success"


def test_abort_ends_a_customization(bench: Any) -> None:
    """An abort ends the running task in CustomizationFault; the next valid customization succeeds."""
    for method in (CUSTOMIZE, NETWORK):
        cut = bench.guest_call(method, "linux-1", **arguments(bench, method))
        abort = bench.guest_call(ABORT, "linux-1")
        assert type(cut.get_info().error) is vim.fault.CustomizationFault
        assert ended(bench, abort).state == "success"
    assert ended(bench, bench.guest_call(ABORT, "linux-1")).state == "success", "nothing runs: still a success"
    assert ended(bench, bench.guest_call(CUSTOMIZE, "linux-1", spec=bench.spec())).state == "success"


def test_orphaned_lock(bench: Any) -> None:
    """A lock left behind stops customizations until an abort or a boot, and a network start never."""
    for leave in (KILL, LEAVE_LOCK):
        task = bench.guest_call(CUSTOMIZE, "linux-1", spec=bench.spec()) if leave is KILL else None
        bench.run_in_guest("linux-1", *leave)
        if task is not None:
            assert isinstance(task.get_info().error, vim.fault.CustomizationFault)
        assert ended(bench, bench.guest_call(NETWORK, "linux-1")).state == "success"
        blocked = ended(bench, bench.guest_call(CUSTOMIZE, "linux-1", spec=bench.spec()))
        assert isinstance(blocked.error, vim.fault.CustomizationFault)
        assert ended(bench, bench.guest_call(ABORT, "linux-1")).state == "success"
        assert ended(bench, bench.guest_call(CUSTOMIZE, "linux-1", spec=bench.spec())).state == "success"
    bench.run_in_guest("linux-1", *LEAVE_LOCK)
    bench.do(bench.vm("linux-1"), "SuspendVM_Task")
    bench.do(bench.vm("linux-1"), "PowerOnVM_Task")
    bench.pass_time(10.0)
    assert ended(bench, bench.guest_call(CUSTOMIZE, "linux-1", spec=bench.spec())).state == "error", "memory was kept"
    bench.do(bench.vm("linux-1"), "ResetVM_Task")
    bench.pass_time(10.0)
    assert ended(bench, bench.guest_call(CUSTOMIZE, "linux-1", spec=bench.spec())).state == "success"


@pytest.mark.parametrize("method", METHODS)
def test_engine(bench: Any, method: str) -> None:
    """Without a working engine each method ends in a CustomizationFault; installing it helps."""
    task = bench.guest_call(method, "linux-noengine", **arguments(bench, method))
    assert type(task.get_info().error) is vim.fault.CustomizationFault
    for damage, expected in (
        (REMOVE_ENGINE, vim.fault.CustomizationFault),
        (BREAK_ENGINE, vim.fault.UnexpectedCustomizationFault),
    ):
        bench.run_in_guest("linux-1", *damage)
        broken = bench.guest_call(method, "linux-1", **arguments(bench, method))
        assert type(broken.get_info().error) is expected
        bench.run_in_guest("linux-1", *INSTALL_ENGINE)
        assert ended(bench, bench.guest_call(method, "linux-1", **arguments(bench, method))).state == "success"


@pytest.mark.parametrize("method", METHODS)
def test_cut_in_mid_task(bench: Any, method: str) -> None:
    """Power, reset, Tools and host lost in mid-task end it in a permitted error, and leave no lock behind."""
    machine = bench.vm("host2-linux-1")
    cuts = {
        "PowerOffVM_Task": vim.fault.InvalidPowerState,
        "SuspendVM_Task": vim.fault.InvalidPowerState,
        "ResetVM_Task": vim.fault.InvalidState,
        "stop vmtoolsd": vim.fault.InvalidState,
        "DisconnectHost_Task": vmodl.fault.HostNotConnected,
    }
    for cut, expected in cuts.items():
        task = bench.guest_call(method, "host2-linux-1", **arguments(bench, method))
        if cut == "stop vmtoolsd":
            bench.run_in_guest("host2-linux-1", "/usr/bin/systemctl", cut)
        else:
            bench.do(machine.host if cut == "DisconnectHost_Task" else machine, cut)
        error = task.get_info().error
        assert type(error) is expected
        assert not isinstance(error, vim.fault.InvalidPowerState) or error.existingState == machine.power
        if cut == "DisconnectHost_Task":
            bench.do(machine.host, "ReconnectHost_Task")
        bench.do(machine, "ResetVM_Task" if machine.power == "poweredOn" else "PowerOnVM_Task")
        bench.pass_time(10.0)
        assert ended(bench, bench.guest_call(CUSTOMIZE, "host2-linux-1", spec=bench.spec())).state == "success"


def test_the_lock_travels(bench: Any) -> None:
    """An instant clone and a memory snapshot taken during a customization hold its lock, and run no task."""
    parent = bench.vm("linux-1")
    running = bench.guest_call(CUSTOMIZE, "linux-1", spec=bench.spec())
    spec = vim.vm.InstantCloneSpec(name="child-1", location=vim.vm.RelocateSpec())
    assert bench.call(parent, "InstantClone_Task", spec=spec)
    bench.pass_time(1.0)
    taken = bench.call(parent, "CreateSnapshot_Task", name="s", description="", memory=True, quiesce=False)
    assert ended(bench, running).state == "success"
    snapshot = ended(bench, taken).result
    for name in ("child-1", "linux-1"):
        if name == "linux-1":
            bench.do(bench.vcenter.resolve(snapshot), "RevertToSnapshot_Task")
        assert not bench.vm(name).guest_operations
        blocked = ended(bench, bench.guest_call(CUSTOMIZE, name, spec=bench.spec("web-2")))
        assert isinstance(blocked.error, vim.fault.CustomizationFault)
        assert ended(bench, bench.guest_call(ABORT, name)).state == "success"
        assert ended(bench, bench.guest_call(CUSTOMIZE, name, spec=bench.spec("web-2"))).state == "success"
        assert ended(bench, bench.guest_call(NETWORK, name)).state == "success"
        assert bench.vm(name).get_guest().hostName == "web-2"
