"""CustomizeVM_Task: a package that waits for a powered-off machine's next boot."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyVmomi import vim

from vcontract._simulator.guest.spec_rules import Subject, check_offline, customization_fault
from vcontract._simulator.guest.state import Customization, ToolsPhase
from vcontract._simulator.guest.sysprep_rules import in_guest
from vcontract._simulator.virtual_machine.machine import POWERED_OFF, Machine

if TYPE_CHECKING:
    from vcontract._simulator.objects import Invocation

# As 8.0 servers say it of a guest that cannot be customized.
NO_TOOLS = (
    "Customization of the guest operating system is not supported due to the given reason: Tools is not installed"
)


@dataclass(frozen=True)
class Package:
    """What CustomizeVM_Task leaves for the next boot: the name of its file, and the specification."""

    name: str
    spec: Any


class Offline(Machine):
    """The operation on a machine that is off, and what becomes of it when the guest boots."""

    pending: Package | None = None

    def CustomizeVM_Task(self, call: Invocation, spec: Any) -> Any:
        """Leave a package for the next boot; the task succeeds before the guest is customized.

        NotSupported for a template. The task ends in InvalidPowerState unless the machine is off, in CustomizationPending
        if a package waits already, in CustomizationFault without Tools, or in the fault of the rule that is broken.
        """
        self.refuse_template()

        def body() -> None:
            self.require_power(POWERED_OFF, POWERED_OFF)
            if self.pending is not None:
                raise vim.fault.CustomizationPending
            if self.guest.tools is ToolsPhase.ABSENT:
                raise customization_fault(NO_TOOLS)
            check_offline(Subject(spec, self.guest.family, self.guest.guest_id, len(self.nics)))
            name = uuid.uuid5(uuid.NAMESPACE_OID, f"{self.moid} package {self.edition}").hex[:6]
            self.pending = Package(f"imc{name}", in_guest(spec))
            self.guest.customization = Customization("TOOLSDEPLOYPKG_PENDING")
            self.edited()

        return self.exclusive(call, "customize", body)

    def tools_reached(self, phase: ToolsPhase) -> None:
        """Deploy the package while Tools come up: it runs with their scripts, and is gone when they are ready."""
        if self.pending is not None and phase is ToolsPhase.EXECUTING_SCRIPTS:
            self.guest.customization = Customization("TOOLSDEPLOYPKG_RUNNING", self.vcenter.timeline.datetime())
        elif self.pending is not None and phase is ToolsPhase.READY:
            self.vcenter.decisions.apply(self, self.pending.spec)
            self.vcenter.decisions.take_up(self, "boot")
            self.guest.network.start(self.nics)
            self.guest.customization.status = "TOOLSDEPLOYPKG_SUCCEEDED"
            self.guest.customization.end = self.vcenter.timeline.datetime()
            self.pending = None
            self.edited()
        super().tools_reached(phase)
