"""Exploration finds what takes a history to show, raises no alarm at a faithful server, and leaves everything as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from msgspec.structs import replace

from tests.windows import fitted
from vcontract._client import Recorder, Target
from vcontract._client.properties import list_vms
from vcontract._config.request import Budget, RunRequest
from vcontract._contract import load
from vcontract._explore.phase import explore
from vcontract._model.labels import EXPLORE, REPEAT
from vcontract._report.events import CellJudged, RunEvent
from vcontract._report.result import RunResult
from vcontract._run.conformance import replay_finding
from vcontract._run.start import StartedRun
from vcontract._simulator import SimulatorServer
from vcontract._simulator.defects import DEFECTS
from vcontract._simulator.defects.registry import MANAGER
from vcontract._terms import Operation, Verdict
from vcontract._testbed.embedded_simulator import EMBEDDED
from vcontract._testbed.survey import secrets_of
from vcontract._testbed.testbed import Site

PATHS = ("name", "runtime.powerState", "runtime.connectionState", "guest.toolsRunningStatus")
NO_SHRINKING = Budget(attempts=0, seconds=0.0)


class ExploreTarget:
    """A simulator with a target that speaks to it, and what was said in the last run."""

    def __init__(self, simulator: SimulatorServer) -> None:
        self.target = Target.open(simulator.url, recorder=Recorder(), secrets=secrets_of(EMBEDDED))
        self.target.login("onlooker", "administrator@vsphere.local", "account.full")

    def run(self, options: RunRequest, *listeners: Any, confirm: int = 1, finding: Any = None) -> RunResult:
        """Make a run that leaves the plan out."""
        config = replace(EMBEDDED, confirm=confirm)
        chosen = replace(options, explore_only=True)
        given = StartedRun(Site(self.target, load(MANAGER), config, chosen), listeners)
        return explore(given) if finding is None else replay_finding(given, finding)

    @property
    def judged(self) -> list[Operation]:
        """The judged calls of exploration, without the work on what it found."""
        return [each for each in self.target.recorder.operations if each.purpose == "judge" and _explored(each)]

    def vms(self) -> list[dict[str, Any]]:
        """Read every VM, in the order of names."""
        return sorted(list_vms(self.target, "onlooker", PATHS).values(), key=lambda each: str(each["name"]))


def _explored(each: Operation) -> bool:
    return each.cell.startswith(EXPLORE)


@contextmanager
def explore_target(*defects: str, seed: int = 0) -> Iterator[ExploreTarget]:
    """Give a simulator with these defects."""
    with SimulatorServer(fitted(seed=seed, task_time=0.015, boot_time=0.03, defects=frozenset(defects))) as simulator:
        given = ExploreTarget(simulator)
        try:
            yield given
        finally:
            given.target.close()


FOUND = {
    "two-bad-logins-lock-the-good-one-out": 9,
    "second-customization-after-an-abort-fails": 7,
    "network-start-fails-after-a-customized-guest-booted": 3,
    "boot-brings-an-aborted-lock-back": 6,
    "abort-after-a-resume-keeps-the-lock": 1,
}
"""The seed at which each is looked for; any does in the end, these soon."""
SAMPLE = ("second-customization-after-an-abort-fails", "abort-after-a-resume-keeps-the-lock")
"""Those of them that are looked for at every commit."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in SAMPLE else pytest.mark.long) for name in FOUND]
)
def test_a_defect_that_takes_a_history_is_found(name: str) -> None:
    """By exploration alone, after more calls than it takes."""
    with explore_target(name, seed=FOUND[name]) as given:
        found = given.run(RunRequest(seed=FOUND[name], explore=3, stop_at_first=True, shrink=NO_SHRINKING))
        judged = given.judged
    assert found.verdict is Verdict.VIOLATES
    assert found.findings
    assert all(each.cell.startswith(EXPLORE) for each in found.findings)
    assert len(judged) > 3


@pytest.mark.long
@pytest.mark.parametrize("name", FOUND)
def test_what_is_found_is_cut_down(name: str) -> None:
    """To at most three calls more than it takes, and these show it again."""
    steps = DEFECTS.known[name].steps  # type: ignore[attr-defined] # the catalogue of defects holds defects
    with explore_target(name, seed=FOUND[name]) as given:
        found = given.run(RunRequest(seed=FOUND[name], explore=3, stop_at_first=True, shrink=Budget(seconds=900)))
    programs = [each.program for each in found.findings if each.repeats.startswith(("2 of", "3 of"))]
    assert programs, [each.repeats for each in found.findings]
    assert steps <= min(map(len, programs)) <= steps + 3, [[step.call.method for step in each] for each in programs]


