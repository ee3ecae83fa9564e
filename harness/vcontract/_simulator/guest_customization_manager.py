"""GuestCustomizationManager: customizes a running guest, starts its network, aborts a customization.

What the sources leave open is decided so that every documented fault can be seen: state, login and busy faults are
synchronous; GuestPermissionDenied and all that only the guest can know end the task. Tasks cannot be cancelled.
"""

from __future__ import annotations

from typing import Any

from pyVmomi import vim

from vcontract._simulator.decisions import LASTS
from vcontract._simulator.guest.operations import Attempt
from vcontract._simulator.objects import Invocation, ManagedObject
from vcontract._simulator.virtual_machine.machine import GuestOperation

MOID = "GuestCustomizationManager"


class GuestCustomizationManager(ManagedObject):
    """The singleton with the three operations; it has no properties."""

    vmodl_type = vim.vm.GuestCustomizationManager

    def CustomizeGuest_Task(self, call: Invocation, vm: Any, auth: Any, spec: Any, configParams: Any = None) -> Any:
        """Customize the running guest; `configParams` are handed to third parties, of which there are none."""
        del configParams
        return self.start(Attempt(call, self.vcenter.resolve(vm), auth, spec), "customize")

    def StartGuestNetwork_Task(self, call: Invocation, vm: Any, auth: Any) -> Any:
        """Start the guest's network: each connected NIC gets its configured address or a lease."""
        return self.start(Attempt(call, self.vcenter.resolve(vm), auth), "startNetwork")

    def AbortCustomization_Task(self, call: Invocation, vm: Any, auth: Any) -> Any:
        """End the customization or network start that runs, whoever began it, and remove the lock."""
        return self.start(Attempt(call, self.vcenter.resolve(vm), auth), "abortCustomization")

    def lasts(self, attempt: Attempt) -> float:
        """Give the seconds that the task of an attempt lasts."""
        lasts, method = self.vcenter.decisions.lasts[attempt.method], attempt.method
        usual = lasts * self.vcenter.settings.task_time
        return self.vcenter.timing.task(method, usual, times=lasts / LASTS[method], whose=attempt.machine.moid)

    def start(self, attempt: Attempt, verb: str) -> Any:
        """Apply the checks of the call, then start the task, which applies its own as it turns running.

        Raises, in this order unless decided otherwise: HostNotConnected, InvalidPowerState (a template is powered off),
        InvalidState (Tools not ready), TaskInProgress, InvalidGuestLogin.
        """
        decide, method = self.vcenter.decisions, attempt.method
        for check in list(decide.at_call.values()):
            check(attempt)

        def on_start() -> None:
            for check in list(decide.at_start.values()):
                check(attempt)
            decide.begin[method](attempt)

        task = self.vcenter.tasks.start(
            attempt.call,
            attempt.machine,
            name=method,
            description_id=f"vm.GuestCustomizationManager.{verb}",
            body=lambda: decide.end[method](attempt),
            on_start=on_start,
            duration=self.lasts(attempt),
            cancelable=decide.cancelable,
            on_cancel=lambda: decide.cancelled(attempt),
            after=decide.behind(attempt),
        )
        attempt.machine.accept(GuestOperation(method, task, attempt))
        return decide.reference(task)
