"""One judged call, seen through to its end with every read that its verdict needs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from vcontract._client.tasks import FINAL
from vcontract._model import State, recent_tasks
from vcontract._model.state import ON
from vcontract._terms import Call, Faulted, Lost, Operation, Ref, Returned, as_ref, subject
from vcontract._testbed.actors import FULL
from vcontract._testbed.driver import Driver
from vcontract._testbed.not_arranged import NotArrangedError

_DOUBTFUL = 6
"""A guest that may not have heard what it was asked for gets so small a part of the time for it."""


def judged_call(
    driver: Driver, call: Call, vm: Ref | None, beside: Sequence[Ref], *, settle: bool = True, retry: bool = True
) -> Ref | None:
    """Send a call as a judged one; `beside` are tasks that run meanwhile, read before and after (oracle rule A8).

    Gives the call's task. With `settle` everything is followed to its end and the VM is read again, and with `retry` a call
    that may be refused once is then made once more.
    """
    done = sandwiched(driver, call, beside)
    if settle:
        settled(driver, done, vm, beside)
        if retry:
            repeat_refused(driver)
    return task_of(done)


def repeat_refused(driver: Driver) -> None:
    """Make the last call once more, if it is the first customization after an abort and was refused (oracle promise F4)."""
    refused = driver.judge.to_repeat
    vm = Ref("VirtualMachine", subject(refused.call)) if refused is not None else None
    if refused is not None and not _silent(driver, vm):
        again = driver.send_judged(refused.call)
        _read_named_task(driver, again)
        settled(driver, again, vm, [])


def sandwiched(driver: Driver, call: Call, beside: Sequence[Ref]) -> Operation:
    """Send a call as a judged one between two reads of the tasks that run beside it (oracle rule A8).

    Raises NotArrangedError, and sends nothing, if one of them does not run.
    """
    for task in beside:
        driver.tasks.running(task)
    done = driver.send_judged(call)
    for task in beside:
        if not _silent(driver, Ref("VirtualMachine", subject(call))):
            driver.tasks.read(task)
    _read_named_task(driver, done)
    return done


def settled(driver: Driver, done: Operation, vm: Ref | None, beside: Sequence[Ref]) -> None:
    """Follow what a call began, and what ran beside it, to the end; then read the VM."""
    own = task_of(done)
    for task, actor in [(own, done.call.actor)] * (own is not None) + [(other, FULL) for other in beside]:
        if task is not None and not _silent(driver, vm):
            driver.tasks.follow(task, actor)
    if vm is not None and not _silent(driver, vm):
        driver.look(vm)
        _await_reports(driver, vm)
        _await_guest(driver, vm)
        if not isinstance(done.outcome, Lost):
            read_new_tasks(driver, vm)


def see_settings(driver: Driver, vm: Ref) -> None:
    """Read a VM until it shows what its last customization claims, or until enough reads, far enough apart, have not.

    Only after a network start or a boot it must (oracle section H); else, and where Tools do not come up, nothing is waited
    for.
    """
    facts, tracker = driver.facts.vms[vm.value], driver.tracker
    with suppress(NotArrangedError):
        driver.wait.until("Tools", lambda: driver.toolless(vm) or _tools_settled(driver.now(facts)), whose=facts.name)
    while (moment := driver.judge.settings.awaits(vm.value)) is not None and not _silent(driver, vm):
        looks = driver.wait.looks(moment)
        while tracker.latest < moment and driver.judge.settings.awaits(vm.value) == moment:
            looks.rest()
            driver.read_vm(vm)
        if driver.read_vm(vm) is None:
            break


def _tools_settled(state: State) -> bool:
    return state.power != ON or state.tools in {"ready", "old", "never"}


def _silent(driver: Driver, vm: Ref | None) -> bool:
    """Whether a VM was set aside: it would not answer the reads either."""
    return vm is not None and bool(driver.quarantine.why(vm.value))


def _await_reports(driver: Driver, vm: Ref) -> None:
    """Read the VM again as long as it does not show what a success promises: its reports may be late."""
    if not driver.judge.doubtful():
        return
    clock = driver.target.recorder
    until = clock.now() + driver.judge.lateness
    looks, last = driver.wait.looks(until), False
    while driver.judge.doubtful() and not last:
        looks.rest()
        last = clock.now() >= until
        driver.read_vm(vm)


def _await_guest(driver: Driver, vm: Ref) -> None:
    """Wait until a guest does what it was asked for, so that it does not do it in the middle of the next cell.

    It may never do it, and that is no breach of the server's: after `patience` the run goes on.
    """

    def begun() -> bool:
        if driver.judge.waiting():
            driver.look(vm)
        return not driver.judge.waiting()

    with suppress(NotArrangedError):
        driver.wait.until("what the guest was asked for", begun, part=_DOUBTFUL if driver.judge.in_vain else 1)


def task_of(done: Operation) -> Ref | None:
    """Give the task that a call was given, if it was."""
    ref = as_ref(done.outcome.value) if isinstance(done.outcome, Returned) else None
    return ref if ref is not None and ref.type == "Task" else None


def unfinished(driver: Driver, vm: Ref | None) -> list[Ref]:
    """List the tasks of ours on a VM that were not read final."""
    return [life.ref for life in driver.tracker.lives(vm.value) if not life.over] if vm is not None else []


def still_running(driver: Driver, tasks: Sequence[Ref]) -> list[Ref]:
    """Look at tasks once more, and list those that have not ended."""
    found = []
    for task in tasks:
        with suppress(NotArrangedError):
            driver.tasks.running(task)
            found.append(task)
    return found


def _read_named_task(driver: Driver, done: Operation) -> None:
    """Read the task that a TaskInProgress names, so that it can be judged."""
    if isinstance(done.outcome, Faulted):
        named = as_ref(done.outcome.fault.fields.get("task"))
        if named is not None and named.value not in driver.tracker.tasks:
            driver.tasks.read(named)


def read_new_tasks(driver: Driver, vm: Ref) -> None:
    """Read every task of the VM that no call of ours was given: ours after a refusal (F1), or a stranger's (oracle rule A5).

    One that was read ended tells nothing new: a server lists it for minutes. After others the server is asked for its time, by
    which they can be told apart.
    """
    new = False
    for task in recent_tasks(driver.tracker.readings.get(vm.value) or {}):
        if task in driver.tracker.tasks or task in driver.tasks.ended:
            continue
        if driver.tasks.read(Ref("Task", task)).get("state") in FINAL:
            driver.tasks.ended.add(task)
        new = True
    if new:
        driver.ask_time()
