"""Variants of the faults: of several that are permitted another one, other fields filled, other words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyVmomi import vim, vmodl

from vcontract._simulator.behaviour import raise_instead
from vcontract._simulator.guest.operations import ABORT, CUSTOMIZE, START_NETWORK, Attempt
from vcontract._simulator.guest.state import Engine, Lock, ToolsPhase
from vcontract._simulator.messages import describe
from vcontract._simulator.variants.registry import variant

if TYPE_CHECKING:
    from collections.abc import Callable

    from vcontract._simulator.objects import Invocation, ManagedObject
    from vcontract._simulator.vcenter import VCenter

METHODS = {CUSTOMIZE, START_NETWORK, ABORT}


def _instead(vcenter: VCenter, name: str, make: Callable[[Attempt, Any], Any]) -> None:
    """Raise another fault where a check raises one."""
    raise_instead(vcenter, name, vmodl.MethodFault, make)


def _in_fault(vcenter: VCenter, change: Callable[[Any], Any]) -> None:
    """Change the synchronous faults of the three methods."""
    usual = vcenter.decisions.fault

    def fault(call: Invocation, raised: Any) -> Any:
        written = usual(call, raised)
        return change(written) if call.method in METHODS else written

    vcenter.decisions.fault = fault


@variant
def busy_is_invalid_state(vcenter: VCenter) -> None:
    """A busy VM is always answered with InvalidState, never with TaskInProgress."""
    for name in ("busy", "beside"):
        _instead(vcenter, name, lambda _, __: vim.fault.InvalidState())


@variant
def off_is_invalid_state(vcenter: VCenter) -> None:
    """A VM that is not on is always answered with InvalidState, never with InvalidPowerState."""
    _instead(vcenter, "power", lambda _, __: vim.fault.InvalidState())


@variant
def held_lock_is_customization_pending(vcenter: VCenter) -> None:
    """A second customization beside one that runs ends in CustomizationPending."""
    _held(vcenter, vim.fault.CustomizationPending)


@variant
def held_lock_is_customization_fault(vcenter: VCenter) -> None:
    """A second customization beside one that runs ends in CustomizationFault."""
    _held(vcenter, vim.fault.CustomizationFault)


def _held(vcenter: VCenter, make: Callable[[], Any]) -> None:
    decide = vcenter.decisions
    beside = decide.at_call.pop("beside")

    def check(attempt: Attempt) -> None:
        try:
            beside(attempt)
        except vim.fault.TaskInProgress:
            customizes = any(operation.method == CUSTOMIZE for operation in attempt.machine.guest_operations)
            may = attempt.account is not None and attempt.account.root
            if attempt.method == CUSTOMIZE and customizes and not may:
                return  # without the privilege the call does not reveal the lock; its task ends in the fault
            if attempt.method == CUSTOMIZE and customizes:
                raise make() from None
            raise

    decide.at_call["beside"] = (
        check  # it now follows the check of the login, so that only accepted logins learn of the lock
    )


@variant
def orphaned_lock_is_invalid_state(vcenter: VCenter) -> None:
    """A lock that a customization left behind is answered with InvalidState."""
    _instead(vcenter, "lock", lambda _, __: vim.fault.InvalidState())


@variant
def orphaned_lock_is_customization_pending(vcenter: VCenter) -> None:
    """A lock that a customization left behind is answered with CustomizationPending."""
    _instead(vcenter, "lock", lambda _, __: vim.fault.CustomizationPending())


@variant
def orphaned_lock_is_overrun(vcenter: VCenter) -> None:
    """A lock that a customization left behind is taken over by the next one."""

    def check(attempt: Attempt) -> None:
        if attempt.machine.guest.lock is Lock.ORPHANED:
            attempt.machine.guest.lock = Lock.FREE

    vcenter.decisions.at_start["lock"] = check


@variant
def missing_engine_is_uncustomizable_guest(vcenter: VCenter) -> None:
    """A guest without an engine is answered with UncustomizableGuest."""
    fault = vim.fault.UncustomizableGuest
    _instead(
        vcenter,
        "engine",
        lambda attempt, _: fault(uncustomizableGuestOS=attempt.machine.guest.guest_id, msg="no engine"),
    )


@variant
def only_customizing_needs_the_engine(vcenter: VCenter) -> None:
    """Starting the network and aborting work without an engine."""
    usual = vcenter.decisions.at_start["engine"]

    def check(attempt: Attempt) -> None:
        if attempt.method == CUSTOMIZE or attempt.machine.guest.engine is Engine.OK:
            usual(attempt)

    vcenter.decisions.at_start["engine"] = check


@variant
def missing_tools_is_uncustomizable_guest(vcenter: VCenter) -> None:
    """A guest that never had Tools is answered with UncustomizableGuest."""

    def make(attempt: Attempt, fault: Any) -> Any:
        guest = attempt.machine.guest
        if guest.tools is not ToolsPhase.ABSENT:
            return fault
        return vim.fault.UncustomizableGuest(uncustomizableGuestOS=guest.guest_id)

    _instead(vcenter, "tools", make)


@variant
def tools_down_is_a_vix_error(vcenter: VCenter) -> None:
    """A guest whose Tools do not run is answered with SystemError, whose reason names the codes of the guest agent."""
    _instead(vcenter, "tools", lambda _, __: vmodl.fault.SystemError(reason="vix error codes = (3016, 0)."))


@variant
def tools_down_is_guest_operations_unavailable(vcenter: VCenter) -> None:
    """A guest whose Tools do not run is answered with GuestOperationsUnavailable."""
    _instead(vcenter, "tools", lambda _, __: vim.fault.GuestOperationsUnavailable())


@variant
def template_is_not_supported(vcenter: VCenter) -> None:
    """A template is answered with NotSupported."""
    _instead(vcenter, "power", lambda attempt, fault: vmodl.fault.NotSupported() if attempt.machine.template else fault)


@variant
def lost_host_is_not_reachable(vcenter: VCenter) -> None:
    """A VM whose host is lost is answered with HostNotReachable."""
    _instead(vcenter, "host", lambda _, __: vmodl.fault.HostNotReachable())


@variant
def every_bad_specification_is_customization_fault(vcenter: VCenter) -> None:
    """Whatever is wrong with a specification, the fault is CustomizationFault."""
    _instead(vcenter, "spec", lambda _, fault: vim.fault.CustomizationFault(msg=describe(fault)))


@variant
def every_bad_specification_is_invalid_argument(vcenter: VCenter) -> None:
    """Whatever is wrong with a specification, the fault is InvalidArgument."""
    _instead(vcenter, "spec", lambda _, __: vmodl.fault.InvalidArgument(invalidProperty="spec"))


@variant
def nothing_to_abort_is_invalid_state(vcenter: VCenter) -> None:
    """An abort is refused with InvalidState if neither a customization runs nor a lock is held."""

    def check(attempt: Attempt) -> None:
        runs = any(operation.method != ABORT for operation in attempt.machine.guest_operations)
        if attempt.method == ABORT and not runs and attempt.machine.guest.lock is Lock.FREE:
            raise vim.fault.InvalidState

    vcenter.decisions.at_start["planned"] = check


@variant
def malformed_is_invalid_type(vcenter: VCenter) -> None:
    """A request that is not of the schema is answered with InvalidType."""
    _in_fault(
        vcenter,
        lambda fault: (
            vmodl.fault.InvalidType(argument="auth", msg=fault.msg)
            if type(fault) is vmodl.fault.InvalidRequest
            else fault
        ),
    )


@variant
def unknown_method_is_invalid_request(vcenter: VCenter) -> None:
    """A method newer than the client is answered with InvalidRequest."""
    _in_fault(
        vcenter,
        lambda fault: (
            vmodl.fault.InvalidRequest(msg="Unable to resolve WSDL method name")
            if isinstance(fault, vmodl.fault.MethodNotFound)
            else fault
        ),
    )


@variant
def optional_fields_of_faults_unset(vcenter: VCenter) -> None:
    """Faults carry only what they must: no requestedState, and a privilege in one of two places."""

    def change(fault: Any) -> Any:
        if isinstance(fault, vim.fault.InvalidPowerState):
            fault.requestedState = None
        elif type(fault) is vim.fault.NoPermission:
            fault.privilegeId = fault.object = None
        return fault

    _in_fault(vcenter, change)


@variant
def task_in_progress_names_a_forgotten_task(vcenter: VCenter) -> None:
    """TaskInProgress names a task that nobody can read any more."""

    def change(fault: Any) -> Any:
        if isinstance(fault, vim.fault.TaskInProgress):
            fault.task = vim.Task("task-999999")
        return fault

    _in_fault(vcenter, change)


@variant
def words_are_german(vcenter: VCenter) -> None:
    """Every fault is worded in the locale de, whatever the client asked for."""
    _worded(vcenter, lambda fault: f"Vorgang nicht möglich (»{type(fault).__name__}«), bitte später erneut versuchen.")


@variant
def words_are_catalogue_keys(vcenter: VCenter) -> None:
    """Faults carry the raw keys of the message catalogue, as real servers have been seen to do."""
    _worded(vcenter, lambda fault: f"fault.{type(fault).__name__.rpartition('.')[2]}.summary")


def _worded(vcenter: VCenter, word: Callable[[Any], str]) -> None:
    shown_usually = vcenter.decisions.shown

    def change(fault: Any) -> Any:
        fault.msg = word(fault)
        return fault

    def shown(owner: ManagedObject, name: str, value: Any, call: Invocation) -> Any:
        value = shown_usually(owner, name, value, call)
        if name == "info" and getattr(value, "error", None) is not None:
            value.error.msg = word(value.error)
        return value

    _in_fault(vcenter, change)
    vcenter.decisions.shown = shown
