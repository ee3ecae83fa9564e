"""What a run is asked for."""

from __future__ import annotations

import msgspec

from vcontract.model import Pinned
from vcontract.report.deviations import Listed
from vcontract.terms import Json


class Budget(msgspec.Struct, frozen=True):
    """How much shrinking may cost: attempts for one finding, seconds for all."""

    attempts: int = 48
    seconds: float = 30.0


class Options(msgspec.Struct, frozen=True):
    """What a run is asked for; limits of 0 are none, and no methods or rows are all of them.

    `id` is the mark of what the run makes. With `complete`, a proof for so many states more than the model, on an
    `alphabet` (empty: the default one). `explore` is how many programs are executed after the plan, with `explore_only`
    without it. `pinned` is what a profile adds to the documents, `known` are the deviations that do not count.
    """

    seed: int = 0
    methods: tuple[str, ...] = ()
    max_calls: int = 0
    time_limit: float = 0.0
    shrink: Budget = Budget()
    replay: str = "vcontract run"
    report: str = ""
    stop_at_first: bool = False
    asked: dict[str, Json] = {}
    id: str = ""
    complete: int | None = None
    alphabet: tuple[str, ...] = ()
    rows: frozenset[str] = frozenset()
    explore: int = 0
    explore_only: bool = False
    pinned: Pinned | None = None
    known: Listed = Listed()
