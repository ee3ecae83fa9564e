"""The tasks of a history as every client's reads show them together: whose they are, from when to when they lived."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

from vcontract._check.call_spans import FINAL
from vcontract._model import read_of
from vcontract._terms import Json, Operation, Ref, Returned, as_ref, subject


class TaskSeen:
    """One task: the call that was given it, and what was read of it.

    It had been made by `given` (the end of the call that began at `start`), and was over by `until` (infinity: nobody saw
    that). `running` are the end of the first, and the begin of the last read that found it running. The first read that
    found it final is operation `ended`: `outcome` is `success` or the type of its fault, `served` its startTime and its
    completeTime, by the server's clock.
    """

    __slots__ = (
        "actor", "ended", "given", "method", "op", "outcome", "ran", "ref", "running", "served", "start", "state", "until",
        "vm",
    )  # fmt: skip

    def __init__(self, ref: Ref, operation: Operation, vm: str) -> None:
        self.ref, self.vm = ref, vm
        self.op, self.method, self.actor = operation.op, operation.call.method, operation.call.actor
        self.start, self.given = operation.start, operation.end
        self.until = inf
        self.running: tuple[float, float] | None = None
        self.ran: list[int] = []
        self.outcome = self.state = ""
        self.served = ("", "")
        self.ended = 0

    def read(self, operation: Operation, info: Mapping[str, Json]) -> None:
        """Learn from a read of its info."""
        state = info.get("state")
        if state == "running":
            first = operation.end if self.running is None else self.running[0]
            last = operation.start if self.running is None else max(self.running[1], operation.start)
            self.running = (first, last)
            self.ran = [*self.ran[:1], operation.op]
        elif state in FINAL and operation.end < self.until:
            self.until, self.state, self.ended = operation.end, str(state), operation.op
            self.served = (str(info.get("startTime", "")), str(info.get("completeTime", "")))
            fault = ((info.get("error") or {}).get("fault") or {}).get("_typeName", "error")
            self.outcome = str(state) if state == "success" else str(fault)


class TaskLives:
    """Takes every operation; `tasks` are then known by moId.

    Of the last operation: `read` is the object that it read and the values by path, if it read any; `last` the task that it
    read, with its info; `new` the task that it was given, `old` that of the same name before.
    """

    def __init__(self) -> None:
        self.tasks: dict[str, TaskSeen] = {}
        self.read: tuple[Ref, Mapping[str, Json] | None] | None = None
        self.last: tuple[TaskSeen, Mapping[str, Json]] | None = None
        self.new: TaskSeen | None = None
        self.old: TaskSeen | None = None

    def feed(self, operation: Operation) -> None:
        """Take one operation."""
        self.last = self.new = self.old = None
        self.read = read = read_of(operation)
        outcome = operation.outcome
        if read is not None:
            if read[0].type == "Task" and read[1] is not None:
                self._read(operation, read[0].value, read[1].get("info"))
        elif isinstance(outcome, Returned):
            ref = as_ref(outcome.value)
            if ref is not None and ref.type == "Task":
                self.old = self.tasks.get(ref.value)
                self.new = self.tasks[ref.value] = TaskSeen(ref, operation, subject(operation.call))

    def _read(self, operation: Operation, moid: str, info: Json) -> None:
        task = self.tasks.get(moid)
        if task is not None and isinstance(info, Mapping):
            self.last = (task, info)
            task.read(operation, info)
