"""Opens the windows of time in which the calls of several clients interfere."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vcontract._simulator.defects.planting import skip
from vcontract._simulator.guest.operations import CUSTOMIZE, Attempt
from vcontract._simulator.guest.state import Lock
from vcontract._simulator.pending import NotYet, Pending

if TYPE_CHECKING:
    from vcontract._simulator.objects import Invocation, ManagedObject, Session
    from vcontract._simulator.task import Task
    from vcontract._simulator.vcenter import VCenter
    from vcontract._simulator.virtual_machine.machine import GuestOperation

_MANY = 64
Check = Callable[["Invocation", Any, dict[str, Any]], None]


@dataclass
class Held:
    """A reply that is held back, and the call that it answers."""

    call: Invocation
    value: Any


def in_two_steps(
    vcenter: VCenter, methods: Collection[str], check: Check, moments: float = 1.0
) -> Callable[[Attempt], bool]:
    """Let so many task times pass between the check of some calls and the call itself.

    Gives a function that tells whether an attempt is one of those calls, whose checks were made before.
    """
    usual = vcenter.decisions.serve
    passed: deque[Invocation] = deque(maxlen=_MANY)

    def serve(call: Invocation, target: ManagedObject, arguments: dict[str, Any]) -> Any:
        if call.method not in methods:
            return usual(call, target, arguments)
        check(call, target, arguments)

        def act() -> Any:
            passed.append(call)
            return usual(call, target, arguments)

        return Pending(lambda: NotYet, moments * vcenter.settings.task_time, act)

    vcenter.decisions.serve = serve
    return lambda attempt: any(call is attempt.call for call in passed)


def checks(call: Invocation, target: Any, arguments: dict[str, Any]) -> None:
    """Make the checks of a guest operation's call."""
    machine = target.vcenter.resolve(arguments["vm"])
    attempt = Attempt(call, machine, arguments["auth"], arguments.get("spec"))
    for check in list(target.vcenter.decisions.at_call.values()):
        check(attempt)


def skip_held_lock(vcenter: VCenter, when: Callable[[Attempt], bool]) -> None:
    """Skip the check of the lock that another running customization holds."""
    skip(
        vcenter,
        "lock",
        lambda attempt: attempt.method == CUSTOMIZE and attempt.machine.guest.lock is Lock.HELD and when(attempt),
    )


def session_of(operation: GuestOperation) -> Session | None:
    """Give the session that began a guest operation."""
    return operation.attempt.call.session if isinstance(operation.attempt, Attempt) else None


def sessions_by_task(vcenter: VCenter) -> Callable[[Task], Session | None]:
    """Give a function that tells which session began the task of a guest operation."""
    known: dict[str, Session | None] = {}
    usual = vcenter.decisions.reference

    def reference(task: Task) -> Any:
        machine: Any = task.entity
        for operation in machine.guest_operations:
            known[operation.task.moid] = session_of(operation)
        return usual(task)

    vcenter.decisions.reference = reference
    return lambda task: known.get(task.moid)
