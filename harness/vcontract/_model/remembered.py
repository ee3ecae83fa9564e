"""What the contract allows, remembered: the calls of a long history meet the same states again and again."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from vcontract._contract import Contract
from vcontract._model.expect import Expectation, expect
from vcontract._model.located import located
from vcontract._model.state import Asked, State

_MOST = 1 << 12
_Met = tuple[frozenset[State], Asked]


class Remembered:
    """Gives the expectation for a call, and the cell that it met; each is computed once for the same states and call.

    Which task it is that runs is left out of the states: no condition asks for it.
    """

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._known: dict[_Met, tuple[Expectation, str]] = {}

    def met(self, states: Iterable[State], asked: Asked) -> tuple[Expectation, str]:
        """Give the expectation, and the id of the cell (empty if that is none, or not sure)."""
        plain = frozenset(replace(state, task="") if state.task else state for state in states)
        known = self._known.get((plain, asked))
        if known is None:
            if len(self._known) >= _MOST:
                self._known.clear()
            known = expect(plain, asked, self._contract), located(plain, asked, self._contract)
            self._known[plain, asked] = known
        return known
