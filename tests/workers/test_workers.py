"""`vcontract run --workers 2`: what it finds is what one process finds, and it ends well however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.printed_findings import inventory
from tests.processes import Command
from tests.windows import fitted
from vcontract._client import Target
from vcontract._client.properties import list_vms
from vcontract._config.request import RunRequest
from vcontract._report.result import RunResult, load_run
from vcontract._run.summary import PartialResult
from vcontract._simulator import SimulatorServer
from vcontract._terms import Verdict
from vcontract._testbed.embedded_simulator import EMBEDDED
from vcontract._testbed.survey import secrets_of
from vcontract._workers.shared_run import SharedRun
from vcontract._workers.worker import WorkerResult

MANAGER = "VirtualMachineGuestCustomizationManager"
NETWORK, ABORT = "StartGuestNetwork_Task", "AbortCustomization_Task"


def told(result: RunResult) -> tuple[object, ...]:
    """Give what must not depend on the number of workers."""
    rows = [(each.id, each.verdict) for each in result.rows]
    return result.verdict, result.exit_code, rows, {each.former for each in result.findings}


def both(vcontract: Command, server: SimulatorServer, place: Path, *more: str) -> tuple[RunResult, RunResult]:
    """Run with one worker and with two; gives the results, after the second was judged again from its histories."""
    results = []
    for workers in (1, 2):
        report = place / f"reports-{workers}"
        ended = vcontract(
            "run", "--target", server.url, "--seed=1", f"--workers={workers}", "--report-dir", report, *more
        )
        results.append(load_run(report / "latest"))
        assert ended.returncode == results[-1].exit_code, ended.stderr
    again = vcontract("judge", place / "reports-2" / "latest", "--format=json")
    assert again.returncode == results[1].exit_code, again.stderr
    one, two = results
    return one, two


@pytest.mark.parametrize(
    ("defect", "method"),
    [("powered-off-says-invalid-login", NETWORK), pytest.param("second-abort-fails", ABORT, marks=pytest.mark.long)],
)
def test_two_find_what_one_finds(defect: str, method: str, vcontract: Command, tmp_path: Path) -> None:
    """The same verdict on each row and the same findings, each with calls that replay it."""
    settings = fitted(task_time=0.02, boot_time=0.06, defects=frozenset({defect}))
    with SimulatorServer(settings) as server:
        one, two = both(vcontract, server, tmp_path, "--method", method)
        assert two.verdict is Verdict.VIOLATES
        assert told(one) == told(two)
        assert [len(each.program) > 0 for each in two.findings] == [True] * len(two.findings)
        found = two.findings[0]
        replayed = vcontract("replay", f"reports-2/latest#{found.id}", "--target", server.url)
    assert replayed.returncode == 1, replayed.stdout
    assert (len(one.workers), len(two.workers)) == (0, 2)
    assert (two.cells.exercised, two.cells.reachable) == (one.cells.exercised, one.cells.reachable)
    assert two.inputs == one.inputs


@pytest.mark.long
def test_two_find_a_faithful_server_as_faithful_as_one_does(
    vcontract: Command, simulator: SimulatorServer, tmp_path: Path
) -> None:
    """All methods, every cell."""
    one, two = both(vcontract, simulator, tmp_path)
    assert one.verdict is Verdict.CONFORMS
    assert told(one) == told(two)
    assert two.cells.exercised == two.cells.reachable
    assert two.inputs == one.inputs


@contextmanager
def walking(server: SimulatorServer, place: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Start a run of two workers; gives it when both walk."""
    command = (sys.executable, "-m", "vcontract", "run", "--target", server.url, "--seed=1", "--workers=2")
    with subprocess.Popen(  # noqa: S603 - ours
        command, cwd=place, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        _until(lambda: sum(each.stat().st_size > 200_000 for each in place.glob("reports/2*/history-*.jsonl")) == 2)
        yield run


def _until(reached: Callable[[], bool]) -> None:
    """Wait, but not for ever."""
    deadline = time.monotonic() + 600
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _left(server: SimulatorServer) -> list[str]:
    """Name what a run has left otherwise than it was: clones, and VMs that do not run."""
    target = Target.open(server.url, secrets=secrets_of(EMBEDDED))
    target.login("full", "administrator@vsphere.local", "account.full")
    found = list_vms(target, "full", ("name", "runtime.powerState", "config.template")).values()
    target.close()
    return [
        each["name"]
        for each in found
        if "-vcontract-" in each["name"] or (each["runtime.powerState"] != "poweredOn" and not each["config.template"])
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)])
def test_a_signal_ends_every_worker(
    number: signal.Signals, simulator: SimulatorServer, tmp_path: Path, environment: dict[str, str]
) -> None:
    """With what is known, the VMs as they were, and no process left."""
    with walking(simulator, tmp_path, environment) as run:
        workers = _children(run.pid)
        run.send_signal(number)
        out, err = run.communicate(timeout=600)
    result = load_run(tmp_path / "reports" / "latest")
    assert run.returncode == result.exit_code, err
    assert "interrupted: what was not reached is untested" in out
    assert [each.died for each in result.workers] == ["", ""]
    assert sum(each.calls for each in result.workers) == result.calls > 10
    assert result.cells.unseen
    assert _left(simulator) == []
    assert len(workers) == 2
    assert not any(Path(f"/proc/{each}").exists() for each in workers)


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_worker_that_dies_is_named_and_its_rows_are_not_green(
    vcontract: Command, simulator: SimulatorServer, tmp_path: Path, environment: dict[str, str]
) -> None:
    """The other one goes on; nobody calls a row kept; the VMs are put back; `judge` says the same again."""
    with walking(simulator, tmp_path, environment) as run:
        victim = min(_children(run.pid))
        os.kill(victim, signal.SIGKILL)
        _until(lambda: not _alive(victim))
        run.send_signal(signal.SIGTERM)
        out, _ = run.communicate(timeout=600)
    result = load_run(tmp_path / "reports" / "latest")
    (dead,) = [each for each in result.workers if each.died]
    assert f"worker {dead.history[8]} died: {dead.died}" in out
    assert dead.calls > 0
    assert result.exit_code == 5
    own = [each for each in result.rows if each.id.count("/") == 1 and not each.id.startswith("EveryMethod")]
    assert [each.verdict for each in own] == [Verdict.CONFORMS] * 3
    assert not [each.id for each in result.rows if each.verdict is Verdict.CONFORMS and each not in own]
    assert any("a worker died" in each.reason for each in result.rows)
    assert _left(simulator) == []
    again = vcontract("judge", "reports/latest", "--format=json")
    assert again.returncode == 5


