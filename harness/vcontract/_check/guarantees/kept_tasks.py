"""Checks that no task is lost: a call returns the reference of its own task, which ends and stays ended.

A server may forget a task that is over (oracle rule A6), so a task that is no longer found is no violation.
"""

from __future__ import annotations

from collections.abc import Mapping

from vcontract._check.call_spans import FINAL
from vcontract._check.guarantees.breach import Breach
from vcontract._check.guarantees.task_lives import TaskLives, TaskSeen
from vcontract._model import State, observe
from vcontract._terms import Grade, Json, Operation, as_ref


class KeptTasks:
    """Holds every read of a task against the call that was given it, and against what was read of it before.

    A task that was read running `limit` seconds after it was given is stuck (oracle rule A14; 0: no limit). One that nobody
    read so long, and that had the time to end, is `open`: nothing is known of it. So is one of a guest that was ever read
    frozen, which executes nothing (oracle row T5).
    """

    name = "kept-tasks"

    def __init__(self, limit: float = 0.0) -> None:
        self.judged = 0
        self.breaches: list[Breach] = []
        self.open: list[TaskSeen] = []
        self._limit = limit
        self._told: set[tuple[str, str]] = set()
        self._frozen: set[str] = set()
        self._now = 0.0

    def feed(self, operation: Operation, lives: TaskLives) -> None:
        """Take one operation."""
        self._now = max(self._now, operation.end)
        if lives.new is not None:
            self.judged += 1
            self._given(operation, lives.new, lives.old)
        if lives.last is not None:
            self._read(operation, *lives.last)
        if lives.read is not None and lives.read[1] is not None and observe(State(), lives.read[1]).frozen:
            self._frozen.add(lives.read[0].value)

    def close(self, lives: TaskLives) -> None:
        """Take the end of the history: what was read running beyond the limit is stuck, what nobody read so long is open."""
        for task in lives.tasks.values() if self._limit else ():
            if task.ended or task.running is None:
                continue
            waited = task.running[1] - task.given
            if waited >= self._limit and task.vm not in self._frozen:
                self.breaches.append(_stuck(task, waited))
            elif self._now - task.given > self._limit:
                self.open.append(task)

    def _given(self, operation: Operation, task: TaskSeen, old: TaskSeen | None) -> None:
        if old is not None and old.until > operation.start:
            self._say(operation, task, "returnval", f"{task.ref.value} was given to operation {old.op} too", (old.op,))

    def _read(self, operation: Operation, task: TaskSeen, info: Mapping[str, Json]) -> None:
        state, key, entity = info.get("state"), info.get("key"), as_ref(info.get("entity"))
        if task.until < operation.start and state not in FINAL:
            why = f"{task.ref.value} had ended ({task.outcome}) and is {state} again"
            self._say(operation, task, "info.state", why, (task.op, task.ended))
        elif task.until < operation.start and state != task.state:
            why = f"{task.ref.value} ended as {task.state} and is {state} now"
            self._say(operation, task, "info.state", why, (task.op, task.ended))
        if key not in {None, task.ref.value}:
            self._say(operation, task, "info.key", f"{task.ref.value} says that it is {key}", (task.op,))
        if entity is not None and task.vm and entity.type == "VirtualMachine" and entity.value != task.vm:
            why = f"{task.ref.value} was given for {task.vm} and says that it is of {entity.value}"
            self._say(operation, task, "info.entity", why, (task.op,))

    def _say(self, operation: Operation, task: TaskSeen, field: str, why: str, ops: tuple[int, ...]) -> None:
        if (task.ref.value, field) in self._told:
            return
        self._told.add((task.ref.value, field))
        self.breaches.append(
            Breach(
                op=operation.op,
                method=task.method,
                vm=task.vm,
                grade=Grade.PROTOCOL,
                expected="a task of the call's own, that stays what it became",
                observed="Task",
                detail=f"{field}: {why}",
                channel="task",
                field=field,
                ops=(*ops, operation.op),
            )
        )


def _stuck(task: TaskSeen, waited: float) -> Breach:
    return Breach(
        op=task.ran[-1],
        method=task.method,
        vm=task.vm,
        grade=Grade.WRONG,
        expected="an end within the limit of the configuration",
        observed="stuck",
        detail=f"info.state: {task.ref.value} was still running after {waited:.1f} s",
        channel="task",
        field="info.state",
        ops=(task.op, *task.ran),
    )
