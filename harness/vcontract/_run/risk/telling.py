"""Tells what a run at a low level of risk is worth: which rows it judged, from one side, and which it left."""

from __future__ import annotations

from msgspec.structs import replace

from vcontract._config.request import RunRequest
from vcontract._config.risk import REFUSALS, arranges, level_of
from vcontract._contract import EVERY_METHOD
from vcontract._report.result import RunResult
from vcontract._terms import RowVerdict, Verdict

_METHOD = 2
"""How many slashes there are in the id of a row about a method: OBJECT/METHOD/WHAT."""


def told_as_such(result: RunResult, request: RunRequest) -> RunResult:
    """Say of each row that it was judged from one side, or that the level made no call that shows it."""
    level = level_of(request)
    if arranges(level):
        return result
    rows = [_told(row, level) for row in result.rows]
    kept = sum(row.verdict is Verdict.CONFORMS for row in rows)
    left = sum(row.verdict is Verdict.UNTESTED for row in rows)
    side = ", all from one side" if level == REFUSALS else ""
    note = f"--risk {level}: {len(rows) - left} of {len(rows)} rows were judged{side}, {kept} were kept; {left} stay untested"
    return replace(result, rows=rows, notes=[note, *result.notes])


def _told(row: RowVerdict, level: str) -> RowVerdict:
    if row.verdict is Verdict.UNTESTED:
        return replace(row, reason=f"--risk {level} makes no call that shows it ({row.reason})")
    about_calls = row.id.count("/") == _METHOD or row.id.startswith(EVERY_METHOD)
    if row.verdict is Verdict.CONFORMS and level == REFUSALS and about_calls:
        said = f"{row.reason}; " if row.reason else ""
        return replace(row, reason=f"{said}from one side: only calls that must be refused were made")
    return row
