"""A difference in one line, as text, JUnit and SARIF have it."""

from __future__ import annotations

from vcontract._report.safe_text import one_line
from vcontract._terms import Difference


def line(difference: Difference) -> str:
    """Write class, rule, place, change and reason."""
    return one_line(f"{difference.impact.value}: {rule(difference)}: {place(difference)}: {difference.reason}")


def rule(difference: Difference) -> str:
    """Name the rule that gave the class."""
    return f"{difference.kind} ({difference.position})" if difference.position else difference.kind


def place(difference: Difference) -> str:
    """Write the path, and how it was and is, unless the path says that already."""
    change = " -> ".join(filter(None, (difference.old, difference.new)))
    return difference.path if change in {"", difference.path.rpartition("/")[2]} else f"{difference.path}: {change}"
