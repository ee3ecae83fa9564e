"""Defects that only several clients at the same time see: to one that waits for each answer all is well, or nearly.

Each request is handled whole, so the windows in which clients get into each other's way are opened on purpose, and are
measured in task times. "Another" client is one with another session.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any

from pyVmomi import vim

from vcontract._simulator.defects.planting import METHODS, after, outlast, skip, unless
from vcontract._simulator.defects.registry import defect
from vcontract._simulator.defects.windows import (
    Held,
    checks,
    in_two_steps,
    session_of,
    sessions_by_task,
    skip_held_lock,
)
from vcontract._simulator.guest.operations import ABORT, CUSTOMIZE, Attempt
from vcontract._simulator.guest.spec_rules import customization_fault
from vcontract._simulator.guest.state import Lock
from vcontract._simulator.pending import NotYet, Pending
from vcontract._simulator.task import Task
from vcontract._simulator.virtual_machine import VirtualMachine

if TYPE_CHECKING:
    from vcontract._simulator.objects import Invocation, ManagedObject, Session
    from vcontract._simulator.vcenter import VCenter
    from vcontract._simulator.virtual_machine.machine import Machine

ORDER, NAMED, EFFECTS, TASKS, SESSIONS = "legal-order", "blamed-task", "guest-names", "kept-tasks", "own-sessions"
ONE = "one-customization"
"""The guarantees by which these defects are seen, by the names that the judge of concurrent histories gives them."""
_MANY = 64


# between a check and an act


@defect("CustomizeGuest_Task/TaskInProgress", "S M", seen_by=ONE)
def lock_is_checked_before_it_is_taken(vcenter: VCenter) -> None:
    """Between the checks of CustomizeGuest_Task and its task a moment passes, in which another one passes its checks too."""
    checked = in_two_steps(vcenter, [CUSTOMIZE], checks)
    skip(vcenter, "beside", checked)
    skip_held_lock(vcenter, checked)
    outlast(vcenter)


@defect("CustomizeGuest_Task/InvalidPowerState", "S", seen_by=ORDER)
def power_is_checked_before_it_is_pulled(vcenter: VCenter) -> None:
    """Between the checks of CustomizeGuest_Task and its task a moment passes; a VM that is powered off in it is customized."""
    checked = in_two_steps(vcenter, [CUSTOMIZE], checks, 3.0)  # a power operation must fit in
    for name in ("power", "tools", "busy"):
        skip(vcenter, name, checked)


@defect("CustomizeGuest_Task/TaskInProgress", "S M", seen_by=ONE)
def each_session_has_its_own_lock(vcenter: VCenter) -> None:
    """A customization is refused only beside one of the same session: one of another session begins beside it."""

    def alone(attempt: Attempt) -> bool:
        return attempt.method == CUSTOMIZE and not any(
            session_of(operation) is attempt.call.session for operation in attempt.machine.guest_operations
        )

    skip(vcenter, "beside", alone)
    skip_held_lock(vcenter, lambda _: True)
    outlast(vcenter)


@defect("CustomizeGuest_Task/TaskInProgress", "S M", seen_by=ONE)
def refused_call_frees_the_lock(vcenter: VCenter) -> None:
    """A customization that is refused beside another client's gives back the lock that it never had: a third one begins."""
    usual = vcenter.decisions.at_call["beside"]

    def check(attempt: Attempt) -> None:
        try:
            usual(attempt)
        except vim.fault.TaskInProgress:
            operations = attempt.machine.guest_operations
            for operation in [running for running in operations if attempt.method == CUSTOMIZE == running.method]:
                if session_of(operation) is not attempt.call.session:
                    operations.remove(operation)
                    attempt.machine.guest.lock = Lock.FREE
                    if operation.task.runs:  # so long that a third one fits inside
                        operation.task.put_off(2 * vcenter.decisions.lasts[CUSTOMIZE] * vcenter.settings.task_time)
            raise

    vcenter.decisions.at_call["beside"] = check


