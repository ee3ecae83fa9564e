"""Methods by what is promised of them: the rows of a run as a table that fits a screen, whoever shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from vcontract._contract import EVERY_METHOD
from vcontract._report.result import RunResult
from vcontract._terms import RowVerdict, Verdict

_WORD = re.compile(r"[A-Za-z_][\w-]*")
"""A name of a row: a method's or a fault's, or that of a guarantee about many clients, which has hyphens."""
PARTS = ("Success", "result", "parameters", "privilege", "since")
"""What is promised of a method beside its faults, in the order in which it is shown."""


class Matrix(msgspec.Struct, frozen=True):
    """Rows of a run: a line for each fault or other promise, a column for each method; None where nothing is promised.

    `beside` are the rows that are of no method, such as those of every method.
    """

    columns: tuple[str, ...]
    lines: tuple[tuple[str, tuple[RowVerdict | None, ...]], ...]
    beside: tuple[RowVerdict, ...]

    def worded(self) -> Iterator[tuple[str, list[str]]]:
        """Give each line with its cells in words."""
        for name, cells in self.lines:
            yield name, [worded(cell) if cell is not None else "" for cell in cells]


def matrix(result: RunResult) -> Matrix:
    """Sort the rows of a result by method and promise."""
    table: dict[str, dict[str, RowVerdict]] = {}
    methods: dict[str, None] = {}
    beside = []
    for row in result.rows:
        object_, *rest = row.id.split("/")
        named = len(rest) == 2 and all(map(_WORD.fullmatch, (object_, *rest)))
        if not named or object_ == EVERY_METHOD:
            beside.append(row)
            continue
        method, promise = rest
        methods[method] = None
        table.setdefault(promise, {})[method] = row
    names = sorted(table, key=lambda name: PARTS.index(name) if name in PARTS else -1)
    lines = tuple((name, tuple(table[name].get(method) for method in methods)) for name in names)
    return Matrix(tuple(methods), lines, tuple(beside))


def calls_of(row: RowVerdict) -> int:
    """Count the answers by which a row was judged."""
    return sum(row.observed.values())


def worded(row: RowVerdict) -> str:
    """Say a row in two words: its verdict, and of how many answers."""
    count = calls_of(row)
    said = "unsure" if row.verdict is Verdict.INCONCLUSIVE else row.verdict.value
    return f"{said} {count}" if count else said
