"""What happened to a VM while a task ran on it (the conditions of oracle rows M)."""

from __future__ import annotations

from collections.abc import Sequence

from vcontract.model import TaskLife, Tracker, subject
from vcontract.model.state import ABORT
from vcontract.terms import Operation, Returned, as_ref

BY_METHOD = {
    "PowerOffVM_Task": {"power", "off"},
    "SuspendVM_Task": {"power", "off"},
    "ShutdownGuest": {"power", "off"},
    "StandbyGuest": {"power", "off"},
    "TerminateVM": {"power", "off"},
    "ResetVM_Task": {"power"},
    "RebootGuest": {"power"},
    "Destroy_Task": {"gone"},
    "UnregisterVM": {"gone"},
    "AbortCustomization_Task": {"abort"},
}
"""What a call that succeeds means to the other tasks of its VM."""
BY_LEVER = {"stopTools": {"tools"}, "crashEngine": {"engine"}, "removeEngine": {"engine"}}
"""The same of what is done in the guest."""


def happened(operation: Operation, life: TaskLife, block: Sequence[Operation], tracker: Tracker) -> frozenset[str]:
    """Collect what our other calls did between the call and the first read that saw its task final."""
    until = life.final[0].start if life.final else float("inf")
    found: set[str] = set()
    for other in block:
        if (
            operation.start < other.start < until
            and isinstance(other.outcome, Returned)
            and not _failed(other, block, tracker)
        ):
            found |= _of(other, operation, life, tracker)
    return frozenset(found)


def _failed(other: Operation, block: Sequence[Operation], tracker: Tracker) -> bool:
    """Whether the other call's own task is known to have ended in error, so that it did nothing.

    An abort that was itself disturbed may have done its work before.
    """
    ref = as_ref(other.outcome.value) if isinstance(other.outcome, Returned) else None
    task = tracker.tasks.get(ref.value) if ref else None
    if task is None or task.final is None or task.final[1].get("state") != "error":
        return False
    return task.kind != ABORT or not happened(other, task, block, tracker)


def _of(other: Operation, operation: Operation, life: TaskLife, tracker: Tracker) -> set[str]:
    method, call = other.call.method, other.call
    if method == "CancelTask":
        return {"cancel"} if call.object == life.ref else set()
    if method == "Logout":
        return {"session"} if call.actor == operation.call.actor else set()
    if method == "DisconnectHost_Task":
        vm = tracker.facts.vms.get(life.vm)
        return {"host"} if vm and vm.host == call.object.value else set()
    if subject(call) != life.vm:
        return set()
    if method in {"StartProgramInGuest", "ReconfigVM_Task"}:
        return set(BY_LEVER.get(tracker.facts.lever(call.arguments), set()))
    return set(BY_METHOD.get(method, set()))
