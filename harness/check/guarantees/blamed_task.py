"""A TaskInProgress names a task that really was under way then, on that VM.

What cannot be known is left alone: a task that no call of ours was given, one that nobody read to its end.
"""

from __future__ import annotations

from harness.check.guarantees.breach import Breach
from harness.check.guarantees.task_lives import TaskLives, TaskSeen
from harness.check.tasklife import error_of
from harness.terms import Fault, Faulted, Grade, Json, Operation, as_ref, subject

_FAULT = "TaskInProgress"


class BlamedTask:
    """Holds the `task` of every TaskInProgress against what is known of that task; `publish` is oracle.md's d_pub."""

    name = "blamed-task"

    def __init__(self, publish: float = 0.0) -> None:
        self.judged = 0
        self.breaches: list[Breach] = []
        self._publish = publish
        self._open: list[tuple[TaskSeen, float, Operation, str]] = []

    def feed(self, operation: Operation, lives: TaskLives) -> None:
        """Take one operation."""
        outcome = operation.outcome
        if isinstance(outcome, Faulted):
            vm = subject(operation.call)
            self._judge(operation, operation.call.method, vm, outcome.fault, (operation.start, operation.end), lives)
        elif lives.last is not None and lives.last[0].ended == operation.op:
            task, info = lives.last
            self._judge(operation, task.method, task.vm, _error(info), (task.start, operation.end), lives)

    def close(self, lives: TaskLives) -> None:
        """Take the end of the history: nothing more is to be said."""

    def _judge(
        self,
        operation: Operation,
        method: str,
        vm: str,
        fault: Fault,
        asked: tuple[float, float],
        lives: TaskLives,
    ) -> None:
        if fault.type != _FAULT or not vm:
            return
        named = as_ref(fault.fields.get("task"))
        if named is None:
            return  # whether the field may be unset is judged call by call
        self.judged += 1
        task = lives.tasks.get(named.value)
        why = "" if task is None else self._why(task, vm, *asked)
        if why and task is not None:
            self.breaches.append(
                Breach(
                    op=operation.op,
                    method=method,
                    vm=vm,
                    grade=Grade.WRONG,
                    expected="a task that is under way on the VM",
                    observed=_FAULT,
                    detail=f"task: {named.value} {why}",
                    channel="call" if isinstance(operation.outcome, Faulted) else "task",
                    field="task",
                    ops=(task.op, task.ended, operation.op) if task.ended else (task.op, operation.op),
                )
            )

    def _why(self, task: TaskSeen, vm: str, start: float, end: float) -> str:
        if task.vm and task.vm != vm:
            return f"works on {task.vm}"
        if task.start > end:
            return "began only afterwards"
        # a task that ended in error may have left its lock behind: then it is still it that is in the way
        if task.until + self._publish < start and task.state == "success":
            return "had succeeded before the call was made"
        return ""


def _error(info: Json) -> Fault:
    return error_of(info) if info.get("state") == "error" else Fault("")
