"""The life of a virtual machine: power, guest shutdown, templates, removal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyVmomi import vim, vmodl

from vcontract._simulator.virtual_machine.machine import (
    POWERED_OFF,
    POWERED_ON,
    SUSPENDED,
    Machine,
    invalid_power_state,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from vcontract._simulator.objects import Invocation


class Life(Machine):
    """Operations that change whether and how the machine runs."""

    def PowerOnVM_Task(self, call: Invocation, host: Any = None) -> Any:
        """Power on or resume; the task ends in InvalidPowerState if the machine is on; a template is NotSupported.

        ManagedObjectNotFound if a host is given that is none.
        """
        if host is not None:
            self.vcenter.resolve(host)
        self.refuse_template()

        def body() -> None:
            self.require_power(POWERED_ON, POWERED_OFF, SUSPENDED)
            if self.power == SUSPENDED:
                self.resume()
            else:
                self.boot()

        return self.exclusive(call, "powerOn", body)

    def PowerOffVM_Task(self, call: Invocation) -> Any:
        """Power off; the task ends in InvalidPowerState unless the machine is on; a template is NotSupported."""
        self.refuse_template()

        def body() -> None:
            self.require_power(POWERED_OFF, POWERED_ON)
            self.halt()

        return self.exclusive(call, "powerOff", body)

    def SuspendVM_Task(self, call: Invocation) -> Any:
        """Suspend; the task ends in InvalidPowerState unless the machine is on; a template is NotSupported."""
        self.refuse_template()

        def body() -> None:
            self.require_power(SUSPENDED, POWERED_ON)
            self.pause()

        return self.exclusive(call, "suspend", body)

    def ResetVM_Task(self, call: Invocation) -> Any:
        """Reset; the task ends in InvalidPowerState unless the machine is on; a template is NotSupported."""
        self.refuse_template()

        def body() -> None:
            self.require_power(POWERED_ON, POWERED_ON)
            self.restart()

        return self.exclusive(call, "reset", body)

    def TerminateVM(self, call: Invocation) -> None:
        """Power off at once, without a task; InvalidPowerState unless the machine is on."""
        del call
        self.refuse_template()
        self.refuse_if_unreachable()
        self.require_power(POWERED_OFF, POWERED_ON)
        self.halt()

    def ShutdownGuest(self, call: Invocation) -> None:
        """Ask the guest to shut down: returns at once, the machine is off later."""
        del call
        self._ask_guest(POWERED_OFF, self.halt)

    def RebootGuest(self, call: Invocation) -> None:
        """Ask the guest to reboot: returns at once, Tools come back later."""
        del call
        self._ask_guest(POWERED_ON, self.restart)

    def StandbyGuest(self, call: Invocation) -> None:
        """Ask the guest to stand by: returns at once, the machine is suspended later."""
        del call
        self._ask_guest(SUSPENDED, self.pause)

    def _ask_guest(self, requested: str, act: Callable[[], None]) -> None:
        """Have the guest act in its own time, unless its power changes, it boots before, or it is frozen.

        Raises NotSupported, HostNotConnected, InvalidPowerState, TaskInProgress, ToolsUnavailable.
        """
        self.refuse_template()
        self.refuse_if_unreachable()
        self.require_power(requested, POWERED_ON)
        self.refuse_if_busy()
        if self.tools_status != "guestToolsRunning":
            raise vim.fault.ToolsUnavailable
        boots = self.boots

        def later() -> None:
            if self.boots == boots and not self.frozen and self.vcenter.registry.find(self.moid) is self:
                act()

        self.vcenter.timeline.after(self.vcenter.timing.asked(self.moid), later)

    def MarkAsTemplate(self, call: Invocation) -> None:
        """Make the machine a template; InvalidPowerState unless it is off, NotSupported if it is one."""
        del call
        self.refuse_template()
        self._refuse_beside_task()
        self.require_power(POWERED_OFF, POWERED_OFF)
        self.template = True
        self.edited()

    def MarkAsVirtualMachine(self, call: Invocation, pool: Any, host: Any = None) -> None:
        """Make a template a machine again, on a host if given; NotSupported if it is none."""
        del call
        if not self.template:
            raise vmodl.fault.NotSupported
        self._refuse_beside_task()
        self.vcenter.resolve(pool)
        if host is not None:
            self.host = self.vcenter.resolve(host)
        self.template = False
        self.edited()

    def _refuse_beside_task(self) -> None:
        """Raise HostNotConnected, or InvalidState beside an exclusive task: TaskInProgress is not declared here."""
        self.refuse_if_unreachable()
        if self.busy is not None:
            raise vim.fault.InvalidState

    def UnregisterVM(self, call: Invocation) -> None:
        """Remove the machine from the inventory; InvalidPowerState unless it is off."""
        del call
        self.refuse_if_busy()
        self._require_not_running()
        self.leave()

    def Destroy_Task(self, call: Invocation) -> Any:
        """Remove the machine and its files; the task ends in InvalidPowerState unless it is off."""

        def body() -> None:
            self._require_not_running()
            self.leave()

        return self.exclusive(call, "destroy", body)

    def _require_not_running(self) -> None:
        if self.power != POWERED_OFF:
            raise invalid_power_state(self.power, POWERED_OFF)

    def leave(self) -> None:
        """Remove the machine and its snapshots from the registry; their references are dead from now on."""
        self.boots += 1
        self.tools.freeze()
        for snapshot in [snapshot for root in self.roots for snapshot in root.tree()]:
            self.vcenter.registry.remove(snapshot.moid)
        self.vcenter.registry.remove(self.moid)
        for holder in (self.parent, self.host):
            if holder is not None:
                holder.changed()
