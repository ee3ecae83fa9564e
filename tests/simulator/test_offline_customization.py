"""CustomizeVM_Task through the vendor's own client: the package that waits, its refusals, and what the next boot does."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from pyVim.connect import Disconnect, SmartConnect
from pyVim.task import WaitForTask
from pyVmomi import vim, vmodl

from tests.windows import fitted
from vcontract._simulator import SimulatorServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PASSWORD = "vcontract"
POLLS = 10_000
PRIVILEGES = {
    "PowerOn": "VirtualMachine.Interact.PowerOn",
    "PowerOff": "VirtualMachine.Interact.PowerOff",
    "Suspend": "VirtualMachine.Interact.Suspend",
    "Reset": "VirtualMachine.Interact.Reset",
    "ShutdownGuest": "VirtualMachine.Interact.PowerOff",
    "RebootGuest": "VirtualMachine.Interact.Reset",
    "StandbyGuest": "VirtualMachine.Interact.Suspend",
    "MarkAsTemplate": "VirtualMachine.Provisioning.MarkAsTemplate",
}


def connect(server: SimulatorServer, user: str) -> Any:
    """Log in as a user of pyVmomi does."""
    port = int(server.url.rpartition(":")[2].partition("/")[0])
    return SmartConnect(protocol="http", host="127.0.0.1", port=port, user=f"{user}@vsphere.local", pwd=PASSWORD)


@pytest.fixture
def find() -> Iterator[Callable[..., Any]]:
    """Serve a simulator, and find its machines by name as a user of some account."""
    opened = []
    with SimulatorServer(fitted(task_time=0.005, boot_time=0.05, report_time=0.0)) as server:

        def machine(name: str, user: str = "administrator") -> Any:
            instance = connect(server, user)
            opened.append(instance)
            content = instance.content
            view = content.viewManager.CreateContainerView(content.rootFolder, [vim.VirtualMachine], True)  # noqa: FBT003 - pyVmomi's signature
            return next(vm for vm in view.view if vm.name == name)

        yield machine
        for each in opened:
            Disconnect(each)
            each._stub.DropConnections()


def spec(name: str = "late", nics: int = 1) -> Any:
    """Give a LinuxPrep with as many DHCP adapters."""
    kind = vim.vm.customization
    adapter = kind.AdapterMapping(adapter=kind.IPSettings(ip=kind.DhcpIpGenerator()))
    identity = kind.LinuxPrep(hostName=kind.FixedName(name=name), domain="example.com")
    return kind.Specification(
        identity=identity, globalIPSettings=kind.GlobalIPSettings(), nicSettingMap=[adapter] * nics
    )


def until(reached: Callable[[], bool]) -> bool:
    """Poll, but not for ever; gives whether it came about."""
    for _ in range(POLLS):
        if reached():
            return True
        time.sleep(0.005)
    return False


def test_the_package_waits_for_the_next_boot(find: Any) -> None:
    """The task succeeds while the machine is off; the guest has its new name only after it booted, and nothing waits then."""
    vm = find("linux-1")
    WaitForTask(vm.PowerOff())
    assert vm.config.tools.pendingCustomization == ""
    WaitForTask(vm.Customize(spec()))
    assert vm.config.tools.pendingCustomization.startswith("imc")
    assert vm.guest.customizationInfo.customizationStatus == "TOOLSDEPLOYPKG_PENDING"
    assert vm.guest.customizationInfo.startTime is None
    seen = set()

    def over() -> bool:
        seen.add(vm.guest.customizationInfo.customizationStatus)
        return "TOOLSDEPLOYPKG_SUCCEEDED" in seen

    WaitForTask(vm.PowerOn())
    assert until(over)
    assert "TOOLSDEPLOYPKG_FAILED" not in seen
    assert vm.config.tools.pendingCustomization == ""
    assert vm.guest.hostName == "late"
    assert vm.guest.customizationInfo.startTime <= vm.guest.customizationInfo.endTime


@pytest.mark.parametrize(
    ("name", "power", "nics", "times", "fault"),
    [
        ("linux-1", "on", 1, 1, vim.fault.InvalidPowerState),
        ("linux-1", "off", 1, 2, vim.fault.CustomizationPending),
        ("linux-1", "off", 2, 1, vim.fault.NicSettingMismatch),
        ("linux-notools", "off", 1, 1, vim.fault.CustomizationFault),
    ],
)
def test_what_ends_the_task_in_an_error(
    find: Any, name: str, power: str, nics: int, times: int, fault: type[Exception]
) -> None:
    """On, pending already, another count of adapters, no Tools: each ends the task in its fault and leaves what was there."""
    vm = find(name)
    if power == "off":
        WaitForTask(vm.PowerOff())
    for _ in range(times - 1):
        WaitForTask(vm.Customize(spec("first")))
    waiting = vm.config.tools.pendingCustomization
    with pytest.raises(fault):
        WaitForTask(vm.Customize(spec("second", nics)))
    assert vm.config.tools.pendingCustomization == waiting


def sysprep(**fields: Any) -> Any:
    """Give a Sysprep for one DHCP adapter, with fields of its user, its set-up and its membership changed."""
    kind = vim.vm.customization
    user = {"fullName": "a", "orgName": "b", "computerName": kind.FixedName(name="win-late"), "productId": ""}
    unattended = {"timeZone": 85, "autoLogon": False, "autoLogonCount": 0}
    member: dict[str, Any] = {"joinWorkgroup": "x", "joinDomain": None}
    for part in (user, unattended, member):
        part |= {name: value for name, value in fields.items() if name in part}
    made = spec()
    made.identity = kind.Sysprep(
        guiUnattended=kind.GuiUnattended(**unattended),
        userData=kind.UserData(**user),
        identification=kind.Identification(**member),
    )
    return made


def test_windows_takes_a_sysprep_while_it_is_off(find: Any) -> None:
    """After the boot its name is the computer name, cut to 15 characters, as Windows does; negative time zones are UTC."""
    vm = find("windows-1")
    WaitForTask(vm.PowerOff())
    name = vim.vm.customization.FixedName(name="a-name-of-more-than-15")
    WaitForTask(vm.Customize(sysprep(computerName=name, timeZone=-2147483568)))
    WaitForTask(vm.PowerOn())
    assert until(lambda: vm.guest.hostName == "a-name-of-more-")
    other = find("linux-1")
    WaitForTask(other.PowerOff())
    with pytest.raises(vmodl.fault.InvalidArgument):
        WaitForTask(other.Customize(sysprep()))


@pytest.mark.parametrize("fields", [
    {"fullName": ""},
    {"timeZone": 21},
    {"timeZone": -1},
    {"computerName": vim.vm.customization.UnknownNameGenerator()},
    {"computerName": vim.vm.customization.FixedName(name="1234")},
    {"joinDomain": "example.com"},
    {"autoLogon": True},
])  # fmt: skip
def test_a_sysprep_that_breaks_a_rule(find: Any, fields: dict[str, Any]) -> None:
    """The task ends in InvalidArgument, and nothing waits for the next boot."""
    vm = find("windows-1")
    WaitForTask(vm.PowerOff())
    with pytest.raises(vmodl.fault.InvalidArgument):
        WaitForTask(vm.Customize(sysprep(**fields)))
    assert vm.config.tools.pendingCustomization == ""


def test_what_a_client_must_replace_is_refused(find: Any) -> None:
    """An unknown name, and an unknown IPv6 generator, in a specification for a Linux VM that is off."""
    vm, kind = find("linux-1"), vim.vm.customization
    WaitForTask(vm.PowerOff())
    named, addressed = spec(), spec()
    named.identity.hostName = kind.UnknownNameGenerator()
    addressed.nicSettingMap[0].adapter.ipV6Spec = kind.IPSettings.IpV6AddressSpec(ip=[kind.UnknownIpV6Generator()])
    for asked in (named, addressed):
        with pytest.raises(vmodl.fault.InvalidArgument):
            WaitForTask(vm.Customize(asked))
    digits = spec("12345")
    WaitForTask(vm.Customize(digits))


def test_a_template_and_a_caller_without_the_privilege_are_refused_at_once(find: Any) -> None:
    """A template is NotSupported, an account without Provisioning.Customize gets NoPermission that names it."""
    with pytest.raises(vmodl.fault.NotSupported):
        find("linux-template").Customize(spec())
    with pytest.raises(vim.fault.NoPermission) as refused:
        find("linux-1", "operator").Customize(spec())
    assert refused.value.privilegeId == "VirtualMachine.Provisioning.Customize"


@pytest.mark.parametrize(("method", "privilege"), PRIVILEGES.items())
def test_every_method_has_its_privilege(find: Any, method: str, privilege: str) -> None:
    """A read-only account gets NoPermission with the privilege that the metadata name for the method."""
    with pytest.raises(vim.fault.NoPermission) as refused:
        getattr(find("linux-1", "viewer"), method)()
    assert refused.value.privilegeId == privilege


@pytest.mark.parametrize("method", ["ShutdownGuest", "RebootGuest", "StandbyGuest"])
def test_a_guest_without_tools_cannot_be_asked(find: Any, method: str) -> None:
    """Without Tools the answer is ToolsUnavailable, of a machine that is off InvalidPowerState, both at once."""
    vm = find("linux-notools")
    with pytest.raises(vim.fault.ToolsUnavailable):
        getattr(vm, method)()
    WaitForTask(vm.PowerOff())
    with pytest.raises(vim.fault.InvalidPowerState):
        getattr(vm, method)()
