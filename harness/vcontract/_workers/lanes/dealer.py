"""Deals the steps of a plan to lanes as they ask for some: each gets what it can serve and is nearest to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from vcontract._model import State
from vcontract._run.estimates.walk import wanted
from vcontract._run.plan import Step
from vcontract._strategies.calls import Caller

LONGEST = 12
"""So many steps in one state are dealt together: more would leave a lane at work alone at the end, fewer arrange more."""


class Block(msgspec.Struct):
    """Steps that are dealt together, the VM that they want, and the section of the plan in which they stand."""

    want: tuple[State, bool, int]
    section: int
    steps: list[Step]


class Dealer:
    """Holds the steps that nobody has taken yet; any lane's thread may ask.

    The sections of a plan are dealt in their order: rows, then one case of each kind, then what is left. Within one, a lane
    first gets what stands in the state in which its last steps were; else what the fewest lanes can serve, in the plan's order.
    """

    def __init__(self, steps: Sequence[Step], caller: Caller, lanes: Iterable[int]) -> None:
        self.total = len(steps)
        self._blocks = blocks_of(steps, caller)
        self._lanes = frozenset(lanes)
        self._lock = threading.Lock()
        self._unable: dict[tuple[State, bool, int], set[int]] = {}
        self._last: dict[int, State] = {}
        self._ended: set[int] = set()

    def batches(self, lane: int, serves: Callable[[tuple[State, bool, int]], bool]) -> Iterator[list[Step]]:
        """Give a lane, by its number, steps until none is left that it can serve, as `serves` says of what they want."""
        while (block := self._next(lane, serves)) is not None:
            yield block.steps

    def ended(self, lane: int) -> None:
        """Take in that a lane asks no more."""
        with self._lock:
            self._ended.add(lane)

    @property
    def left(self) -> list[Step]:
        """The steps that nobody took."""
        return [step for block in self._blocks for step in block.steps]

    def _next(self, lane: int, serves: Callable[[tuple[State, bool, int]], bool]) -> Block | None:
        with self._lock:
            may = {want: self._may(lane, want, serves) for want in {block.want for block in self._blocks}}
            able = [place for place, block in enumerate(self._blocks) if may[block.want]]
            if not able:
                return None
            section = min(self._blocks[place].section for place in able)
            last = self._last.get(lane)

            def order(place: int) -> tuple[bool, int, int]:
                want = self._blocks[place].want
                return want[0] != last, -len(self._unable.get(want, ())), place

            block = self._blocks.pop(min((each for each in able if self._blocks[each].section == section), key=order))
            self._last[lane] = block.want[0]
            return block

    def _may(self, lane: int, want: tuple[State, bool, int], serves: Callable[[tuple[State, bool, int]], bool]) -> bool:
        """Whether a lane can serve; what no lane can, any may try, so that it is told why not."""
        unable = self._unable.setdefault(want, set())
        (unable.discard if serves(want) else unable.add)(lane)
        return lane not in unable or unable >= self._lanes - self._ended


def blocks_of(steps: Sequence[Step], caller: Caller) -> list[Block]:
    """Cut a plan into blocks: cells that follow each other in one state, and every other step by itself."""
    blocks: list[Block] = []
    section, kind = -1, ""
    for step in steps:
        now = "cell" if step.cell is not None else "case" if step.case is not None else "other"
        section, kind = section + (now != kind), now
        want = wanted(step, caller)
        last = blocks[-1] if blocks else None
        joined = (
            last is not None
            and now == "cell"
            and (last.section, last.want) == (section, want)
            and (len(last.steps) < LONGEST or last.steps[-1].keep)
        )
        if last is not None and joined:
            last.steps.append(step)
        else:
            blocks.append(Block(want, section, [step]))
    return blocks
