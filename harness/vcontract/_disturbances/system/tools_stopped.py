"""VMware Tools stop in a guest, and start again."""

from __future__ import annotations

from typing import Any, ClassVar

from vcontract._disturbances.system.disturbance import NotStruckError, Strike, StrikeContext, System


class ToolsStopped(System, frozen=True, kw_only=True):
    """Stop Tools by the lever `stopTools`; start them by `startTools`, or by a reset where there is no such lever.

    Without Tools nothing can be started in a guest, so a lever that starts them sets values of the VM's configuration.
    """

    needs: ClassVar[tuple[str, ...]] = ("tools", "power")

    def lacks(self, context: StrikeContext) -> str:
        """Need a VM and the lever."""
        if "stopTools" not in context.levers:
            return "the configuration has no lever stopTools"
        return "" if context.vms else "there is no VM whose Tools may be stopped"

    def strike(self, strike: Strike) -> dict[str, Any]:
        """Stop them."""
        context = strike.context
        if why := self.lacks(context):
            raise NotStruckError(why)
        vm = strike.rng.choice(context.vms)
        strike.struck = vm  # also if the answer is lost
        context.send(context.levers["stopTools"](vm, context.actor))
        return {"vm": vm.value}

    def heal(self, strike: Strike) -> dict[str, Any]:
        """Start them, unless they run; in a VM that is off they start when it is powered on."""
        if strike.struck is None:
            return {}
        context, vm = strike.context, strike.struck
        off = context.shows(vm, "runtime.powerState") != "poweredOn"
        if off or context.shows(vm, "guest.toolsRunningStatus") == "guestToolsRunning":
            pass
        elif "startTools" in context.levers:
            context.send(context.levers["startTools"](vm, context.actor))
        else:
            context.do(vm, "ResetVM_Task")
        strike.struck = None
        return {"vm": vm.value}
