"""Which rows a run will leave untested here: every cell that can be reached is taken as answered as it may be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product

from vcontract.check import Judgement, summarise
from vcontract.contract import OK, Contract, Row, rows
from vcontract.model import Cell, expect
from vcontract.run.plan import all_cells
from vcontract.terms import Grade, RowVerdict, Verdict


def untested(contract: Contract, bases: dict[str, str], unreachable: Mapping[str, str]) -> dict[str, str]:
    """Give each row that will stay untested, and why.

    `unreachable` maps the ids of cells to what keeps them from being reached. The reason of a row is the one without which
    it could be judged, by cells with one deviation if these will do; where no single one would do, what the row lacks. The
    object's own rows are left out.
    """
    cells = {each.id: _foreseen(each, contract) for each in all_cells(contract)}
    simple = {each.id for each in all_cells(contract) if len(each.deviations) < 2}
    near = [told for id_, answers in cells.items() if id_ not in unreachable for told in answers]
    listed = rows(contract, bases)
    left = _left(contract, listed, near, bases)
    found: dict[str, str] = {}
    for these, reason in product((simple, cells.keys()), dict.fromkeys(unreachable.values())):
        open_ = [each for each in listed if each.id in left and each.id not in found]
        with_these = [told for id_, why in unreachable.items() if why == reason and id_ in these for told in cells[id_]]
        still = _left(contract, open_, [*near, *with_these], bases) if open_ and with_these else left
        found |= {each.id: reason for each in open_ if each.id not in still}
    return {id_: found.get(id_, why) for id_, why in left.items()}


def _left(contract: Contract, listed: Iterable[Row], judged: list[Judgement], bases: dict[str, str]) -> dict[str, str]:
    own = [RowVerdict(each.id, Verdict.CONFORMS) for each in listed if not each.method and not each.fault]
    summary = summarise(contract, tuple(listed), judged, own, bases)
    return {each.id: each.reason for each in summary.rows if each.verdict is Verdict.UNTESTED}


def _foreseen(cell: Cell, contract: Contract) -> list[Judgement]:
    """Judge a cell as if a server had answered it as it may: by success, and by a fault."""
    expectation = expect([cell.state], cell.asked, contract)
    allowed = tuple(expectation.allowed)
    fault = next((each for each in allowed if each != OK), "")
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
        )
        for observed in (OK * expectation.accepts, fault)
        if observed
    ]
