"""Which rows a run will leave untested here: every cell that can be reached is taken as answered as it may be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product

from vcontract._check import Judgement, summarise
from vcontract._contract import OK, Contract, Row, rows
from vcontract._model import Cell, all_cells, expect, unsettled
from vcontract._terms import Grade, RowVerdict, Verdict


def untested(contract: Contract, bases: dict[str, str], unreachable: Mapping[str, str]) -> dict[str, str]:
    """Give each row that will stay untested, and why.

    `unreachable` maps the ids of cells to what keeps them from being reached. The reason of a row is the one without which
    it could be judged, by cells with one deviation if these will do; where no single one would do, what the row lacks. The
    object's own rows are left out.
    """
    cells = {cell.id: _foreseen(cell, contract) for cell in all_cells(contract)}
    simple = {cell.id for cell in all_cells(contract) if len(cell.deviations) < 2}
    near = [told for id_, answers in cells.items() if id_ not in unreachable for told in answers]
    listed = rows(contract, bases)
    left = _left(contract, listed, near, bases)
    found: dict[str, str] = {}
    for these, reason in product((simple, cells.keys()), dict.fromkeys(unreachable.values())):
        open_ = [row for row in listed if row.id in left and row.id not in found]
        with_these = [told for id_, why in unreachable.items() if why == reason and id_ in these for told in cells[id_]]
        still = _left(contract, open_, [*near, *with_these], bases) if open_ and with_these else left
        found |= {row.id: reason for row in open_ if row.id not in still}
    return {id_: found.get(id_, why) for id_, why in left.items()}


def _left(contract: Contract, listed: Iterable[Row], judged: list[Judgement], bases: dict[str, str]) -> dict[str, str]:
    own = [RowVerdict(row.id, Verdict.CONFORMS) for row in listed if not row.method and not row.fault]
    summary = summarise(contract, tuple(listed), judged, own, bases)
    return {row.id: row.reason for row in summary.rows if row.verdict is Verdict.UNTESTED}


def _foreseen(cell: Cell, contract: Contract) -> list[Judgement]:
    """Judge a cell as if a server had answered it as it may: by success, and by a fault."""
    expectation = expect([cell.state], cell.asked, contract)
    allowed = tuple(expectation.allowed)
    open_ = unsettled(expectation)
    fault = next((name for name in allowed if name != OK and name not in open_), "")
    return [
        Judgement(
            0,
            cell.id,
            cell.method,
            Verdict.CONFORMS,
            Grade.CONFORMS,
            expectation.text(),
            observed,
            allowed,
            expectation.situations,
            unsettled=open_,
        )
        for observed in (OK * expectation.accepts, fault)
        if observed
    ]
