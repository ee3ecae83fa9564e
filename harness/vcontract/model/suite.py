"""Test suites that find every deviation of an implementation with a bounded number of states: words of inputs, from a machine.

The machine is what is specified: several answers may be permitted to one input, and each leads to one state (observable).
An implementation conforms if each of its answers is permitted (it is a reduction). It is taken to be deterministic.

The method is the W-method (Vasilevskii 1973; Chow 1978) with the identifiers of each state harmonised (Luo, Petrenko & Bochmann
1994), for specifications that permit several answers as Petrenko & Yevtushenko (2011) test them: states are told apart by
*disjoint* sets of answers, and words end by state counting (Petrenko, Yevtushenko & Bochmann 1996; Hierons 2004).
Why that finds all: take a shortest word, after one of the cover, to a wrong answer. The pairs (state of the implementation,
state of the machine) on its way are distinct from each other and from those that the cover reaches, else it could be cut. Pairs
whose machine states are told apart have distinct implementation states, and so have pairs with the same machine state. So there
cannot be more of them, in one set of states that are all told apart, than the implementation has states, and no word must go on
beyond that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

Word = tuple[str, ...]
Moves = Mapping[str, Mapping[str, int]]
_Config = tuple[int, tuple[int, ...]]


class MealyMachine(msgspec.Struct, frozen=True):
    """What is specified: `moves[state][input][answer]` is the next state; an input that is not there is never made.

    `views[state]` is what a read shows there, at no cost; an answer is told together with the view after it. `unsettled` are
    the (state, input, answer) that are permitted and that tell no states apart. The first state is the one after a reset.
    """

    moves: tuple[Moves, ...]
    views: tuple[str, ...]
    unsettled: frozenset[tuple[int, str, str]] = frozenset()

    def settled(self, state: int, given: str) -> set[str]:
        """Name the answers to an input that tell states apart."""
        return {each for each in self.moves[state][given] if (state, given, each) not in self.unsettled}

    def after(self, state: int, given: str) -> set[int]:
        """List the states that an input may lead to."""
        return set(self.moves[state][given].values())


class Suite(msgspec.Struct, frozen=True):
    """Words to run, each after a reset, the shortest first; none is the beginning of another.

    `apart` is how many states of the machine the suite tells apart; an implementation may have `extra` more, and still every
    deviation is found. `alike` are pairs of states that are not told apart, `unsure` states that no word surely leads to.
    `assumed` are the unsettled (state, input, answer) that must not come: with one of them two states are not told apart.
    """

    words: tuple[Word, ...]
    apart: int
    extra: int
    alike: tuple[tuple[int, int], ...]
    unsure: tuple[int, ...]
    assumed: frozenset[tuple[int, str, str]]


def suite(machine: MealyMachine, extra: int, most: int) -> Suite | None:
    """Generate the suite for implementations with `extra` states more; None if it needs more than `most` inputs."""
    separators, cover = told_apart(machine), sure_words(machine)
    sets = _sets_apart(len(machine.moves), separators, list(cover))
    apart = max(len(each & set(cover)) for each in sets)
    bounds = [apart + extra - len(each & set(cover)) + 1 for each in sets]
    words = _Words(most)
    grower = _Grower(machine, sets, bounds, _identifiers(machine, separators, sets), words)
    for state, word in cover.items():
        grower.grow(word, {(state, (0,) * len(sets))})
        if words.full:
            return None
    known = range(len(machine.moves))
    alike = tuple((one, other) for one in known for other in known[one + 1 :] if (one, other) not in separators)
    unsure = tuple(each for each in known if each not in cover)
    return Suite(tuple(sorted(words, key=len)), apart, extra, alike, unsure, _assumed(machine, separators))


def sure_words(machine: MealyMachine) -> dict[int, Word]:
    """Give, for each state that can be reached for sure, a shortest word that leads there whichever answers come."""
    found: dict[int, Word] = {0: ()}
    queue = [0]
    for state in queue:
        for given in machine.moves[state]:
            ends = machine.after(state, given)
            if len(ends) == 1 and (end := ends.pop()) not in found:
                found[end] = (*found[state], given)
                queue.append(end)
    return found


def told_apart(machine: MealyMachine) -> dict[tuple[int, int], frozenset[Word]]:
    """Give, for each pair of states (lower first) that can be told apart, the words that do: all are made from each.

    No implementation state can answer all of them as both permit, as to each input the answers are disjoint, or every common
    one leads to states that the rest tells apart. Different views need no word (the set holds the empty one).
    """
    known = range(len(machine.moves))
    pairs = [(one, other) for one in known for other in known[one + 1 :]]
    nothing: frozenset[Word] = frozenset({()})
    found = {pair: nothing for pair in pairs if machine.views[pair[0]] != machine.views[pair[1]]}
    while True:
        new = {
            pair: min(able, key=lambda words: (sum(map(len, words)), sorted(words)))
            for pair in pairs
            if pair not in found and (able := list(_telling(machine, pair, found)))
        }
        if not new:
            return found
        found |= new


def _telling(
    machine: MealyMachine, pair: tuple[int, int], found: Mapping[tuple[int, int], frozenset[Word]]
) -> Iterator[frozenset[Word]]:
    one, other = pair
    for given in machine.moves[one]:
        if given in machine.moves[other]:
            common = machine.settled(one, given) & machine.settled(other, given)
            ends = {(machine.moves[one][given][each], machine.moves[other][given][each]) for each in common}
            ordered = {(min(pair), max(pair)) for pair in ends}
            if all(each in found for each in ordered):
                yield frozenset((given, *rest) for each in ordered for rest in found[each]) or frozenset({(given,)})


def _assumed(
    machine: MealyMachine, separators: Mapping[tuple[int, int], frozenset[Word]]
) -> frozenset[tuple[int, str, str]]:
    """List the unsettled answers to the first inputs of separating words that both states permit."""
    return frozenset(
        (state, word[0], told)
        for pair, words in separators.items()
        for word in words
        if word
        for state in pair
        for told in machine.moves[pair[0]][word[0]].keys() & machine.moves[pair[1]][word[0]].keys()
        if (state, word[0], told) in machine.unsettled
    )


def _sets_apart(count: int, separators: Mapping[tuple[int, int], object], first: Iterable[int]) -> list[frozenset[int]]:
    """Find, for each state, a large set of states with it that are all told apart; those that are reached for sure first."""
    order = list(dict.fromkeys([*first, *range(count)]))
    found: dict[frozenset[int], None] = {}
    for state in range(count):
        chosen = [state]
        for each in order:
            if all((min(each, other), max(each, other)) in separators for other in chosen):
                chosen.append(each)
        found[frozenset(chosen)] = None
    return list(found)


def _identifiers(
    machine: MealyMachine, separators: Mapping[tuple[int, int], frozenset[Word]], sets: Iterable[frozenset[int]]
) -> list[frozenset[Word]]:
    """Give each state's words: those that tell it from every state with which it is counted.

    Where its view alone does, its first input stands in: no more than reads is needed, but a defect may hide from reads.
    """
    found: list[set[Word]] = [set() for _ in machine.moves]
    for each in sets:
        for one in each:
            for other in each:
                if one != other:
                    found[one] |= separators[min(one, other), max(one, other)]
    firsts = [{(given,) for given in list(each)[:1]} for each in machine.moves]
    return [frozenset(each - {()} or first) for each, first in zip(found, firsts, strict=True)]


class _Words:
    """The words of a suite as a tree; `full` once it holds more than `most` inputs."""

    def __init__(self, most: int) -> None:
        self._tree: dict[str, object] = {}
        self._size, self._most = 0, most

    @property
    def full(self) -> bool:
        return self._size > self._most

    def add(self, word: Word) -> None:
        node: dict[str, object] = self._tree
        for each in word:
            if each not in node:
                self._size += 1
            below = node.setdefault(each, {})
            assert isinstance(below, dict)
            node = below

    def __iter__(self) -> Iterator[Word]:
        pending: list[tuple[Word, dict[str, object]]] = [((), self._tree)]
        while pending:
            word, node = pending.pop()
            if not node:
                yield word
            pending += [((*word, each), below) for each, below in reversed(node.items()) if isinstance(below, dict)]


class _Grower:
    """Grows words from the cover until enough states of one set were visited."""

    def __init__(
        self,
        machine: MealyMachine,
        sets: list[frozenset[int]],
        bounds: list[int],
        identifiers: list[frozenset[Word]],
        words: _Words,
    ) -> None:
        self._machine, self._sets, self._bounds = machine, sets, bounds
        self._identifiers, self._words = identifiers, words

    def grow(self, word: Word, configs: set[_Config]) -> None:
        """Add a word with what identifies its end, and all that must follow; `configs` is where it may have led."""
        self._words.add(word)
        for state, _ in configs:
            for each in self._identifiers[state]:
                self._words.add(word + each)
        if self._words.full:
            return
        open_ = {each for each in configs if all(seen < most for seen, most in zip(each[1], self._bounds, strict=True))}
        able = dict.fromkeys(given for state, _ in sorted(open_) for given in self._machine.moves[state])
        for given in able:
            ends = {
                (end, tuple(seen + (end in each) for seen, each in zip(counts, self._sets, strict=True)))
                for state, counts in open_
                if given in self._machine.moves[state]
                for end in self._machine.after(state, given)
            }
            self.grow((*word, given), ends)
