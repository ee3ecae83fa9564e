"""Methods by what is promised of them, as a table."""

from __future__ import annotations

from msgspec.structs import replace

from vcontract._report.method_matrix import matrix
from vcontract._report.result import RunResult
from vcontract._terms import RowVerdict, Verdict


def test_guarantees_about_many_clients_stand_together(result: RunResult) -> None:
    """In one column, whether their names have hyphens or not; what is of no method stands beside."""
    ids = [f"Manager/concurrency/{name}" for name in ("legal-order", "replies", "one-customization")]
    rows = [RowVerdict(id_, Verdict.CONFORMS) for id_ in (*ids, "EveryMethod/HostNotConnected", "Manager/properties")]
    shown = matrix(replace(result, rows=rows))
    assert shown.columns == ("concurrency",)
    assert [name for name, _ in shown.lines] == ["legal-order", "replies", "one-customization"]
    assert [row.id for row in shown.beside] == ["EveryMethod/HostNotConnected", "Manager/properties"]


def test_a_row_of_a_strange_name_stands_beside(result: RunResult) -> None:
    """A saved run may come from anybody: what is no name heads no column."""
    strange = [RowVerdict(id_, Verdict.CONFORMS) for id_ in ("a/b/c d", "a/\x1b[2J/c", "a//c", "a/b/c/d")]
    assert [row.id for row in matrix(replace(result, rows=strange)).beside] == [row.id for row in strange]
