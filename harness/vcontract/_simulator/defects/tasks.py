"""Defects of the tasks: how they begin, end, and show themselves."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pyVmomi import vim, vmodl

from vcontract._simulator.defects.planting import METHODS, READS, in_reply, in_task_info
from vcontract._simulator.defects.registry import defect
from vcontract._simulator.guest.operations import ABORT, CUSTOMIZE, START_NETWORK, Attempt
from vcontract._simulator.task import Task
from vcontract._simulator.virtual_machine import VirtualMachine

if TYPE_CHECKING:
    from vcontract._simulator.objects import Invocation, ManagedObject
    from vcontract._simulator.vcenter import VCenter

NEVER = 1e6


@defect(row="StartGuestNetwork_Task/result", source="S M")
def task_never_ends(vcenter: VCenter) -> None:
    """The task of StartGuestNetwork_Task stays running for ever."""
    vcenter.decisions.lasts[START_NETWORK] = NEVER / vcenter.settings.task_time


@defect(row="CustomizeGuest_Task/result", source="S M")
def task_never_ends_in_error(vcenter: VCenter) -> None:
    """A task that should end in error stays running instead."""

    def change(_: Task, info: Any) -> None:
        if info.state == "error":
            info.state, info.error, info.completeTime = "running", None, None

    in_task_info(vcenter, change)


@defect(row="CustomizeGuest_Task/result", source="S M")
def task_error_without_a_fault(vcenter: VCenter) -> None:
    """A task ends in state error and carries no error."""

    def change(_: Task, info: Any) -> None:
        info.error = None

    in_task_info(vcenter, change)


@defect(row="CustomizeGuest_Task/result", source="S M")
def task_success_with_a_fault(vcenter: VCenter) -> None:
    """A task ends in state success and carries an error."""

    def change(_: Task, info: Any) -> None:
        if info.state == "success":
            info.error = vim.fault.CustomizationFault()

    in_task_info(vcenter, change)


@defect(row="AbortCustomization_Task/GuestPermissionDenied", source="S M")
def task_success_in_place_of_error(vcenter: VCenter) -> None:
    """The task of an abort that was refused in the guest says success."""

    def change(task: Task, info: Any) -> None:
        if task.plan.name == ABORT and info.state == "error":
            info.state, info.error = "success", None

    in_task_info(vcenter, change)


@defect(row="CustomizeGuest_Task/result", source="S M")
def task_result_is_the_vm(vcenter: VCenter) -> None:
    """The task's result is the VM, where void is promised."""

    def change(task: Task, info: Any) -> None:
        if info.state == "success":
            info.result = task.entity.ref

    in_task_info(vcenter, change)


@defect(row="CustomizeGuest_Task/result", source="S M")
def task_completes_before_it_starts(vcenter: VCenter) -> None:
    """A task's completeTime is an hour before its startTime."""

    def change(_: Task, info: Any) -> None:
        if info.completeTime is not None and info.startTime is not None:
            info.completeTime = info.startTime - timedelta(hours=1)

    in_task_info(vcenter, change)


@defect(row="CustomizeGuest_Task/result", source="S M")
def task_leaves_its_final_state(vcenter: VCenter) -> None:
    """A task that was read in its final state is read running after that."""
    read: dict[str, int] = {}

    def change(task: Task, info: Any) -> None:
        if task.final:
            read[task.moid] = read.get(task.moid, 0) + 1
            if read[task.moid] > 1:
                info.state, info.error, info.completeTime = "running", None, None

    in_task_info(vcenter, change, READS)


@defect(row="CustomizeGuest_Task/result", source="S M")
def task_error_turns_into_success(vcenter: VCenter) -> None:
    """A task that was read in state error is read in state success after that."""
    read: set[str] = set()

    def change(task: Task, info: Any) -> None:
        if info.state == "error" and task.moid in read:
            info.state, info.error = "success", None
        elif info.state == "error":
            read.add(task.moid)

    in_task_info(vcenter, change, READS)


