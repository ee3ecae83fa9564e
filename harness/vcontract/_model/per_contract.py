"""What is made once for a contract and kept for as long as it is in use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from vcontract._contract import Contract

Made = TypeVar("Made")
_KEPT = 16


class PerContract(Generic[Made]):
    """Makes a thing for each contract at its first use; a contract holds mappings, so it is told by identity, not by hash."""

    def __init__(self, make: Callable[[Contract], Made]) -> None:
        self._make = make
        self._made: dict[int, tuple[Contract, Made]] = {}

    def of(self, contract: Contract) -> Made:
        """Give what was made for a contract."""
        known = self._made.get(id(contract))
        if known is None:  # while it is kept here, no other one gets its id
            if len(self._made) >= _KEPT:
                self._made.clear()
            known = self._made[id(contract)] = (contract, self._make(contract))
        return known[1]
