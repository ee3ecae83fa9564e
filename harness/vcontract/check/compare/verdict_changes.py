"""Compares the verdicts on the rows of two runs."""

from __future__ import annotations

from collections.abc import Sequence

from vcontract.check.compare.change import Change, Kind
from vcontract.terms import RowVerdict, Verdict

_SURE = {Verdict.CONFORMS, Verdict.VIOLATES}


def row_changes(old: Sequence[RowVerdict], new: Sequence[RowVerdict]) -> list[Change]:
    """Give the rows that one side keeps and the other breaks; what a run did not settle is no news of its target."""
    before = {each.id: each for each in old}
    found = []
    for each in new:
        was = before.get(each.id)
        if was is None or was.verdict is each.verdict or not {was.verdict, each.verdict} <= _SURE:
            continue
        kind = Kind.ROW_BROKEN if each.verdict is Verdict.VIOLATES else Kind.ROW_MENDED
        broken = each if kind is Kind.ROW_BROKEN else was
        found.append(Change(kind, each.id, was.verdict.value, each.verdict.value, seen=(broken.reason,)))
    return found


def unsettled_rows(old: Sequence[RowVerdict], new: Sequence[RowVerdict]) -> int:
    """Count the rows that are not compared: one of the runs did not settle them, or has them not at all."""
    sure = [{each.id for each in side if each.verdict in _SURE} for side in (old, new)]
    return len({each.id for each in (*old, *new)} - (sure[0] & sure[1]))
