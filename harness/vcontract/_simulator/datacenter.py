"""The branches of the inventory tree: folders, a datacenter with its four, and the datastore and network of all hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyVmomi import vim

from vcontract._simulator.managed_entity import DATASTORE_MOID, NETWORK_MOID, ManagedEntity, shared
from vcontract._simulator.virtual_machine.machine import Machine

if TYPE_CHECKING:
    from vcontract._simulator.vcenter import VCenter

ROOT_FOLDER = "group-d1"
DATASTORE, NETWORK = "datastore1", "VM Network"
TIB = 1024**4


class Folder(ManagedEntity):
    """A folder that holds everything whose parent it is; `child_types` as in `childType`."""

    vmodl_type = vim.Folder
    prefix = "group"

    child_types: tuple[str, ...] = ()

    def get_childType(self) -> list[str]:
        """Give the WSDL names of what the folder may hold."""
        return list(self.child_types)

    def get_childEntity(self) -> list[Any]:
        """Give what the folder holds, in the order in which it was made."""
        return [entity.ref for entity in self.vcenter.registry.of_type(ManagedEntity) if entity.parent is self]


class Datacenter(ManagedEntity):
    """A datacenter; its folders are made with it."""

    vmodl_type = vim.Datacenter
    prefix = "datacenter"

    def __init__(self, vcenter: VCenter, name: str, parent: ManagedEntity) -> None:
        super().__init__(vcenter, name, parent)
        self.vm_folder = self._folder("vm", "Folder", "VirtualMachine", "VirtualApp")
        self.host_folder = self._folder("host", "Folder", "ComputeResource")
        self.datastore_folder = self._folder("datastore", "Folder", "Datastore", "StoragePod")
        self.network_folder = self._folder("network", "Folder", "Network", "DistributedVirtualSwitch")

    def _folder(self, name: str, *child_types: str) -> Folder:
        folder = Folder(self.vcenter, name, self)
        folder.child_types = child_types
        return folder

    def get_vmFolder(self) -> Any:
        """Give the folder of virtual machines."""
        return self.vm_folder.ref

    def get_hostFolder(self) -> Any:
        """Give the folder of hosts."""
        return self.host_folder.ref

    def get_datastoreFolder(self) -> Any:
        """Give the folder of the datastore."""
        return self.datastore_folder.ref

    def get_networkFolder(self) -> Any:
        """Give the folder of the network."""
        return self.network_folder.ref

    def get_datastore(self) -> list[Any]:
        """Give the datastore."""
        return shared(self.vcenter, DATASTORE_MOID)

    def get_network(self) -> list[Any]:
        """Give the network."""
        return shared(self.vcenter, NETWORK_MOID)

    def equip(self) -> None:
        """Make the datastore and the network of the hosts."""
        Datastore(self.vcenter, DATASTORE, self.datastore_folder, DATASTORE_MOID)
        Network(self.vcenter, NETWORK, self.network_folder, NETWORK_MOID)

    def get_configuration(self) -> Any:
        """Give the datacenter's settings: all are unset."""
        return vim.Datacenter.ConfigInfo()


class Datastore(ManagedEntity):
    """The datastore of every file; it never fills."""

    vmodl_type = vim.Datastore

    def get_summary(self) -> Any:
        """Give DatastoreSummary."""
        return vim.Datastore.Summary(
            datastore=self.ref,
            name=self.name,
            url=f"ds:///vmfs/volumes/{self.moid}/",
            capacity=TIB,
            freeSpace=TIB // 2,
            uncommitted=0,
            accessible=True,
            multipleHostAccess=True,
            type="VMFS",
            maintenanceMode="normal",
        )

    def get_info(self) -> Any:
        """Give what every kind of datastore tells of itself."""
        return vim.Datastore.Info(
            name=self.name, url=f"ds:///vmfs/volumes/{self.moid}/", freeSpace=TIB // 2, maxFileSize=TIB
        )

    def get_vm(self) -> list[Any]:
        """Give the virtual machines: all have their files here."""
        return [machine.ref for machine in self.vcenter.registry.of_type(Machine)]


class Network(ManagedEntity):
    """The network of every adapter."""

    vmodl_type = vim.Network

    def get_summary(self) -> Any:
        """Give NetworkSummary."""
        return vim.Network.Summary(network=self.ref, name=self.name, accessible=True, ipPoolName="")

    def get_vm(self) -> list[Any]:
        """Give the virtual machines that have an adapter."""
        return [machine.ref for machine in self.vcenter.registry.of_type(Machine) if machine.nics]
