"""Defects of the preconditions: one that is not checked, or is checked in the wrong state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyVmomi import vim

from vcontract._simulator.defects.planting import one, refuse, skip
from vcontract._simulator.defects.registry import defect
from vcontract._simulator.guest.operations import ABORT, CUSTOMIZE, START_NETWORK
from vcontract._simulator.guest.state import ToolsPhase
from vcontract._simulator.virtual_machine.machine import POWERED_OFF, POWERED_ON, SUSPENDED

if TYPE_CHECKING:
    from vcontract._simulator.guest.operations import Attempt
    from vcontract._simulator.vcenter import VCenter
    from vcontract._simulator.virtual_machine.machine import Machine


@defect(row="CustomizeGuest_Task/InvalidPowerState", source="S")
def power_off_not_checked(vcenter: VCenter) -> None:
    """CustomizeGuest_Task succeeds on a VM that is off."""

    def off(attempt: Attempt) -> bool:
        return attempt.method == CUSTOMIZE and attempt.machine.power == POWERED_OFF and not attempt.machine.template

    skip(vcenter, "power", off)
    skip(vcenter, "tools", off)


@defect(row="AbortCustomization_Task/InvalidPowerState", source="S")
def suspended_not_checked(vcenter: VCenter) -> None:
    """AbortCustomization_Task succeeds on a suspended VM."""

    def suspended(attempt: Attempt) -> bool:
        return attempt.method == ABORT and attempt.machine.power == SUSPENDED

    skip(vcenter, "power", suspended)
    skip(vcenter, "tools", suspended)


@defect(row="StartGuestNetwork_Task/InvalidPowerState", source="S")
def template_not_checked(vcenter: VCenter) -> None:
    """StartGuestNetwork_Task succeeds on a template."""

    def template(attempt: Attempt) -> bool:
        return attempt.method == START_NETWORK and attempt.machine.template

    skip(vcenter, "power", template)
    skip(vcenter, "tools", template)


@defect(row="CustomizeGuest_Task/InvalidState", source="S M")
def tools_stopped_not_checked(vcenter: VCenter) -> None:
    """CustomizeGuest_Task succeeds although VMware Tools do not run."""
    skip(
        vcenter,
        "tools",
        lambda attempt: attempt.method == CUSTOMIZE and attempt.machine.guest.tools is ToolsPhase.STOPPED,
    )


@defect(row="StartGuestNetwork_Task/InvalidState", source="S M")
def missing_tools_not_checked(vcenter: VCenter) -> None:
    """StartGuestNetwork_Task succeeds in a guest that never had VMware Tools."""
    skip(
        vcenter,
        "tools",
        lambda attempt: attempt.method == START_NETWORK and attempt.machine.guest.tools is ToolsPhase.ABSENT,
    )


@defect(row="AbortCustomization_Task/RuntimeFault", source="S W")
def host_lost_not_checked(vcenter: VCenter) -> None:
    """AbortCustomization_Task succeeds although vCenter has lost the VM's host."""
    skip(vcenter, "host", one(ABORT))


@defect(row="CustomizeGuest_Task/CustomizationFault", source="S M")
def engine_not_checked(vcenter: VCenter) -> None:
    """CustomizeGuest_Task succeeds in a guest that has no customization engine."""
    skip(vcenter, "engine", one(CUSTOMIZE))


@defect(row="CustomizeGuest_Task/CustomizationFault", source="S M")
def nic_count_off_by_one(vcenter: VCenter) -> None:
    """A specification with one adapter too many is accepted."""
    skip(vcenter, "spec", lambda attempt: _mapped_beyond(attempt) == 1)


@defect(row="CustomizeGuest_Task/CustomizationFault", source="S M")
def nic_count_not_checked_downwards(vcenter: VCenter) -> None:
    """A specification with fewer adapters than the VM has is accepted."""
    skip(vcenter, "spec", lambda attempt: _mapped_beyond(attempt) < 0)


