"""InstantClone_Task: a running machine forks, and the child goes on with the parent's memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vcontract._simulator.virtual_machine.machine import POWERED_ON
from vcontract._simulator.virtual_machine.reconfigure import Reconfigure, refuse_duplicate

if TYPE_CHECKING:
    from vcontract._simulator.guest.state import GuestState
    from vcontract._simulator.objects import Invocation


class Clone(Reconfigure):
    """Operations that make a new machine of this one."""

    def InstantClone_Task(self, call: Invocation, spec: Any) -> Any:
        """Fork the machine as it is when the task begins; the result is the child, powered on in the same guest state.

        A lock that a running customization holds is in the child too, with nobody to free it. The child has its
        parent's extra configuration, changed by `spec.config`, and adapters of its own, changed by
        `spec.location.deviceChange`. NotSupported for a template; the task ends in InvalidPowerState if the machine is
        not on, in DuplicateName if the name is taken.
        """
        self.refuse_template()
        memory: list[GuestState] = []

        def on_start() -> None:
            self.require_power(POWERED_ON, POWERED_ON)
            memory.append(self.guest.with_memory())

        def body() -> Any:
            refuse_duplicate(self, spec.name)
            return self.fork(spec, memory[0])

        return self.exclusive(call, "instantClone", body, on_start)

    def fork(self, spec: Any, guest: GuestState) -> Clone:
        """Register the child."""
        location = spec.location
        child = type(self)(
            self.vcenter,
            spec.name,
            self.vcenter.resolve(location.folder) if location.folder else self.parent,
            host=self.vcenter.resolve(location.host) if location.host else self.host,
            guest=guest,
            power=POWERED_ON,
            extra_config=self.extra_config,
            nics=len(self.nics),
        )
        for mine, its in zip(self.nics, child.nics, strict=True):
            its.key, its.connected = mine.key, mine.connected
        child.guest.accounts.tickets.clear()
        child.set_extra_config(spec.config)
        child.change_devices(location.deviceChange)
        child.tools.resume(child.guest)
        child.reports.inherit(self.reports)
        child.changed()
        self.vcenter.decisions.happened("clone", child)
        for holder in (child.parent, child.host):
            if holder is not None:
                holder.changed()
        return child