def test_a_finding_of_exploration_replays() -> None:
    """Cut down to three calls, or one more; these show it on another server with the defect, and not on a faithful one."""
    name = "second-customization-after-an-abort-fails"
    with explore_target(name) as given:
        found = given.run(RunRequest(seed=FOUND[name], explore=3, stop_at_first=True)).findings[0]
    assert len(found.program) in {3, 4}
    assert found.repeats == "3 of 3"
    for defects in ((name,), ()):
        with explore_target(*defects) as given:
            again = given.run(RunRequest(), finding=found)
        assert (found.id in {each.id for each in again.findings}) is bool(defects)


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in (271828, 577215))])
def test_a_faithful_server_gives_no_finding(seed: int) -> None:
    """Not at three seeds; nearly every move can be made, and afterwards everything is as before."""
    with explore_target(seed=seed) as given:
        before = given.vms()
        found = given.run(RunRequest(seed=seed, explore=3, shrink=NO_SHRINKING))
        after = given.vms()
        judged = given.judged
    assert found.findings == []
    assert [each for each in found.rows if each.verdict is Verdict.VIOLATES] == []
    assert found.explored.programs == 3
    assert found.explored.moves > 300
    assert found.explored.left_out < 40
    assert len({each.cell for each in judged}) > 100
    assert {each.call.actor for each in judged} >= {"full", "second", "leaver", "unprivileged", "nobody"}
    assert after == before


def test_the_same_seed_makes_the_same_calls() -> None:
    """Move by move, as far as time has no say: the cells of calls that nothing ran beside."""
    made = []
    for _ in range(2):
        with explore_target() as given:
            given.run(RunRequest(seed=5, explore=1, shrink=NO_SHRINKING))
            made.append([each.cell for each in given.judged])
    assert len(set(made[0])) > 30
    assert dict.fromkeys(made[0]).keys() == dict.fromkeys(made[1]).keys()


def test_the_limit_of_calls_ends_it_cleanly() -> None:
    """No call more than allowed, and nothing is left behind."""
    with explore_target() as given:
        before = given.vms()
        found = given.run(RunRequest(seed=1, explore=10, max_calls=50, shrink=NO_SHRINKING))
        assert given.vms() == before
    assert found.calls <= 50
    assert found.explored.programs == 1
    assert not any("not restored" in each for each in found.notes)


def test_no_program_is_made_twice() -> None:
    """A run that goes on leaves out those that the history has, whole or not."""
    with explore_target() as given:
        first = given.run(RunRequest(seed=3, explore=1, max_calls=20, shrink=NO_SHRINKING))
        second = given.run(RunRequest(seed=3, explore=2, max_calls=60, shrink=NO_SHRINKING))
        cells = {each.cell.partition(":")[2].partition(".")[0] for each in given.judged[20:]}
    assert first.explored.programs == second.explored.programs == 1
    assert {each for each in cells if each.isdigit()} == {"1"}


class Interrupts:
    """A listener at which the user presses Ctrl-C after so many judgements."""

    def __init__(self, after: int) -> None:
        self.left = after

    def on(self, event: RunEvent) -> None:
        """Count."""
        self.left -= isinstance(event, CellJudged)
        if self.left == 0:
            raise KeyboardInterrupt


def test_ctrl_c_ends_it_cleanly() -> None:
    """In the middle of a program: its clones go, and what is known is reported."""
    with explore_target() as given:
        before = given.vms()
        found = given.run(RunRequest(seed=2, explore=10, shrink=NO_SHRINKING), Interrupts(20))
        assert given.vms() == before
    assert 20 <= found.calls < 40
    assert any("interrupted" in each for each in found.notes)


def test_a_violation_must_repeat_where_the_configuration_says_so() -> None:
    """The program is made again under labels of their own, and what came in both is a finding (oracle rule A5)."""
    name = "second-customization-after-an-abort-fails"
    with explore_target(name) as given:
        found = given.run(RunRequest(seed=FOUND[name], explore=1, shrink=NO_SHRINKING), confirm=2)
        cells = {each.cell for each in given.judged}
    assert found.findings
    again = {each.removesuffix(f"{REPEAT}2") for each in cells if each.endswith(f"{REPEAT}2")}
    assert {each.cell for each in found.findings} <= again
