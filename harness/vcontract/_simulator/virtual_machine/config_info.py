"""VirtualMachineConfigInfo: what vCenter shows of how a machine is configured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyVmomi import vim

from vcontract._simulator.data_objects import Composite, make
from vcontract._simulator.virtual_machine.guest_info import HARDWARE_VERSION, NETWORK_NAME
from vcontract._simulator.virtual_machine.machine import POWERED_ON, Machine

if TYPE_CHECKING:
    from vcontract._simulator.virtual_machine.machine import Nic
    from vcontract._simulator.virtual_machine.offline import Offline

MEMORY_MB = 1024
# Bound once, as the vendor looks a nested type up at each mention.
_NIC, _BACKING = vim.vm.device.VirtualVmxnet3, vim.vm.device.VirtualEthernetCard.NetworkBackingInfo
_CONNECTABLE, _OPTION = vim.vm.device.VirtualDevice.ConnectInfo, vim.option.OptionValue


def path_of(machine: Machine, extension: str) -> str:
    """Give the path of a file of the machine in its datastore."""
    return f"[datastore1] {machine.name}/{machine.name}.{extension}"


def _device(machine: Machine, place: int, nic: Nic) -> Any:
    return make(
        _NIC,
        key=nic.key,
        deviceInfo=make(vim.Description, label=f"Network adapter {place}", summary=NETWORK_NAME),
        backing=make(_BACKING, deviceName=NETWORK_NAME),
        connectable=make(
            _CONNECTABLE,
            startConnected=True,
            allowGuestControl=True,
            connected=nic.connected and machine.power == POWERED_ON,
        ),
        addressType="assigned",
        macAddress=nic.mac,
        wakeOnLanEnabled=True,
    )


def _pending(machine: Offline) -> str:
    return machine.pending.name if machine.pending else ""


CONFIG = Composite(
    vim.vm.ConfigInfo,
    changeVersion=lambda machine: machine.change_version,
    modified=lambda machine: machine.modified,
    name=lambda machine: machine.name,
    guestFullName=lambda machine: machine.guest.full_name,
    version=lambda _: HARDWARE_VERSION,
    uuid=lambda machine: machine.uuid,
    createDate=lambda machine: machine.created,
    instanceUuid=lambda machine: machine.instance_uuid,
    template=lambda machine: machine.template,
    guestId=lambda machine: machine.guest.guest_id,
    alternateGuestName=lambda _: "",
    annotation=lambda machine: machine.annotation,
    files=Composite(vim.vm.FileInfo, vmPathName=lambda machine: path_of(machine, "vmx")),
    tools=Composite(vim.vm.ToolsConfigInfo, toolsVersion=lambda _: 0, pendingCustomization=_pending),
    flags=Composite(vim.vm.FlagInfo),
    defaultPowerOps=Composite(vim.vm.DefaultPowerOpInfo),
    hardware=Composite(
        vim.vm.VirtualHardware,
        numCPU=lambda _: 1,
        numCoresPerSocket=lambda _: 1,
        memoryMB=lambda _: MEMORY_MB,
        device=lambda machine: [_device(machine, place, nic) for place, nic in enumerate(machine.nics, 1)],
    ),
    extraConfig=lambda machine: [make(_OPTION, key=key, value=value) for key, value in machine.extra_config.items()],
)
