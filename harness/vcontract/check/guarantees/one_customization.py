"""Checks that at most one customization works on a VM at a time.

Two customizations that both succeeded, and each of which ran while the other did, are a violation whatever legal order the
search finds (oracle section E: the server's own testimony may add violations).
"""

from __future__ import annotations

from collections import defaultdict, deque

from vcontract.check.guarantees.breach import Breach
from vcontract.check.guarantees.task_lives import TaskLives, TaskSeen
from vcontract.model.followed_task import KINDS
from vcontract.model.state import CUSTOMIZE
from vcontract.terms import Grade, Operation

_REMEMBERED = 64
"""Customizations of a VM that a new one is held against."""


class OneCustomization:
    """Holds every customization that succeeded against those of its VM that were under way beside it."""

    name = "one-customization"

    def __init__(self) -> None:
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
            if other.until > task.start and (_both_ran(task, other) or _served_at_once(task, other)):
                self.breaches.append(_breach(task, other))
        self._ended[task.vm].append(task)

    def close(self, lives: TaskLives) -> None:
        """Take the end of the history: nothing more is to be said."""


def _both_ran(one: TaskSeen, other: TaskSeen) -> bool:
    """Whether reads found both running over one moment."""
    if one.running is None or other.running is None:
        return False
    return max(one.running[0], other.running[0]) < min(one.running[1], other.running[1])


def _served_at_once(one: TaskSeen, other: TaskSeen) -> bool:
    """Whether by the server's clock their times overlap, and each was read running inside the other's life."""
    if not (all(one.served) and all(other.served)) or not (_ran_inside(one, other) and _ran_inside(other, one)):
        return False
    return one.served[0] < other.served[1] and other.served[0] < one.served[1]


def _ran_inside(one: TaskSeen, other: TaskSeen) -> bool:
    return one.running is not None and any(other.start <= moment <= other.until for moment in one.running)


def _breach(task: TaskSeen, other: TaskSeen) -> Breach:
    return Breach(
        op=task.ended,
        method=task.method,
        vm=task.vm,
        grade=Grade.MISSING,
        expected="one of them is refused, or waits",
        observed="OK",
        detail=f"{other.ref.value} and {task.ref.value} customized {task.vm} at the same time, and both succeeded",
        channel="task",
        field="info.startTime",
        ops=(other.op, task.op, *other.ran, *task.ran, other.ended, task.ended),
    )
