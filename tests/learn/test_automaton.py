"""The machine of a target is learned as it is, from the simulator's own insides; what was asked is never asked again."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.windows import fitted
from vcontract._client import Recorder, Target
from vcontract._config.config import LOOPBACK
from vcontract._config.request import RunRequest
from vcontract._contract import load
from vcontract._errors import UsageError
from vcontract._learn.aalpy_learner import star
from vcontract._learn.automaton import AutomatonLesson, LearnAutomaton, States, learned
from vcontract._learn.inputs import CloneInputs
from vcontract._learn.queries import SCHEMA, Asking, Header, Modelled
from vcontract._model.alphabet import Alphabet, alphabet
from vcontract._model.automata import access, difference, references, run_word
from vcontract._profile import Automaton
from vcontract._report.drawing import dot, svg
from vcontract._run.active_run import ActiveRun
from vcontract._run.start import StartedRun
from vcontract._simulator import Settings, SimulatorServer
from vcontract._simulator import server as serving
from vcontract._simulator.vcenter import VCenter
from vcontract._simulator.virtual_machine import VirtualMachine
from vcontract._testbed.embedded_simulator import EMBEDDED
from vcontract._testbed.survey import secrets_of
from vcontract._testbed.testbed import Site

CONTRACT = load("VirtualMachineGuestCustomizationManager")
CUSTOMIZE, ABORT = "CustomizeGuest_Task:valid", "AbortCustomization_Task:valid"
SMALL = (CUSTOMIZE, ABORT, "powerOff", "powerOn", "orphanLock")
LARGE = (
    *("valid", "nicCount", "specRule", "specInferred", "loginRejected", "loginMayNot", "loginUnsettled", "malformed"),
    *("badValue", "oldVersion", "noSession", "thisUnknown", "thisOtherType", "vmUnknown", "vmOtherType", "noPrivilege"),
    *("powerOn", "powerOff", "suspend", "reset", "stopTools", "orphanLock"),
)
"""Every call with one thing wrong that needs no state, and every move but those of the engine."""
HEADER = Header(SCHEMA, CONTRACT.object, "here", "8.0.3.0")


class Watched(LearnAutomaton):
    """Instead of learning it hands over what makes inputs, and ends with what the test did with it."""

    def run(self, run: ActiveRun) -> None:
        """Hand it over."""
        del run
        try:
            self.work(self.system)
        finally:
            self.system.close()

    def work(self, system: CloneInputs) -> None:
        """Do what the test wants."""
        raise NotImplementedError


def explored(given: Alphabet, vcenter: VCenter, system: CloneInputs) -> Automaton:
    """Build the simulator's machine breadth first: two places are one if the insides of the VM are the same."""

    def inside() -> tuple[object, ...]:
        vm = max(vcenter.registry.of_type(VirtualMachine), key=lambda each: int(each.moid.partition("-")[2]))
        guest = vm.guest
        return vm.power, guest.tools, guest.lock, guest.engine, guest.host_name

    system.reset()
    known, words, states = {inside(): 0}, [()], []
    for word in words:
        moves = {}
        for name in given.inputs:
            system.reset()
            answers = [system.make(each) for each in (*word, name)]
            place = inside()
            if place not in known:
                known[place] = len(words)
                words.append((*word, name))  # type: ignore[arg-type]  # grows
            moves[name] = answers[-1], known[place]
        states.append(moves)
    return Automaton(tuple(states))


@contextmanager
def closing_server(server: SimulatorServer) -> Iterator[None]:
    """Stop a server that was started."""
    try:
        yield
    finally:
        server.stop()


@contextmanager
def target_of(server: SimulatorServer) -> Iterator[Target]:
    """Connect to a simulator."""
    with closing(Target.open(server.url, recorder=Recorder(), secrets=secrets_of(LOOPBACK))) as target:
        yield target


def machines(names: tuple[str, ...], *variants: str) -> tuple[Automaton, Automaton, Asking]:
    """Give the simulator's machine as breadth-first exploration finds it, and as it is learned, with what that cost."""
    given = alphabet(CONTRACT, names, ())
    made: list[VCenter] = []

    def watched(settings: Settings) -> VCenter:
        made.append(VCenter(settings))
        return made[0]

    # before the patch: what measures this machine starts a simulator of its own
    # what is in its insides is what its guests show: exploring them makes no calls after which names may show later
    shown = {"variants": frozenset({*variants, "settings-show-at-once"}), "report_time": 0.0}
    settings = fitted(**shown, task_retention_count=32, task_time=0.002, boot_time=0.01)  # type: ignore[arg-type] # fields by name
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serving, "VCenter", watched)
        server = SimulatorServer(settings).start()
    with closing_server(server):
        found: list[Automaton] = []
        costs: list[Asking] = []

        class Both(Watched):
            def work(self, system: CloneInputs) -> None:
                found.append(explored(given, made[0], system))
                costs.append(Asking(system))
                machine = learned(costs[0], references(CONTRACT, given))
                assert machine is not None
                found.append(machine)

        with target_of(server) as target:
            site = Site(target, CONTRACT, EMBEDDED, RunRequest(seed=1))
            AutomatonLesson(States(names), Both).learn(StartedRun(site))
    return found[0], found[1], costs[0]


KEEPS = "reboot-keeps-an-orphaned-lock"


