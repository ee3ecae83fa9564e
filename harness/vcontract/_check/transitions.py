"""Steps between numbered states as tables over bit sets: bit n of an integer stands for state n."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

KEPT = 1 << 17
"""How many remembered results a kind of step may have before they are forgotten."""


class Table:
    """Computes what each kind of step makes of a set of states, closed under the silent steps (possible at any time).

    `moves[kind]` maps a state to the bit set of the states that the step may lead to (absent: it cannot be taken there);
    `silent[state]` is the bit set of the states that one silent step may lead to. A kind is *passive* if it never changes a
    state; `still[kind]` is the bit set of the states that a step of the kind may leave unchanged.
    """

    def __init__(self, moves: Sequence[Mapping[int, int]], silent: Sequence[int] = ()) -> None:
        self.closed = _closed(silent)
        states = 1 + max(
            (max(after.bit_length() - 1, state) for targets in moves for state, after in targets.items()), default=0
        )
        self.states = max(states, len(silent))
        self.passive = [all(after == 1 << state for state, after in targets.items()) for targets in moves]
        self.still = [sum(1 << state for state, after in targets.items() if after >> state & 1) for targets in moves]
        self.enabled = [sum(1 << state for state in targets) for targets in moves]
        self.results: list[dict[int, int]] = [{} for _ in moves]
        self.splits: list[dict[int, tuple[int, int]]] = [{} for _ in moves]
        self._entangled: dict[tuple[int, int, frozenset[tuple[int, int]]], int] = {}
        self._compared = [0 for _ in moves]
        self._rivals = [0 for _ in moves]
        self._moves = [{state: self.close(after) for state, after in targets.items()} for targets in moves]

    def close(self, states: int) -> int:
        """Add to a set of states everything that silent steps may lead to."""
        reached = states
        for state in bits(states & self._restless):
            reached |= self.closed[state]
        return reached

    @property
    def _restless(self) -> int:
        return (1 << len(self.closed)) - 1

    def after(self, kind: int, states: int) -> int:
        """Give the states that a step leads to from a closed set; 0 if it can be taken in none of them."""
        known = self.results[kind]
        after = known.get(states)
        if after is None:
            after = 0
            moves = self._moves[kind]
            for state in bits(states & self.enabled[kind]):
                after |= moves[state]
            if len(known) >= KEPT:
                known.clear()
            known[states] = after
        return after

    def split(self, kind: int, states: int) -> tuple[int, int]:
        """Split a set of states by a step that may leave them unchanged: (states after the step was taken, states before it).

        A state of the first part is left out of the second. That loses no order: having taken the step unchanged, a history
        can be continued in every way in which it can be continued without having taken it.
        """
        known = self.splits[kind]
        parts = known.get(states)
        if parts is None:
            done = self.close(states & self.still[kind])
            if len(known) >= KEPT:
                known.clear()
            known[states] = parts = (done, states & ~done)
        return parts

    def rivals(self, kind: int, others: int) -> int:
        """Give those of some kinds (a bit set) that do not commute with one: the order matters from some state."""
        new = others & ~self._compared[kind]
        if new:
            self._compared[kind] |= new
            for other in bits(new):
                if not self._commute(kind, other):
                    self._rivals[kind] |= 1 << other
        return others & self._rivals[kind]

    def _commute(self, one: int, other: int) -> bool:
        """Whether two kinds of step lead to the same states in either order, from any state."""
        return all(
            self.after(one, self.after(other, begin)) == self.after(other, self.after(one, begin))
            for begin in (self.close(1 << state) for state in range(self.states))
        )

    def entangled(self, kind: int, others: int, chained: frozenset[tuple[int, int]]) -> int:
        """Compute the kinds that are connected to `kind` by pairs that do not commute (a bit set that includes `kind`).

        `others` are the candidates (a bit set). `chained` are pairs of which the first must come after the second, so the
        second matters whenever the first does.
        """
        key = (kind, others, chained)
        entangled = self._entangled.get(key)
        if entangled is None:
            entangled, todo, rest = 1 << kind, [kind], others & ~(1 << kind)
            while todo:
                here = todo.pop()
                rivals = self.rivals(here, rest) | sum(1 << other for one, other in chained if one == here) & rest
                todo += bits(rivals)
                rest &= ~rivals
                entangled |= rivals
            if len(self._entangled) >= KEPT:
                self._entangled.clear()
            self._entangled[key] = entangled
        return entangled


def bits(states: int) -> list[int]:
    """List the numbers in a bit set, smallest first."""
    numbers = []
    while states:
        lowest = states & -states
        numbers.append(lowest.bit_length() - 1)
        states ^= lowest
    return numbers


def _closed(silent: Sequence[int]) -> list[int]:
    """Compute for each state the states that any number of silent steps may lead to, itself included."""
    closures = [1 << state | after for state, after in enumerate(silent)]
    changed = True
    while changed:
        changed = False
        for state, reached in enumerate(closures):
            more = reached
            for other in bits(reached & ((1 << len(closures)) - 1)):
                more |= closures[other]
            if more != reached:
                closures[state], changed = more, True
    return closures
