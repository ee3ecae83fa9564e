"""The checks and acts of the three guest operations, one small function each; `decisions` says when each is called.

A check raises the fault of its precondition; an act changes the machine. No source says in which order checks are made,
nor which belong to the call and which to the task: both are decided per vCenter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyVmomi import vim

from vcontract._simulator.guest import engine
from vcontract._simulator.guest.spec_rules import Subject, check, customization_fault
from vcontract._simulator.guest.state import Customization, Lock, Written
from vcontract._simulator.virtual_machine.machine import POWERED_ON, Machine

if TYPE_CHECKING:
    from vcontract._simulator.guest.accounts import GuestAccount
    from vcontract._simulator.objects import Invocation
    from vcontract._simulator.vcenter import VCenter

CUSTOMIZE, START_NETWORK, ABORT = "CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task"
BOOT = "boot"
"""Beside START_NETWORK the other moment at which a guest takes up what a customization has written."""


@dataclass(frozen=True)
class Attempt:
    """One call of a guest operation: who calls, on which machine, with which guest credentials and specification."""

    call: Invocation
    machine: Machine
    auth: Any
    spec: Any = None

    @property
    def method(self) -> str:
        """The operation, by its WSDL name."""
        return self.call.method

    @property
    def vcenter(self) -> VCenter:
        """The vCenter that is called."""
        return self.machine.vcenter

    @property
    def account(self) -> GuestAccount | None:
        """The account of the guest that the credentials stand for; None if the guest does not accept them."""
        try:
            return self.machine.guest.accounts.login(self.auth)
        except vim.fault.InvalidGuestLogin:
            return None


Check = Callable[[Attempt], None]
Act = Callable[[Attempt], Any]


def host_answers(attempt: Attempt) -> None:
    """Raise HostNotConnected if vCenter has lost the machine's host."""
    attempt.machine.refuse_if_unreachable()


def is_powered_on(attempt: Attempt) -> None:
    """Raise InvalidPowerState unless the machine is on; a template is off."""
    attempt.machine.require_power(POWERED_ON, POWERED_ON)


def tools_run(attempt: Attempt) -> None:
    """Raise InvalidState unless Tools run and the guest agent answers, which a frozen guest cannot."""
    if attempt.machine.frozen or not attempt.machine.ready:
        raise vim.fault.InvalidState


def is_not_busy(attempt: Attempt) -> None:
    """Raise TaskInProgress beside an exclusive task."""
    attempt.machine.refuse_if_busy()


def stands_alone(attempt: Attempt) -> None:
    """Raise TaskInProgress beside another guest operation; only an abort may join a customization or network start."""
    for operation in attempt.machine.guest_operations:
        if operation.attempt is attempt:
            return  # operations that were accepted later make this check themselves
        if attempt.method != ABORT or operation.method == ABORT:
            raise vim.fault.TaskInProgress(task=operation.task.ref)


def login_is_accepted(attempt: Attempt) -> None:
    """Raise InvalidGuestLogin unless the guest accepts the credentials."""
    attempt.machine.guest.accounts.login(attempt.auth)


def user_may_customize(attempt: Attempt) -> None:
    """Raise GuestPermissionDenied if the account may not administer the guest; rejected credentials have no account."""
    account = attempt.account
    if account is not None and not account.root:
        raise vim.fault.GuestPermissionDenied


def specification_fits(attempt: Attempt) -> None:
    """Raise the fault of the first rule that the specification breaks, if the operation has one."""
    if attempt.method == CUSTOMIZE:
        machine = attempt.machine
        check(Subject(attempt.spec, machine.guest.family, machine.guest.guest_id, len(machine.nics)))


def engine_works(attempt: Attempt) -> None:
    """Raise CustomizationFault or UnexpectedCustomizationFault if the engine is absent or broken."""
    engine.require_engine(attempt.machine.guest)


def lock_is_free(attempt: Attempt) -> None:
    """Raise CustomizationFault if a customization that has ended left its lock behind."""
    if attempt.method == CUSTOMIZE:
        engine.require_free_lock(attempt.machine.guest)


def begin_customization(attempt: Attempt) -> None:
    """Take the lock."""
    machine = attempt.machine
    machine.guest.lock = Lock.HELD
    machine.guest.customization = Customization("TOOLSDEPLOYPKG_RUNNING", attempt.vcenter.timeline.datetime())
    machine.changed()


def end_customization(attempt: Attempt) -> None:
    """Apply the specification to the guest and free the lock."""
    machine = attempt.machine
    attempt.vcenter.decisions.apply(machine, attempt.spec)
    machine.guest.lock = Lock.FREE
    machine.guest.customization.status = "TOOLSDEPLOYPKG_SUCCEEDED"
    machine.guest.customization.end = attempt.vcenter.timeline.datetime()
    machine.changed()


def written_for(machine: Machine, spec: Any) -> Written:
    """Give what the engine makes of a specification."""
    return engine.written(machine.guest, spec, machine.name)


def write_specification(machine: Machine, spec: Any) -> None:
    """Write to the guest what the specification says, for its next network start or boot."""
    machine.guest.written = machine.vcenter.decisions.written(machine, spec)


def apply_specification(machine: Machine, spec: Any) -> None:
    """Change the guest at once as the specification says; a lease is only asked for when the network starts."""
    write_specification(machine, spec)
    machine.guest.take_up()


def take_up(machine: Machine, moment: str) -> None:
    """Let the guest take up name and network at a moment: when its network starts, or when it boots."""
    del moment
    machine.guest.take_up()


def begin_network_start(attempt: Attempt) -> None:
    """Take the lock, unless it was left behind: then the network starts all the same."""
    if attempt.machine.guest.lock is Lock.FREE:
        attempt.machine.guest.lock = Lock.HELD
    attempt.machine.changed()


def end_network_start(attempt: Attempt) -> None:
    """Take up what is written, give each connected NIC its configured address or a lease, and free the lock."""
    machine = attempt.machine
    attempt.vcenter.decisions.take_up(machine, START_NETWORK)
    machine.guest.network.start(machine.nics)
    if machine.guest.lock is Lock.HELD:
        machine.guest.lock = Lock.FREE
    machine.changed()


def begin_abort(attempt: Attempt) -> None:
    """End the customization or network start that runs, whoever began it."""
    for operation in list(attempt.machine.guest_operations):
        if operation.method != ABORT and operation.attempt is not attempt:
            attempt.machine.fail(operation, customization_fault("Customization was aborted."))


def end_abort(attempt: Attempt) -> None:
    """Remove the lock."""
    attempt.machine.guest.lock = Lock.FREE
    attempt.machine.changed()


def clean_up(attempt: Attempt) -> None:
    """Free the lock that a cancelled customization or network start holds."""
    if attempt.method != ABORT and attempt.machine.guest.lock is Lock.HELD:
        attempt.machine.guest.lock = Lock.FREE


def nothing(_: Attempt) -> None:
    """Do nothing."""
