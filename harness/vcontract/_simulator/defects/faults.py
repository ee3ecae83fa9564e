"""Defects of the faults: another type, another field, the wrong channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyVmomi import vim, vmodl

from vcontract._simulator.defects.planting import instead_of_fault, unless
from vcontract._simulator.defects.registry import defect
from vcontract._simulator.guest.operations import ABORT, CUSTOMIZE, START_NETWORK
from vcontract._simulator.virtual_machine import VirtualMachine

if TYPE_CHECKING:
    from vcontract._simulator.objects import Invocation
    from vcontract._simulator.vcenter import VCenter


@defect(row="CustomizeGuest_Task/InvalidPowerState", source="S")
def powered_off_says_invalid_login(vcenter: VCenter) -> None:
    """A VM that is off is answered with InvalidGuestLogin, which nobody can know then."""
    unless("power", vcenter, lambda _, __: vim.fault.InvalidGuestLogin())


@defect(row="StartGuestNetwork_Task/InvalidState", source="S M")
def unrelated_subtype_of_invalid_state(vcenter: VCenter) -> None:
    """Stopped Tools are answered with QuestionPending, an InvalidState whose own condition does not hold."""
    unless("tools", vcenter, lambda _, __: vim.fault.QuestionPending(text="none"))


@defect(row="AbortCustomization_Task/InvalidState", source="S M")
def tools_down_says_power_state(vcenter: VCenter) -> None:
    """Stopped Tools are answered with InvalidPowerState on a VM that is on."""
    fault = vim.fault.InvalidPowerState(requestedState="poweredOn", existingState="poweredOn")
    unless("tools", vcenter, lambda _, __: fault)


@defect(row="CustomizeGuest_Task/InvalidState", source="S M")
def tools_down_says_tools_unavailable(vcenter: VCenter) -> None:
    """Stopped Tools are answered with ToolsUnavailable, which these methods do not declare."""
    unless("tools", vcenter, lambda _, __: vim.fault.ToolsUnavailable())


@defect(row="CustomizeGuest_Task/InvalidGuestLogin", source="S M")
def bad_login_says_permission_denied(vcenter: VCenter) -> None:
    """A rejected login is answered with GuestPermissionDenied."""
    unless("login", vcenter, lambda _, __: vim.fault.GuestPermissionDenied())


@defect(row="StartGuestNetwork_Task/GuestPermissionDenied", source="S M")
def may_not_says_invalid_login(vcenter: VCenter) -> None:
    """A user who may not customize is answered with InvalidGuestLogin although the guest accepts the login."""
    unless("permission", vcenter, lambda _, __: vim.fault.InvalidGuestLogin())


@defect(row="AbortCustomization_Task/InvalidGuestLogin", source="S M")
def bad_login_says_system_error(vcenter: VCenter) -> None:
    """A rejected login is answered with SystemError."""
    unless("login", vcenter, lambda _, __: vmodl.fault.SystemError(reason="vix error 3050"))


@defect(row="CustomizeGuest_Task/InvalidPowerState", source="S")
def powered_off_says_bare_runtime_fault(vcenter: VCenter) -> None:
    """A VM that is off is answered with a bare RuntimeFault."""
    instead_of_fault(
        vcenter,
        lambda _, fault: vmodl.RuntimeFault() if isinstance(fault, vim.fault.InvalidPowerState) else fault,
    )


@defect(row="CustomizeGuest_Task/CustomizationFault", source="S M")
def no_engine_says_task_in_progress(vcenter: VCenter) -> None:
    """A guest without a customization engine is answered with TaskInProgress although nothing runs."""
    unless(
        "engine", vcenter, lambda attempt, _: vim.fault.TaskInProgress(task=vim.Task(f"task-{attempt.machine.moid}"))
    )


@defect(row="CustomizeGuest_Task/CustomizationFault", source="S M")
def nic_mismatch_says_invalid_state(vcenter: VCenter) -> None:
    """A wrong number of adapters is answered with InvalidState."""
    unless(
        "spec",
        vcenter,
        lambda _, fault: vim.fault.InvalidState() if isinstance(fault, vim.fault.NicSettingMismatch) else fault,
    )


@defect(row="AbortCustomization_Task/CustomizationFault", source="S M")
def abort_without_engine_says_invalid_login(vcenter: VCenter) -> None:
    """An abort in a guest without an engine ends in InvalidGuestLogin."""
    unless(
        "engine",
        vcenter,
        lambda attempt, fault: vim.fault.InvalidGuestLogin() if attempt.method == ABORT else fault,
    )


@defect(row="StartGuestNetwork_Task/InvalidPowerState", source="S")
def existing_state_is_wrong(vcenter: VCenter) -> None:
    """InvalidPowerState says in existingState that the VM is on."""

    def change(_: Invocation, fault: Any) -> Any:
        if isinstance(fault, vim.fault.InvalidPowerState):
            fault.existingState = "poweredOn"
        return fault

    instead_of_fault(vcenter, change)


@defect(row="AbortCustomization_Task/InvalidPowerState", source="S")
def suspended_shown_as_powered_off(vcenter: VCenter) -> None:
    """InvalidPowerState says poweredOff of a suspended VM, for one method."""

    def change(call: Invocation, fault: Any) -> Any:
        if isinstance(fault, vim.fault.InvalidPowerState) and call.method == ABORT:
            fault.existingState = "poweredOff"
        return fault

    instead_of_fault(vcenter, change)


@defect(row="CustomizeGuest_Task/InvalidPowerState", source="S")
def requested_state_is_wrong(vcenter: VCenter) -> None:
    """InvalidPowerState says in requestedState that the VM should be off."""

    def change(_: Invocation, fault: Any) -> Any:
        if isinstance(fault, vim.fault.InvalidPowerState):
            fault.requestedState = "poweredOff"
        return fault

    instead_of_fault(vcenter, change)


@defect(row="CustomizeGuest_Task/TaskInProgress", source="S M")
def task_of_another_vm(vcenter: VCenter) -> None:
    """TaskInProgress names a task of another VM."""

    def change(call: Invocation, fault: Any) -> Any:
        if isinstance(fault, vim.fault.TaskInProgress) and fault.task is not None:
            mine = vcenter.tasks.recent()
            busy = next((task.entity for task in mine if task.moid == fault.task._moId), None)  # noqa: SLF001 - pyVmomi's only name for the moId
            machines = [machine for machine in vcenter.registry.of_type(VirtualMachine) if machine is not busy]
            other = next((task for task in reversed(mine) if task.entity in machines), None)
            other = other or vcenter.tasks.start(call, machines[-1], name=CUSTOMIZE, description_id="", body=_nothing)
            fault.task = other.ref
        return fault

    instead_of_fault(vcenter, change)


@defect(row="StartGuestNetwork_Task/TaskInProgress", source="S M")
def ended_task_in_task_in_progress(vcenter: VCenter) -> None:
    """TaskInProgress names a task of the VM that ended long ago."""

    def change(_: Invocation, fault: Any) -> Any:
        if isinstance(fault, vim.fault.TaskInProgress) and fault.task is not None:
            ended = [task for task in vcenter.tasks.recent() if task.final]
            fault.task = ended[0].ref if ended else fault.task
        return fault

    instead_of_fault(vcenter, change)


@defect(row="CustomizeGuest_Task/CustomizationFault", source="S M")
def nic_counts_swapped(vcenter: VCenter) -> None:
    """NicSettingMismatch has its two counts in each other's place."""

    def make(_: Any, fault: Any) -> Any:
        if isinstance(fault, vim.fault.NicSettingMismatch):
            counts = fault.numberOfNicsInSpec, fault.numberOfNicsInVM
            fault.numberOfNicsInVM, fault.numberOfNicsInSpec = counts
        return fault

    unless("spec", vcenter, make)


