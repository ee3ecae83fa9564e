"""Checks that a TaskInProgress names a task that was really under way then, on that VM.

Tasks that no call of ours was given, and tasks that nobody read to their end, are not judged.
"""

from __future__ import annotations

import msgspec

from vcontract._check.guarantees.breach import Breach
from vcontract._check.guarantees.task_lives import TaskLives, TaskSeen
from vcontract._check.tasklife import error_of
from vcontract._terms import Fault, Faulted, Grade, Operation, as_ref, subject

_FAULT = "TaskInProgress"


class BlamedTask:
    """Holds the `task` of every TaskInProgress against what is known of that task; `publish` is oracle term d_pub."""

    name = "blamed-task"

    def __init__(self, publish: float = 0.0) -> None:
        self.judged = 0
        self.breaches: list[Breach] = []
        self._publish = publish
        self._unknown: dict[str, _Blame] = {}

    def feed(self, operation: Operation, lives: TaskLives) -> None:
        """Take one operation."""
        outcome = operation.outcome
        if isinstance(outcome, Faulted):
            method, vm = operation.call.method, subject(operation.call)
            self._judge(_Blame(operation, method, vm, operation.start, "call"), outcome.fault, lives)
        elif lives.last is not None and lives.last[0].ended == operation.op:
            task, info = lives.last
            if info.get("state") == "error":
                self._judge(_Blame(operation, task.method, task.vm, task.start, "task"), error_of(info), lives)
        elif lives.new is not None:
            early = self._unknown.pop(lives.new.ref.value, None)
            if early is not None and lives.new.start > early.operation.end:
                self._say(early, lives.new, "was begun by a call that was made only afterwards")

    def close(self, lives: TaskLives) -> None:
        """Take the end of the history: nothing more is to be said."""

    def _judge(self, blame: _Blame, fault: Fault, lives: TaskLives) -> None:
        named = as_ref(fault.fields.get("task"))
        if fault.type != _FAULT or not blame.vm or named is None:
            return  # whether the field may be unset is judged call by call
        self.judged += 1
        task = lives.tasks.get(named.value)
        if task is None:
            self._unknown.setdefault(named.value, blame)
        elif task.vm and task.vm != blame.vm:
            self._say(blame, task, f"works on {task.vm}")
        # a task that ended in error may have left its lock behind, which still blocks the call
        elif task.until + self._publish < blame.start and task.state == "success":
            self._say(blame, task, "had succeeded before the call was made")

    def _say(self, blame: _Blame, task: TaskSeen, why: str) -> None:
        self.breaches.append(
            Breach(
                op=blame.operation.op,
                method=blame.method,
                vm=blame.vm,
                grade=Grade.WRONG,
                expected="a task that is under way on the VM",
                observed=_FAULT,
                detail=f"task: {task.ref.value} {why}",
                channel=blame.channel,
                field="task",
                ops=tuple(op for op in (task.op, task.ended, blame.operation.op) if op),
            )
        )


class _Blame(msgspec.Struct, frozen=True):
    """A TaskInProgress, of which call, on which VM, when that was made, and the channel by which it came."""

    operation: Operation
    method: str
    vm: str
    start: float
    channel: str
