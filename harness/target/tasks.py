"""Following a task to its end by reading its TaskInfo; every read is an operation of the history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.target import properties
from harness.terms import Json, Lost, Operation, Ref, Returned

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.target.session import Target

FINAL = frozenset({"success", "error"})
_LONGEST_PAUSE = 0.25
_LOST_IN_A_ROW = 5


def info(done: Operation) -> dict[str, Json]:
    """Give the TaskInfo that a read of `info` gave; empty if it gave none."""
    value = done.outcome.value if isinstance(done.outcome, Returned) else None
    found = value.get("info") if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def follow(
    target: Target,
    actor: str,
    task: Ref,
    *,
    deadline_seconds: float,
    poll: float = 0.002,
    expected: float = 0.0,
    sleep: Callable[[float], None] | None = None,
) -> list[Operation]:
    """Read a task's `info` until its state is final, the server refuses the read, or the deadline (seconds) passes.

    Gives every read; the last one tells how it ended. Pauses grow from `poll` seconds to a quarter of a second; the first
    one lasts `expected`, the seconds that the task is known to need.
    """
    clock = target.recorder
    deadline = clock.now() + deadline_seconds
    reads: list[Operation] = []
    while True:
        reads.append(properties.read(target, actor, task, ["info"]))
        gone = len(reads) >= _LOST_IN_A_ROW and all(isinstance(each.outcome, Lost) for each in reads[-_LOST_IN_A_ROW:])
        unread = not info(reads[-1]) and not isinstance(reads[-1].outcome, Lost)
        if gone or unread or info(reads[-1]).get("state") in FINAL:
            return reads
        left = deadline - clock.now()
        if left <= 0:
            return reads
        (sleep or clock.sleep)(min(max(poll, expected), left))
        poll, expected = min(poll * 1.3, _LONGEST_PAUSE), 0.0
