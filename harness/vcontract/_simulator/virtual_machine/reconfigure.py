"""ReconfigVM_Task: name, notes, extra configuration, network adapters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyVmomi import vim, vmodl

from vcontract._simulator.guest.network import Interface
from vcontract._simulator.virtual_machine.machine import Machine

if TYPE_CHECKING:
    from vcontract._simulator.objects import Invocation


class Reconfigure(Machine):
    """Operations that change what the machine is configured to be; processors and memory are accepted and ignored."""

    def ReconfigVM_Task(self, call: Invocation, spec: Any) -> Any:
        """Apply a VirtualMachineConfigSpec; InvalidState while a guest operation runs, as real hosts answer.

        The task ends in ConcurrentAccess if `changeVersion` is not the present one, in DuplicateName if the name is
        taken, in InvalidArgument if a device change names no adapter.
        """
        if self.guest_operations:
            raise vim.fault.InvalidState

        def body() -> None:
            if spec.changeVersion and spec.changeVersion != self.change_version:
                raise vim.fault.ConcurrentAccess
            if spec.name and spec.name != self.name:
                refuse_duplicate(self, spec.name)
                self.name = spec.name
            if spec.annotation is not None:
                self.annotation = spec.annotation
            self.change_devices(spec.deviceChange)
            self.set_extra_config(spec.extraConfig)
            self.edited()

        return self.exclusive(call, "reconfigure", body)

    def set_extra_config(self, options: list[Any]) -> None:
        """Set options by key; an empty or absent value takes one away."""
        for option in options:
            if option.value in (None, ""):
                self.extra_config.pop(option.key, None)
            else:
                self.extra_config[option.key] = option.value

    def change_devices(self, changes: list[Any]) -> None:
        """Add, remove, connect or disconnect network adapters; other devices are accepted and ignored."""
        for change in changes:
            if not isinstance(change.device, vim.vm.device.VirtualEthernetCard):
                continue
            if str(change.operation) == "add":
                self.add_nic()
                self.guest.add_interface(Interface())
                continue
            place = next((i for i, nic in enumerate(self.nics) if nic.key == change.device.key), None)
            if place is None:
                raise vmodl.fault.InvalidArgument(invalidProperty="spec.deviceChange.device.key")
            if str(change.operation) == "remove":
                del self.nics[place]
                self.guest.remove_interface(place)
            elif change.device.connectable is not None:
                self.nics[place].connected = change.device.connectable.connected


def refuse_duplicate(machine: Machine, name: str) -> None:
    """Raise DuplicateName if another machine has the name."""
    for other in machine.vcenter.registry.of_type(Machine):
        if other.name == name:
            raise vim.fault.DuplicateName(name=name, object=other.ref)
