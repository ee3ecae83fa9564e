"""Checks that every reply keeps the wire contract, however many clients call at once."""

from __future__ import annotations

from collections.abc import Collection

from vcontract._check.grade import name_of
from vcontract._check.guarantees.breach import Breach
from vcontract._check.guarantees.task_lives import TaskLives
from vcontract._terms import Grade, Operation, subject


class Replies:
    """Takes what was noted of each reply to one of the `methods`."""

    name = "replies"

    def __init__(self, methods: Collection[str]) -> None:
        self.judged = 0
        self.breaches: list[Breach] = []
        self._methods = frozenset(methods)
        self._told: set[tuple[str, str]] = set()

    def feed(self, operation: Operation, lives: TaskLives) -> None:
        """Take one operation."""
        del lives
        method = operation.call.method
        if method not in self._methods:
            return
        self.judged += bool(operation.status)
        for problem in operation.deviations:
            field, _, _ = problem.partition(":")
            if (method, field) not in self._told:
                self._told.add((method, field))
                self.breaches.append(
                    Breach(
                        op=operation.op,
                        method=method,
                        vm=subject(operation.call),
                        grade=Grade.PROTOCOL,
                        expected="a reply as the WSDL has it",
                        observed=name_of(operation.outcome),
                        detail=problem,
                        field=field,
                    )
                )

    def close(self, lives: TaskLives) -> None:
        """Take the end of the history: nothing more is to be said."""
