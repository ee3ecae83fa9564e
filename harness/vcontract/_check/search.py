"""The search for a legal order, event by event: just-in-time linearisation.

At each event the search keeps every configuration that is still possible: the open steps that are already in the order, and
the states that such an order may have led to. Only the end of a step forces steps into the order.

Five prunings keep that small. None loses a legal order (`tests/benchmarks/RESULTS.md` measures their effect; the first alone
made the search of a model with 32 states and 16 concurrent clients 35 times as fast: 12 configurations at an event, not 345):
- a passive step (it never changes a state) is put into the order as soon as it can be; a step that *may* leave the state
  unchanged splits a configuration at once into "done" and "still open";
- equal configurations are merged by uniting their sets of states;
- a configuration is dropped where another one has the same states and at least the same freedom (dominance); so steps without
  an end are used only as often as they are needed;
- before a step that ends, only those steps are tried that do not commute with it or with another step that must be tried;
- of open steps of one kind, all of them undone or all perhaps done, which no step must follow, only the one that ends earliest
  is tried.
"""

from __future__ import annotations

import time
from math import inf

import msgspec

from vcontract._check.transitions import Table

NOBODY = -1
"""Stands for "no step must come before"."""
_BYTES = 256
"""Estimated size of one configuration in bytes; it turns the memory limit into a number of configurations."""
_LOOK = 2048
"""The clock is read once per this many configurations."""


class Limits(msgspec.Struct, frozen=True):
    """How much a search may cost: seconds, and bytes of configurations."""

    seconds: float = inf
    memory: int = 1 << 30


class OutOfLimitsError(Exception):
    """The search hit a limit; the text says which. It is caught inside this room."""


