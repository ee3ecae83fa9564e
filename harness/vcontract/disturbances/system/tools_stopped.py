"""VMware Tools stop in a guest, and start again."""

from __future__ import annotations

from typing import Any, ClassVar

from vcontract.disturbances.system.disturbance import Ground, NotStruckError, Strike, System


class ToolsStopped(System, frozen=True, kw_only=True):
    """Stop Tools by the lever `stopTools`; start them by `startTools`, or by a reset where there is no such lever.

    Without Tools nothing can be started in a guest, so a lever that starts them sets values of the VM's configuration.
    """

    needs: ClassVar[tuple[str, ...]] = ("tools", "power")

    def lacks(self, ground: Ground) -> str:
        """Need a VM and the lever."""
        if "stopTools" not in ground.levers:
            return "the configuration has no lever stopTools"
        return "" if ground.vms else "there is no VM whose Tools may be stopped"

    def strike(self, strike: Strike) -> dict[str, Any]:
        """Stop them."""
        ground = strike.ground
        if why := self.lacks(ground):
            raise NotStruckError(why)
        vm = strike.rng.choice(ground.vms)
        strike.struck = vm  # also if the answer is lost
        ground.send(ground.levers["stopTools"](vm, ground.actor))
        return {"vm": vm.value}

    def heal(self, strike: Strike) -> dict[str, Any]:
        """Start them, unless they run; in a VM that is off they start when it is powered on."""
        if strike.struck is None:
            return {}
        ground, vm = strike.ground, strike.struck
        off = ground.shows(vm, "runtime.powerState") != "poweredOn"
        if off or ground.shows(vm, "guest.toolsRunningStatus") == "guestToolsRunning":
            pass
        elif "startTools" in ground.levers:
            ground.send(ground.levers["startTools"](vm, ground.actor))
        else:
            ground.do(vm, "ResetVM_Task")
        strike.struck = None
        return {"vm": vm.value}