@defect(row="EveryMethod/ManagedObjectNotFound", source="O")
def obj_names_the_manager(vcenter: VCenter) -> None:
    """ManagedObjectNotFound names the manager in obj, which is there, instead of the VM."""

    def change(_: Invocation, fault: Any) -> Any:
        if isinstance(fault, vmodl.fault.ManagedObjectNotFound) and isinstance(fault.obj, vim.VirtualMachine):
            return vmodl.fault.ManagedObjectNotFound(obj=vim.vm.GuestCustomizationManager("GuestCustomizationManager"))
        return fault

    instead_of_fault(vcenter, change)


@defect(row="EveryMethod/MethodNotFound", source="M V")
def method_names_another(vcenter: VCenter) -> None:
    """MethodNotFound names another method than the one that was called."""

    def change(_: Invocation, fault: Any) -> Any:
        if isinstance(fault, vmodl.fault.MethodNotFound):
            fault.method = "CustomizeVM_Task"
        return fault

    instead_of_fault(vcenter, change)


@defect(row="EveryMethod/NoPermission", source="O M")
def privilege_id_names_another(vcenter: VCenter) -> None:
    """NoPermission names a privilege that these methods do not need."""

    def change(_: Invocation, fault: Any) -> Any:
        if type(fault) is vim.fault.NoPermission:
            fault.privilegeId = "VirtualMachine.Interact.PowerOn"
            fault.missingPrivileges = []
        return fault

    instead_of_fault(vcenter, change)


