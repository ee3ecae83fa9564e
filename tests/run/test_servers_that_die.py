"""A server that the run starts, and that dies or hangs of a call: the run goes on, and the call is a finding."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.windows import fitted
from vcontract.commands.run import execute
from vcontract.config.request import Budget, RunRequest
from vcontract.report.result import RunResult
from vcontract.run.rejudge import rejudge
from vcontract.server import processes
from vcontract.simulator import SimulatorServer
from vcontract.terms import Verdict

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


Run = Callable[..., RunResult]


@pytest.fixture
def dying(behind: SimulatorServer, tmp_path: Path) -> Run:
    """Give a function that runs against a server that dies so."""

    def run(what: str, argument: str, *, calls: int = 0, confirm: int = 1, attempts: int = 0) -> RunResult:
        with closing(socket.create_server(("127.0.0.1", 0))) as listener:
            port = listener.getsockname()[1]
        words = [sys.executable, "-I", "-S", str(DYING), str(port), urlsplit(behind.url).netloc, what, argument]
        config = tmp_path / "vcontract.toml"
        config.write_text(CONFIG.format(port=port, start=words, confirm=confirm), "utf-8")
        return execute(
            RunRequest(
                config=config,
                seed=1,
                methods=(ABORT,),
                max_calls=calls,
                report_dir=tmp_path / "reports",
                output="none",
                shrink=Budget(attempts=attempts, seconds=600.0),
            )
        )

    return run


def deaths(result: RunResult) -> list[tuple[str, str]]:
    """Give of each finding the cell and what was observed."""
    return [(finding.cell, finding.observed) for finding in result.findings]


def test_a_server_that_dies_of_an_argument_is_started_again_and_the_call_is_found(dying: Run, tmp_path: Path) -> None:
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
    (directory,) = (each for each in (tmp_path / "reports").iterdir() if not each.is_symlink())
    assert (directory / "server.log").read_text("utf-8").count("panic: runtime error") == 2
    again = rejudge(directory)
    assert (again.rows, deaths(again)) == (result.rows, deaths(result))


def test_a_proxy_that_cuts_connections_now_and_then_is_no_finding(dying: Run) -> None:
    """A connection that was cut is no end of the server: it lives, and listens."""
    result = dying("cut", "25", calls=13)
    assert deaths(result) == []
    assert not [note for note in result.notes if "started again" in note]
    assert [note for note in result.notes if note.startswith("lost: ")] or result.calls == 13


def test_nothing_is_left_of_it(dying: Run) -> None:
    """After the run no process of the server lives."""
    dying("text", "nothing", calls=1)
    mine = f":{os.getpid()}:{processes.begun(os.getpid())}"
    assert [pid for pid, mark in processes.marked() if mark.endswith(mine)] == []
