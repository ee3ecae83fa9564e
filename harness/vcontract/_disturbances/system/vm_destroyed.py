"""A VM is destroyed while clients call on it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, ClassVar

from vcontract._disturbances.system.disturbance import NotStruckError, Strike, StrikeContext, System


class VmDestroyed(System, frozen=True, kw_only=True):
    """Power off and destroy a clone that this run made; the guard admits no other. Each is destroyed once."""

    needs: ClassVar[tuple[str, ...]] = ("power",)

    def lacks(self, context: StrikeContext) -> str:
        """Need a clone."""
        return "" if context.spare else "this run made no clone that may be destroyed"

    def strike(self, strike: Strike) -> dict[str, Any]:
        """Destroy one."""
        context = strike.context
        if not context.spare:
            raise NotStruckError(self.lacks(context))
        vm = strike.rng.choice(context.spare)
        with suppress(NotStruckError):  # it may be off already
            context.do(vm, "PowerOffVM_Task")
        context.do(vm, "Destroy_Task")
        context.spare = tuple(spare for spare in context.spare if spare != vm)
        return {"vm": vm.value}
