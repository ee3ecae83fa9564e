"""What a run says about its plan before it begins: each number is a range, and what happens lies in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from vcontract._commands.dry_run import rehearse
from vcontract._commands.run import execute
from vcontract._config.request import RunRequest
from vcontract._model import State
from vcontract._model.state import HOST_LOST, OFF, SUSPENDED
from vcontract._run.estimates.cost import Range
from vcontract._run.estimates.moves import moves_between
from vcontract._simulator import Settings, SimulatorServer
from vcontract._testbed.embedded_simulator import fitting

WIDEST = 1.6
"""So many times the lower end of a range is its upper one at the most."""
CUSTOMIZE, NETWORK, ABORT = "CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task"
LOST = next(iter(HOST_LOST))


def missed(request: RunRequest) -> list[str]:
    """Say what a run does, then do it; names what does not lie in its range, and ranges that are too wide."""
    said = rehearse(request).estimate
    assert said is not None
    ranges = {"calls": said.cost.calls, "requests": said.requests, "arrangements": said.cost.arrangements}
    quick = msgspec.structs.replace(
        said, waits=0.0, settles=0.0
    )  # how often a report is waited for nobody knows before
    wide = {**ranges, "seconds": quick.seconds}
    result = execute(request)
    did = {"calls": result.calls, "requests": result.requests, "arrangements": result.cells.arrangements.made}
    return [
        *(
            f"{name} are wide: {said.text()}"
            for name, it in wide.items()
            if not 0 < it.least <= it.most <= WIDEST * it.least
        ),
        *(f"{name}, {did[name]}: {said.text()}" for name in ranges if did[name] not in ranges[name]),
    ]


@pytest.mark.parametrize(("seed", "method"), [(2, NETWORK), pytest.param(3, ABORT, marks=pytest.mark.long)])
def test_what_a_run_of_one_method_does_lies_in_what_was_said(seed: int, method: str, tmp_path: Path) -> None:
    """On the simulator that a run starts."""
    assert missed(RunRequest(seed=seed, methods=(method,), report_dir=tmp_path, output="none")) == []


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_a_whole_run_does_lies_in_what_was_said(seed: int, tmp_path: Path) -> None:
    """On the simulator that a run starts."""
    assert missed(RunRequest(seed=seed, report_dir=tmp_path, output="none")) == []


@pytest.fixture
def patient() -> Iterator[SimulatorServer]:
    """Give a simulator whose tasks and boots last long enough to be met in their midst, by a clock that skips nothing."""
    with SimulatorServer(fitting(Settings(seed=1, task_time=0.3, boot_time=0.6))) as server:
        yield server


@pytest.mark.long
def test_the_ranges_hold_for_a_target_that_was_not_started_here(patient: SimulatorServer, tmp_path: Path) -> None:
    """Nothing in them is about the simulator that a run starts."""
    assert missed(RunRequest(seed=1, target=patient.url, report_dir=tmp_path, output="none")) == []


@pytest.mark.parametrize(("now", "want", "moves"), [
    (State(), State(), []),
    (State(), State(power=OFF, tools="stopped"), ["powerOff"]),
    (State(power=OFF, tools="stopped"), State(), ["powerOn"]),
    (State(power=OFF, tools="stopped"), State(power=SUSPENDED, tools="stopped"), ["powerOn", "suspend"]),
    (State(), State(tools="stopped"), ["stopTools"]),
    (State(tools="stopped"), State(), ["reset"]),
    (State(), State(orphaned=True), ["orphanLock"]),
    (State(orphaned=True), State(engine="broken"), ["abort", "breakEngine"]),
    (State(connection=LOST), State(connection=LOST), ["hostBack", "hostLost"]),
    (State(), State(template=True, power=OFF, tools="stopped"), ["powerOff", "markAsTemplate"]),
])  # fmt: skip
def test_the_moves_that_arrange_a_state(now: State, want: State, moves: list[str]) -> None:
    """They are those that the arrangers make, in that order."""
    assert moves_between(now, want) == moves


def test_ranges_add_up() -> None:
    """End by end, and so many times."""
    both = Range(1, 2) + Range(3, 5).times(1, 2)
    assert (both, 4 in both, 13 in both, Range(2, 2).text(), both.text()) == (Range(4, 12), True, False, "2", "4 to 12")


def test_a_run_tells_it_when_it_begins(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same as the dry run, in a note."""
    request = RunRequest(seed=1, methods=(ABORT,), max_calls=5, report_dir=tmp_path, output="text")
    said = rehearse(request).estimate
    assert said is not None
    execute(request)
    assert said.text()[0] in capsys.readouterr().err
