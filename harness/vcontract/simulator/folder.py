"""Folder: the branches of the inventory tree."""

from __future__ import annotations

from typing import Any

from pyVmomi import vim

from vcontract.simulator.managed_entity import ManagedEntity

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
