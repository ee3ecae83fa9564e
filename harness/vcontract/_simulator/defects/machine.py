"""Defects of a VM's own methods: power, templates, the package that waits for a boot, and checks of guest credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyVmomi import vim

from vcontract._simulator.defects.registry import defect
from vcontract._simulator.virtual_machine.machine import POWERED_OFF, POWERED_ON, SUSPENDED

if TYPE_CHECKING:
    from collections.abc import Callable

    from vcontract._simulator.objects import Invocation
    from vcontract._simulator.vcenter import VCenter


@defect(row="VirtualMachine/PowerOnVM_Task/InvalidPowerState", source="D")
def running_vm_powers_on(vcenter: VCenter) -> None:
    """PowerOnVM_Task succeeds, and does nothing, on a VM that is on."""
    _accept(vcenter, "PowerOnVM_Task", lambda machine: machine.power == POWERED_ON)


@defect(row="VirtualMachine/ResetVM_Task/InvalidPowerState", source="D")
def suspended_vm_is_reset(vcenter: VCenter) -> None:
    """ResetVM_Task boots a suspended VM."""
    _accept(vcenter, "ResetVM_Task", lambda machine: machine.power == SUSPENDED, lambda machine: machine.boot())


@defect(row="VirtualMachine/PowerOffVM_Task/Success", source="D M")
def power_off_does_nothing(vcenter: VCenter) -> None:
    """PowerOffVM_Task succeeds and leaves the VM on."""
    _accept(vcenter, "PowerOffVM_Task", lambda machine: machine.power == POWERED_ON)


@defect(row="VirtualMachine/ShutdownGuest/ToolsUnavailable", source="D M")
def shutdown_without_tools_is_accepted(vcenter: VCenter) -> None:
    """ShutdownGuest returns as if it had asked a guest in which Tools do not run."""

    def deaf(machine: Any) -> bool:
        running = machine.tools_status != "guestToolsNotRunning"
        return machine.power == POWERED_ON and machine.host.connected and not running and machine.busy is None

    _instead(vcenter, "ShutdownGuest", deaf, lambda *_: None)


@defect(row="VirtualMachine/MarkAsTemplate/InvalidPowerState", source="D")
def running_vm_becomes_a_template(vcenter: VCenter) -> None:
    """MarkAsTemplate makes a template of a VM that is on."""

    def mark(_: Invocation, machine: Any) -> None:
        machine.template = True
        machine.edited()

    _instead(vcenter, "MarkAsTemplate", lambda machine: machine.power == POWERED_ON and machine.host.connected, mark)


@defect(row="VirtualMachine/CustomizeVM_Task/CustomizationFault", source="D M")
def pending_package_is_overwritten(vcenter: VCenter) -> None:
    """CustomizeVM_Task puts a new package in the place of one that is pending."""
    usual = vcenter.decisions.serve

    def serve(call: Invocation, target: Any, arguments: dict[str, Any]) -> Any:
        if call.method == "CustomizeVM_Task" and target.power == POWERED_OFF:
            target.pending = None
        return usual(call, target, arguments)

    vcenter.decisions.serve = serve


@defect(row="VirtualMachine/SuspendVM_Task/InvalidPowerState", source="D")
def power_fault_names_the_wrong_state(vcenter: VCenter) -> None:
    """SuspendVM_Task of a VM that is off says that it is suspended."""

    def refuse(_: Invocation, __: Any) -> Any:
        raise vim.fault.InvalidPowerState(requestedState=SUSPENDED, existingState=SUSPENDED)

    _instead(vcenter, "SuspendVM_Task", lambda machine: machine.power == POWERED_OFF and not machine.template, refuse)


@defect(row="GuestAuthManager/ValidateCredentialsInGuest/InvalidGuestLogin", source="D O")
def any_guest_login_is_valid(vcenter: VCenter) -> None:
    """ValidateCredentialsInGuest accepts a login that the guest rejects."""
    usual = vcenter.decisions.serve

    def serve(call: Invocation, target: Any, arguments: dict[str, Any]) -> Any:
        try:
            return usual(call, target, arguments)
        except vim.fault.InvalidGuestLogin:
            if call.method == "ValidateCredentialsInGuest":
                return None
            raise

    vcenter.decisions.serve = serve


def _instead(vcenter: VCenter, method: str, when: Callable[[Any], bool], act: Callable[[Invocation, Any], Any]) -> None:
    """Serve a method of a machine otherwise where a condition holds."""
    usual = vcenter.decisions.serve

    def serve(call: Invocation, target: Any, arguments: dict[str, Any]) -> Any:
        if call.method == method and when(target):
            return act(call, target)
        return usual(call, target, arguments)

    vcenter.decisions.serve = serve


def _accept(
    vcenter: VCenter, method: str, when: Callable[[Any], bool], act: Callable[[Any], None] = lambda _: None
) -> None:
    """Let the task of a method succeed where a condition holds; it does only what `act` does."""

    def serve(call: Invocation, machine: Any) -> Any:
        verb = call.method.removesuffix("VM_Task")
        return machine.exclusive(call, verb[0].lower() + verb[1:], lambda: act(machine))

    _instead(vcenter, method, when, serve)
