"""Compares the verdicts on the rows of two runs."""

from __future__ import annotations

from collections.abc import Sequence

from vcontract._check.compare.change import Change, Kind
from vcontract._terms import RowVerdict, Verdict

_SURE = {Verdict.CONFORMS, Verdict.VIOLATES}


def row_changes(old: Sequence[RowVerdict], new: Sequence[RowVerdict]) -> list[Change]:
    """Give the rows that one side keeps and the other breaks; what a run did not settle is no news of its target."""
    before = {row.id: row for row in old}
    changes = []
    for row in new:
        was = before.get(row.id)
        if was is None or was.verdict is row.verdict or not {was.verdict, row.verdict} <= _SURE:
            continue
        kind = Kind.ROW_BROKEN if row.verdict is Verdict.VIOLATES else Kind.ROW_MENDED
        broken = row if kind is Kind.ROW_BROKEN else was
        changes.append(Change(kind, row.id, was.verdict.value, row.verdict.value, seen=(broken.reason,)))
    return changes


def unsettled_rows(old: Sequence[RowVerdict], new: Sequence[RowVerdict]) -> int:
    """Count the rows that are not compared: one of the runs did not settle them, or has them not at all."""
    sure = [{row.id for row in side if row.verdict in _SURE} for side in (old, new)]
    return len({row.id for row in (*old, *new)} - (sure[0] & sure[1]))
