"""Test suites that find every deviation of an implementation with a bounded number of states: words of inputs, from a machine.

The machine is what is specified: several answers may be permitted to one input, and each leads to one state (observable).
An implementation conforms if each of its answers is permitted (it is a reduction). It is taken to be deterministic.

The method is the W-method (Vasilevskii 1973; Chow 1978) with the identifiers of each state harmonised (Luo, Petrenko & Bochmann
1994), for specifications that permit several answers as Petrenko & Yevtushenko (2011) test them: states are told apart by
*disjoint* sets of answers, and words end by state counting (Petrenko, Yevtushenko & Bochmann 1996; Hierons 2004).
Why that finds every deviation: take a shortest word that leads from a state of the cover to a wrong answer. The pairs (state of
the implementation, state of the machine) along it differ from each other and from those that the cover reaches, else the word
could be shortened. Pairs whose machine states are told apart have different implementation states, and so have different pairs
with the same machine state. So within one set of machine states that are all told apart, the word visits no more pairs than the
implementation has states, and no longer word is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

Word = tuple[str, ...]
Moves = Mapping[str, Mapping[str, int]]
_Config = tuple[int, tuple[int, ...]]


class MealyMachine(msgspec.Struct, frozen=True):
    """The specification: `moves[state][input][answer]` is the next state; an input that is missing there is never made.

    `views[state]` is what a read shows there, at no cost; an answer includes the view after it. `unsettled` are the (state,
    input, answer) that are permitted and that distinguish no states. The first state is the one after a reset.
    """

    moves: tuple[Moves, ...]
    views: tuple[str, ...]
    unsettled: frozenset[tuple[int, str, str]] = frozenset()

    def settled(self, state: int, input_: str) -> set[str]:
        """List the answers to an input that distinguish states."""
        return {answer for answer in self.moves[state][input_] if (state, input_, answer) not in self.unsettled}

    def after(self, state: int, input_: str) -> set[int]:
        """List the states that an input may lead to."""
        return set(self.moves[state][input_].values())


class Suite(msgspec.Struct, frozen=True):
    """Words to run, each after a reset, the shortest first; none is the beginning of another.

    `apart` is how many states of the machine the suite tells apart; an implementation may have `extra` more, and still every
    deviation is found. `alike` are the pairs of states that cannot be told apart, `unsure` the states that no word leads to for
    certain. `assumed` are the unsettled (state, input, answer) that the suite assumes not to come: if one does, two states are
    not told apart.
    """

    words: tuple[Word, ...]
    apart: int
    extra: int
    alike: tuple[tuple[int, int], ...]
    unsure: tuple[int, ...]
    assumed: frozenset[tuple[int, str, str]]


def suite(machine: MealyMachine, extra: int, most: int) -> Suite | None:
    """Generate the suite for implementations with up to `extra` more states; None if it needs more than `most` inputs."""
    separators, cover = told_apart(machine), sure_words(machine)
    sets = _sets_apart(len(machine.moves), separators, list(cover))
    apart = max(len(states & set(cover)) for states in sets)
    bounds = [apart + extra - len(states & set(cover)) + 1 for states in sets]
    words = _Words(most)
    grower = _Grower(machine, sets, bounds, _identifiers(machine, separators, sets), words)
    for state, word in cover.items():
        grower.grow(word, {(state, (0,) * len(sets))})
        if words.full:
            return None
    known = range(len(machine.moves))
    alike = tuple(
        (lower, higher) for lower in known for higher in known[lower + 1 :] if (lower, higher) not in separators
    )
    unsure = tuple(state for state in known if state not in cover)
    return Suite(tuple(sorted(words, key=len)), apart, extra, alike, unsure, _assumed(machine, separators))


def sure_words(machine: MealyMachine) -> dict[int, Word]:
    """Compute, for each state that can be reached for certain, a shortest word that leads there whichever answers come."""
    words: dict[int, Word] = {0: ()}
    queue = [0]
    for state in queue:
        for input_ in machine.moves[state]:
            ends = machine.after(state, input_)
            if len(ends) == 1 and (end := ends.pop()) not in words:
                words[end] = (*words[state], input_)
                queue.append(end)
    return words


def told_apart(machine: MealyMachine) -> dict[tuple[int, int], frozenset[Word]]:
    """Compute, for each pair of states (lower first) that can be told apart, a set of words that does so.

    No implementation state can answer all the words as both states permit: after each input the permitted answers are disjoint,
    or every common answer leads to two states that the rest of the word tells apart. Different views need no word (the set
    then holds the empty one).
    """
    known = range(len(machine.moves))
    pairs = [(lower, higher) for lower in known for higher in known[lower + 1 :]]
    nothing: frozenset[Word] = frozenset({()})
    separators = {pair: nothing for pair in pairs if machine.views[pair[0]] != machine.views[pair[1]]}
    while True:
        new = {
            pair: min(able, key=lambda words: (sum(map(len, words)), sorted(words)))
            for pair in pairs
            if pair not in separators and (able := list(_telling(machine, pair, separators)))
        }
        if not new:
            return separators
        separators |= new


def _telling(
    machine: MealyMachine, pair: tuple[int, int], separators: Mapping[tuple[int, int], frozenset[Word]]
) -> Iterator[frozenset[Word]]:
    one, other = pair
    for input_ in machine.moves[one]:
        if input_ in machine.moves[other]:
            common = machine.settled(one, input_) & machine.settled(other, input_)
            ends = {(machine.moves[one][input_][answer], machine.moves[other][input_][answer]) for answer in common}
            ordered = {(min(pair), max(pair)) for pair in ends}
            if all(ends_pair in separators for ends_pair in ordered):
                yield frozenset(
                    (input_, *rest) for ends_pair in ordered for rest in separators[ends_pair]
                ) or frozenset({(input_,)})


def _assumed(
    machine: MealyMachine, separators: Mapping[tuple[int, int], frozenset[Word]]
) -> frozenset[tuple[int, str, str]]:
    """List the unsettled answers that both states of a pair permit to the first input of a word that separates them."""
    return frozenset(
        (state, word[0], answer)
        for pair, words in separators.items()
        for word in words
        if word
        for state in pair
        for answer in machine.moves[pair[0]][word[0]].keys() & machine.moves[pair[1]][word[0]].keys()
        if (state, word[0], answer) in machine.unsettled
    )


def _sets_apart(count: int, separators: Mapping[tuple[int, int], object], first: Iterable[int]) -> list[frozenset[int]]:
    """Compute, for each state, a large set of states that includes it and whose states are all told apart from each other.

    Greedy; the states of `first` (those that are reached for certain) are tried first.
    """
    order = list(dict.fromkeys([*first, *range(count)]))
    sets: dict[frozenset[int], None] = {}
    for state in range(count):
        chosen = [state]
        for candidate in order:
            if all((min(candidate, other), max(candidate, other)) in separators for other in chosen):
                chosen.append(candidate)
        sets[frozenset(chosen)] = None
    return list(sets)


def _identifiers(
    machine: MealyMachine, separators: Mapping[tuple[int, int], frozenset[Word]], sets: Iterable[frozenset[int]]
) -> list[frozenset[Word]]:
    """Compute each state's identifiers: the words that tell it from every other state of the sets that it is in.

    If its view alone suffices, its first input is used all the same, since a defect may hide from reads.
    """
    words: list[set[Word]] = [set() for _ in machine.moves]
    for states in sets:
        for one in states:
            for other in states:
                if one != other:
                    words[one] |= separators[min(one, other), max(one, other)]
    firsts = [{(input_,) for input_ in list(inputs)[:1]} for inputs in machine.moves]
    return [frozenset(identifiers - {()} or first) for identifiers, first in zip(words, firsts, strict=True)]


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
        for input_ in word:
            if input_ not in node:
                self._size += 1
            below = node.setdefault(input_, {})
            assert isinstance(below, dict)
            node = below

    def __iter__(self) -> Iterator[Word]:
        pending: list[tuple[Word, dict[str, object]]] = [((), self._tree)]
        while pending:
            word, node = pending.pop()
            if not node:
                yield word
            pending += [((*word, input_), below) for input_, below in reversed(node.items()) if isinstance(below, dict)]


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
        """Add a word with the identifiers of the states it may end in (`configs`), and every extension that is needed."""
        self._words.add(word)
        for state, _ in configs:
            for identifier in self._identifiers[state]:
                self._words.add(word + identifier)
        if self._words.full:
            return
        open_ = {
            config for config in configs if all(seen < most for seen, most in zip(config[1], self._bounds, strict=True))
        }
        able = dict.fromkeys(input_ for state, _ in sorted(open_) for input_ in self._machine.moves[state])
        for input_ in able:
            ends = {
                (end, tuple(seen + (end in states) for seen, states in zip(counts, self._sets, strict=True)))
                for state, counts in open_
                if input_ in self._machine.moves[state]
                for end in self._machine.after(state, input_)
            }
            self.grow((*word, input_), ends)
