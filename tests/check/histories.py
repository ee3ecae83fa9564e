"""Random concurrent histories over a table: legal by construction, then spoiled, or with replies lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from vcontract._check.linearizable import Steps
from vcontract._check.search import NOBODY
from vcontract._check.transitions import Table, bits

Chain = tuple[int, ...]
"""The kinds of the steps of one operation, in their order."""
Choose = Callable[[Random, int], Sequence[Chain]]
"""Gives, for a state, the operations that are worth a try, in the order in which they are tried."""
Veto = Callable[[int, int], bool]
"""Whether a step must not be taken in a state, because another client could not go on then."""


def random_table(rng: Random) -> Table:
    """Make a small table: some kinds that are passive, some that change states, some that do either."""
    states, kinds = rng.randint(2, 5), rng.randint(3, 6)

    def some() -> int:
        return sum(1 << state for state in range(states) if rng.random() < 0.4) or 1 << rng.randrange(states)

    moves: list[dict[int, int]] = []
    for _ in range(kinds):
        enabled = [state for state in range(states) if rng.random() < 0.7]
        passive = rng.random() < 0.5
        moves.append({state: 1 << state if passive else some() for state in enabled})
    silent = [some() if rng.random() < 0.2 else 0 for _ in range(states)]
    return Table(moves, silent)


def any_chain(table: Table) -> Choose:
    """Choose among all kinds, alone or some in a row."""
    kinds = range(len(table.passive))

    def choose(rng: Random, _: int) -> Sequence[Chain]:
        return [tuple(rng.choice(kinds) for _ in range(rng.choice((1, 1, 1, 2, 3)))) for _ in range(8)]

    return choose


class History:
    """A history in the making: the order is simulated step by step, and the times are spread around its points.

    `haste` is the share of passive steps after which the next one of the operation comes at once.
    """

    def __init__(
        self, table: Table, state: int, clients: int, rng: Random, veto: Veto = lambda *_: False, haste: float = 0.0
    ) -> None:
        self._table, self._rng, self._state, self._veto = table, rng, state, veto
        self._last = [0.0] * clients
        self._todo: list[list[tuple[int, int]]] = [[] for _ in range(clients)]
        self._now = 0.0
        self.haste = haste
        self.kinds: list[int] = []
        self.before: list[int] = []
        self.begins: list[float] = []
        self.ends: list[float] = []

    def grow(self, operations: int, choose: Choose) -> int:
        """Add so many operations; gives how many could be, which are fewer where no client can go on."""
        made = idle = 0
        while idle < 16 * len(self._last) and (made < operations or any(self._todo)):
            client = self._rng.randrange(len(self._last))
            idle += 1
            if self._last[client] > self._now:
                self._now += 1 / len(self._last)
            elif self._todo[client]:
                idle *= not self._take(client)
            elif made < operations and self._start(client, choose(self._rng, self._state)):
                idle, made = 0, made + 1
        return made

    def _start(self, client: int, chains: Sequence[Chain]) -> bool:
        """Let a client begin the first operation whose first steps can be taken: it takes one, or as many as are passive."""
        for chain in chains:
            if not self._possible(chain):
                continue
            first = len(self.kinds)
            start = self._last[client] + (self._now - self._last[client]) * self._rng.random()
            for place, kind in enumerate(chain):
                self.kinds.append(kind)
                self.before.append(first + place - 1 if place else NOBODY)
                self.begins.append(start)
                self.ends.append(0.0)
            self._todo[client] = [(first + place, kind) for place, kind in enumerate(chain)]
            return self._take(client)
        return False

    def _possible(self, chain: Chain) -> bool:
        """Whether an operation can begin, and what it needs of the state is so now."""
        here = self._table.close(1 << self._state)
        for kind in chain:
            if not self._table.after(kind, here) or self._veto(self._state, kind):
                return False
            if not self._table.passive[kind]:
                break
        return True

    def _take(self, client: int) -> bool:
        number, kind = self._todo[client][0]
        after = 0 if self._veto(self._state, kind) else self._table.after(kind, self._table.close(1 << self._state))
        if not after:
            return False
        self._state = self._rng.choice(bits(after))
        self._now += 1
        self._todo[client].pop(0)
        self.begins[number] = max(self.begins[number], self._now - 3 * len(self._last) * self._rng.random())
        self.ends[number] = end = self._now + len(self._last) * self._rng.random() * 0.8
        if self.before[number] != NOBODY:
            self.ends[number] = end = max(end, self.ends[self.before[number]])
        self._last[client] = end
        if self._todo[client] and self._table.passive[kind] and self._rng.random() < self.haste:
            self._take(client)
        return True

    def steps(self, lost: int = 0) -> Steps:
        """Give the history; of so many of its steps, and of those after them, the end is lost."""
        gone = set(self._rng.sample(range(len(self.kinds)), min(lost, len(self.kinds))))
        times: list[tuple[float, int]] = []
        begins = list(self.begins)
        for number, end in enumerate(self.ends):
            if self.before[number] in gone:
                gone.add(number)
            if self.before[number] != NOBODY:
                begins[number] = max(begins[number], begins[self.before[number]])
            begin = begins[number]
            times.append((begin, 2 * number))
            if number not in gone and end:
                times.append((end, 2 * number + 1))
        return Steps(tuple(self.kinds), tuple(self.before), tuple(event for _, event in sorted(times)))


def spoiled(steps: Steps, kinds: int, rng: Random) -> Steps:
    """Change some kinds, and let some ends come as early as they can: most often no order is legal any more."""
    found, events = list(steps.kinds), list(steps.events)
    for _ in range(rng.randint(1, 3) if found else 0):
        if rng.random() < 0.5:
            found[rng.randrange(len(found))] = rng.randrange(kinds)
        else:
            event = rng.choice([each for each in events if each & 1] or events)
            if event & 1:
                events.remove(event)
                first = steps.before[event >> 1]
                earliest = 1 + max(events.index(each) for each in (event ^ 1, 2 * first + 1) if each in events)
                events.insert(rng.randint(earliest, min(len(events), earliest + 3)), event)
    return Steps(tuple(found), steps.before, tuple(events))