@defect(row="EveryMethod/NoPermission", source="O M")
def no_permission_says_nothing(vcenter: VCenter) -> None:
    """NoPermission carries neither privilegeId nor missingPrivileges."""

    def change(_: Invocation, fault: Any) -> Any:
        if type(fault) is vim.fault.NoPermission:
            fault.privilegeId, fault.missingPrivileges = None, []
        return fault

    instead_of_fault(vcenter, change)


@defect(row="EveryMethod/ManagedObjectNotFound", source="O")
def gone_vm_ends_a_task(vcenter: VCenter) -> None:
    """A VM that is gone is accepted, and only the task says ManagedObjectNotFound."""
    usual = vcenter.decisions.serve

    def serve(call: Invocation, target: Any, arguments: dict[str, Any]) -> Any:
        try:
            return usual(call, target, arguments)
        except vmodl.fault.ManagedObjectNotFound as fault:
            if call.method not in {CUSTOMIZE, START_NETWORK, ABORT}:
                raise
            return _task_that_fails(vcenter, call, fault)

    vcenter.decisions.serve = serve


@defect(row="EveryMethod/NoPermission", source="O M")
def no_permission_ends_a_task(vcenter: VCenter) -> None:
    """A caller without the privilege is accepted, and only the task says NoPermission."""
    usual, serve_usually = vcenter.decisions.authorise, vcenter.decisions.serve
    denied: list[Any] = []

    def authorise(session: Any, info: Any, this: Any, arguments: dict[str, Any]) -> None:
        denied.clear()
        try:
            usual(session, info, this, arguments)
        except vim.fault.NoPermission as fault:
            if info.wsdlName not in {CUSTOMIZE, START_NETWORK, ABORT}:
                raise
            denied.append(fault)

    def serve(call: Invocation, target: Any, arguments: dict[str, Any]) -> Any:
        if denied and call.method in {CUSTOMIZE, START_NETWORK, ABORT}:
            return _task_that_fails(vcenter, call, denied.pop())
        return serve_usually(call, target, arguments)

    vcenter.decisions.authorise, vcenter.decisions.serve = authorise, serve


def _task_that_fails(vcenter: VCenter, call: Invocation, fault: Any) -> Any:
    def body() -> None:
        raise fault

    entity = vcenter.registry.of_type(VirtualMachine)[0]
    return vcenter.tasks.start(call, entity, name=call.method, description_id="", body=body).ref


def _nothing() -> None:
    """Do what a task does that is only there to be named."""