def _mapped_beyond(attempt: Attempt) -> int:
    """Count the adapters that a specification has beyond those of the VM."""
    return len(attempt.spec.nicSettingMap) - len(attempt.machine.nics) if attempt.spec is not None else 0


@defect(row="CustomizeGuest_Task/CustomizationFault", source="S M")
def specification_not_checked(vcenter: VCenter) -> None:
    """A specification that no guest can follow, such as one for another system, is accepted and ignored."""

    def broken(attempt: Attempt) -> bool:
        return attempt.method == CUSTOMIZE and len(attempt.spec.nicSettingMap) == len(attempt.machine.nics)

    skip(vcenter, "spec", broken)
    usual = vcenter.decisions.apply

    def apply(machine: Machine, spec: object) -> None:
        if isinstance(getattr(spec, "identity", None), vim.vm.customization.LinuxPrep):
            usual(machine, spec)

    vcenter.decisions.apply = apply


@defect(row="CustomizeGuest_Task/Success", source="S M")
def customizes_only_what_is_off(vcenter: VCenter) -> None:
    """CustomizeGuest_Task demands a VM that is off, as CustomizeVM_Task does."""

    def check(attempt: Attempt) -> None:
        if attempt.method == CUSTOMIZE and attempt.machine.power == POWERED_ON:
            raise vim.fault.InvalidPowerState(requestedState=POWERED_OFF, existingState=POWERED_ON)

    vcenter.decisions.at_call["power"] = check


@defect(row="StartGuestNetwork_Task/Success", source="S M")
def network_starts_only_after_customization(vcenter: VCenter) -> None:
    """StartGuestNetwork_Task is refused with InvalidState in a guest that was never customized."""
    refuse(
        vcenter,
        lambda attempt: (
            attempt.method == START_NETWORK and attempt.machine.guest.customization.status != "TOOLSDEPLOYPKG_SUCCEEDED"
        ),
        vim.fault.InvalidState,
    )


@defect(row="CustomizeGuest_Task/Success", source="S M")
def power_state_is_stale_after_resume(vcenter: VCenter) -> None:
    """A VM that was resumed from a suspension counts as suspended until it boots."""
    resumed: set[str] = set()
    usual = vcenter.decisions.happened

    def happened(what: str, machine: Machine) -> None:
        usual(what, machine)
        if what == "resume":
            resumed.add(machine.moid)
        elif what in {"boot", "halt"}:
            resumed.discard(machine.moid)

    vcenter.decisions.happened = happened
    refuse(
        vcenter,
        lambda attempt: attempt.machine.moid in resumed,
        lambda: vim.fault.InvalidPowerState(requestedState=POWERED_ON, existingState=SUSPENDED),
    )


@defect(row="CustomizeGuest_Task/Success", source="S M")
def instant_clone_is_refused(vcenter: VCenter) -> None:
    """A VM that is an instant clone, the typical case, is refused with InvalidState."""
    clones: set[str] = set()
    usual = vcenter.decisions.happened

    def happened(what: str, machine: Machine) -> None:
        usual(what, machine)
        if what == "clone":
            clones.add(machine.moid)

    vcenter.decisions.happened = happened
    refuse(
        vcenter, lambda attempt: attempt.method == CUSTOMIZE and attempt.machine.moid in clones, vim.fault.InvalidState
    )


@defect(row="CustomizeGuest_Task/Success", source="S M")
def reverted_vm_is_refused(vcenter: VCenter) -> None:
    """A VM that was reverted to a snapshot of its running memory is refused until it boots."""
    reverted: set[str] = set()
    usual = vcenter.decisions.happened

    def happened(what: str, machine: Machine) -> None:
        usual(what, machine)
        if what == "revert":
            reverted.add(machine.moid)
        elif what in {"boot", "halt"}:
            reverted.discard(machine.moid)

    vcenter.decisions.happened = happened
    refuse(vcenter, lambda attempt: attempt.machine.moid in reverted, vim.fault.InvalidState)
