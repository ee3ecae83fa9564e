"""Runs the words of a test suite, each on a fresh clone, and follows in the machine what the answers leave possible."""

from __future__ import annotations

from contextlib import suppress
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from vcontract.findings.program import rebound
from vcontract.model import State
from vcontract.model.alphabet import BEFORE, DONE, SPEC, Alphabet, answer, is_shown, shown
from vcontract.model.labels import word_label
from vcontract.model.suite import MealyMachine, Suite, Word
from vcontract.strategies.customization import fixed_name
from vcontract.terms import Arguments, Call, Ref, Verdict
from vcontract.testbed import Lane, NotArrangedError, judged_call, perform

RESET = "reset to a fresh clone"
NAMES = ("vcontract-proof", "vcontract-proof-2")
"""Host names that the specification of a proof may set: the first that the guest has not yet."""


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


class Words:
    """Runs words of a suite; `unsettled` names the answers that came although the suite assumed that they do not."""

    def __init__(self, lane: Lane, alphabet: Alphabet, machine: MealyMachine, suite: Suite) -> None:
        self.unsettled: dict[str, None] = {}
        self._driver, self._caller, self._lane = lane.driver, lane.caller, lane
        self._alphabet, self._machine, self._assumed = alphabet, machine, suite.assumed
        self._parent = lane.selection.choose(State())
        self._made: dict[str, tuple[str, Call]] = {}
        self._before = self._spec = ""

    def run(self, word: Word, number: int) -> Ending:
        """Run a word for the so many-th time."""
        made: Word = ()
        vm: Ref | None = None
        try:
            vm = self._reset()
            state = 0
            for name in word:
                if name not in self._machine.moves[state]:
                    break  # the answers so far left it a state in which this input is not made
                made = (*made, name)
                label = str(word_label(made).tried(number))
                told, violated = self._input(name, vm, label, state)
                if violated:
                    return Ending(End.VIOLATED, made)
                if told not in self._machine.moves[state][name]:
                    permitted = " or ".join(self._machine.moves[state][name])
                    return Ending(End.LEFT, made, f"{' > '.join(made)} gave {told}, not {permitted}")
                if (state, name, told) in self._assumed:
                    self.unsettled[f"{' > '.join(made)}: {told}"] = None
                state = self._machine.moves[state][name][told]
            return Ending(End.MADE, word)
        except NotArrangedError as error:
            return Ending(End.LEFT, made, f"{' > '.join(made) or RESET}: {error}")
        finally:
            if vm is not None:
                self._driver.enter(RESET)
                with suppress(NotArrangedError):  # what is left over is cleared away at the end of the run
                    self._lane.cloner.destroy(vm)

    def _reset(self) -> Ref:
        """Give a fresh clone, ready and with a free lock. Raises NotArrangedError."""
        self._driver.enter(RESET)
        made = self._lane.arranger.clone(self._parent)
        self._lane.arranger.let_settle(made)
        self._driver.read_vm(made.ref)
        self._before = self._name(made.ref)
        self._spec = self._spec or next(each for each in NAMES if each != self._before)
        if shown(self._driver.states(made.ref), BEFORE) != self._machine.views[0]:
            raise NotArrangedError(f"a clone of {self._parent.name} is not ready")
        return made.ref

    def _input(self, name: str, vm: Ref, label: str, state: int) -> tuple[str, bool]:
        """Make one input and see it through; gives the answer, and whether the judge found it a violation."""
        self._driver.enter(label)
        judge = self._driver.judge
        outcome, violated = DONE, False
        if name in self._alphabet.calls:
            with self._driver.attempt():
                judged_call(self._driver, self._call(name, vm), vm, [])
                judge.close()
            outcome, violated = judge.judgements[-1].observed, judge.judgements[-1].verdict is Verdict.VIOLATES
        else:
            self._move(name, vm, self._machine.views[next(iter(self._machine.after(state, name)))])
        name_now = self._name(vm)
        whose = {self._before: BEFORE, self._spec: SPEC}.get(name_now, name_now)
        return answer(outcome, shown(self._driver.states(vm), whose)), violated

    def _move(self, name: str, vm: Ref, view: str) -> None:
        """Make a move and wait until it has come about: power and Tools are as in the view. Raises NotArrangedError."""
        facts = self._driver.facts.vms[vm.value]
        perform(self._lane, name, vm)
        self._driver.wait.until(name, lambda: is_shown(self._driver.now(facts), view))
        self._lane.arranger.let_settle(facts)

    def _name(self, vm: Ref) -> str:
        reading = self._driver.tracker.readings.get(vm.value) or {}
        return str(reading.get("guest.hostName", "")).partition(".")[0].lower()

    def _call(self, name: str, vm: Ref) -> Call:
        """Give the call of an input: always the same but for the VM."""
        if name not in self._made:
            call = self._caller.call(self._alphabet.calls[name], vm, self._driver.facts.vms)
            spec = call.arguments.get("spec")
            if isinstance(call.payload, Arguments) and spec and not self._alphabet.calls[name].spec:
                spec = {**spec, "identity": {**spec["identity"], "hostName": fixed_name(self._spec)}}
                call = replace(call, payload=Arguments({**call.arguments, "spec": spec}))
            self._made[name] = vm.value, call
        first, call = self._made[name]
        return rebound(call, {first: vm.value})
