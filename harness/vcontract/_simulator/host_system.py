"""HostSystem, a host that an operator may disconnect, and the ComputeResource and ResourcePool around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyVmomi import vim, vmodl

from vcontract._simulator.managed_entity import DATASTORE_MOID, NETWORK_MOID, ManagedEntity, shared
from vcontract._simulator.virtual_machine.machine import Machine

if TYPE_CHECKING:
    from vcontract._simulator.objects import Invocation
    from vcontract._simulator.vcenter import VCenter

GIB = 1024**3
CORES = 8
MHZ = 2700


class HostSystem(ManagedEntity):
    """An ESXi host; while disconnected, nothing on it can be reached. `parent` is its ComputeResource."""

    vmodl_type = vim.HostSystem
    prefix = "host"

    def __init__(self, vcenter: VCenter, name: str, parent: ComputeResource) -> None:
        super().__init__(vcenter, name, parent)
        self.pool = parent.pool
        self.connected = True
        self.created = vcenter.timeline.datetime()
        parent.host = self

    @property
    def machines(self) -> list[Machine]:
        """The virtual machines on this host."""
        return [machine for machine in self.vcenter.registry.of_type(Machine) if machine.host is self]

    def get_vm(self) -> list[Any]:
        """Give the virtual machines on this host."""
        return [machine.ref for machine in self.machines]

    def get_datastore(self) -> list[Any]:
        """Give the datastore that all hosts share."""
        return shared(self.vcenter, DATASTORE_MOID)

    def get_network(self) -> list[Any]:
        """Give the network that all hosts share."""
        return shared(self.vcenter, NETWORK_MOID)

    def get_runtime(self) -> Any:
        """Give HostRuntimeInfo."""
        return vim.host.RuntimeInfo(
            connectionState="connected" if self.connected else "disconnected",
            powerState="poweredOn" if self.connected else "unknown",
            inMaintenanceMode=False,
            bootTime=self.created,
        )

    def get_summary(self) -> Any:
        """Give HostListSummary."""
        return vim.host.Summary(
            host=self.ref,
            runtime=self.get_runtime(),
            config=vim.host.Summary.ConfigSummary(
                name=self.name, port=443, vmotionEnabled=False, faultToleranceEnabled=False
            ),
            quickStats=vim.host.Summary.QuickStats(),
            overallStatus="green",
            rebootRequired=False,
        )

    def get_configManager(self) -> Any:
        """Give the host's managers: none of them is simulated."""
        return vim.host.ConfigManager()

    def DisconnectHost_Task(self, call: Invocation) -> Any:
        """Disconnect: what runs on the host ends in HostNotConnected; InvalidState if it is disconnected already."""
        return self._connect(call, "disconnect", connected=False)

    def ReconnectHost_Task(self, call: Invocation, cnxSpec: Any = None, reconnectSpec: Any = None) -> Any:
        """Connect again; InvalidState if it is connected already."""
        del cnxSpec, reconnectSpec
        return self._connect(call, "reconnect", connected=True)

    def _connect(self, call: Invocation, description: str, *, connected: bool) -> Any:
        def body() -> None:
            if self.connected is connected:
                raise vim.fault.InvalidState
            self.connected = connected
            for machine in self.machines:
                if not connected:
                    machine.interrupt(vmodl.fault.HostNotConnected())
                machine.changed()
            self.changed()

        task = self.vcenter.tasks.start(
            call, self, name=call.method, description_id=f"HostSystem.{description}", body=body
        )
        return task.ref


class ResourcePool(ManagedEntity):
    """The root resource pool of a compute resource."""

    vmodl_type = vim.ResourcePool
    prefix = "resgroup"

    def __init__(self, vcenter: VCenter, owner: ComputeResource) -> None:
        super().__init__(vcenter, "Resources", owner)
        self.owner = owner

    def get_owner(self) -> Any:
        """Give the compute resource."""
        return self.owner.ref

    def get_resourcePool(self) -> list[Any]:
        """Give the pools within: none."""
        return []

    def get_vm(self) -> list[Any]:
        """Give the virtual machines in the pool; templates are in none."""
        host = self.owner.host
        return [] if host is None else [machine.ref for machine in host.machines if not machine.template]

    def get_config(self) -> Any:
        """Give an allocation without limits."""
        return vim.ResourceConfigSpec(
            cpuAllocation=vim.ResourceAllocationInfo(), memoryAllocation=vim.ResourceAllocationInfo()
        )

    def get_runtime(self) -> Any:
        """Give the usage: nothing is counted."""
        return vim.ResourcePool.RuntimeInfo(
            memory=vim.ResourcePool.ResourceUsage(), cpu=vim.ResourcePool.ResourceUsage(), overallStatus="green"
        )

    def get_summary(self) -> Any:
        """Give the summary of the pool."""
        return vim.ResourcePool.Summary(name=self.name, config=self.get_config(), runtime=self.get_runtime())


class ComputeResource(ManagedEntity):
    """The compute resource of one host that is in no cluster."""

    vmodl_type = vim.ComputeResource
    prefix = "domain-s"

    def __init__(self, vcenter: VCenter, name: str, parent: ManagedEntity) -> None:
        super().__init__(vcenter, name, parent)
        self.pool = ResourcePool(vcenter, self)
        self.host: HostSystem | None = None

    def get_host(self) -> list[Any]:
        """Give the host."""
        return [] if self.host is None else [self.host.ref]

    def get_resourcePool(self) -> Any:
        """Give the root resource pool."""
        return self.pool.ref

    def get_datastore(self) -> list[Any]:
        """Give the datastore that all hosts share."""
        return shared(self.vcenter, DATASTORE_MOID)

    def get_network(self) -> list[Any]:
        """Give the network that all hosts share."""
        return shared(self.vcenter, NETWORK_MOID)

    def get_summary(self) -> Any:
        """Give the summary of the one host's power."""
        up = self.host is not None and self.host.connected
        return vim.ComputeResource.Summary(
            totalCpu=CORES * MHZ,
            totalMemory=64 * GIB,
            numCpuCores=CORES,
            numCpuThreads=CORES,
            effectiveCpu=CORES * MHZ if up else 0,
            effectiveMemory=60 * 1024 if up else 0,
            numHosts=1,
            numEffectiveHosts=int(up),
            overallStatus="green",
        )

    def get_configurationEx(self) -> Any:
        """Give the configuration."""
        return vim.ComputeResource.ConfigInfo(vmSwapPlacement="vmDirectory")
