"""GuestCustomizationManager: customize a running guest, start its network, abort a customization.

What the sources leave open is decided so that every documented fault can be seen: state, login and busy faults are
synchronous; GuestPermissionDenied and all that only the guest can know end the task. Tasks cannot be cancelled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyVmomi import vim

from harness.simulator.guest import engine
from harness.simulator.guest.spec_rules import Subject, check, customization_fault
from harness.simulator.guest.state import Customization, Lock
from harness.simulator.objects import Invocation, ManagedObject
from harness.simulator.virtual_machine.machine import POWERED_ON, GuestOperation, Machine

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.simulator.guest.accounts import GuestAccount

MOID = "GuestCustomizationManager"
CUSTOMIZE, START_NETWORK, ABORT = "CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task"
# In task times. The guest is slower than vCenter: power operations and aborts must be able to catch a task midway.
LASTS = {CUSTOMIZE: 3, START_NETWORK: 2, ABORT: 2}


@dataclass(frozen=True)
class Admitted:
    """A call that passed all synchronous checks: on which machine, as which account of its guest."""

    machine: Machine
    account: GuestAccount

    def require_permission(self) -> None:
        """Raise GuestPermissionDenied unless the account administers the guest."""
        if not self.account.root:
            raise vim.fault.GuestPermissionDenied


class GuestCustomizationManager(ManagedObject):
    """The singleton with the three operations; it has no properties."""

    vmodl_type = vim.vm.GuestCustomizationManager

    def CustomizeGuest_Task(self, call: Invocation, vm: Any, auth: Any, spec: Any, configParams: Any = None) -> Any:
        """Customize the running guest; `configParams` are handed to third parties, of which there are none."""
        del configParams
        admitted = self.admit(CUSTOMIZE, vm, auth)
        machine = admitted.machine

        def take() -> None:
            admitted.require_permission()
            check(Subject(spec, machine.guest.family, machine.guest.guest_id, len(machine.nics)))
            engine.require_engine(machine.guest)
            engine.require_free_lock(machine.guest)
            machine.guest.lock = Lock.HELD
            machine.guest.customization = Customization("TOOLSDEPLOYPKG_RUNNING", self.vcenter.timeline.datetime())
            machine.changed()

        def finish() -> None:
            engine.apply(machine.guest, spec, machine.name)
            machine.guest.lock = Lock.FREE
            machine.guest.customization.status = "TOOLSDEPLOYPKG_SUCCEEDED"
            machine.guest.customization.end = self.vcenter.timeline.datetime()
            machine.changed()

        return self.start(call, admitted, "customize", take, finish)

    def StartGuestNetwork_Task(self, call: Invocation, vm: Any, auth: Any) -> Any:
        """Start the guest's network: each connected NIC gets its configured address or a lease."""
        admitted = self.admit(START_NETWORK, vm, auth)
        machine = admitted.machine

        def take() -> None:
            admitted.require_permission()
            engine.require_engine(machine.guest)

        def finish() -> None:
            machine.guest.network.start(machine.nics)
            machine.changed()

        return self.start(call, admitted, "startNetwork", take, finish)

    def AbortCustomization_Task(self, call: Invocation, vm: Any, auth: Any) -> Any:
        """End the customization or network start that runs, whoever began it, and remove the lock."""
        admitted = self.admit(ABORT, vm, auth)
        machine = admitted.machine

        def take() -> None:
            admitted.require_permission()
            engine.require_engine(machine.guest)
            for operation in list(machine.guest_operations):
                if operation.method != ABORT:
                    machine.fail(operation, customization_fault("Customization was aborted."))

        def finish() -> None:
            machine.guest.lock = Lock.FREE
            machine.changed()

        return self.start(call, admitted, "abortCustomization", take, finish)

    def admit(self, method: str, vm: Any, auth: Any) -> Admitted:
        """Apply the synchronous checks, in this order.

        Raises ManagedObjectNotFound, HostNotConnected, InvalidPowerState (a template is powered off), InvalidState
        (Tools not ready), TaskInProgress and InvalidGuestLogin.
        """
        machine: Machine = self.vcenter.resolve(vm)
        machine.refuse_if_unreachable()
        machine.require_power(POWERED_ON, POWERED_ON)
        require_tools(machine)
        machine.refuse_if_busy()
        refuse_beside(method, machine)
        return Admitted(machine, machine.guest.accounts.login(auth))

    def start(
        self, call: Invocation, admitted: Admitted, verb: str, take: Callable[[], None], finish: Callable[[], None]
    ) -> Any:
        """Start the task of an admitted call: `take` as it turns running, `finish` at its end."""
        task = self.vcenter.tasks.start(
            call,
            admitted.machine,
            name=call.method,
            description_id=f"vm.GuestCustomizationManager.{verb}",
            body=finish,
            on_start=take,
            duration=LASTS[call.method] * self.vcenter.settings.task_time,
        )
        admitted.machine.accept(GuestOperation(call.method, task))
        return task.ref


def require_tools(machine: Machine) -> None:
    """Raise InvalidState unless Tools run and the guest agent answers."""
    if not machine.ready:
        raise vim.fault.InvalidState


def refuse_beside(method: str, machine: Machine) -> None:
    """Raise TaskInProgress beside another guest operation; only an abort may join a customization or network start."""
    for operation in machine.guest_operations:
        if method != ABORT or operation.method == ABORT:
            raise vim.fault.TaskInProgress(task=operation.task.ref)
