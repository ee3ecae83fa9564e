"""Checks that at most one customization works on a VM at a time.

Two customizations that both succeeded, and one of which lived wholly inside the other's life by the server's own times, are a
violation whatever legal order the search finds (oracle section E, oracle row K1): with the lock held a second one fails. That
both were read running proves nothing, since a task may be `running` while it waits for the lock.
"""

from __future__ import annotations

from collections import defaultdict, deque

from vcontract._check.guarantees.breach import Breach
from vcontract._check.guarantees.task_lives import TaskLives, TaskSeen
from vcontract._check.tasklife import inside
from vcontract._model.followed_task import KINDS
from vcontract._model.state import CUSTOMIZE
from vcontract._terms import Grade, Json, Operation

_REMEMBERED = 64
"""Customizations of a VM that a new one is held against."""


class OneCustomization:
    """Holds every customization that succeeded against those of its VM that were under way beside it.

    `alone`: nothing but our clients changes the VMs; elsewhere nothing is said.
    """

    name = "one-customization"

    def __init__(self, *, alone: bool) -> None:
        self._alone = alone
        self.judged = 0
        self.breaches: list[Breach] = []
        self._ended: dict[str, deque[TaskSeen]] = defaultdict(lambda: deque(maxlen=_REMEMBERED))

    def feed(self, operation: Operation, lives: TaskLives) -> None:
        """Take one operation."""
        if lives.last is None:
            return
        task, _ = lives.last
        if task.ended != operation.op or task.outcome != "success" or KINDS.get(task.method) != CUSTOMIZE:
            return
        self.judged += 1
        for other in self._ended[task.vm]:
            if self._alone and other.until > task.start and inside(_served(task), _served(other)):
                self.breaches.append(_breach(task, other))
        self._ended[task.vm].append(task)

    def close(self, lives: TaskLives) -> None:
        """Take the end of the history: nothing more is to be said."""


def _served(task: TaskSeen) -> dict[str, Json]:
    return dict(zip(("startTime", "completeTime"), task.served, strict=True))


def _breach(task: TaskSeen, other: TaskSeen) -> Breach:
    return Breach(
        op=task.ended,
        method=task.method,
        vm=task.vm,
        grade=Grade.MISSING,
        expected="one of them is refused, or waits",
        observed="OK",
        detail=f"{other.ref.value} and {task.ref.value} of {task.vm} both succeeded, one inside the life of the other",
        channel="task",
        field="info.startTime",
        ops=(other.op, task.op, *other.ran, *task.ran, other.ended, task.ended),
    )
