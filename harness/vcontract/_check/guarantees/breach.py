"""What a guarantee is, and what it says when it is broken."""

from __future__ import annotations

from typing import Protocol

import msgspec

from vcontract._check.guarantees.task_lives import TaskLives
from vcontract._terms import Grade, Operation


class Breach(msgspec.Struct, frozen=True):
    """A guarantee was broken by operation `op`, which, with `ops`, proves it.

    `observed`, `channel` and `field` go into the finding's id, so they hold no value of a run; `detail` may.
    """

    op: int
    method: str
    vm: str
    grade: Grade
    expected: str
    observed: str
    detail: str
    channel: str = ""
    field: str = ""
    ops: tuple[int, ...] = ()


class Guarantee(Protocol):
    """Takes every operation of a history in the order of the ends.

    `lives` has taken the operation before. `judged` counts what could have broken the guarantee; `breaches` grow.
    """

    name: str
    judged: int
    breaches: list[Breach]

    def feed(self, operation: Operation, lives: TaskLives) -> None:
        """Take one operation."""

    def close(self, lives: TaskLives) -> None:
        """Take the end of the history."""
