"""`vcontract learn --explore`: a machine of hidden states is learned from a target, and compared with the contract's model."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from vcontract._check.learned import answers
from vcontract._check.pinned import pinned
from vcontract._config.config import address_of
from vcontract._config.permissions import not_allowed
from vcontract._config.request import SIMULATOR, RunRequest
from vcontract._errors import UsageError
from vcontract._learn.aalpy_learner import adaptive
from vcontract._learn.inputs import CloneInputs
from vcontract._learn.queries import SCHEMA, Asking, Header, Modelled, VariedError
from vcontract._learn.table import Learned, believed, learn, plan_table, profile_of, walked
from vcontract._model import Pinned
from vcontract._model.alphabet import Alphabet, alphabet
from vcontract._model.automata import access, difference, references, run_word, without
from vcontract._model.moves import MOVES
from vcontract._profile import Automaton, Profile, load_profile
from vcontract._profile import Target as About
from vcontract._report.drawing import dot, svg
from vcontract._report.run_directory import write_out
from vcontract._run.active_run import ActiveRun
from vcontract._run.phases import ReadObject, TakeSteps
from vcontract._run.planning import Planned, plan_nothing_but_look
from vcontract._run.preparation import Preparation
from vcontract._run.start import StartedRun, configured
from vcontract._testbed import Site, Testbed


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
            inputs = [name for name in machines[0].inputs if name not in asking.varied]
            if not inputs:
                return None
            try:
                _probe(inputs, asking)
                automaton = adaptive(
                    inputs, asking.ask, [without(machine, tuple(asking.varied)) for machine in machines], depth
                )
                return replace(automaton, varied=dict(asking.varied))
            except VariedError as varied:
                tell(_left(asking, varied))
    finally:
        asking.close()


def _probe(inputs: Sequence[str], asking: Asking) -> None:
    """Ask each input by itself, some times: what varies at once need not be learned around."""
    for name in inputs:
        asking.ask((name,))
        asking.probe(name)


def _left(asking: Asking, varied: VariedError) -> str:
    """Let an input leave: the first of the word whose answers differ."""
    word, answers_by_place = varied.word, asking.again(varied)
    place = next(number for number, answers in enumerate(answers_by_place) if len(answers) > 1)
    name, answers = word[place], sorted(answers_by_place[place])
    asking.leave(name, answers)
    before = " > ".join(word[:place]) or "the beginning"
    return f"{name} varies, and leaves the alphabet; after {before}: {' | '.join(answers)}"


class States(msgspec.Struct, frozen=True):
    """What is to be learned of hidden states, and from where on.

    `names` are the inputs (empty: the default alphabet), `depth` how many states more than were found are looked for. `words`
    is the file of what was asked, `address` the target in it. `before` is the profile that is known already, with what it
    pins (`known`); None: the table is learned first.
    """

    names: Sequence[str] = ()
    depth: int = 0
    words: Path | None = None
    address: str = ""
    known: Pinned | None = None
    before: Profile | None = None
    table: bool = False


class AutomatonLesson:
    """Learns the table, unless it is left out, and then the machine of hidden states."""

    def __init__(self, states: States, phase: Callable[[States], LearnAutomaton] | None = None) -> None:
        self._states = states
        self.phase = (phase or LearnAutomaton)(states)

    def learn(self, started: StartedRun) -> Learned:
        """Learn both, and give the profile."""
        states, phase = self._states, self.phase
        run, part, result = walked(started, phase.plan, [ReadObject(), TakeSteps(), phase])
        table = profile_of(run, part, result)
        kept = states.before or replace(table, complete=states.table and table.complete)
        profile = replace(kept, automaton=phase.automaton)
        done = phase.finished and (not states.table or profile.complete)
        return Learned(profile, result, done, states.table, phase.told)


class LearnAutomaton:
    """The phase in which the machine is learned; `told` are lines on what came of it."""

    def __init__(self, states: States) -> None:
        self._states = states
        self.automaton: Automaton | None = None
        self.told: Sequence[str] = ()
        self.finished = False

    def plan(self, testbed: Testbed) -> Planned:
        """Plan the table, if that is to be learned. Raises UsageError if what was asked before is of another target."""
        site = testbed.site
        self.alphabet = _alphabet(site, self._states.names)
        self.system = CloneInputs(testbed.lane, self.alphabet)
        header = Header(SCHEMA, site.contract.object, self._states.address, site.target.api_version)
        self.asking = Asking(self.system, self._states.words, header)  # now, for it may be refused
        return plan_table(testbed) if self._states.table else plan_nothing_but_look(testbed)

    def run(self, run: ActiveRun) -> None:
        """Learn it, unless the run was stopped before."""
        if reason := run.spent():
            self.told = [f"the automaton was not begun: {reason}"]
            return
        known = _pinned(run) if self._states.table else self._states.known
        machines = references(run.site.contract, self.alphabet, known)
        asking, note = self.asking, run.announcer.note
        try:
            _estimate(machines, self.system, asking, self._states.depth, note)
            self.automaton = learned(asking, machines, self._states.depth, note)
            self.finished = True
            self.told = summed_up(self.automaton, machines[0], asking)
        finally:
            if not self.finished:
                self.told = [f"the automaton is not learned: {asking.known} answers are kept, --explore-only goes on"]
            self.system.close()


def _alphabet(site: Site, names: Sequence[str]) -> Alphabet:
    """Read the alphabet; moves for which there is no lever are left out, unless they were asked for."""
    offered = alphabet(site.contract, names, site.request.methods)
    levers = {"", *(lever.does for lever in site.config.levers)}
    lacking = [move for move in offered.moves if MOVES[move].lever not in levers]
    if lacking and names:
        raise UsageError(f"--alphabet {lacking[0]}: the configuration gives no lever {MOVES[lacking[0]].lever}")
    return replace(offered, moves=tuple(move for move in offered.moves if move not in lacking))


def _pinned(run: ActiveRun) -> Pinned:
    """Give what the table, just learned, pins: then the reference is not all guessing."""
    contract = run.site.contract
    answered = answers(believed(run.testbed.judge.judgements, run.step_runner.exercised), contract)
    return pinned(Profile(contract.object, About(""), run.site.request.seed, answered), "")


def _estimate(
    machines: Sequence[Automaton], system: CloneInputs, asking: Asking, depth: int, note: Callable[[str], None]
) -> None:
    """Say what is to come, as learning the model itself tells; how long a word takes is measured with one."""
    note(f"--explore: {len(machines[0].inputs)} inputs; estimating")
    expected, inputs = estimated(machines, depth), machines[0].inputs
    for _ in range(2):  # the first time much is done that is never done again
        began = time.monotonic()
        system.reset()
        cloned = time.monotonic()
        system.make(inputs[0])
        made = time.monotonic() - cloned
    seconds = expected.words * (cloned - began) + expected.inputs * made
    known = f"; {asking.known} answers are known" if asking.known else ""
    note(
        f"--explore: if the target is as the model: about {expected.words} words, each on "
        f"a fresh clone, {expected.inputs} inputs, {seconds:.0f} s{known}"
    )


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


def explore(
    request: RunRequest,
    preparation: Preparation,
    out: Path,
    names: Sequence[str],
    depth: int,
    tell: Callable[[str], None],
    *,
    table: bool,
) -> int:
    """Learn the table, or take it from the file if there is one, and the machine; draw it; gives the exit code.

    Beside the profile stand `.words.jsonl` (what was asked, to go on with), `.dot` and `.svg`. Raises HarnessError.
    """
    config = configured(request, preparation)
    if "power" not in config.allow:
        raise UsageError(f"--explore works on clones, which cannot be destroyed without power: {not_allowed('power')}")
    before = load_profile(out) if not table and out.exists() else None

    address = address_of(request, config) or SIMULATOR
    known = pinned(before, "") if before is not None else None
    states = States(names, depth, out.with_suffix(".words.jsonl"), address, known, before, table)
    code = learn(request, preparation, out, tell, AutomatonLesson(states))
    if (automaton := load_profile(out).automaton) is not None:
        for suffix, content in ((".dot", dot(automaton)), (".svg", svg(automaton))):
            write_out(out.with_suffix(suffix), content.encode())
            tell(str(out.with_suffix(suffix)))
    return code
