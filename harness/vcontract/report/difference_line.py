"""A difference in one line, as text, JUnit and SARIF have it."""

from __future__ import annotations

from vcontract.report.events import printable
from vcontract.terms import Difference


def line(each: Difference) -> str:
    """Tell class, rule, place, change and reason."""
    return printable(f"{each.impact.value}: {rule(each)}: {place(each)}: {each.reason}")


def rule(each: Difference) -> str:
    """Name the rule that gave the class."""
    return f"{each.kind} ({each.position})" if each.position else each.kind


def place(each: Difference) -> str:
    """Tell where it is, and how it was and is, unless the place says that already."""
    told = " -> ".join(filter(None, (each.old, each.new)))
    return each.path if told in {"", each.path.rpartition("/")[2]} else f"{each.path}: {told}"
