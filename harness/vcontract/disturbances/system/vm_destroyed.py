"""A VM is destroyed while clients call on it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, ClassVar

from vcontract.disturbances.system.disturbance import Ground, NotStruckError, Strike, System


class VmDestroyed(System, frozen=True, kw_only=True):
    """Power off and destroy a clone that this run made; the guard admits no other. Each is destroyed once."""

    needs: ClassVar[tuple[str, ...]] = ("power",)

    def lacks(self, ground: Ground) -> str:
        """Need a clone."""
        return "" if ground.spare else "this run made no clone that may be destroyed"

    def strike(self, strike: Strike) -> dict[str, Any]:
        """Destroy one."""
        ground = strike.ground
        if not ground.spare:
            raise NotStruckError(self.lacks(ground))
        vm = strike.rng.choice(ground.spare)
        with suppress(NotStruckError):  # it may be off already
            ground.do(vm, "PowerOffVM_Task")
        ground.do(vm, "Destroy_Task")
        ground.spare = tuple(spare for spare in ground.spare if spare != vm)
        return {"vm": vm.value}
