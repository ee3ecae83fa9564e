"""Values drawn once from Hypothesis with a seed, then used in turn; the same seed draws the same values."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

from vcontract._strategies.constants import fixed_constants

T = TypeVar("T")
_MOST = 32
_drawing = threading.RLock()
"""Held while Hypothesis draws, whose tables and settings are those of the whole process."""
_pools: dict[tuple[int, int, int], tuple[SearchStrategy[Any], tuple[Any, ...]]] = {}


class Pool(Generic[T]):
    """An endless supply of drawn values: `size` values, drawn at first use and then repeated.

    `place` says which comes next; who sets it back is given the same values again.
    """

    def __init__(self, strategy: SearchStrategy[T], seed_: int, size: int) -> None:
        self._strategy, self._seed, self._size = strategy, seed_, size
        self._drawn: tuple[T, ...] = ()
        self.place = 0

    def next(self, wanted: Callable[[T], bool] = lambda _: True) -> T:
        """Give the next value that is wanted; LookupError if no drawn value is."""
        self._drawn = self._drawn or _kept(self._strategy, self._seed, self._size)
        for _ in self._drawn:
            value = self._drawn[self.place % len(self._drawn)]
            self.place += 1
            if wanted(value):
                return value
        raise LookupError("no drawn value fits")


def _kept(strategy: SearchStrategy[T], seed_: int, size: int) -> tuple[T, ...]:
    """Draw once in a process what the same strategy gives with the same seed; nobody changes what a pool gives.

    A strategy is told by identity: to hash one evaluates it, of which Hypothesis warns while pytest starts.
    """
    key = id(strategy), seed_, size
    with _drawing:
        if key not in _pools:
            if len(_pools) >= _MOST:
                _pools.clear()
            _pools[key] = (
                strategy,
                tuple(draw(strategy, seed_, size)),
            )  # while it is kept here, no other one gets its id
        kept: tuple[T, ...] = _pools[key][1]
        return kept


def draw(strategy: SearchStrategy[T], seed_: int, size: int) -> list[T]:
    """Draw at most `size` values, reproducibly: no code or tests outside this package influence them."""
    drawn: list[T] = []

    @seed(seed_)
    @settings(
        max_examples=size,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(value: T) -> None:
        drawn.append(value)

    with fixed_constants():
        collect()
    return drawn
