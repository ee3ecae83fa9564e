"""The one door to AALpy: adaptive L# and L*, each with the Wp-method as its equivalence oracle.

Adaptive L#: Kruger, Junges & Rot, "State Matching and Multiple References in Adaptive Active Automata Learning" (2024).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from aalpy.automata import MealyMachine, MealyState
from aalpy.base import SUL
from aalpy.learning_algs import run_adaptive_Lsharp, run_Lstar
from aalpy.oracles import WpMethodEqOracle

from vcontract._model.automata import DONE, Word, separators
from vcontract._profile import Automaton

Ask = Callable[[tuple[str, ...]], str]
"""Gives the answer to the last input of a word that begins with a reset."""


class _System(SUL):  # type: ignore[misc] # it ships no types # inherits: AALpy asks for it
    """The target as AALpy sees it: it is asked for one more answer at a time."""

    def __init__(self, ask: Ask) -> None:
        super().__init__()
        self._ask = ask
        self._word: tuple[str, ...] = ()

    def pre(self) -> None:
        """Begin a word."""
        self._word = ()

    def post(self) -> None:
        """End a word; what was begun is left as it is, for the next one may go on with it."""

    def step(self, letter: str) -> str:
        """Go on with the word."""
        self._word = (*self._word, letter)
        return self._ask(self._word)


class _Oracle(WpMethodEqOracle):  # type: ignore[misc] # the same # inherits: AALpy asks for it
    """The Wp-method for so many states more than the hypothesis has, however many that are.

    Then what the references are told apart by, after every move that was made: there hidden states are born.
    """

    def __init__(self, inputs: Sequence[str], system: _System, depth: int, suffixes: Sequence[Word] = ()) -> None:
        super().__init__(list(inputs), system)
        self._depth, self._suffixes = depth, suffixes

    def find_cex(self, hypothesis: MealyMachine) -> Word | None:
        """Find a word on which hypothesis and target differ."""
        self.m = len(hypothesis.states) + self._depth
        found: Word | None = super().find_cex(hypothesis)
        return found or next(filter(None, (self._differs(hypothesis, word) for word in self._after(hypothesis))), None)

    def _after(self, hypothesis: MealyMachine) -> Iterator[Word]:
        for state in hypothesis.states:
            for name in self.alphabet:
                if state.output_fun[name].startswith(f"{DONE};"):
                    yield from ((*state.prefix, name, *suffix) for suffix in self._suffixes)

    def _differs(self, hypothesis: MealyMachine, word: Word) -> Word | None:
        self.reset_hyp_and_sul(hypothesis)
        for number, name in enumerate(word):
            if hypothesis.step(name) != self.sul.step(name):
                return word[: number + 1]
        return None


def adaptive(inputs: Sequence[str], ask: Ask, references: Sequence[Automaton], depth: int = 0) -> Automaton:
    """Learn by adaptive L#, led by reference machines; whatever `ask` raises goes through."""
    system = _System(ask)
    found = run_adaptive_Lsharp(
        list(inputs),
        system,
        [_mealy(reference) for reference in references],
        _Oracle(inputs, system, depth, _longer(references)),
        "mealy",
        extension_rule="SepSeq",
        separation_rule="ADS",
        cache_and_non_det_check=False,
        print_level=0,
    )
    return _automaton(found, inputs)


def _longer(references: Sequence[Automaton]) -> list[Word]:
    """Give the words that tell the references' states apart and have more than one input: those of one the Wp-method tries."""
    return list(dict.fromkeys(word for reference in references for word in separators(reference) if len(word) > 1))


def star(inputs: Sequence[str], ask: Ask) -> Automaton:
    """Learn by L*, to compare with."""
    system = _System(ask)
    oracle = _Oracle(inputs, system, 0)
    found = run_Lstar(list(inputs), system, oracle, "mealy", cache_and_non_det_check=False, print_level=0)
    return _automaton(found, inputs)


def _mealy(automaton: Automaton) -> MealyMachine:
    states = [MealyState(str(number)) for number in range(len(automaton.states))]
    for state, moves in zip(states, automaton.states, strict=True):
        state.transitions = {name: states[after] for name, (_, after) in moves.items()}
        state.output_fun = {name: answer for name, (answer, _) in moves.items()}
    return MealyMachine(states[0], states)


def _automaton(found: MealyMachine, inputs: Sequence[str]) -> Automaton:
    """Take the machine over, its states in the order in which they are reached first."""
    order = [found.initial_state]
    for state in order:
        for name in inputs:
            if state.transitions[name] not in order:
                order.append(state.transitions[name])
    return Automaton(
        tuple(
            {name: (state.output_fun[name], order.index(state.transitions[name])) for name in inputs} for state in order
        )
    )
