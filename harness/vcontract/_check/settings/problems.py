"""Keeps what reads showed until the call that it is about is judged."""

from __future__ import annotations

from collections.abc import Collection

from vcontract._check.settings.register import Problem

_ODD = (
    " is one that the guest never had and that no call gave it; on a target that others change, too, that is no breach"
)


class Problems:
    """Problems by the operation that they are about."""

    def __init__(self) -> None:
        self._by: dict[int, list[Problem]] = {}

    def note(self, problem: Problem, methods: Collection[str], pending: Collection[int]) -> None:
        """Keep a problem of a method that is judged; of calls that are not `pending` any more only those that are hard."""
        if problem.by.method in methods and (problem.by.op in pending or (problem.hard and problem.by.judged)):
            self._by.setdefault(problem.by.op, []).append(problem)

    def take(self, op: int) -> list[Problem]:
        """Give those of a call, and forget them."""
        return self._by.pop(op, [])

    def rest(self) -> list[list[Problem]]:
        """Give those of all other calls, and forget them."""
        left, self._by = list(self._by.values()), {}
        return left


def broken(problems: Collection[Problem]) -> list[str]:
    """List what is broken, as `FIELD: why`."""
    return list(dict.fromkeys(problem.text for problem in problems if problem.hard))


def notes(problems: Collection[Problem]) -> list[str]:
    """List what is only odd; no text holds a value of a run."""
    return list(dict.fromkeys(problem.text.partition(": ")[0] + _ODD for problem in problems if not problem.hard))


def showed(problems: Collection[Problem]) -> int:
    """Give the last operation that showed what is broken; 0 if none did."""
    return max((problem.op for problem in problems if problem.hard), default=0)
