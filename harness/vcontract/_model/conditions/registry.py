"""Conditions by name: predicates on (state, call) that contract files use."""

from __future__ import annotations

from collections.abc import Callable

from vcontract._model.state import Asked, State

Condition = Callable[[State, Asked], bool]
CONDITIONS: dict[str, Condition] = {}
OUTCOME_CONDITIONS = frozenset({"task.startedAfter", "task.apart", "task.endedSoon", "task.thawed"})
"""Conditions on the outcome itself; the check decides them from the tasks' times, the model cannot."""


def condition(name: str) -> Callable[[Condition], Condition]:
    """Register a predicate under the name that contract files use."""

    def register(predicate: Condition) -> Condition:
        CONDITIONS[name] = predicate
        return predicate

    return register


def predicate(name: str) -> Condition:
    """Give the predicate of a name; an outcome condition counts as true."""
    return _true if name in OUTCOME_CONDITIONS else CONDITIONS[name]


def _true(_state: State, _asked: Asked) -> bool:
    return True


def holds(name: str, state: State, asked: Asked) -> bool:
    """Evaluate a condition; an outcome condition counts as true here."""
    return predicate(name)(state, asked)