class Open:
    """A step that has begun: its bits (0: it is in every order), its kind, when it ends, the step that must come before it.

    A configuration has `bit` set if the step need not be put into the order any more, and `can` if it still may be. With both
    set the step may count as done (at a moment at which it left the state unchanged) or as not yet done. `sort` is the bit of
    its kind; `mark` is the same bit if no step must come after it, so that it can represent equal steps that end later.
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
    """The predecessor of a step that need not wait for another: it is always in the order."""

    def __init__(self) -> None:
        self.bit = self.can = self.mark = 0
        self.before = self


_FIRST: Open = _First()


class Search:
    """A search in progress: `begin` and `end` take the events in the order of time.

    `configurations` maps the bits of the open steps to a bit set of states. More bits set means more freedom: in the states
    that two configurations share, the one whose bits include the other's can be continued in every way the other can.
    `sole` are the states of the only configuration; -1 if there are several.
    """

    def __init__(self, table: Table, states: int, limits: Limits | None = None) -> None:
        limits = limits or Limits()
        self.sole = table.close(states)
        self.configurations = {0: self.sole}
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
        """The bit set of the states that are possible in some configuration."""
        possible = 0
        for states in self.configurations.values():
            possible |= states
        return possible

    def begin(self, kind: int, end: float = inf, before: Open | None = None, *, last: bool = True) -> Open | None:
        """Begin a step: from now on it may be put into the order.

        `end` is the rank of its end among all events (infinity: it has none); `before` is the open step that must precede it;
        `last` says that no step must follow it. Returns None if the step needs no tracking: it is already in every order, or
        it has no end and a bit of its kind stands for it. Raises OutOfLimitsError.
        """
        passive = self._table.passive[kind]
        if passive and ((last and end == inf) or self._everywhere(kind, before.bit if before else 0)):
            return None  # without an end, nothing depends on whether a passive step happened
        lost = last and end == inf
        if lost and not (before and before.bit):
            self._lose(kind)
            return None
        step = Open(kind, end, before, last=last)
        step.bit = self._free.pop() if self._free else self._bit()
        if not passive:
            step.can = step.bit << 1
            bits = step.can | (step.bit if lost else 0)
            self.configurations = {ways | bits: states for ways, states in self.configurations.items()}
            changing = self._changing
            place = len(changing)
            while place and changing[place - 1].end > end:
                place -= 1
            changing.insert(place, step)
        if passive or (last and not lost and self._table.still[kind]):
            self._settling.append(step)
            self._settle_new(kind)
        return step

    def end(self, step: Open) -> bool:
        """End a step: keep only the configurations that have it in the order, or can put it there now.

        Returns False if no legal order is left; the configurations are then as before the call.
        Raises OutOfLimitsError.
        """
        bit, can = step.bit, step.can
        if not bit:
            return True
        done = self._taken(step) if can and not step.before.bit and self._alone(step) else self._ordered(step)
        if not done:
            return False
        if can:
            self._changing.remove(step)
        if self._settling and (not can or step in self._settling):
            self._settling.remove(step)
        rest = ~(bit | can)
        merged: dict[int, int] = {}
        for ways, states in done.items():
            here = ways & rest
            merged[here] = merged.get(here, 0) | states
        self._keep(merged)
        step.bit = step.can = 0
        self._free.append(bit)
        return True

    def _settle_new(self, kind: int) -> None:
        """Take in the step of this kind that has just begun, where it can be."""
        still = self._table.still[kind]
        for states in self.configurations.values():
            if states & still:
                break
        else:
            return
        settled: dict[int, int] = {}
        for ways, states in self.configurations.items():
            self._settle(ways, states, settled, settled, _FIRST)
        self._keep(settled)

    def _keep(self, configurations: dict[int, int]) -> None:
        """Make these the configurations that are possible, without those that others dominate. Raises OutOfLimitsError."""
        if len(configurations) > 1:
            configurations = _undominated(configurations)
        self.configurations = configurations
        if len(configurations) > 1:
            self.sole = -1
            self._count(len(configurations))
        else:
            (self.sole,) = configurations.values()

    def _alone(self, step: Open) -> bool:
        """Whether a changing step can be put into the order as it is: nothing that could come before it needs to be tried.

        Most steps that end are so: each other open step commutes with it, or is of its kind and no step must follow it, or
        must itself follow it. `_matter` would find the same, and more, at greater cost.
        """
        kinds, sort = 0, step.sort
        for other in self._changing:
            if other is not step and other.before is not step and other.mark != sort:
                kinds |= other.sort
        for kind in self._lost:
            kinds |= 1 << kind
        if not kinds:
            return True
        for other in self._settling:
            if not other.can and other.before is not step:
                kinds |= other.sort
        return not (kinds and (kinds & sort or self._table.rivals(step.kind, kinds)))

    def _taken(self, step: Open) -> dict[int, int]:
        """Put a step that stands alone into the order of each configuration that does not have it."""
        bit, can, kind = step.bit, step.can, step.kind
        known, waiting = self._table.results[kind], self._settling
        done: dict[int, int] = {}
        for ways, states in self.configurations.items():
            taken = (ways | bit) & ~can
            if ways & bit:
                done[taken] = done.get(taken, 0) | states
            if ways & can:
                after = known.get(states)
                if after is None:
                    after = self._table.after(kind, states)
                if after and waiting:
                    self._settle(taken, after, done, done, step)
                elif after:
                    done[taken] = done.get(taken, 0) | after
        return done

    def _ordered(self, step: Open) -> dict[int, int]:
        """Give the configurations that have a step in their order, or have it after some more steps."""
        done: dict[int, int] = {}
        late: dict[int, int] = {}
        for ways, states in self.configurations.items():
            self._sort(ways, states, done, late, step)
        if late:
            self._order(late, done, step)
        return done

    def _lose(self, kind: int) -> None:
        """Begin a step without an end: it only adds a use of its kind, since such steps of one kind are interchangeable."""
        bit = 1 << self._bits
        self._bits += 1
        self._lost[kind] = self._lost.get(kind, 0) | bit
        self.configurations = {ways | bit: states for ways, states in self.configurations.items()}

    def _bit(self) -> int:
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
        """Extend the orders step by step (one more step in each layer) until `last` is in them; fill `done` with those."""
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
        """List the kinds of the steps that may come next in the order, each with the bits of the configuration after it."""
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
        """Compute the kinds (a bit set) of the steps for which it can matter whether they come before `last`.

        A step that commutes with `last` and with every step that matters can be moved behind `last` without changing the
        result, so it need not be tried before its own end.
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
        """Split a configuration by the steps that may leave the state unchanged, and pass the parts to `_sort`."""
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
                    # silent steps may have enabled steps that stand earlier in the list, so start over
                    todo.append((ways | step.bit, taken))
                    if not left:
                        break
                    states = left
            else:
                self._sort(ways, states, done, others, last)

    @staticmethod
    def _sort(ways: int, states: int, done: dict[int, int], others: dict[int, int], last: Open) -> None:
        """Add a configuration to `done` if `last` is in its order, to `others` if not, to both if it may be either."""
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
    """Remove from a layer the states that another configuration (of it, `done` or an earlier layer: `seen`) dominates."""
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
    """Remove from each configuration the states that another one, whose bits include its own, has too."""
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