@defect("CustomizeGuest_Task/Success", "S M", seen_by=ORDER)
def lock_is_freed_by_the_task_of_another_vm(vcenter: VCenter) -> None:
    """A customization that ends while one of another VM runs frees that VM's lock, and its own VM stays locked."""
    begun: deque[Machine] = deque(maxlen=_MANY)
    after(vcenter.decisions.begin, [CUSTOMIZE], lambda attempt: begun.append(attempt.machine))

    def swap(attempt: Attempt) -> None:
        others = [machine for machine in begun if machine is not attempt.machine and machine.guest.lock is Lock.HELD]
        if others:
            others[-1].guest.lock = Lock.FREE
            attempt.machine.guest.lock = Lock.ORPHANED

    after(vcenter.decisions.end, [CUSTOMIZE], swap)


# aborts and power


@defect("AbortCustomization_Task/Success", "S M", seen_by=ORDER)
def abort_and_completion_both_win(vcenter: VCenter) -> None:
    """An abort that another client begins in the second half of a customization succeeds, and so does the customization."""
    usual = vcenter.decisions.begin[ABORT]

    def begin(attempt: Attempt) -> Any:
        running = attempt.machine.guest_operations
        late = [
            operation
            for operation in running
            if operation.method == CUSTOMIZE
            and session_of(operation) is not attempt.call.session
            and (operation.task.progress or 0) >= 50
        ]
        for operation in late:  # the abort does not see it, and it goes on until the abort has ended
            running.remove(operation)
            operation.task.put_off(4 * vcenter.settings.task_time)
        try:
            return usual(attempt)
        finally:
            running += late

    vcenter.decisions.begin[ABORT] = begin


@defect("CustomizeGuest_Task/Success", "S M", seen_by=ORDER)
def abort_ends_a_later_customization(vcenter: VCenter) -> None:
    """An abort that has succeeded ends, a moment later, the customization that another client has begun since."""

    def more(attempt: Attempt) -> None:
        def late() -> None:
            for operation in list(attempt.machine.guest_operations):
                if operation.method == CUSTOMIZE and session_of(operation) is not attempt.call.session:
                    attempt.machine.fail(operation, customization_fault("Customization was aborted."))

        for moments in (1, 2, 3):
            vcenter.timeline.after(moments * vcenter.settings.task_time, late)

    after(vcenter.decisions.end, [ABORT], more)


@defect("VirtualMachine/PowerOffVM_Task/Success", "D M", seen_by=ORDER)
def power_off_forgets_a_watched_task(vcenter: VCenter) -> None:
    """PowerOffVM_Task does not end the guest operation of another client that has just been polled: it goes on and succeeds."""
    polled: dict[str, float] = {}
    shown_usually, serve_usually = vcenter.decisions.shown, vcenter.decisions.serve

    def shown(owner: ManagedObject, name: str, value: Any, call: Invocation) -> Any:
        if isinstance(owner, Task) and name == "info":
            polled[owner.moid] = vcenter.timeline.now()
        return shown_usually(owner, name, value, call)

    def serve(call: Invocation, target: ManagedObject, arguments: dict[str, Any]) -> Any:
        if call.method != "PowerOffVM_Task" or not isinstance(target, VirtualMachine):
            return serve_usually(call, target, arguments)
        target.refuse_template()
        return target.exclusive(call, "powerOff", lambda: halt(target, call))

    def halt(machine: VirtualMachine, call: Invocation) -> None:
        machine.require_power("poweredOff", "poweredOn")
        running, since = machine.guest_operations, vcenter.timeline.now() - 4 * vcenter.settings.task_time
        kept = [
            operation
            for operation in running
            if session_of(operation) is not call.session and polled.get(operation.task.moid, 0.0) > since
        ]
        for operation in kept:
            running.remove(operation)
        machine.halt()
        for operation in kept:
            machine.accept(operation)
            operation.task.put_off(6 * vcenter.settings.task_time)

    vcenter.decisions.shown, vcenter.decisions.serve = shown, serve


# what tasks are called, and what becomes of them


