"""A VM loses its power in the middle of whatever it does, and gets it back."""

from __future__ import annotations

from typing import Any, ClassVar

from vcontract._disturbances.system.disturbance import NotStruckError, Strike, StrikeContext, System


class PowerPulled(System, frozen=True, kw_only=True):
    """Power a VM off, and on again."""

    needs: ClassVar[tuple[str, ...]] = ("power",)

    def lacks(self, context: StrikeContext) -> str:
        """Need a VM."""
        return "" if context.vms else "there is no VM that may be switched"

    def strike(self, strike: Strike) -> dict[str, Any]:
        """Power one off."""
        if not strike.context.vms:
            raise NotStruckError(self.lacks(strike.context))
        vm = strike.rng.choice(strike.context.vms)
        strike.struck = vm  # also if the answer is lost
        strike.context.do(vm, "PowerOffVM_Task")
        return {"vm": vm.value}

    def heal(self, strike: Strike) -> dict[str, Any]:
        """Power it on, unless it is on."""
        if strike.struck is None:
            return {}
        if strike.context.shows(strike.struck, "runtime.powerState") != "poweredOn":
            strike.context.do(strike.struck, "PowerOnVM_Task")
        vm, strike.struck = strike.struck, None
        return {"vm": vm.value}
