"""The snapshots that a run's own work leaves, until they are removed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from vcontract._model.moves import MOVES
from vcontract._terms import Json, Ref, as_ref
from vcontract._testbed.driver import Driver


class Snapshots:
    """Remembers snapshots that were made, and removes them."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._made: list[Ref] = []
        self._removals: list[Ref] = []

    def note(self, infos: Iterable[Mapping[str, Json]]) -> None:
        """Remember what tasks made, by the infos with which they ended, if it is snapshots."""
        for info in infos:
            made = as_ref(info.get("result"))
            if made is not None and made.type == "VirtualMachineSnapshot":
                self._made.append(made)

    def remove(self) -> None:
        """Remove the snapshots that were made; a removal that was begun, and not seen to its end, is waited for first."""
        while self._made or self._removals:
            if self._removals:
                self._driver.tasks.follow(self._removals[-1])
                self._removals.pop()
            else:
                task = self._driver.begin(self._made[-1], MOVES["removeSnapshot"].method, {"removeChildren": False})
                self._made.pop()
                self._removals += [task] if task is not None else []
