"""The SearchIndex: objects by path, child name, UUID, address or DNS name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyVmomi import vim

from vcontract._simulator.objects import Invocation, ManagedObject
from vcontract._simulator.views import content

if TYPE_CHECKING:
    from collections.abc import Callable

_ROOT = "group-d1"


class SearchIndex(ManagedObject):
    """The vim.SearchIndex; a search without a result is no fault, its answer is unset."""

    vmodl_type = vim.SearchIndex

    def FindByInventoryPath(self, call: Invocation, inventoryPath: str) -> Any:  # noqa: ARG002 - every method gets the call
        """Find by a path of names from the root folder, `DC/vm/name`."""
        here = self.vcenter.registry.find(_ROOT)
        for name in inventoryPath.strip("/").split("/"):
            here = None if here is None else _child(here, name)
        return None if here is None else here.ref

    def FindChild(self, call: Invocation, entity: Any, name: str) -> Any:  # noqa: ARG002 - every method gets the call
        """Find a child of an object by name."""
        child = _child(self.vcenter.resolve(entity), name)
        return None if child is None else child.ref

    def FindByUuid(
        self,
        call: Invocation,
        uuid: str,
        vmSearch: bool,  # noqa: FBT001 - the WSDL's signature
        datacenter: Any = None,
        instanceUuid: bool | None = None,  # noqa: FBT001 - same
    ) -> Any:
        """Find a VM (or a host) by BIOS UUID, or by instance UUID."""
        return _first(self.FindAllByUuid(call, uuid, vmSearch, datacenter, instanceUuid))

    def FindByIp(self, call: Invocation, ip: str, vmSearch: bool, datacenter: Any = None) -> Any:  # noqa: FBT001 - the WSDL's signature
        """Find a VM by the address that its guest reports."""
        return _first(self.FindAllByIp(call, ip, vmSearch, datacenter))

    def FindByDnsName(self, call: Invocation, dnsName: str, vmSearch: bool, datacenter: Any = None) -> Any:  # noqa: FBT001 - the WSDL's signature
        """Find a VM by the host name that its guest reports."""
        return _first(self.FindAllByDnsName(call, dnsName, vmSearch, datacenter))

    def FindAllByUuid(
        self,
        call: Invocation,  # noqa: ARG002 - every method gets the call
        uuid: str,
        vmSearch: bool,  # noqa: FBT001 - the WSDL's signature
        datacenter: Any = None,
        instanceUuid: bool | None = None,  # noqa: FBT001 - same
    ) -> list[Any]:
        """Find all VMs (or hosts) by UUID."""
        name = "instanceUuid" if instanceUuid else "uuid"
        return self._all(vmSearch, datacenter, lambda vm: getattr(vm.property("config"), name, None) == uuid.lower())

    def FindAllByIp(self, call: Invocation, ip: str, vmSearch: bool, datacenter: Any = None) -> list[Any]:  # noqa: ARG002, FBT001 - same
        """Find all VMs by address."""
        return self._all(vmSearch, datacenter, lambda vm: getattr(vm.property("guest"), "ipAddress", None) == ip)

    def FindAllByDnsName(self, call: Invocation, dnsName: str, vmSearch: bool, datacenter: Any = None) -> list[Any]:  # noqa: ARG002, FBT001 - same
        """Find all VMs by host name."""
        return self._all(vmSearch, datacenter, lambda vm: getattr(vm.property("guest"), "hostName", None) == dnsName)

    def _all(self, vm_search: bool, datacenter: Any, wanted: Callable[[Any], bool]) -> list[Any]:  # noqa: FBT001 - passed on
        if datacenter is not None:
            self.vcenter.resolve(datacenter)
        if not vm_search:  # the simulated hosts have neither UUID nor address
            return []
        living: list[Any] = self.vcenter.registry.of_type(ManagedObject)
        return [vm.ref for vm in living if vm.vmodl_type is vim.VirtualMachine and wanted(vm)]


def _first(refs: list[Any]) -> Any:
    return refs[0] if refs else None


def _child(here: ManagedObject, name: str) -> ManagedObject | None:
    return next((child for child in content(here) if child.property("name") == name), None)
