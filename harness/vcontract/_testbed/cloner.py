"""Makes instant clones of VMs, and destroys them: these VMs alone."""

from __future__ import annotations

from itertools import count

from vcontract._model import VmFacts
from vcontract._model.moves import MOVES
from vcontract._model.state import OFF, SUSPENDED
from vcontract._terms import Ref, as_ref
from vcontract._testbed.driver import Driver
from vcontract._testbed.not_arranged import NotArrangedError, RefusedError
from vcontract._testbed.perform_move import make_call
from vcontract._testbed.vm_selection import CLONE, VmSelection


class Cloner:
    """Makes VMs of VMs, named and marked, and takes them away again; `clones` are those that are still to be destroyed."""

    def __init__(self, driver: Driver, selection: VmSelection, clones: list[Ref]) -> None:
        self.clones = clones
        self._driver, self._selection = driver, selection
        self._asked: set[str] = set()

    def own(self, *vms: Ref) -> None:
        """Take VMs for clones that were made here, so that they are destroyed and never chosen."""
        self.clones += [vm for vm in vms if vm not in self.clones]

    def can_clone(self, vm: VmFacts) -> bool:
        """Whether a VM can be cloned instantly: it must be running, so a template cannot."""
        return not any(state.template or not state.exists for state in self._driver.states(vm.ref))

    def fork(self, parent: VmFacts, name: str = "") -> VmFacts:
        """Clone a VM as it is now, whatever runs on it. Raises NotArrangedError.

        A name that was asked for is not asked for again: where the answer was lost, a VM may have it.
        """
        taken = {vm.name for vm in self._driver.facts.vms.values()} | self._asked
        names = (f"{self._selection.origin(parent).name}{CLONE}{number}" for number in count(len(taken)))
        name = name or next(candidate for candidate in names if candidate not in taken)
        self._asked.add(name)
        spec = {
            "_typeName": "VirtualMachineInstantCloneSpec",
            "name": name,
            "location": {"_typeName": "VirtualMachineRelocateSpec"},
            "config": self._driver.marks,
        }
        child = as_ref(make_call(self._driver, "fork", parent.ref, {"spec": spec}))
        if child is None:
            raise NotArrangedError(f"{MOVES['fork'].method} gave no VM")
        self.clones.append(child)
        return self._driver.facts.vms[child.value]

    def destroy(self, vm: Ref) -> None:
        """Power off and destroy a VM that was made here; one that is suspended cannot be powered off, and is resumed first.

        Raises NotArrangedError if that is refused; the VM is then still to be destroyed.
        """
        if vm in self.clones:
            try:
                self._end(vm)
            except RefusedError:
                if self._driver.read_vm(vm) is not None:  # else a call whose end nobody saw has destroyed it
                    raise
            self.clones.remove(vm)
            self._driver.look(vm)

    def _end(self, vm: Ref) -> None:
        power = self._driver.now(self._driver.facts.vms[vm.value]).power
        if power == SUSPENDED:  # only what is on can be powered off
            make_call(self._driver, "powerOn", vm)
        if power != OFF:
            make_call(self._driver, "powerOff", vm)
        make_call(self._driver, "destroy", vm)