@defect("CustomizeGuest_Task/result", "S M", seen_by=TASKS)
def task_id_is_given_twice(vcenter: VCenter) -> None:
    """A call is given the id of the task that another client has begun a moment before, on whatever VM."""
    last: list[tuple[float, Session | None, Any]] = [(-1e6, None, None)]
    by_task = sessions_by_task(vcenter)
    usual = vcenter.decisions.reference

    def reference(task: Task) -> Any:
        mine, now = usual(task), vcenter.timeline.now()
        time, session, ref = last[0]
        if now - time < vcenter.settings.task_time and session is not by_task(task):
            return ref
        last[0] = now, by_task(task), mine
        return mine

    vcenter.decisions.reference = reference


@defect("CustomizeGuest_Task/result", "S M", seen_by=TASKS)
def replies_are_swapped(vcenter: VCenter) -> None:
    """Two clients whose calls are answered at the same time get each other's task."""
    waiting: list[Held] = []
    usual = vcenter.decisions.serve

    def serve(call: Invocation, target: ManagedObject, arguments: dict[str, Any]) -> Any:
        value = usual(call, target, arguments)
        if call.method not in METHODS:
            return value
        other = next((held for held in waiting if held.call.session is not call.session), None)
        if other is not None:
            waiting.remove(other)
            value, other.value = other.value, value
            return value
        mine = Held(call, value)
        waiting.append(mine)

        def give() -> Any:
            if mine in waiting:
                waiting.remove(mine)
            return mine.value

        return Pending(lambda: NotYet, vcenter.settings.task_time / 2, give)

    vcenter.decisions.serve = serve


@defect("CustomizeGuest_Task/Success", "S M", seen_by=EFFECTS)
def work_is_lost_beside_another(vcenter: VCenter) -> None:
    """A customization that ends a moment after a task of another client says success, and names the guest otherwise."""
    last: list[tuple[float, Session | None]] = [(-1e6, None)]
    usual = vcenter.decisions.end[CUSTOMIZE]

    def end(attempt: Attempt) -> Any:
        guest, (time, session) = attempt.machine.guest, last[0]
        result = usual(attempt)
        if session is not attempt.call.session and vcenter.timeline.now() - time < vcenter.settings.task_time:
            guest.host_name = guest.written.host_name = "neither"
        return result

    def note(attempt: Attempt) -> None:
        last[0] = vcenter.timeline.now(), attempt.call.session

    vcenter.decisions.end[CUSTOMIZE] = end
    after(vcenter.decisions.end, METHODS, note)


@defect("StartGuestNetwork_Task/result", "S M", seen_by=TASKS)
def wake_up_is_lost(vcenter: VCenter) -> None:
    """A task that begins in the moment in which another client's task begins is never woken, and stays running."""
    last: list[tuple[float, Session | None]] = [(-1e6, None)]

    def note(attempt: Attempt) -> None:
        time, session = last[0]
        last[0] = vcenter.timeline.now(), attempt.call.session
        if session is not attempt.call.session and last[0][0] - time < vcenter.settings.task_time / 2:
            for operation in attempt.machine.guest_operations:
                if operation.attempt is attempt and attempt.method != ABORT:  # an abort still helps
                    vcenter.timeline.after(0.0, partial(operation.task.put_off, 1e6))

    after(vcenter.decisions.begin, METHODS, note)


# what other clients are shown


@defect("CustomizeGuest_Task/TaskInProgress", "S M", seen_by=NAMED)
def task_in_progress_names_a_task_of_another_vm(vcenter: VCenter) -> None:
    """TaskInProgress names the guest operation that was begun last in the whole vCenter."""

    def make(_: Attempt, fault: Any) -> Any:
        running = [task for task in vcenter.tasks.recent() if not task.final and task.plan.name in METHODS]
        return vim.fault.TaskInProgress(task=running[-1].ref) if running else fault

    unless("beside", vcenter, make)


