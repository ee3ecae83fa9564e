"""A server that the run starts, and that dies or hangs of a call: the run goes on, and the call is a finding."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from msgspec.structs import replace

from tests.windows import fitted
from vcontract._commands.run import execute
from vcontract._config.request import Budget, RunRequest
from vcontract._findings.lookup import find
from vcontract._report.result import RunResult
from vcontract._run.preparation import Preparation
from vcontract._run.rejudge import rejudge
from vcontract._server import processes
from vcontract._simulator import SimulatorServer
from vcontract._terms import Verdict

DYING = Path(__file__).parents[1] / "dying_server.py"
ABORT = "AbortCustomization_Task"
CONFIG = """
target = "http://127.0.0.1:{port}/sdk"
staleness = 0.02
runtime_staleness = 0.0
publish = 0.0
task_seconds = 20.0
alone = true
confirm = {confirm}
[[account]]
role = "full"
username = "administrator@vsphere.local"
password = "vcontract"
[[account]]
role = "unprivileged"
username = "operator@vsphere.local"
password = "vcontract"
[[guest]]
username = "root"
password = "guest"
may_customize = true
[[guest]]
username = "user"
password = "guest"
may_customize = false
[server]
start = {start}
ready = "^ready"
restarts = 40
"""


@pytest.fixture(scope="module")
def behind() -> Iterator[SimulatorServer]:
    """Give the simulator to which the dying server hands all requests on: it remembers what was before a restart."""
    with SimulatorServer(fitted(task_time=0.01, boot_time=0.01)) as server:
        yield server


class Dying:
    """Such runs, against a simulator by way of `tests/dying_server.py`."""

    def __init__(self, behind: str, place: Path) -> None:
        self._behind, self._place = urlsplit(behind).netloc, place
        self.request = RunRequest()

    def __call__(
        self, what: str, argument: str, *, calls: int = 0, confirm: int = 1, attempts: int = 0, first: bool = False
    ) -> RunResult:
        """Run."""
        with closing(socket.create_server(("127.0.0.1", 0))) as listener:
            port = listener.getsockname()[1]
        words = [sys.executable, "-I", "-S", str(DYING), str(port), self._behind, what, argument]
        config = self._place / "vcontract.toml"
        config.write_text(CONFIG.format(port=port, start=words, confirm=confirm), "utf-8")
        self.request = RunRequest(
            config=config,
            seed=1,
            methods=(ABORT,),
            max_calls=calls,
            stop_at_first=first,
            report_dir=self._place / "reports",
            output="none",
            shrink=Budget(attempts=attempts, seconds=600.0),
        )
        return execute(self.request)


@pytest.fixture
def dying(behind: SimulatorServer, tmp_path: Path) -> Dying:
    """Give what runs against a server that dies so."""
    return Dying(behind.url, tmp_path)


def deaths(result: RunResult) -> list[tuple[str, str]]:
    """Give of each finding the cell and what was observed."""
    return [(finding.cell, finding.observed) for finding in result.findings]


def directory_in(place: Path) -> Path:
    """Give the directory of the one run that is kept in a place."""
    (found,) = (each for each in place.iterdir() if not each.is_symlink())
    return found


def test_a_server_that_dies_of_an_argument_is_started_again_and_the_call_is_found(dying: Dying, tmp_path: Path) -> None:
    """The finding has the call, how the server ended, its last output; the run goes on, and is judged again the same."""
    result = dying("text", "GuestCustomizationManager-0", calls=13)
    assert deaths(result) == [(f"{ABORT}:thisUnknown", "crashed")]
    told = result.findings[0].detail
    parts = ["GuestCustomizationManager-0", "ended with status 2", "panic: runtime error", "just before: ", '"vm":']
    assert [part for part in parts if part not in told] == []
    assert result.calls == 13
    assert f"{ABORT}:vmOtherType" in result.cells.seen
    assert (result.verdict, result.exit_code) == (Verdict.VIOLATES, 1)
    assert [note for note in result.notes if "the server ended 2 times, and was started again" in note]
    directory = directory_in(tmp_path / "reports")
    assert (directory / "server.log").read_text("utf-8").count("panic: runtime error") == 2
    again = rejudge(directory)
    assert (again.rows, deaths(again)) == (result.rows, deaths(result))


@pytest.mark.parametrize(
    ("what", "argument", "actors"),
    [
        ("text", "GuestCustomizationManager-0", ["full"]),
        (f"nth:{ABORT}", "3", ["full"] * 3),
        (f"two:{ABORT}", "", ["full", "unprivileged"]),
    ],
)
def test_what_a_server_dies_of_is_found_shrunk_and_replayed(
    dying: Dying, tmp_path: Path, what: str, argument: str, actors: list[str]
) -> None:
    """The call alone; as many as it takes; those of two clients: each time sent to a server that was started anew."""
    result = dying(what, argument, attempts=48, first=True)
    (found,) = result.findings
    assert (found.observed, found.repeats) == ("crashed", "3 of 3")
    assert [(step.call.method, step.call.actor) for step in found.program] == [(ABORT, actor) for actor in actors]
    directory = directory_in(tmp_path / "reports")
    again = rejudge(directory)
    assert (again.rows, deaths(again)) == (result.rows, deaths(result))
    saved = find(f"{directory}#{found.id}")
    replayed = execute(replace(dying.request, stop_at_first=False), Preparation(finding=saved))
    assert [(each.id, each.observed) for each in replayed.findings] == [(found.id, "crashed")]


def test_a_server_that_dies_once_is_told_and_accuses_nobody(dying: Dying, tmp_path: Path) -> None:
    """What does not come again, neither in its step nor with all that led to it, may be chance: inconclusive."""
    once = tmp_path / "once"
    result = dying("once", str(once), calls=6, attempts=4)
    assert deaths(result) == []
    assert result.verdict is Verdict.INCONCLUSIVE
    assert [note for note in result.notes if note.startswith("crashed: suspect: seen in 1 of 2 tries")]


def test_a_proxy_that_cuts_connections_now_and_then_is_no_finding(dying: Dying) -> None:
    """A connection that was cut is no end of the server: it lives, and listens."""
    result = dying("cut", "25", calls=13)
    assert deaths(result) == []
    assert not [note for note in result.notes if "started again" in note]
    assert [note for note in result.notes if note.startswith("lost: ")] or result.calls == 13


def test_nothing_is_left_of_it(dying: Dying) -> None:
    """After the run no process of the server lives."""
    dying("text", "nothing", calls=1)
    mine = f":{os.getpid()}:{processes.begun(os.getpid())}"
    assert [pid for pid, mark in processes.marked() if mark.endswith(mine)] == []