def _alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def test_a_limit_of_time_ends_every_worker(vcontract: Command, simulator: SimulatorServer, tmp_path: Path) -> None:
    """What is known is merged; the limits of calls are exact."""
    ended = vcontract("run", "--target", simulator.url, "--workers=3", "--time-limit=0.5", "--seed=1")
    result = load_run(tmp_path / "reports" / "latest")
    assert ended.returncode == result.exit_code
    assert "the limit of time was reached" in ended.stdout
    assert len(result.workers) == 3
    assert [each.died for each in result.workers] == ["", "", ""]


def test_what_cannot_be_said_of_workers(vcontract: Command, tmp_path: Path) -> None:
    """One line, the right exit code, and no directory left behind."""
    for code, said, options in (
        (2, "--complete: is for one worker", ("--complete=0",)),
        (2, "has no method Nope", ("--method=Nope",)),
        (3, "cannot be reached", ("--target=http://127.0.0.1:9/sdk",)),
    ):
        ended = vcontract("run", "--workers=2", *options)
        assert (ended.returncode, ended.stdout) == (code, "")
        assert said in ended.stderr
        assert len([line for line in ended.stderr.splitlines() if not line.startswith("reaching ")]) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("carried_out", "ends"), [(True, True), (False, False)])
def test_a_refusal_that_was_carried_out_ends_the_other_walks(
    carried_out: bool,  # noqa: FBT001 - a case of the table
    ends: bool,  # noqa: FBT001 - a case of the table
) -> None:
    """At `--risk refusals` one is enough: no other worker, or lane, makes another call."""
    run, rung = SharedRun(RunRequest(risk="refusals")), threading.Event()
    run.bells.append(rung.set)
    run.give(1, WorkerResult(PartialResult(carried_out=carried_out)))
    assert run.stopping.asked is ends
    assert not ends or rung.wait(60)


@pytest.mark.parametrize("workers", ["--workers=2", "--lanes=2"])
def test_several_at_the_level_of_refusals_leave_every_vm_as_it_was(
    workers: str, vcontract: Command, tmp_path: Path
) -> None:
    """What they find is a violation, and each VM is afterwards what it was; without the defect nothing is found."""
    asked = ("--contract=VirtualMachine", "--method=MarkAsTemplate", "--risk=refusals", "--seed=5", workers)
    for defects, code in ((["running-vm-becomes-a-template"], 1), ([], 5)):
        with SimulatorServer(fitted(task_time=0.02, boot_time=0.06, defects=frozenset(defects))) as server:
            before = inventory(server.url)
            ended = vcontract("run", "--target", server.url, *asked, "--report-dir", tmp_path / str(code))
            result = load_run(tmp_path / str(code) / "latest")
            assert ended.returncode == result.exit_code == code, ended.stdout
            assert bool(result.findings) == bool(defects)
            assert inventory(server.url) == before
