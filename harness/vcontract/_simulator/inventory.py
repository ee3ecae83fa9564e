"""The inventory: data from a TOML file, made into managed objects."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from vcontract._errors import UsageError
from vcontract._simulator import guest_customization_manager, guest_operations_manager
from vcontract._simulator.custom_fields_manager import CustomFieldsManager
from vcontract._simulator.datacenter import ROOT_FOLDER, Datacenter, Folder
from vcontract._simulator.guest.accounts import Accounts, GuestAccount
from vcontract._simulator.guest.network import Interface, Network
from vcontract._simulator.guest.state import Engine, GuestState, ToolsPhase
from vcontract._simulator.guest_customization_manager import GuestCustomizationManager
from vcontract._simulator.guest_operations_manager import GuestAuthManager, GuestOperationsManager, GuestProcessManager
from vcontract._simulator.host_system import ComputeResource, HostSystem
from vcontract._simulator.virtual_machine import VirtualMachine
from vcontract._simulator.virtual_machine.machine import POWERED_ON

if TYPE_CHECKING:
    from vcontract._simulator.settings import Settings
    from vcontract._simulator.vcenter import VCenter

BUILT_IN = Path(__file__).with_name("inventory.toml")
MOST_NICS = 10  # of any virtual machine hardware version
SYSTEMS = {
    "linux": ("ubuntu64Guest", "Ubuntu Linux (64-bit)", "linuxGuest"),
    "windows": ("windows2019srv_64Guest", "Microsoft Windows Server 2019 (64-bit)", "windowsGuest"),
}
TOOLS = {"running": ToolsPhase.READY, "stopped": ToolsPhase.STOPPED, "absent": ToolsPhase.ABSENT}


class Host(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A host of the inventory file."""

    name: str


class Account(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A guest account of the inventory file; every guest has it."""

    username: str
    password: str
    root: bool = False


class Vm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A virtual machine of the inventory file."""

    name: str
    host: str
    guest: Literal["linux", "windows"] = "linux"
    nics: Annotated[int, msgspec.Meta(ge=0, le=MOST_NICS)] = 1
    tools: Literal["running", "stopped", "absent"] = "running"
    engine: Engine = Engine.OK
    power: Literal["poweredOn", "poweredOff", "suspended"] = "poweredOn"
    template: bool = False
    extra_config: dict[str, str] = {}


class Inventory(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An inventory file."""

    datacenter: str
    folder: str
    template_of_more: str
    host: Annotated[list[Host], msgspec.Meta(min_length=1)]
    vm: Annotated[list[Vm], msgspec.Meta(min_length=1)]
    timing: str = ""
    account: list[Account] = []
    custom_attribute: list[str] = []


def load(path: Path) -> Inventory:
    """Read an inventory file; UsageError, one line with the file and what is wrong in it."""
    try:
        inventory = msgspec.toml.decode(path.read_bytes(), type=Inventory)
    except OSError as wrong:
        raise UsageError(f"{path}: cannot be read: {wrong.strerror}") from wrong
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        raise UsageError(f"{path}: {wrong}") from wrong
    problem = contradiction(inventory)
    if problem:
        raise UsageError(f"{path}: {problem}")
    return inventory


def contradiction(inventory: Inventory) -> str:
    """Describe the first contradiction in an inventory; empty if there is none."""
    hosts = [host.name for host in inventory.host]
    names = [vm.name for vm in inventory.vm]
    for kind, known in (("host", hosts), ("vm", names)):
        for name in known:
            if not name:
                return f"a {kind} without a name"
            if known.count(name) > 1:
                return f"{kind} '{name}' is there more than once"
    for vm in inventory.vm:
        if vm.host not in hosts:
            return f"vm '{vm.name}': there is no host '{vm.host}'"
        if vm.template and vm.power != "poweredOff":
            return f"vm '{vm.name}': a template must be poweredOff"
    if inventory.template_of_more not in names:
        return f"template_of_more: there is no vm '{inventory.template_of_more}'"
    return ""


def populate(vcenter: VCenter) -> None:
    """Register the managers of guests and the inventory of the settings; UsageError for an unusable file."""
    vcenter.registry.add(GuestCustomizationManager(vcenter, guest_customization_manager.MOID))
    vcenter.registry.add(GuestOperationsManager(vcenter, guest_operations_manager.MOID))
    vcenter.registry.add(GuestAuthManager(vcenter, guest_operations_manager.AUTH_MANAGER))
    vcenter.registry.add(GuestProcessManager(vcenter, guest_operations_manager.PROCESS_MANAGER))
    inventory = load(vcenter.settings.inventory or BUILT_IN)
    if inventory.timing and not vcenter.settings.timing:
        vcenter.take_time(inventory.timing)
    fields = CustomFieldsManager(vcenter)
    vcenter.registry.add(fields)
    for name in inventory.custom_attribute:
        fields.define(name, VirtualMachine.vmodl_type)
    root = Folder(vcenter, "Datacenters", None, ROOT_FOLDER)
    root.child_types = ("Folder", "Datacenter")
    datacenter = Datacenter(vcenter, inventory.datacenter, root)
    hosts = {}
    for host in inventory.host:
        hosts[host.name] = HostSystem(vcenter, host.name, ComputeResource(vcenter, host.name, datacenter.host_folder))
    folder = Folder(vcenter, inventory.folder, datacenter.vm_folder)
    folder.child_types = datacenter.vm_folder.child_types
    for vm in [*inventory.vm, *more(inventory, vcenter.settings.vms or 0)]:
        birth(vcenter, folder, hosts[vm.host], vm, inventory.account)
    datacenter.equip()


def vm_names(settings: Settings) -> tuple[str, ...]:
    """Name the VMs that a simulator of these settings begins with; raises UsageError as `load` does."""
    inventory = load(settings.inventory or BUILT_IN)
    return tuple(vm.name for vm in [*inventory.vm, *more(inventory, settings.vms or 0)])


def more(inventory: Inventory, count: int) -> list[Vm]:
    """Give `count` copies `vm-NNNN` of the machine that the file names as `template_of_more`."""
    pattern = next(vm for vm in inventory.vm if vm.name == inventory.template_of_more)
    return [msgspec.structs.replace(pattern, name=f"vm-{number:04}") for number in range(1, count + 1)]


def birth(vcenter: VCenter, folder: Folder, host: HostSystem, vm: Vm, accounts: list[Account]) -> None:
    """Make one machine of the file; one that is on has booted before."""
    guest_id, full_name, family = SYSTEMS[vm.guest]
    on = vm.power == POWERED_ON
    tools = TOOLS[vm.tools]
    guest = GuestState(
        guest_id=guest_id,
        full_name=full_name,
        family=family,
        host_name=vm.name,
        accounts=Accounts(
            tuple(GuestAccount(account.username, account.password, account.root) for account in accounts)
        ),
        network=Network([Interface() for _ in range(vm.nics)]),
        tools=ToolsPhase.STOPPED if vm.power == "poweredOff" and tools is not ToolsPhase.ABSENT else tools,
        engine=vm.engine,
    )
    machine = VirtualMachine(
        vcenter, vm.name, folder, host=host, guest=guest, power=vm.power, extra_config=vm.extra_config, nics=vm.nics
    )
    machine.template = vm.template
    if on:
        guest.network.start(machine.nics)
        machine.reports.settle()
