"""The properties of a virtual machine, in the shapes that real servers give them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pyVmomi import vim

from vcontract._simulator.data_objects import Composite, make
from vcontract._simulator.managed_entity import DATASTORE_MOID, NETWORK_MOID, shared
from vcontract._simulator.virtual_machine.config_info import CONFIG, MEMORY_MB, path_of
from vcontract._simulator.virtual_machine.guest_info import (
    GUEST,
    HARDWARE_VERSION,
    host_name,
    ip_address,
    reported,
    tools_status,
    tools_version_status,
)
from vcontract._simulator.virtual_machine.machine import POWERED_ON
from vcontract._simulator.virtual_machine.offline import Offline

if TYPE_CHECKING:
    from collections.abc import Mapping

# What no state of this simulator allows, by power state: the WSDL names as a real 8.0 server lists them.
NEVER_WHEN_ON = [
    "Destroy_Task",
    "UnregisterVM",
    "CustomizeVM_Task",
    "MarkAsTemplate",
    "PowerOnVM_Task",
    "MarkAsVirtualMachine",
]
NEVER_WHEN_NOT_ON = [
    "PowerOffVM_Task",
    "SuspendVM_Task",
    "ResetVM_Task",
    "ShutdownGuest",
    "RebootGuest",
    "StandbyGuest",
    "TerminateVM",
    "InstantClone_Task",
]
RUNTIME = Composite(
    vim.vm.RuntimeInfo,
    host=lambda machine: machine.host.ref,
    connectionState=lambda machine: machine.shown.connection,
    powerState=lambda machine: machine.shown.power,
    faultToleranceState=lambda _: "notConfigured",
    toolsInstallerMounted=lambda _: False,
    bootTime=lambda machine: machine.shown.boot_time,
    suspendInterval=lambda _: 0,
    maxCpuUsage=lambda _: 0,
    maxMemoryUsage=lambda _: 0,
    numMksConnections=lambda _: 0,
    recordReplayState=lambda _: "inactive",
    onlineStandby=lambda _: False,
    consolidationNeeded=lambda _: False,
    paused=lambda _: False,
    snapshotInBackground=lambda _: False,
    instantCloneFrozen=lambda machine: machine.frozen,
)
SUMMARY = Composite(
    vim.vm.Summary,
    vm=lambda machine: machine.ref,
    runtime=RUNTIME,
    guest=Composite(
        vim.vm.Summary.GuestSummary,
        guestId=reported(lambda machine: machine.guest.guest_id),
        guestFullName=reported(lambda machine: machine.guest.full_name),
        toolsStatus=tools_status,
        toolsVersionStatus=tools_version_status,
        toolsVersionStatus2=tools_version_status,
        toolsRunningStatus=lambda machine: machine.shown.tools_status,
        hostName=host_name,
        ipAddress=ip_address,
        hwVersion=lambda _: HARDWARE_VERSION,
    ),
    config=Composite(
        vim.vm.Summary.ConfigSummary,
        name=lambda machine: machine.name,
        template=lambda machine: machine.template,
        vmPathName=lambda machine: path_of(machine, "vmx"),
        memorySizeMB=lambda _: MEMORY_MB,
        numCpu=lambda _: 1,
        numEthernetCards=lambda machine: len(machine.nics),
        numVirtualDisks=lambda _: 0,
        uuid=lambda machine: machine.uuid,
        instanceUuid=lambda machine: machine.instance_uuid,
        guestId=lambda machine: machine.guest.guest_id,
        guestFullName=lambda machine: machine.guest.full_name,
        annotation=lambda machine: machine.annotation,
        installBootRequired=lambda _: False,
        hwVersion=lambda _: HARDWARE_VERSION,
    ),
    quickStats=Composite(vim.vm.Summary.QuickStats, guestHeartbeatStatus=lambda _: "gray"),
    overallStatus=lambda _: "green",
    customValue=lambda machine: machine.get_customValue(),
)


class Properties(Offline):
    """What the property collector reads; every value is made when it is asked for."""

    composites: ClassVar[Mapping[str, Composite]] = {
        "runtime": RUNTIME,
        "guest": GUEST,
        "config": CONFIG,
        "summary": SUMMARY,
    }

    def get_disabledMethod(self) -> list[str]:
        """Give the methods that make no sense in this power state."""
        return list(NEVER_WHEN_ON if self.power == POWERED_ON else NEVER_WHEN_NOT_ON)

    def get_guestHeartbeatStatus(self) -> str:
        """Give the heartbeat: grey, as a guest without one."""
        return "gray"

    def get_datastore(self) -> list[Any]:
        """Give the datastore of its files."""
        return shared(self.vcenter, DATASTORE_MOID)

    def get_network(self) -> list[Any]:
        """Give the network of its adapters; none if it has no adapter."""
        return shared(self.vcenter, NETWORK_MOID) if self.nics else []

    def get_resourcePool(self) -> Any:
        """Give the resource pool of the host; a template is in none."""
        return None if self.template else self.host.pool.ref

    def get_capability(self) -> Any:
        """Give what operations the machine supports."""
        return vim.vm.Capability(
            snapshotOperationsSupported=True,
            multipleSnapshotsSupported=True,
            poweredOffSnapshotsSupported=True,
            memorySnapshotsSupported=True,
            revertToSnapshotSupported=True,
        )

    def get_runtime(self) -> Any:
        """Give VirtualMachineRuntimeInfo."""
        return RUNTIME(self)

    def get_guest(self) -> Any:
        """Give GuestInfo."""
        return GUEST(self)

    def get_config(self) -> Any:
        """Give VirtualMachineConfigInfo."""
        return CONFIG(self)

    def get_summary(self) -> Any:
        """Give VirtualMachineSummary."""
        return SUMMARY(self)

    def get_resourceConfig(self) -> Any:
        """Give an allocation without limits."""
        return make(
            vim.ResourceConfigSpec,
            cpuAllocation=make(vim.ResourceAllocationInfo),
            memoryAllocation=make(vim.ResourceAllocationInfo),
        )
