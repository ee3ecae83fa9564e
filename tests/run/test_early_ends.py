"""Runs that are to end while what they wait for never comes: each wait ends soon, and putting VMs back is bounded and told."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace as with_
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from tests.mangler import MANAGER, Exchange, Mangled, Reply
from tests.waited_time import WaitedTime
from tests.windows import fitted
from vcontract._client import Recorder, Target
from vcontract._config.config import LOOPBACK
from vcontract._config.request import Budget, RunRequest
from vcontract._contract import load
from vcontract._report.events import Note, RunEvent
from vcontract._report.result import RunResult
from vcontract._run.conformance import run_conformance
from vcontract._run.putting_back import RESTORING
from vcontract._run.signals import Begun, terminable
from vcontract._run.start import StartedRun
from vcontract._simulator import SimulatorServer
from vcontract._terms import Operation
from vcontract._testbed.survey import secrets_of
from vcontract._testbed.testbed import Site

SOON = 2.0
"""Seconds in which every wait ends."""
NEVER = 1e6
"""Seconds that no test lasts."""
LONG = 30.0
"""Seconds after which a run is in the midst of a wait that does not end."""


class Told:
    """Remembers what the console is told while the run is under way, and when."""

    def __init__(self, clock: WaitedTime) -> None:
        self.notes: dict[str, float] = {}
        self._clock = clock

    def on(self, event: RunEvent) -> None:
        """Take one event."""
        if isinstance(event, Note):
            self.notes[event.text] = self._clock.time

    @property
    def putting_back(self) -> float:
        """The moment at which it was told that VMs are being put back, and for how long at most."""
        return next(when for text, when in self.notes.items() if f"for at most {RESTORING:.0f} s" in text)


@pytest.fixture(params=["tasks", "boots"])
def stuck(request: pytest.FixtureRequest) -> Iterator[SimulatorServer]:
    """Give a simulator whose tasks, or whose boots, never end."""
    settings = fitted(task_time=0.02, boot_time=0.02)
    slow = with_(settings, task_time=NEVER) if request.param == "tasks" else with_(settings, boot_time=NEVER)
    with SimulatorServer(slow) as server:
        yield server


@pytest.fixture
def url(stuck: SimulatorServer, mangled: Mangled) -> str:
    """Put a proxy before it by which nobody can wait for changes: all waits are by the clock."""

    def act(exchange: Exchange) -> Reply | bytes:
        return exchange.reply(500, b"", ()) if exchange.method == "WaitForUpdatesEx" else exchange.ask()

    return mangled(act, stuck.url).url


class Ran(NamedTuple):
    """What a run gave, what the console was told, what was sent, and the seconds that were waited for in all."""

    result: RunResult
    told: Told
    operations: list[Operation]
    seconds: float


def ran(url: str, *signals: Callable[[Operation], bool], limit: float = 0.0, calls: int = 0) -> Ran:
    """Run, with a limit of time and of calls (0: none).

    A SIGTERM comes after the first operation for which the next of `signals` holds.
    """
    clock, begun, left = WaitedTime(), Begun(), list(signals)
    recorder, told = Recorder(clock=clock), Told(clock)
    target = Target.open(url, recorder=recorder, secrets=secrets_of(LOOPBACK))
    options = RunRequest(seed=3, time_limit=limit, max_calls=calls, shrink=Budget(attempts=0, seconds=0.0))

    def hear(done: Operation) -> None:
        if left and left[0](done):
            left.pop(0)
            signal.raise_signal(signal.SIGTERM)

    with closing(target), terminable(begun, recorder.stop):
        recorder.listeners.append(hear)
        site = Site(target, load(MANAGER), replace(LOOPBACK, task_seconds=NEVER), options)
        result = run_conformance(StartedRun(site, [begun, told]))
    return Ran(result, told, recorder.operations, clock.time)


def late(done: Operation) -> bool:
    """Whether the run has waited for long."""
    return done.end > LONG


def in_restoring(done: Operation) -> bool:
    """Whether VMs are being put back."""
    return done.cell == "restore"


def test_the_limit_of_time_ends_every_wait(url: str) -> None:
    """Whatever is waited for: it ends with the time, and putting back ends in the time that is told."""
    ended = ran(url, limit=LONG)
    assert LONG - SOON <= ended.told.putting_back <= LONG + SOON
    assert ended.seconds <= ended.told.putting_back + RESTORING + SOON
    assert ended.result.exit_code == 5
    assert any(note.startswith("ended early: the limit of time") for note in ended.result.notes)


def test_a_signal_ends_every_wait(url: str) -> None:
    """The same of SIGTERM: nothing is waited for after it but what VMs need that are put back."""
    ended = ran(url, late)
    told = next(done.end for done in ended.operations if late(done))
    assert ended.told.putting_back <= told + SOON
    assert ended.seconds <= ended.told.putting_back + RESTORING + SOON
    assert ended.result.exit_code == 5
    assert any(note.startswith("interrupted: ") for note in ended.result.notes)


@pytest.mark.parametrize("when", ["seeing tasks to their ends", "putting back"])
def test_a_second_signal_ends_the_putting_back_at_once(url: str, when: str) -> None:
    """Nothing more is sent; the notes name the VMs that were not put back."""
    first: list[int] = []

    def again(done: Operation) -> bool:
        first.append(done.op)
        return in_restoring(done) if when == "putting back" else len(first) > 1

    ended = ran(url, late, again)
    assert ended.operations[-1].op == first[-1]
    assert ended.result.exit_code == 5
    assert any(re.fullmatch(r"not restored: linux-.*: a second signal ended it", note) for note in ended.result.notes)


def test_a_signal_while_vms_are_put_back_bounds_that(simulator: SimulatorServer) -> None:
    """A run that had ended already puts its VMs back all the same, and says for how long at most.

    After one of these numbers of calls some VM is off, or suspended.
    """
    for calls in (74, 78, 82, 86, 90):
        ended = ran(simulator.url, lambda done: in_restoring(done) and done.purpose == "arrange", calls=calls)
        if any(in_restoring(done) and done.purpose == "arrange" for done in ended.operations):
            break
    assert ended.told.putting_back <= ended.seconds
    assert not any(note.startswith("not restored") for note in ended.result.notes)
