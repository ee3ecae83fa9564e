"""Whether the steps of one concurrent history have a legal order: just-in-time linearisation over encoded events.

A *step* has a kind (a number of the table), perhaps a step that must come before it, and a time in which it happened: from
its *begin* to its *end*; without an end it may have happened at any time since, or never. The search keeps, at each end,
every configuration that is still possible: the set of steps that have begun and are not yet in the order, and the states
that the orders so far may have led to. Only an end forces steps into the order.

Exact prunings (measured: facts/performance.md, section 5): a passive step goes into the order at once wherever it can; the
states of equal configurations are one set; of open steps of one kind, with none after them, only the one that ends
earliest is tried; a configuration that has used fewer of the steps without an end stands for those that used more.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Sequence
from enum import StrEnum
from math import inf

import msgspec

from harness.check.transitions import Table

NOBODY = -1
"""In place of the step that must come before: there is none."""
_BYTES = 256
"""About what one configuration takes, for the limit of memory."""
_LOOK = 2048
"""So many configurations go by between two looks at the clock."""


class Steps(msgspec.Struct, frozen=True):
    """The steps of one history: of step n the kind, and the step that must come before it (NOBODY: none).

    `events` are the begins and ends in the order of time, `2n` and `2n + 1`. A step begins no earlier than the one that must
    come before it, and that one ends, if it does, no later than it.
    """

    kinds: Sequence[int]
    before: Sequence[int]
    events: Sequence[int]


class Answer(StrEnum):
    """Whether there is a legal order; `inconclusive` says that the limits did not allow to find out."""

    LEGAL = "legal"
    ILLEGAL = "illegal"
    INCONCLUSIVE = "inconclusive"


class Result(msgspec.Struct, frozen=True):
    """What a search found, and why it could not if so.

    `event` is the index of the first end that no legal order reaches (or of the event at which the search gave up, or the
    number of events), `states` the bit set of what was possible before it, `most` the largest number of configurations.
    """

    answer: Answer
    event: int
    states: int
    most: int = 0
    reason: str = ""


class Limits(msgspec.Struct, frozen=True):
    """How much a search may cost: seconds, and bytes of configurations."""

    seconds: float = inf
    memory: int = 1 << 30


class OutOfLimitsError(Exception):
    """A search may go no further; the text says why. It never leaves this module."""


class _Open:
    """A step that has begun: its bit while it may still come into the order (0: it is in every order), its kind, when it ends.

    `mark` is the bit of its kind if nothing comes after it, so that it stands for those that end later.
    """

    __slots__ = ("before", "bit", "end", "kind", "mark")

    def __init__(self, kind: int, end: float, before: _Open | None, mark: int) -> None:
        self.bit = 0
        self.kind = kind
        self.end = end
        self.before = before
        self.mark = mark


_FIRST = _Open(NOBODY, 0, None, 0)


class Search:
    """A search under way: `begin` and `end` take the events as they come.

    `configurations` maps the bit set of the open steps that are not yet in the order to a bit set of states.
    """

    def __init__(self, table: Table, states: int, limits: Limits | None = None) -> None:
        limits = limits or Limits()
        self.configurations = {0: table.close(states)}
        self.most = 1
        self._table = table
        self._free: list[int] = []
        self._bits = 0
        self._changing: list[_Open] = []
        self._passive: list[_Open] = []
        self._lost = 0
        self._until = time.monotonic() + limits.seconds
        self._room = max(1, limits.memory // _BYTES)
        self._looks = 0

    @property
    def states(self) -> int:
        """Every state that is possible in some configuration."""
        found = 0
        for each in self.configurations.values():
            found |= each
        return found

    def begin(self, kind: int, end: float = inf, before: _Open | None = None, *, last: bool = True) -> _Open:
        """Take in a step that may come into the order from now on; `end` orders the ends, infinity: it has none.

        `last`: no step must come after it. Raises OutOfLimitsError.
        """
        before = before or _FIRST
        step = _Open(kind, end, before, 1 << kind if last else 0)
        passive = self._table.passive[kind]
        if passive and self._everywhere(kind, before.bit):
            return step
        if passive and last and end == inf:
            return step  # whether it ever happened makes no difference
        step.bit = bit = self._free.pop() if self._free else 1 << self._bits
        if bit >> self._bits:
            self._bits += 1
        if last and end == inf:
            self._lost |= bit
        begun = {waiting | bit: states for waiting, states in self.configurations.items()}
        if passive:
            self._passive.append(step)
            found: dict[int, int] = {}
            for waiting, states in begun.items():
                self._settle(waiting, states, found, found, 0)
            begun = self._undominated(found)
        else:
            place = len(self._changing)
            while place and self._changing[place - 1].end > end:
                place -= 1
            self._changing.insert(place, step)
        self.configurations = begun
        self._count(len(begun))
        return step

    def end(self, step: _Open) -> bool:
        """Take in the end of a step: it must be in the order now. False if no legal order is left; then nothing has changed.

        Raises OutOfLimitsError.
        """
        bit = step.bit
        if not bit:
            return True
        done = {waiting: states for waiting, states in self.configurations.items() if not waiting & bit}
        if len(done) < len(self.configurations):
            late = {waiting: states for waiting, states in self.configurations.items() if waiting & bit}
            self._order(late, done, bit)
            if not done:
                return False
            done = self._undominated(done)
            self._count(len(done))
        self.configurations = done
        step.bit = 0
        self._free.append(bit)
        (self._passive if self._table.passive[step.kind] else self._changing).remove(step)
        return True

    def _everywhere(self, kind: int, before: int) -> bool:
        """Whether a passive step can be taken in every state of every configuration."""
        table = self._table
        splits = table.splits[kind]
        for waiting, states in self.configurations.items():
            if waiting & before:
                return False
            if (splits.get(states) or table.split(kind, states))[0] != states:
                return False
        return True

    def _order(self, layer: dict[int, int], done: dict[int, int], bit: int) -> None:
        """Put open steps into the order, one more a layer, until the one with this bit is in it."""
        table, changing = self._table, self._changing
        seen = dict(layer) if self._lost else {}
        while layer:
            self._look(len(layer) + len(done))
            deeper: dict[int, int] = {}
            for waiting, states in layer.items():
                tried = 0
                for step in changing:
                    if not waiting & step.bit or tried & step.mark or waiting & step.before.bit:  # type: ignore[union-attr] # every open step has one
                        continue
                    tried |= step.mark
                    after = table.results[step.kind].get(states)
                    if after is None:
                        after = table.after(step.kind, states)
                    if after:
                        self._settle(waiting ^ step.bit, after, done, deeper, bit)
            layer = self._fresh(deeper, seen) if self._lost else deeper

    def _settle(self, waiting: int, states: int, done: dict[int, int], others: dict[int, int], bit: int) -> None:
        """Put every passive step that can be into the order, and add what comes of it to `done`, or to `others` if it waits."""
        todo = [(waiting, states)]
        while todo:
            waiting, states = todo.pop()
            for step in self._passive:
                if not waiting & step.bit or waiting & step.before.bit:  # type: ignore[union-attr] # every open step has one
                    continue
                taken, left = self._table.split(step.kind, states)
                if taken == states:
                    waiting ^= step.bit
                elif taken:
                    # silent steps may have made room for those before it in the list, so all are looked at again
                    todo.append((waiting ^ step.bit, taken))
                    if not left:
                        break
                    states = left
            else:
                into = others if waiting & bit else done
                into[waiting] = into.get(waiting, 0) | states

    def _fresh(self, layer: dict[int, int], seen: dict[int, int]) -> dict[int, int]:
        """Leave out of a layer the states in which fewer steps without an end had to be used before."""
        for waiting, states in layer.items():
            seen[waiting] = seen.get(waiting, 0) | states
        kept = self._undominated(seen)
        seen.clear()
        seen.update(kept)
        return {waiting: kept[waiting] & states for waiting, states in layer.items() if kept.get(waiting, 0) & states}

    def _undominated(self, configurations: dict[int, int]) -> dict[int, int]:
        """Leave out the states of configurations that others stand for: those that used fewer of the steps without an end."""
        lost = self._lost
        if not lost or len(configurations) < 2:
            return configurations
        groups: dict[int, list[int]] = {}
        for waiting in configurations:
            groups.setdefault(waiting & ~lost, []).append(waiting)
        kept: dict[int, int] = {}
        for group in groups.values():
            group.sort(key=lambda waiting: -waiting.bit_count())
            better: list[tuple[int, int]] = []
            for waiting in group:
                states = configurations[waiting]
                for other, known in better:
                    if waiting & other == waiting:
                        states &= ~known
                        if not states:
                            break
                if states:
                    kept[waiting] = states
                    better.append((waiting, states))
        return kept

    def _count(self, configurations: int) -> None:
        self.most = max(self.most, configurations)
        if configurations > self._room:
            raise OutOfLimitsError(f"more than {self._room:,} configurations are possible at once")

    def _look(self, configurations: int) -> None:
        self._count(configurations)
        self._looks += configurations
        if self._looks >= _LOOK:
            self._looks = 0
            if time.monotonic() > self._until:
                raise OutOfLimitsError("the time is over")


def _outlook(steps: Steps) -> tuple[array[int], bytearray]:
    """Give for each step the index of its end (0: it has none), and whether another must come after it."""
    ends, followed = array("q", bytes(8 * len(steps.kinds))), bytearray(len(steps.kinds))
    for place, event in enumerate(steps.events):
        if event & 1:
            ends[event >> 1] = place
    for first in steps.before:
        if first != NOBODY:
            followed[first] = 1
    return ends, followed


def linearize(table: Table, states: int, steps: Steps, limits: Limits | None = None) -> Result:
    """Look for a legal order of a history that begins in any of the given states (a bit set)."""
    search = Search(table, states, limits)
    ends, followed = _outlook(steps)
    kinds, before, begun = steps.kinds, steps.before, dict[int, _Open]()
    answer, reason, place = Answer.LEGAL, "", 0
    try:
        for event in steps.events:
            number = event >> 1
            if not event & 1:
                first = begun.get(before[number]) if before[number] != NOBODY else None
                begun[number] = search.begin(kinds[number], ends[number] or inf, first, last=not followed[number])
            elif not search.end(begun.pop(number)):
                answer = Answer.ILLEGAL
                break
            place += 1
    except OutOfLimitsError as error:
        answer, reason = Answer.INCONCLUSIVE, str(error)
    return Result(answer, place, search.states, search.most, reason)