def test_a_hidden_state_is_learned() -> None:
    """A lock that outlives a boot is seen by no read: what is learned is what the insides do, and no guess."""
    names = (CUSTOMIZE, "powerOff", "powerOn", "orphanLock")
    inside, machine, _ = machines(names, KEEPS)
    assert difference(inside, machine, names) is None
    usual = references(CONTRACT, alphabet(CONTRACT, names, ()))[0]
    word = ("orphanLock", "powerOff", "powerOn", CUSTOMIZE)
    assert [each.partition(" ")[0] for each in run_word(usual, word)] == ["done;", "done;", "done;", "Success"]
    assert [each.partition(" ")[0] for each in run_word(machine, word)] == [
        "done;",
        "done;",
        "done;",
        "CustomizationFault",
    ]


@pytest.mark.long
@pytest.mark.parametrize(
    ("names", "variants"),
    [
        ((*SMALL, "suspend", "reset", "CustomizeGuest_Task:nicCount"), ()),
        ((*SMALL, "suspend", "reset", "CustomizeGuest_Task:nicCount"), ("failed-customization-leaves-its-lock",)),
        ((CUSTOMIZE, "stopTools", "suspend", "powerOn", "reset"), ()),
        ((CUSTOMIZE, "CustomizeGuest_Task:specInferred", "orphanLock", "suspend", "powerOn"), ()),
    ],
)
def test_what_is_learned_is_the_simulator(names: tuple[str, ...], variants: tuple[str, ...]) -> None:
    """The learned machine answers every word as the one that breadth-first exploration of the insides finds."""
    inside, machine, _ = machines(names, *variants)
    assert difference(inside, machine, machine.inputs) is None


@pytest.mark.long
def test_adaptive_learning_takes_a_tenth_of_the_calls() -> None:
    """On the calls with one thing wrong and the moves, of which the simulator's machine is learned exactly."""
    inside, machine, cost = machines(LARGE)
    assert difference(inside, machine, machine.inputs) is None
    counted = Modelled(inside)
    star(machine.inputs, Asking(counted).ask)
    assert cost.made <= counted.made / 10


def simulated(varies: str = "") -> tuple[Automaton, Modelled]:
    """Give the model's machine, and a target that is like it but for one input whose answer is drawn."""
    machine = references(CONTRACT, alphabet(CONTRACT, SMALL, ()))[0]
    draw = random.Random(1)  # noqa: S311 - a test

    class Moody(Modelled):
        def make(self, name: str) -> str:
            answer = super().make(name)
            return f"{draw.choice('ab')}; {answer}" if name == varies else answer

    return machine, Moody(machine)


def test_an_input_that_varies_leaves_the_alphabet() -> None:
    """Its answers are kept as a set, and the others are learned."""
    machine, moody = simulated(ABORT)
    said: list[str] = []
    found = learned(Asking(moody), [machine], tell=said.append)
    assert found is not None
    assert set(found.varied) == {ABORT}
    assert {each[0] for each in found.varied[ABORT]} == {"a", "b"}
    assert ABORT not in found.inputs
    assert difference(found, machine, found.inputs) is None
    assert said[0].startswith(f"{ABORT} varies, and leaves the alphabet; after the beginning: a; ")


def test_who_is_cut_goes_on_without_asking_again(tmp_path: Path) -> None:
    """Interrupted at any input, and with a line that was half written, the rest alone is asked."""
    machine, whole = simulated()
    learned(Asking(whole), [machine])
    file = tmp_path / "p.words.jsonl"

    class Cut(Modelled):
        left = 60

        def make(self, name: str) -> str:
            if not self.left:
                raise KeyboardInterrupt
            self.left -= 1
            return super().make(name)

    with pytest.raises(KeyboardInterrupt):
        learned(Asking(Cut(machine), file, HEADER), [machine])
    with file.open("ab") as more:
        more.write(b'{"word":["half')
    rest = Modelled(machine)
    again = Asking(rest, file, HEADER)
    assert again.known > 20
    found = learned(again, [machine])
    assert found is not None
    assert difference(found, machine, SMALL) is None
    assert rest.made <= whole.made - 40
    third = Modelled(machine)
    learned(Asking(third, file, HEADER), [machine])
    assert third.made == 0


def test_words_of_another_target_are_refused(tmp_path: Path) -> None:
    """In one line, which names both ways out."""
    file = tmp_path / "p.words.jsonl"
    machine, system = simulated()
    learned(Asking(system, file, HEADER), [machine])
    other = Header(SCHEMA, CONTRACT.object, "elsewhere", "8.0.3.0")
    with pytest.raises(UsageError, match=r"words of .* on here, API 8\.0\.3\.0; remove the file, or choose another"):
        Asking(system, file, other)
    file.write_bytes(b"{}\n")
    with pytest.raises(UsageError, match="no file of words"):
        Asking(system, file, HEADER)


def test_the_drawings_show_every_state_and_every_change() -> None:
    """DOT and SVG have a node a state, an edge for each pair between which an input leads, and what stays in the titles."""
    machine = references(CONTRACT, alphabet(CONTRACT, SMALL, ()))[0]
    pairs = {(one, to) for one, moves in enumerate(machine.states) for _, to in moves.values() if one != to}
    text = dot(machine)
    assert text.count(" -> ") == len(pairs) + 1
    root = ET.fromstring(svg(machine))  # noqa: S314 - our own text
    space = "{http://www.w3.org/2000/svg}"
    assert len(root.findall(f"{space}g")) == len(pairs) + len(machine.states)
    titles = [each.text or "" for each in root.iter(f"{space}title")]
    assert sum(title.count(" / ") for title in titles) == sum(map(len, machine.states))
    assert len(access(machine)) == len(machine.states)
