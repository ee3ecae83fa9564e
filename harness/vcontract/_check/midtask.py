"""Finds what happened to a VM while a task ran on it (the conditions of oracle rows M)."""

from __future__ import annotations

from collections.abc import Sequence

from vcontract._model import TaskLife, Tracker, subject
from vcontract._model.moves import BY_METHOD, LEVER_CALLS, MOVES, On
from vcontract._model.state import ABORT
from vcontract._terms import Operation, Returned, as_ref


def meaning(method: str, lever: str) -> frozenset[str]:
    """Name the conditions that a successful call causes for other tasks of its VM; `lever` is what it does in the guest."""
    move = MOVES.get(lever) if lever else BY_METHOD.get(method)
    return move.mid if move is not None and move.on is (On.GUEST if lever else On.VM) else frozenset()


def happened(operation: Operation, life: TaskLife, block: Sequence[Operation], tracker: Tracker) -> frozenset[str]:
    """Collect what our other calls did to the VM between the call and the first read that saw its task final."""
    until = life.final[0].start if life.final else float("inf")
    situations: set[str] = set()
    for other in block:
        if (
            operation.start < other.start < until
            and isinstance(other.outcome, Returned)
            and not _failed(other, block, tracker)
        ):
            situations |= _of(other, operation, life, tracker)
    return frozenset(situations)


def _failed(other: Operation, block: Sequence[Operation], tracker: Tracker) -> bool:
    """Whether the other call's own task is known to have ended in error, so that it did nothing.

    An abort that was itself disturbed may have done its work before.
    """
    ref = as_ref(other.outcome.value) if isinstance(other.outcome, Returned) else None
    task = tracker.tasks.get(ref.value) if ref else None
    if task is None or task.final is None or task.final[1].get("state") != "error":
        return False
    return task.kind != ABORT or not happened(other, task, block, tracker)


def _of(other: Operation, operation: Operation, life: TaskLife, tracker: Tracker) -> frozenset[str]:
    call, move = other.call, BY_METHOD.get(other.call.method)
    if move is None:
        return frozenset()
    vm = tracker.facts.vms.get(life.vm)
    concerns = {
        On.TASK: call.object == life.ref,
        On.SESSION: call.actor == operation.call.actor,
        On.HOST: vm is not None and vm.host == call.object.value,
    }
    if move.on in concerns:
        return move.mid if concerns[move.on] else frozenset()
    if subject(call) != life.vm:
        return frozenset()
    lever = tracker.facts.lever(call.arguments) if move.method in LEVER_CALLS else ""
    return meaning(move.method, lever)
