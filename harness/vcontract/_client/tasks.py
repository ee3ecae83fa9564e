"""Follows a task to its end by reading its TaskInfo; every read is an operation of the history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vcontract._client import properties
from vcontract._terms import HUNG, Json, Lost, Operation, Outcome, Ref, Returned

if TYPE_CHECKING:
    from collections.abc import Callable

    from vcontract._client.session import Target

FINAL = frozenset({"success", "error"})
_LONGEST_PAUSE = 0.25
_LOST_IN_A_ROW = _ODD_IN_A_ROW = 5
GOING = frozenset({"queued", "running"})


def info(done: Operation) -> dict[str, Json]:
    """Give the TaskInfo that a read of `info` gave; empty if it gave none."""
    value = done.outcome.value if isinstance(done.outcome, Returned) else None
    task_info = value.get("info") if isinstance(value, dict) else None
    return task_info if isinstance(task_info, dict) else {}


def hung(outcome: Outcome) -> bool:
    """Whether the server kept silent until the limit."""
    return isinstance(outcome, Lost) and outcome.reason.startswith(HUNG)


def follow(  # noqa: PLR0913 - all that may be said of how a task is waited for, each by name
    target: Target,
    actor: str,
    task: Ref,
    *,
    deadline_seconds: float,
    poll: float = 0.002,
    expected: float = 0.0,
    sleep: Callable[[float], None] | None = None,
    known: Operation | None = None,
) -> list[Operation]:
    """Read a task's `info` until its state is final, the server refuses the read, or the deadline (seconds) passes.

    It also ends after a few reads in a row that were lost, or that show a state that no task has.

    Gives every read; the last one tells how it ended. Pauses grow from `poll` seconds to a quarter of a second; the first
    one lasts `expected`, the seconds that the task is known to need. `known` is a read that was made just now.
    """
    clock = target.recorder
    deadline = clock.now() + deadline_seconds
    reads = [properties.read(target, actor, task, ["info"]) if known is None else known]
    while True:
        gone = len(reads) >= _LOST_IN_A_ROW and all(isinstance(done.outcome, Lost) for done in reads[-_LOST_IN_A_ROW:])
        gone = gone or hung(reads[-1].outcome) or bool(target.pulse.stopped)
        odd = len(reads) >= _ODD_IN_A_ROW and all(
            info(done).get("state") not in GOING for done in reads[-_ODD_IN_A_ROW:]
        )
        gone = gone or (odd and bool(info(reads[-1])))
        unread = not info(reads[-1]) and not isinstance(reads[-1].outcome, Lost)
        if gone or unread or info(reads[-1]).get("state") in FINAL:
            return reads
        left = deadline - clock.now()
        if left <= 0:
            return reads
        (sleep or clock.sleep)(min(max(poll, expected), left))
        poll, expected = min(poll * 1.3, _LONGEST_PAUSE), 0.0
        reads.append(properties.read(target, actor, task, ["info"]))
