"""`vcontract learn --explore`: a machine of hidden states is learned from a target, and compared with the contract's model."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from vcontract.check import Judge
from vcontract.check.learned import answers
from vcontract.check.pinned import pinned
from vcontract.config.permissions import not_allowed
from vcontract.errors import UsageError
from vcontract.learn.aalpy_learner import adaptive
from vcontract.learn.inputs import Inputs
from vcontract.learn.queries import SCHEMA, Asking, Header, Modelled, VariedError
from vcontract.learn.table import Learning, believed, learn
from vcontract.model import Pinned
from vcontract.model.alphabet import MOVES, Alphabet, alphabet
from vcontract.model.automata import access, difference, references, run_word, without
from vcontract.profile import Automaton, Profile, load_profile
from vcontract.profile import Target as About
from vcontract.report.drawing import dot, svg
from vcontract.report.events import Note, Reporter
from vcontract.report.run_directory import write_whole
from vcontract.run.exerciser import Exerciser
from vcontract.run.job import Ground, Job, configured
from vcontract.run.plan import Plan, Step
from vcontract.run.summary import Part
from vcontract.testbed import Lane


class Estimate(msgspec.Struct, frozen=True):
    """What learning takes on a target that is as the reference has it: words, each from a fresh clone, and inputs made."""

    words: int
    inputs: int


def estimated(machines: Sequence[Automaton], depth: int = 0) -> Estimate:
    """Learn the likeliest reference itself, and count."""
    system = Modelled(machines[0])
    learned(Asking(system), machines, depth)
    return Estimate(system.resets, system.made)


def learned(
    asking: Asking, machines: Sequence[Automaton], depth: int = 0, tell: Callable[[str], None] = lambda _: None
) -> Automaton | None:
    """Learn a machine, led by those that it may be; inputs that vary leave the alphabet. None if all have left.

    It is the target's if that has at most `depth` states more, or tells its states apart as one of `machines` does.

    Raises what ends a run: then everything that was asked is kept by `asking`.
    """
    try:
        while True:
            inputs = [each for each in machines[0].inputs if each not in asking.varied]
            if not inputs:
                return None
            try:
                _probe(inputs, asking)
                found = adaptive(inputs, asking.ask, [without(each, tuple(asking.varied)) for each in machines], depth)
                return replace(found, varied=dict(asking.varied))
            except VariedError as varied:
                tell(_left(asking, varied))
    finally:
        asking.close()


def _probe(inputs: Sequence[str], asking: Asking) -> None:
    """Ask each input by itself, some times: what varies at once need not be learned around."""
    for each in inputs:
        asking.ask((each,))
        asking.probe(each)


def _left(asking: Asking, varied: VariedError) -> str:
    """Let an input leave: the first of the word whose answers differ."""
    word, found = varied.word, asking.again(varied)
    place = next(number for number, answers in enumerate(found) if len(answers) > 1)
    name, answers = word[place], sorted(found[place])
    asking.leave(name, answers)
    before = " > ".join(word[:place]) or "the beginning"
    return f"{name} varies, and leaves the alphabet; after {before}: {' | '.join(answers)}"


class LearningStates(Learning):
    """Learns the table, unless it is left out, and then the machine."""

    names: Sequence[str] = ()
    depth = 0
    words: Path | None = None
    address = ""
    known: Pinned | None = None
    before: Profile | None = None
    automaton: Automaton | None = None
    told: Sequence[str] = ()
    finished = False

    def _plan(self, lane: Lane) -> Plan:
        self.given = self._alphabet()
        self.system = Inputs(lane, self.given)
        header = Header(SCHEMA, self.contract.object, self.address, self.target.api_version)
        self.asking = Asking(self.system, self.words, header)  # now, for it may be refused
        if self.table:
            return super()._plan(lane)
        for vm in lane.driver.facts.vms.values():
            lane.driver.read_vm(vm.ref)
        return Plan([])

    def _alphabet(self) -> Alphabet:
        """Read the alphabet; moves for which there is no lever are left out, unless they were asked for."""
        given = alphabet(self.contract, self.names, self.options.methods)
        levers = {"", *(each.does for each in self.config.levers)}
        lacking = [each for each in given.moves if MOVES[each].lever not in levers]
        if lacking and self.names:
            raise UsageError(f"--alphabet {lacking[0]}: the configuration gives no lever {MOVES[lacking[0]].lever}")
        return replace(given, moves=tuple(each for each in given.moves if each not in lacking))

    def _walk(self, steps: Sequence[Step], exerciser: Exerciser, judge: Judge) -> None:
        super()._walk(steps, exerciser, judge)
        if reason := self._spent(judge):
            self.told = [f"the automaton was not begun: {reason}"]
            return
        machines = references(self.contract, self.given, self._pinned(judge) if self.table else self.known)
        system, asking = self.system, self.asking
        try:
            self._estimate(machines, system, asking)
            self.automaton = learned(asking, machines, self.depth, self._note)
            self.finished = True
            self.told = summed_up(self.automaton, machines[0], asking)
        finally:
            if not self.finished:
                self.told = [f"the automaton is not learned: {asking.known} answers are kept, --explore-only goes on"]
            system.close()

    def _pinned(self, judge: Judge) -> Pinned:
        """Give what the table, just learned, pins: then the reference is not all guessing."""
        found = answers(believed(judge.judgements, self.walker.exercised), self.contract)
        return pinned(Profile(self.contract.object, About(""), self.options.seed, found), "")

    def _note(self, text: str) -> None:
        self._tell(Note(text))

    def _estimate(self, machines: Sequence[Automaton], system: Inputs, asking: Asking) -> None:
        """Say what is to come, as learning the model itself tells; how long a word takes is measured with one."""
        self._note(f"--explore: {len(machines[0].inputs)} inputs; estimating")
        found, inputs = estimated(machines, self.depth), machines[0].inputs
        for _ in range(2):  # the first time much is done that is never done again
            began = time.monotonic()
            system.reset()
            cloned = time.monotonic()
            system.make(inputs[0])
            made = time.monotonic() - cloned
        seconds = found.words * (cloned - began) + found.inputs * made
        known = f"; {asking.known} answers are known" if asking.known else ""
        self._note(
            f"--explore: if the target is as the model: about {found.words} words, each on "
            f"a fresh clone, {found.inputs} inputs, {seconds:.0f} s{known}"
        )

    def _part(self, judge: Judge, notes: list[str]) -> Part:
        part = super()._part(judge, notes)
        kept = self.before or replace(self.profile, complete=self.table and self.profile.complete)
        self.profile = replace(kept, automaton=self.automaton)
        return part

    @property
    def done(self) -> bool:
        """Whether all was learned that was asked for."""
        return self.finished and (not self.table or super().done)


def summed_up(automaton: Automaton | None, machine: Automaton, asking: Asking) -> list[str]:
    """Say in lines what was learned, and a shortest word that tells it from the model."""
    cost = f"{asking.resets} words and {asking.made} inputs were made"
    if automaton is None:
        return [f"no automaton: the answers to all inputs vary; {cost}"]
    lines = [f"automaton: {len(automaton.states)} states on {len(automaton.inputs)} inputs; {cost}"]
    lines += [
        f"  state {number}: {' > '.join(word) or 'a fresh clone'}" for number, word in enumerate(access(automaton))
    ]
    usual = without(machine, tuple(automaton.varied))
    if (word := difference(automaton, usual, automaton.inputs)) is not None:
        lines.append(
            f"unlike the model from: {' > '.join(word)}: {run_word(automaton, word)[-1]}; the model: "
            f"{run_word(usual, word)[-1]}"
        )
    return lines


def explore(job: Job, out: Path, names: Sequence[str], depth: int, tell: Callable[[str], None], *, table: bool) -> int:
    """Learn the table, or take it from the file if there is one, and the machine; draw it; gives the exit code.

    Beside the profile stand `.words.jsonl` (what was asked, to go on with), `.dot` and `.svg`. Raises HarnessError.
    """
    config = configured(job)
    if "power" not in config.allow:
        raise UsageError(f"--explore works on clones, which cannot be destroyed without power: {not_allowed('power')}")
    before = load_profile(out) if not table and out.exists() else None

    def start(ground: Ground, reporters: list[Reporter]) -> LearningStates:
        made = LearningStates(ground.target, ground.contract, ground.config, ground.options, reporters)
        made.names, made.depth, made.table = names, depth, table
        made.words = out.with_suffix(".words.jsonl")
        made.address = job.target or config.target or "simulator"
        made.known = pinned(before, "") if before is not None else None
        made.before = before
        return made

    code = learn(job, out, tell, start)
    if (automaton := load_profile(out).automaton) is not None:
        for suffix, content in ((".dot", dot(automaton)), (".svg", svg(automaton))):
            write_whole(out.with_suffix(suffix), content.encode())
            tell(str(out.with_suffix(suffix)))
    return code
