"""The VMs and snapshots that a run makes: named, marked, and destroyed by it alone."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count

from vcontract.model import State, VmFacts
from vcontract.model.state import OFF, SUSPENDED
from vcontract.terms import Json, Ref, as_ref
from vcontract.testbed.driver import Driver, NotArrangedError
from vcontract.testbed.vm_selection import CLONE, VmSelection


class Cloner(VmSelection):
    """Makes VMs of VMs, and takes them away again, and snapshots too."""

    def __init__(self, driver: Driver, hosts: frozenset[str]) -> None:
        super().__init__(driver, hosts)
        self._snapshots: list[Ref] = []
        self._removing: list[Ref] = []

    def can_clone(self, vm: VmFacts) -> bool:
        """Whether a VM can be cloned instantly: it must be running, so a template cannot."""
        return not any(each.template or not each.exists for each in self.driver.states(vm.ref))

    def now(self, vm: VmFacts) -> State:
        """Read a VM and give one of the states that it may be in; what was read is the same in all."""
        self.driver.read_vm(vm.ref)
        return next(iter(self.driver.states(vm.ref)))

    def fork(self, parent: VmFacts, name: str = "") -> VmFacts:
        """Clone a VM as it is now, whatever runs on it. Raises NotArrangedError.

        A name that was asked for is not asked for again: where the answer was lost, a VM may have it.
        """
        taken = {each.name for each in self.driver.facts.vms.values()} | self._asked
        names = (f"{self.origin(parent).name}{CLONE}{number}" for number in count(len(taken)))
        name = name or next(each for each in names if each not in taken)
        self._asked.add(name)
        spec = {
            "_typeName": "VirtualMachineInstantCloneSpec",
            "name": name,
            "location": {"_typeName": "VirtualMachineRelocateSpec"},
            "config": self.driver.marks,
        }
        child = as_ref(self.driver.done(parent.ref, "InstantClone_Task", {"spec": spec}))
        if child is None:
            raise NotArrangedError("InstantClone_Task gave no VM")
        self.clones.append(child)
        return self.driver.facts.vms[child.value]

    def destroy(self, vm: Ref) -> None:
        """Power off and destroy a VM that was made here; one that is suspended cannot be powered off, and is resumed first.

        Raises NotArrangedError if that is refused; the VM is then still to be destroyed.
        """
        if vm in self.clones:
            power = self.now(self.driver.facts.vms[vm.value]).power
            if power == SUSPENDED:  # only what is on can be powered off
                self.driver.done(vm, "PowerOnVM_Task")
            if power != OFF:
                self.driver.done(vm, "PowerOffVM_Task")
            self.driver.done(vm, "Destroy_Task")
            self.clones.remove(vm)
            self.driver.read_vm(vm)

    def note_snapshots(self, infos: list[Mapping[str, Json]]) -> None:
        """Remember snapshots that were made, so that they are removed."""
        for each in infos:
            made = as_ref(each.get("result"))
            if made is not None and made.type == "VirtualMachineSnapshot":
                self._snapshots.append(made)

    def remove_snapshots(self) -> None:
        """Remove the snapshots that were made; a removal that was begun, and not seen to its end, is waited for first."""
        while self._snapshots or self._removing:
            if self._removing:
                self.driver.follow(self._removing[-1])
                self._removing.pop()
            else:
                task = self.driver.begun(self._snapshots[-1], "RemoveSnapshot_Task", {"removeChildren": False})
                self._snapshots.pop()
                self._removing += [task] if task is not None else []
