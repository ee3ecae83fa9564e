"""Runs the words of a test suite, each on a fresh clone, and follows in the machine what the answers leave possible."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from vcontract._model.alphabet import BEFORE, DONE, Alphabet, answer, is_shown, shown
from vcontract._model.labels import word_label
from vcontract._model.suite import MealyMachine, Suite, Word
from vcontract._proof.fresh_clones import FreshClones
from vcontract._terms import Verdict
from vcontract._testbed import Lane, NotArrangedError, perform

RESET = "reset to a fresh clone"


class End(StrEnum):
    """How a word ended: all was made, the judge found a violation, or it could not be followed to its end."""

    MADE = "made"
    VIOLATED = "violated"
    LEFT = "left"


class Ending(msgspec.Struct, frozen=True):
    """How a word ended, after how much of it, and why it went no further."""

    end: End
    made: Word
    why: str = ""


class WordRunner:
    """Runs words of a suite; `unsettled` names the answers that came although the suite assumed that they do not."""

    def __init__(self, lane: Lane, alphabet: Alphabet, machine: MealyMachine, suite: Suite) -> None:
        self.unsettled: dict[str, None] = {}
        self._driver, self._lane = lane.driver, lane
        self._alphabet, self._machine, self._assumed = alphabet, machine, suite.assumed
        self._clones = FreshClones(lane, alphabet, RESET)
        self._parent = self._clones.parent

    def run(self, word: Word, attempt: int) -> Ending:
        """Run a word for the so many-th time."""
        made: Word = ()
        ready = False
        try:
            self._reset()
            ready = True
            state = 0
            for name in word:
                if name not in self._machine.moves[state]:
                    break  # the answers so far left it a state in which this input is not made
                made = (*made, name)
                label = str(word_label(made).tried(attempt))
                answered, violated = self._input(name, label, state)
                if violated:
                    return Ending(End.VIOLATED, made)
                if answered not in self._machine.moves[state][name]:
                    permitted = " or ".join(self._machine.moves[state][name])
                    return Ending(End.LEFT, made, f"{' > '.join(made)} gave {answered}, not {permitted}")
                if (state, name, answered) in self._assumed:
                    self.unsettled[f"{' > '.join(made)}: {answered}"] = None
                state = self._machine.moves[state][name][answered]
            return Ending(End.MADE, word)
        except NotArrangedError as error:
            return Ending(End.LEFT, made, f"{' > '.join(made) or RESET}: {error}")
        finally:
            if ready:  # a clone that never was ready is cleared away at the end of the run
                self._clones.destroy()

    def _reset(self) -> None:
        """Make a fresh clone. Raises NotArrangedError if it is not as the first state of the machine."""
        self._clones.make()
        if shown(self._driver.states(self._clones.vm), BEFORE) != self._machine.views[0]:
            raise NotArrangedError(f"a clone of {self._parent.name} is not ready")

    def _input(self, name: str, label: str, state: int) -> tuple[str, bool]:
        """Make one input and see it through; gives the answer, and whether the judge found it a violation."""
        self._driver.enter(label)
        outcome, violated = DONE, False
        if name in self._alphabet.calls:
            judgement = self._clones.judged(name)
            outcome, violated = judgement.observed, judgement.verdict is Verdict.VIOLATES
        else:
            self._move(name, self._machine.views[next(iter(self._machine.after(state, name)))])
        return answer(outcome, self._clones.view()), violated

    def _move(self, name: str, view: str) -> None:
        """Make a move and wait until it has come about: power and Tools are as in the view. Raises NotArrangedError."""
        vm = self._clones.vm
        facts = self._driver.facts.vms[vm.value]
        perform(self._lane, name, vm)
        self._driver.wait.until(name, lambda: is_shown(self._clones.now(), view))
        self._lane.arranger.let_settle(facts)
