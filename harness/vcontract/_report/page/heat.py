"""Cells as a heat map: for what is unusual, and each method, how many of the cells that could be reached were exercised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from vcontract._model.cells import BY_NAME
from vcontract._model.labels import Label
from vcontract._report.result import RunResult

_STEPS = 5
"""So many shades there are, the last for all."""


class Warmth(msgspec.Struct, frozen=True):
    """Of how many cells how many were exercised; `shade` from 0 (none) to 5 (all); without a cell it is -1."""

    seen: int
    reachable: int
    away: int

    @property
    def shade(self) -> int:
        """How warm it is."""
        return -1 if not self.reachable else _STEPS * self.seen // self.reachable


class Heat(msgspec.Struct, frozen=True):
    """A line for each thing that is unusual, a column for each method."""

    columns: tuple[str, ...]
    lines: tuple[tuple[str, tuple[Warmth, ...]], ...]


def heat(result: RunResult) -> Heat:
    """Count the cells of a result by method and by each single thing that is unusual in them."""
    cells = result.cells
    seen, unseen = _counted(cells.seen), _counted(cells.unseen)
    away = _counted(name for names in cells.unreachable.values() for name in names)
    keys = {*seen, *unseen, *away}
    methods = tuple(dict.fromkeys(row.id.split("/")[1] for row in result.rows if row.id.count("/") == 2))
    columns = tuple(method for method in methods if any(method == key[0] for key in keys))
    order = {name: place for place, name in enumerate(BY_NAME)}
    names = sorted({name for _, name in keys}, key=lambda name: (order.get(name, len(order)), name))
    lines = tuple(
        (
            name,
            tuple(
                Warmth(seen[method, name], seen[method, name] + unseen[method, name], away[method, name])
                for method in columns
            ),
        )
        for name in names
    )
    return Heat(columns, lines)


def _counted(cells: Iterable[str]) -> Counter[tuple[str, str]]:
    """Count cells by method and by each thing that is unusual in them; what we have no words for counts as another input."""
    counts: Counter[tuple[str, str]] = Counter()
    for cell in cells:
        label = Label.parse(cell)
        names = {name if name in BY_NAME else "" for name in label.deviations}
        counts.update((label.method, name) for name in names)
    return counts