@defect("CustomizeGuest_Task/TaskInProgress", "S M", seen_by=NAMED)
def task_in_progress_names_an_ended_task(vcenter: VCenter) -> None:
    """TaskInProgress names the task before the one that runs, if another client began that."""
    by_task = sessions_by_task(vcenter)

    def make(attempt: Attempt, fault: Any) -> Any:
        ended = [task for task in vcenter.tasks.recent(attempt.machine) if task.final and task.plan.name in METHODS]
        if ended and by_task(ended[-1]) is not attempt.call.session:
            return vim.fault.TaskInProgress(task=ended[-1].ref)
        return fault

    unless("beside", vcenter, make)


@defect("VirtualMachine/PowerOffVM_Task/Success", "D M", seen_by=ORDER)
def reads_of_others_are_stale(vcenter: VCenter) -> None:
    """A client that has read a VM is shown the same for ten task times, unless it was the last one to call on that VM."""
    seen: dict[tuple[str, str, str], tuple[float, Any]] = {}
    last: dict[str, Session | None] = {}
    shown_usually, serve_usually = vcenter.decisions.shown, vcenter.decisions.serve

    def serve(call: Invocation, target: ManagedObject, arguments: dict[str, Any]) -> Any:
        if isinstance(target, VirtualMachine):
            last[target.moid] = call.session
        return serve_usually(call, target, arguments)

    def shown(owner: ManagedObject, name: str, value: Any, call: Invocation) -> Any:
        value = shown_usually(owner, name, value, call)
        if not isinstance(owner, VirtualMachine) or call.session is None:
            return value
        key, now = (owner.moid, name, call.session.key), vcenter.timeline.now()
        time, old = seen.get(key, (-1e6, None))
        if last.get(owner.moid, call.session) is not call.session and now - time < 10 * vcenter.settings.task_time:
            return old
        seen[key] = now, value
        return value

    vcenter.decisions.shown, vcenter.decisions.serve = shown, serve


@defect("CustomizeGuest_Task/Success", "S M", seen_by=EFFECTS)
def guest_is_written_by_the_loser(vcenter: VCenter) -> None:
    """A customization that is refused beside another client's leaves its specification, with which that one goes on."""
    left: dict[str, Any] = {}
    check_usually, apply_usually = vcenter.decisions.at_call["beside"], vcenter.decisions.apply

    def check(attempt: Attempt) -> None:
        try:
            check_usually(attempt)
        except vim.fault.TaskInProgress:
            if attempt.method == CUSTOMIZE and any(
                operation.method == CUSTOMIZE and session_of(operation) is not attempt.call.session
                for operation in attempt.machine.guest_operations
            ):
                left[attempt.machine.moid] = attempt.spec
            raise

    def apply(machine: Machine, spec: Any) -> None:
        refused = left.pop(machine.moid, None)
        apply_usually(machine, spec if refused is None else refused)
        if refused is not None:
            machine.guest.take_up()

    after(vcenter.decisions.begin, [CUSTOMIZE], lambda attempt: left.pop(attempt.machine.moid, None))
    vcenter.decisions.at_call["beside"], vcenter.decisions.apply = check, apply


# sessions


@defect("EveryMethod/NotAuthenticated", "O D", seen_by=SESSIONS)
def sessions_opened_together_are_one(vcenter: VCenter) -> None:
    """A login a moment after another of the same account gives that one's session: who logs out ends both."""
    usual, sessions = vcenter.decisions.serve, vcenter.sessions
    last: dict[str, tuple[float, Session]] = {}

    def serve(call: Invocation, target: ManagedObject, arguments: dict[str, Any]) -> Any:
        value = usual(call, target, arguments)
        mine = sessions.find(call.cookie) if call.method == "Login" else None
        if mine is None:
            return value
        now, name = vcenter.timeline.now(), mine.account.name
        time, first = last.get(name, (-1e6, mine))
        if now - time < 10 * vcenter.settings.task_time and sessions.alive(first):
            sessions.join(mine, first)
            return sessions.describe(first)
        last[name] = now, mine
        return value

    vcenter.decisions.serve = serve
