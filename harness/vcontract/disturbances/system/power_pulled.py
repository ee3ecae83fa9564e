"""A VM loses its power in the middle of whatever it does, and gets it back."""

from __future__ import annotations

from typing import Any, ClassVar

from vcontract.disturbances.system.disturbance import Ground, NotStruckError, Strike, System


class PowerPulled(System, frozen=True, kw_only=True):
    """Power a VM off, and on again."""

    needs: ClassVar[tuple[str, ...]] = ("power",)

    def lacks(self, ground: Ground) -> str:
        """Need a VM."""
        return "" if ground.vms else "there is no VM that may be switched"

    def strike(self, strike: Strike) -> dict[str, Any]:
        """Power one off."""
        if not strike.ground.vms:
            raise NotStruckError(self.lacks(strike.ground))
        vm = strike.rng.choice(strike.ground.vms)
        strike.struck = vm  # also if the answer is lost
        strike.ground.do(vm, "PowerOffVM_Task")
        return {"vm": vm.value}

    def heal(self, strike: Strike) -> dict[str, Any]:
        """Power it on, unless it is on."""
        if strike.struck is None:
            return {}
        if strike.ground.shows(strike.struck, "runtime.powerState") != "poweredOn":
            strike.ground.do(strike.struck, "PowerOnVM_Task")
        vm, strike.struck = strike.struck, None
        return {"vm": vm.value}
