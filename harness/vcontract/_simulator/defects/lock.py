"""Defects of the guest lock, and of who may run beside whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyVmomi import vim

from vcontract._simulator.defects.planting import after, one, outlast, refuse, skip
from vcontract._simulator.defects.registry import defect
from vcontract._simulator.guest import operations
from vcontract._simulator.guest.operations import ABORT, CUSTOMIZE, START_NETWORK, nothing
from vcontract._simulator.guest.spec_rules import customization_fault
from vcontract._simulator.guest.state import Lock

if TYPE_CHECKING:
    from vcontract._simulator.guest.operations import Attempt
    from vcontract._simulator.vcenter import VCenter
    from vcontract._simulator.virtual_machine.machine import Machine


@defect(row="CustomizeGuest_Task/TaskInProgress", source="S M")
def two_customizations_at_once(vcenter: VCenter) -> None:
    """A second customization is accepted beside the first, and succeeds while the first one goes on and succeeds, too."""
    skip(vcenter, "beside", one(CUSTOMIZE))
    skip(vcenter, "lock", one(CUSTOMIZE))
    outlast(vcenter)


@defect(row="CustomizeGuest_Task/TaskInProgress", source="S M")
def lock_never_taken(vcenter: VCenter) -> None:
    """A customization does not take the lock, so that a second one is done before the first has ended."""
    skip(vcenter, "beside", one(CUSTOMIZE))
    vcenter.decisions.begin[CUSTOMIZE] = nothing
    outlast(vcenter)


@defect(row="CustomizeGuest_Task/TaskInProgress", source="S M")
def lock_freed_early(vcenter: VCenter) -> None:
    """A customization gives the lock back early, and another that begins then is done before the first has ended."""
    half = vcenter.decisions.lasts[CUSTOMIZE] * vcenter.settings.task_time / 8

    def free(attempt: Attempt) -> None:
        def later() -> None:
            attempt.machine.guest.lock = Lock.FREE

        vcenter.timeline.after(half, later)

    after(vcenter.decisions.begin, [CUSTOMIZE], free)
    outlast(vcenter)
    skip(vcenter, "beside", lambda attempt: attempt.method == CUSTOMIZE and attempt.machine.guest.lock is Lock.FREE)


@defect(row="CustomizeGuest_Task/Success", source="S M")
def lock_never_freed(vcenter: VCenter) -> None:
    """A customization that succeeds keeps the lock for ever."""

    def keep(attempt: Attempt) -> None:
        attempt.machine.guest.lock = Lock.ORPHANED

    after(vcenter.decisions.end, [CUSTOMIZE], keep)


@defect(row="AbortCustomization_Task/Success", source="S M")
def abort_does_nothing(vcenter: VCenter) -> None:
    """AbortCustomization_Task succeeds, and neither ends the customization nor removes the lock."""
    vcenter.decisions.begin[ABORT] = nothing
    vcenter.decisions.end[ABORT] = nothing


@defect(row="AbortCustomization_Task/Success", source="S M")
def abort_does_not_end_the_customization(vcenter: VCenter) -> None:
    """AbortCustomization_Task removes the lock, and the customization goes on and succeeds."""
    vcenter.decisions.begin[ABORT] = nothing
    vcenter.decisions.lasts[CUSTOMIZE] *= 2  # else it might have ended by itself before the abort has


@defect(row="AbortCustomization_Task/Success", source="S M")
def abort_leaves_an_orphaned_lock(vcenter: VCenter) -> None:
    """AbortCustomization_Task ends a customization, but a lock that nobody owns stays."""

    def end(attempt: Attempt) -> None:
        if attempt.machine.guest.lock is not Lock.ORPHANED:
            operations.end_abort(attempt)

    vcenter.decisions.end[ABORT] = end


@defect(row="AbortCustomization_Task/Success", source="S M")
def aborted_customization_keeps_its_lock(vcenter: VCenter) -> None:
    """The lock of a customization that an abort has cut stays, while one that was orphaned is removed."""
    usual = vcenter.decisions.lock_after
    cut: set[str] = set()

    def lock_after(machine: Machine, fault: Exception) -> Lock:
        if "aborted" not in str(getattr(fault, "msg", "")):
            return usual(machine, fault)
        cut.add(machine.moid)
        return Lock.ORPHANED

    def end(attempt: Attempt) -> None:
        if attempt.machine.moid in cut:
            cut.discard(attempt.machine.moid)
        else:
            operations.end_abort(attempt)

    vcenter.decisions.lock_after = lock_after
    vcenter.decisions.end[ABORT] = end


@defect(row="AbortCustomization_Task/Success", source="S M")
def aborted_network_start_keeps_its_lock(vcenter: VCenter) -> None:
    """The lock of a network start that an abort has cut stays for good, over that abort and the next ones."""
    cut: set[str] = set()
    usual = vcenter.decisions.end[ABORT]

    def lock_after(machine: Machine, fault: Exception) -> Lock:
        if "aborted" not in str(getattr(fault, "msg", "")):
            return Lock.FREE
        cut.add(machine.moid)
        return Lock.ORPHANED

    def end(attempt: Attempt) -> None:
        usual(attempt)
        if attempt.machine.moid in cut:
            attempt.machine.guest.lock = Lock.ORPHANED

    vcenter.decisions.start_lock_after = lock_after
    vcenter.decisions.end[ABORT] = end


@defect(row="AbortCustomization_Task/Success", source="S M")
def abort_waits_for_the_customization(vcenter: VCenter) -> None:
    """AbortCustomization_Task is refused with TaskInProgress as long as a customization runs, so that it aborts none."""

    def check(attempt: Attempt) -> None:
        for operation in attempt.machine.guest_operations:
            raise vim.fault.TaskInProgress(task=operation.task.ref)

    vcenter.decisions.at_call["beside"] = check


@defect(row="AbortCustomization_Task/Success", source="S M")
def abort_of_an_orphaned_lock_is_refused(vcenter: VCenter) -> None:
    """AbortCustomization_Task is refused with CustomizationFault if only a lock is left and no task runs."""
    refuse(
        vcenter,
        lambda attempt: (
            attempt.method == ABORT
            and attempt.account is not None
            and attempt.account.root
            and attempt.machine.guest.lock is Lock.ORPHANED
        ),
        lambda: customization_fault("There is no customization."),
    )


@defect(row="AbortCustomization_Task/Success", source="S M")
def second_abort_fails(vcenter: VCenter) -> None:
    """A second AbortCustomization_Task with nothing in between ends in CustomizationFault."""
    last: dict[str, str] = {}

    def note(attempt: Attempt) -> None:
        last[attempt.machine.moid] = attempt.method

    def check(attempt: Attempt) -> None:
        if attempt.method == ABORT and last.get(attempt.machine.moid) == ABORT:
            raise customization_fault("Nothing to abort.")

    vcenter.decisions.at_start["planted"] = check
    after(vcenter.decisions.end, [CUSTOMIZE, START_NETWORK, ABORT], note)


@defect(row="AbortCustomization_Task/Success", source="S M")
def no_customization_after_an_abort(vcenter: VCenter) -> None:
    """A guest whose customization was aborted refuses the next two CustomizeGuest_Task, of which one should repair it."""
    left: dict[str, int] = {}

    def note(attempt: Attempt) -> None:
        if any(operation.method == CUSTOMIZE for operation in attempt.machine.guest_operations):
            left[attempt.machine.moid] = 2

    usual = vcenter.decisions.begin[ABORT]

    def begin(attempt: Attempt) -> Any:
        note(attempt)
        return usual(attempt)

    def check(attempt: Attempt) -> None:
        if attempt.method == CUSTOMIZE and left.get(attempt.machine.moid):
            left[attempt.machine.moid] -= 1
            raise customization_fault("The guest is in an undefined state.")

    vcenter.decisions.begin[ABORT] = begin
    vcenter.decisions.at_start["planted"] = check


@defect(row="CustomizeGuest_Task/Success", source="S M")
def lock_stays_over_an_abort_after_a_failure(vcenter: VCenter) -> None:
    """A customization that a power loss cut leaves a lock that not even AbortCustomization_Task removes."""
    stuck: set[str] = set()
    usual = vcenter.decisions.lock_after

    def lock_after(machine: Machine, fault: Exception) -> Lock:
        if isinstance(fault, vim.fault.InvalidState):
            stuck.add(machine.moid)
        return usual(machine, fault)

    def check(attempt: Attempt) -> None:
        if attempt.method == CUSTOMIZE and attempt.machine.moid in stuck:
            raise customization_fault("Another customization holds the guest lock.")

    vcenter.decisions.lock_after = lock_after
    vcenter.decisions.at_start["lock"] = check


@defect(row="StartGuestNetwork_Task/TaskInProgress", source="S M")
def busy_vm_is_not_noticed(vcenter: VCenter) -> None:
    """StartGuestNetwork_Task runs beside an exclusive task of the VM."""
    skip(vcenter, "busy", one(START_NETWORK))


@defect(row="CustomizeGuest_Task/TaskInProgress", source="S M")
def task_in_progress_for_ever(vcenter: VCenter) -> None:
    """After its first customization a VM counts as busy for good."""
    first: dict[str, Any] = {}

    def note(attempt: Attempt) -> None:
        operation = attempt.machine.guest_operations
        if operation:
            first.setdefault(attempt.machine.moid, operation[0].task.ref)

    after(vcenter.decisions.end, [CUSTOMIZE], note)
    usual = vcenter.decisions.at_call["beside"]

    def check(attempt: Attempt) -> None:
        usual(attempt)
        if attempt.method == CUSTOMIZE and attempt.machine.moid in first:
            raise vim.fault.TaskInProgress(task=first[attempt.machine.moid])

    vcenter.decisions.at_call["beside"] = check
