"""The aspects of a sighting that may tell two targets apart, each as a short text."""

from __future__ import annotations

from vcontract._check.compare.sighting import Sighting

OUTCOME, FIELD, VALUE, LIFE, ANSWER, LASTED = "outcome", "field", "value", "life", "answer", "lasted"
SET, UNSET = "set", "not set"
TIMED = frozenset({ANSWER, LASTED})
"""Aspects that are seconds: of two values the nearer counts."""


def told(aspect: str, seen: Sighting) -> str:
    """Give the value of an aspect: `outcome`, `field PATH`, `value PATH`, `life FIELD`, `answer` or `lasted` (seconds)."""
    name, _, path = aspect.partition(" ")
    if name == OUTCOME:
        return seen.text
    if name == FIELD:
        return SET if path in seen.fields else UNSET
    if name == VALUE:
        return seen.values.get(path, "")
    if name == LIFE:
        return SET if path in seen.life else UNSET
    seconds = seen.answer if name == ANSWER else seen.lasted
    return "" if seconds is None else f"{seconds:.6f}"


def side(aspect: str, values: tuple[str, str], seen: Sighting) -> str:
    """Say on whose side a sighting is: `old`, `new`, or empty for neither."""
    value = told(aspect, seen)
    if aspect in TIMED:
        if not value:
            return ""
        old, new, now = (max(float(seconds), 1e-6) for seconds in (*values, value))
        return "new" if max(now / new, new / now) < max(now / old, old / now) else "old"
    return {values[0]: "old", values[1]: "new"}.get(value, "")
