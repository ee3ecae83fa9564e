"""The search for a legal order, event by event: just-in-time linearisation.

It keeps, at each event, every configuration that is still possible: which of the open steps are in the order, and the
states that the orders so far may have led to. Only an end forces steps into the order.

Exact prunings (`tests/benchmarks/RESULTS.md` has what the whole is worth; the first alone made a model of 32 states, with 16
clients at once, 35 times as fast to search, for it kept 12 configurations at an event in place of 345):
- a passive step goes into the order at once wherever it can; one that may leave all as it was is at once taken for
  done *or* open;
- the states of equal configurations are one set, and a configuration that can do all that another can stands for it: so
  of the steps without an end no more are used than are needed;
- before a step that ends only those are tried that do not commute with it or with one that must be tried;
- of open steps of one kind, equally pressing and with none after them, only the one that ends earliest is tried.
"""

from __future__ import annotations

import time
from math import inf

import msgspec

from vcontract.check.transitions import Table

NOBODY = -1
"""In place of the step that must come before: there is none."""
_BYTES = 256
"""About what one configuration takes, for the limit of memory."""
_LOOK = 2048
"""So many configurations go by between two looks at the clock."""


class Limits(msgspec.Struct, frozen=True):
    """How much a search may cost: seconds, and bytes of configurations."""

    seconds: float = inf
    memory: int = 1 << 30


class OutOfLimitsError(Exception):
    """A search may go no further; the text says why. It never leaves this room."""


class Open:
    """A step that has begun: its bits (0: it is in every order), its kind, when it ends, the step that must come before it.

    A configuration has `bit` set where the step need not come into the order any more, and `can` where it still may. Who has
    both set may take it for done at a moment at which it left all as it was, or for not yet done. `sort` is the bit
    of its kind, `mark` the same if nothing comes after it, so that it stands for those that end later.
    """

    __slots__ = ("before", "bit", "can", "end", "kind", "mark", "sort")

    def __init__(self, kind: int, end: float, before: Open | None, *, last: bool) -> None:
        self.bit = self.can = 0
        self.kind = kind
        self.end = end
        self.before: Open = before or _FIRST
        self.sort = 1 << kind
        self.mark = self.sort if last else 0


class _First(Open):
    """What comes before a step that need not wait for another."""

    def __init__(self) -> None:
        self.bit = self.can = self.mark = 0
        self.before = self


_FIRST: Open = _First()