@defect(row="StartGuestNetwork_Task/result", source="S M")
def task_goes_back_to_queued(vcenter: VCenter) -> None:
    """A running task is read queued again in its second half."""

    def change(_: Task, info: Any) -> None:
        if info.state == "running" and (info.progress or 0) >= 50:
            info.state = "queued"

    in_task_info(vcenter, change)


@defect(row="AbortCustomization_Task/result", source="S M")
def task_is_hidden_from_its_caller(vcenter: VCenter) -> None:
    """The task of an abort cannot be read by the session that was given it."""
    usual = vcenter.decisions.shown

    def shown(owner: ManagedObject, name: str, value: Any, call: Invocation) -> Any:
        if isinstance(owner, Task) and owner.plan.name == ABORT:
            raise vmodl.fault.ManagedObjectNotFound(obj=owner.ref)
        return usual(owner, name, value, call)

    vcenter.decisions.shown = shown


@defect(row="CustomizeGuest_Task/result", source="S M")
def reference_is_an_sms_task(vcenter: VCenter) -> None:
    """The reference in the reply is of type SmsTask, as the page's heading has it."""

    def change(_: Invocation, reply: Any) -> Any:
        body = reply.body.replace(b'type="Task"', b'type="SmsTask"')
        return type(reply)(reply.status, body, reply.headers, reply.content_type, reply.close)

    in_reply(vcenter, change)


@defect(row="CustomizeGuest_Task/result", source="S M")
def reference_is_the_vm(vcenter: VCenter) -> None:
    """The reply to CustomizeGuest_Task holds the VM, not a task."""
    usual = vcenter.decisions.reference

    def reference(task: Task) -> Any:
        return task.entity.ref if task.plan.name == CUSTOMIZE else usual(task)

    vcenter.decisions.reference = reference


@defect(row="CustomizeGuest_Task/GuestPermissionDenied", source="S M")
def refused_call_leaves_a_task(vcenter: VCenter) -> None:
    """A call that is refused at once has begun a task all the same, and the task customizes the guest."""
    usual = vcenter.decisions.serve

    def serve(call: Invocation, target: ManagedObject, arguments: dict[str, Any]) -> Any:
        try:
            return usual(call, target, arguments)
        except vim.fault.InvalidGuestLogin:
            if call.method in METHODS:
                attempt = Attempt(call, vcenter.resolve(arguments["vm"]), None, arguments.get("spec"))
                _run_unseen(vcenter, attempt)
            raise

    vcenter.decisions.serve = serve


def _run_unseen(vcenter: VCenter, attempt: Attempt) -> None:
    def body() -> None:
        if attempt.spec is not None and len(attempt.spec.nicSettingMap) == len(attempt.machine.nics):
            vcenter.decisions.apply(attempt.machine, attempt.spec)

    vcenter.tasks.start(attempt.call, attempt.machine, name=attempt.method, description_id="", body=body, duration=0.0)


@defect(row="CustomizeGuest_Task/Success", source="S M")
def task_ends_before_its_work(vcenter: VCenter) -> None:
    """The task of CustomizeGuest_Task says success long before the guest is customized."""
    usual = vcenter.decisions.end[CUSTOMIZE]

    def end(attempt: Attempt) -> None:
        vcenter.timeline.after(40 * vcenter.settings.task_time, lambda: usual(attempt))

    vcenter.decisions.end[CUSTOMIZE] = end


@defect(row="CustomizeGuest_Task/result", source="S M")
def one_task_for_all(vcenter: VCenter) -> None:
    """Every call on a VM is given the reference of the first task that ever ran on it."""
    first: dict[str, Any] = {}

    def reference(task: Task) -> Any:
        assert isinstance(task.entity, VirtualMachine)
        return first.setdefault(task.entity.moid, task.ref)

    vcenter.decisions.reference = reference
