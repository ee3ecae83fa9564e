"""The one door to AALpy: adaptive L# and L*, each with the Wp-method as its equivalence oracle.

Adaptive L#: Kruger, Junges & Rot, "State Matching and Multiple References in Adaptive Active Automata Learning" (2024).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from aalpy.automata import MealyMachine, MealyState
from aalpy.base import SUL
from aalpy.learning_algs import run_adaptive_Lsharp, run_Lstar
from aalpy.oracles import WpMethodEqOracle

from harness.profile import Automaton

Ask = Callable[[tuple[str, ...]], str]
"""Gives the answer to the last input of a word that begins with a reset."""


class _System(SUL):  # type: ignore[misc]  # AALpy ships no types
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


class _Oracle(WpMethodEqOracle):  # type: ignore[misc]  # AALpy ships no types
    """The Wp-method for so many states more than the hypothesis has, however many that are."""

    def __init__(self, inputs: Sequence[str], system: _System, depth: int) -> None:
        super().__init__(list(inputs), system)
        self._depth = depth

    def find_cex(self, hypothesis: MealyMachine) -> tuple[str, ...] | None:
        """Find a word on which hypothesis and target differ."""
        self.m = len(hypothesis.states) + self._depth
        found: tuple[str, ...] | None = super().find_cex(hypothesis)
        return found


def adaptive(inputs: Sequence[str], ask: Ask, references: Sequence[Automaton], depth: int = 0) -> Automaton:
    """Learn by adaptive L#, led by reference machines; whatever `ask` raises goes through."""
    system = _System(ask)
    found = run_adaptive_Lsharp(
        list(inputs),
        system,
        [_mealy(each) for each in references],
        _Oracle(inputs, system, depth),
        "mealy",
        extension_rule="SepSeq",
        separation_rule="ADS",
        cache_and_non_det_check=False,
        print_level=0,
    )
    return _automaton(found, inputs)


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