class Search:
    """A search under way: `begin` and `end` take the events as they come.

    `configurations` maps the bits of the open steps to a bit set of states. Of two configurations the one with more bits
    can do all that the other can, in the states that both have.
    """

    def __init__(self, table: Table, states: int, limits: Limits | None = None) -> None:
        limits = limits or Limits()
        self.configurations = {0: table.close(states)}
        self.most = 1
        self._table = table
        self._free: list[int] = []
        self._bits = 0
        self._changing: list[Open] = []
        self._settling: list[Open] = []
        self._lost: dict[int, int] = {}
        self._until = time.monotonic() + limits.seconds
        self._room = max(1, limits.memory // _BYTES)
        self._looks = 0

    @property
    def states(self) -> int:
        """Every state that is possible in some configuration."""
        possible = 0
        for states in self.configurations.values():
            possible |= states
        return possible

    def begin(self, kind: int, end: float = inf, before: Open | None = None, *, last: bool = True) -> Open | None:
        """Take in a step that may come into the order from now on; `end` orders the ends, infinity: it has none.

        `last`: no step must come after it. Gives None if it is in every order at once. Raises OutOfLimitsError.
        """
        passive = self._table.passive[kind]
        if passive and ((last and end == inf) or self._everywhere(kind, before.bit if before else 0)):
            return None  # if it has no end, whether it ever happened makes no difference
        lost = last and end == inf
        if lost and not (before and before.bit):
            self._lose(kind)
            return None
        step = Open(kind, end, before, last=last)
        step.bit = self._bit()
        step.can = 0 if passive else step.bit << 1
        bits = step.can | (step.bit if lost else 0)
        begun = {ways | bits: states for ways, states in self.configurations.items()}
        if not passive:
            place = len(self._changing)
            while place and self._changing[place - 1].end > end:
                place -= 1
            self._changing.insert(place, step)
        if passive or (last and not lost and self._table.still[kind]):
            self._settling.append(step)
            settled: dict[int, int] = {}
            for ways, states in begun.items():
                self._settle(ways, states, settled, settled, _FIRST)
            begun = _undominated(settled)
        self.configurations = begun
        self._count(len(begun))
        return step

    def end(self, step: Open) -> bool:
        """Take in the end of a step: it must be in the order now. False if no legal order is left; then nothing has changed.

        Raises OutOfLimitsError.
        """
        bit = step.bit
        if not bit:
            return True
        done: dict[int, int] = {}
        late: dict[int, int] = {}
        for ways, states in self.configurations.items():
            self._sort(ways, states, done, late, step)
        if late:
            self._order(late, done, step)
            if not done:
                return False
        if step.can:
            self._changing.remove(step)
        if not step.can or step in self._settling:
            self._settling.remove(step)
        rest = ~(bit | step.can)
        merged: dict[int, int] = {}
        for ways, states in done.items():
            merged[ways & rest] = merged.get(ways & rest, 0) | states
        self.configurations = merged = _undominated(merged)
        step.bit = step.can = 0
        self._free.append(bit)
        self._count(len(merged))
        return True

    def _lose(self, kind: int) -> None:
        """Take in a step that has no end; those of one kind that have begun are as good as each other."""
        bit = 1 << self._bits
        self._bits += 1
        self._lost[kind] = self._lost.get(kind, 0) | bit
        self.configurations = {ways | bit: states for ways, states in self.configurations.items()}

    def _bit(self) -> int:
        if self._free:
            return self._free.pop()
        self._bits += 2
        return 1 << (self._bits - 2)

    def _everywhere(self, kind: int, before: int) -> bool:
        """Whether a passive step can be taken in every state of every configuration."""
        splits = self._table.splits[kind]
        for ways, states in self.configurations.items():
            if ways & before != before:
                return False
            known = splits.get(states)
            if (self._table.split(kind, states) if known is None else known)[0] != states:
                return False
        return True

    def _order(self, layer: dict[int, int], done: dict[int, int], last: Open) -> None:
        """Put open steps into the order, one more a layer, until the last one is in it."""
        results, after_of = self._table.results, self._table.after
        matter = self._matter(layer, last)
        steps = [step for step in self._changing if matter & step.sort]
        lost = [(kind, bits) for kind, bits in self._lost.items() if matter >> kind & 1]
        seen = dict(layer)
        while layer:
            self._look(len(layer) + len(done))
            deeper: dict[int, int] = {}
            for ways, states in layer.items():
                for kind, rest in self._next(ways, steps, lost):
                    after = results[kind].get(states)
                    if after is None:
                        after = after_of(kind, states)
                    if after:
                        self._settle(rest, after, done, deeper, last)
            layer = _fresh(deeper, seen, done)

    @staticmethod
    def _next(ways: int, steps: list[Open], lost: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """List the kinds of steps that may come next in the order, with the bits that are left then."""
        candidates = []
        tried = spared = 0
        for step in steps:
            before = step.before.bit
            if not ways & step.can or tried & step.mark or ways & before != before:
                continue
            if not ways & step.bit:
                tried |= step.mark
            elif spared & step.mark:
                continue
            else:
                spared |= step.mark
            candidates.append((step.kind, (ways | step.bit) & ~step.can))
        for kind, bits in lost:
            left = ways & bits
            if left and not (tried | spared) >> kind & 1:
                candidates.append((kind, ways ^ (left & -left)))
        return candidates

    def _matter(self, layer: dict[int, int], last: Open) -> int:
        """Give the kinds (a bit set) of the steps whose place before or after the last one can matter.

        A step that commutes with the last one, and with all that matter, can as well come after it, when it must.
        """
        common = -1
        for ways in layer:
            common &= ways
        waiting = [step for step in self._settling if not step.can and not common & step.bit]
        kinds, chained = 0, set()
        for step in (*self._changing, *waiting):
            kinds |= step.sort
            if step.before.bit:
                chained.add((step.kind, step.before.kind))
        for kind in self._lost:
            kinds |= 1 << kind
        return self._table.entangled(last.kind, kinds, frozenset(chained))

    def _settle(self, ways: int, states: int, done: dict[int, int], others: dict[int, int], last: Open) -> None:
        """Part a configuration by the steps that may leave all as it was, and sort it by the last one."""
        todo = [(ways, states)]
        table = self._table
        while todo:
            ways, states = todo.pop()
            for step in self._settling:
                before = step.before.bit
                if ways & step.bit or ways & before != before:
                    continue
                known = table.splits[step.kind].get(states)
                taken, left = table.split(step.kind, states) if known is None else known
                if taken == states:
                    ways |= step.bit
                elif taken:
                    # silent steps may have made room for those before it in the list, so all are looked at again
                    todo.append((ways | step.bit, taken))
                    if not left:
                        break
                    states = left
            else:
                self._sort(ways, states, done, others, last)

    @staticmethod
    def _sort(ways: int, states: int, done: dict[int, int], others: dict[int, int], last: Open) -> None:
        """Add a configuration to those that have the last step in the order, to the others, or to both if either may be."""
        if ways & last.bit == last.bit:
            here = ways & ~last.can
            done[here] = done.get(here, 0) | states
        if ways & last.can or ways & last.bit != last.bit:
            here = ways & ~last.bit
            others[here] = others.get(here, 0) | states

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


def _fresh(layer: dict[int, int], seen: dict[int, int], done: dict[int, int]) -> dict[int, int]:
    """Leave out of a layer the states for which another configuration stands; `seen` keeps those that have been there."""
    if not layer:
        return layer
    for ways, states in layer.items():
        seen[ways] = seen.get(ways, 0) | states
    both = dict(seen)
    for ways, states in done.items():
        both[ways] = both.get(ways, 0) | states
    kept = _undominated(both)
    return {ways: left for ways, states in layer.items() if (left := kept.get(ways, 0) & states)}


def _undominated(configurations: dict[int, int]) -> dict[int, int]:
    """Leave out the states of configurations for which others stand: those with the same bits and more."""
    if len(configurations) < 2:
        return configurations
    kept: dict[int, int] = {}
    for ways in sorted(configurations, key=int.bit_count, reverse=True):
        states = configurations[ways]
        for other, known in kept.items():
            if ways & other == ways:
                states &= ~known
                if not states:
                    break
        else:
            kept[ways] = states
    return kept
