"""The branches of the inventory tree: folders, and a datacenter with its four."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyVmomi import vim

from vcontract.simulator.managed_entity import ManagedEntity

if TYPE_CHECKING:
    from vcontract.simulator.vcenter import VCenter

ROOT_FOLDER = "group-d1"


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
        """Give the folder of datastores: empty."""
        return self.datastore_folder.ref

    def get_networkFolder(self) -> Any:
        """Give the folder of networks: empty."""
        return self.network_folder.ref

    def get_datastore(self) -> list[Any]:
        """Give the datastores: none is simulated."""
        return []

    def get_network(self) -> list[Any]:
        """Give the networks: none is simulated."""
        return []

    def get_configuration(self) -> Any:
        """Give the datacenter's settings: all are unset."""
        return vim.Datacenter.ConfigInfo()
