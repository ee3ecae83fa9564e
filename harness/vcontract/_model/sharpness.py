"""Measures how sharp the predictions are (oracle rule A16), because an oracle that permits everything finds nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from vcontract._contract import OK, Contract, ancestors
from vcontract._model.cells import Cell, all_cells
from vcontract._model.expect import Expectation, expect
from vcontract._model.per_contract import PerContract
from vcontract._terms import Grade


class Sharpness(msgspec.Struct, frozen=True):
    """The measure over all cells.

    `kill_rate`: of all (cell, outcome) pairs the share that is refused, over the outcomes that a method may raise at all
    (success, each declared fault and descendant, each RuntimeFault). `best_constant`: the server that always answers the
    same and passes most cells, and that share. `pivot_mean`: mean permitted in cells with one thing wrong.
    """

    cells: int
    outcomes: int
    mean_permitted: float
    pivot_mean: float
    exact: int
    success_forbidden: int
    kill_rate: float
    best_constant: tuple[str, float]
    weakest: tuple[tuple[str, int], ...]


def universe(contract: Contract, bases: dict[str, str]) -> frozenset[str]:
    """List every outcome that a method of the contract may have by its declaration alone."""
    declared = {fault.type for method in contract.methods for fault in method.fault}
    return frozenset({OK} | {base for base in bases if declared & set(ancestors(base, bases))})


def settled(expectation: Expectation) -> frozenset[str]:
    """List the permitted outcomes that a source settles, not an inference alone."""
    return frozenset(name for name, allowed in expectation.allowed.items() if allowed.grade is not Grade.UNSETTLED)


def unsettled(expectation: Expectation) -> tuple[str, ...]:
    """List the permitted outcomes that rest on an inference alone: they break nothing, and prove nothing."""
    return tuple(name for name, allowed in expectation.allowed.items() if allowed.grade is Grade.UNSETTLED)


def _settled(contract: Contract, over: Iterable[Cell]) -> dict[Cell, frozenset[str]]:
    return {cell: settled(expect([cell.state], cell.asked, contract)) for cell in over}


_counted = PerContract(lambda contract: _settled(contract, all_cells(contract)))


def sharpness(contract: Contract, bases: dict[str, str], over: Iterable[Cell] | None = None) -> Sharpness:
    """Measure the contract over the given cells (default: all with at most two deviations)."""
    possible = universe(contract, bases)
    counted = _counted.of(contract) if over is None else _settled(contract, over)
    passes = Counter(name for allowed in counted.values() for name in allowed)
    best, times = max(passes.items(), key=lambda item: (item[1], item[0]))
    pivots = [len(allowed) for cell, allowed in counted.items() if len(cell.deviations) == 1]
    permitted = sum(len(allowed) for allowed in counted.values())
    inside = sum(len(allowed & possible) for allowed in counted.values())
    weakest = sorted(counted.items(), key=lambda item: (-len(item[1]), item[0].id))[:5]
    return Sharpness(
        cells=len(counted),
        outcomes=len(possible),
        mean_permitted=round(permitted / len(counted), 2),
        pivot_mean=round(sum(pivots) / max(1, len(pivots)), 2),
        exact=sum(len(allowed) == 1 for allowed in counted.values()),
        success_forbidden=sum(OK not in allowed for allowed in counted.values()),
        kill_rate=round(1 - inside / (len(counted) * len(possible)), 4),
        best_constant=(best, round(times / len(counted), 3)),
        weakest=tuple((cell.id, len(allowed)) for cell, allowed in weakest),
    )
