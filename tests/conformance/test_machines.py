"""Workers on other machines, as execnet reaches them: two socket servers on loopback, and one that shares no disk."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import execnet.script.socketserver
import msgspec
import pytest
from msgspec.structs import replace
from vcontract.config.config import Account, Config, Guest
from vcontract.config.request import RunRequest
from vcontract.history import read_history
from vcontract.report.result import load_run
from vcontract.simulator import SimulatorServer
from vcontract.workers.stopping import Stopping
from vcontract.workers.worker import Orders, work
from vcontract.workers.worker_run import Deal, resolved

if TYPE_CHECKING:
    from tests.conformance.conftest import Command

MANAGER = "VirtualMachineGuestCustomizationManager"
ABORT = "AbortCustomization_Task"


@contextmanager
def machine(place: Path, environment: dict[str, str]) -> Iterator[str]:
    """Start a socket server in a folder of its own; gives its address."""
    place.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    script = str(Path(execnet.script.socketserver.__file__))
    command = (sys.executable, script, address)
    with subprocess.Popen(command, cwd=place, env=environment, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603 - ours
        assert server.stdout is not None
        assert "Entering Accept loop" in server.stdout.readline()
        try:
            yield address
        finally:
            server.terminate()


def test_two_machines_share_a_run(
    rows_as_tests: Command, simulator: SimulatorServer, tmp_path: Path, environment: dict[str, str]
) -> None:
    """Two socket servers, the package found there by its name, one report here."""
    with ExitStack() as machines:
        places = [machines.enter_context(machine(tmp_path / name, environment)) for name in ("one", "two")]
        ended = rows_as_tests(
            "--dist=load", *(f"--tx=socket={each}" for each in places), f"--vcontract-target={simulator.url}",
            f"--vcontract-method={ABORT}", "--vcontract-max-calls=120",
        )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "14 passed" in ended.stdout
    result = load_run(tmp_path / "reports" / "latest")
    assert [each.calls > 0 for each in result.workers] == [True, True]


def test_a_worker_without_the_runs_disk_gives_its_history_back(simulator: SimulatorServer, tmp_path: Path) -> None:
    """The history arrives in the run's directory, and the orders hold what the worker cannot read there."""
    deal = Deal(
        RunRequest(seed=1, methods=(ABORT,), max_calls=12, target=simulator.url, report_dir=tmp_path, output="none")
    )
    deal.open(1)
    here = deal.orders[0]
    there = replace(here, directory=str(tmp_path / "elsewhere"))
    there = msgspec.msgpack.decode(msgspec.msgpack.encode(there), type=Orders)
    told: list[int] = []
    gave = work(there, frozenset({ABORT}), Stopping(), told.append)
    assert told[0] >= 1
    assert gave.history.startswith(here.mark)
    assert read_history(deal.report / here.file).operations == []
    deal.give(1, gave)
    result = deal.end()
    history = read_history(deal.report / here.file)
    assert len(history.operations) == result.workers[0].requests
    assert result.calls == sum(each.purpose == "judge" for each in history.operations) == 12
    assert b"secret:guest.root" in gave.history
    assert not (tmp_path / "elsewhere").exists()


def test_a_worker_that_is_told_to_stop_before_it_begins_walks_nothing(
    simulator: SimulatorServer, tmp_path: Path
) -> None:
    """It says so, and what it was to do is untested."""
    deal = Deal(RunRequest(seed=1, methods=(ABORT,), target=simulator.url, report_dir=tmp_path, output="none"))
    deal.open(1)
    deal.stop()
    deal.give(1, work(deal.orders[0], frozenset({ABORT}), deal.stopping))
    result = deal.end()
    assert result.exit_code == 5
    assert "interrupted: what was not reached is untested" in result.notes
    assert result.cells.exercised == 0
    assert len(result.cells.unseen) == result.cells.reachable > 300


def test_orders_hold_the_passwords_themselves(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The environment and the files that a configuration names may be missing where a worker runs."""
    monkeypatch.setenv("OF_ROOT", "from-the-environment")
    (tmp_path / "full.txt").write_text("from-a-file\n")
    config = Config(
        account=(Account("full", "someone", password_file=str(tmp_path / "full.txt")),),
        guest=(Guest("root", may_customize=True, password_env="OF_ROOT"),),
    )
    found = resolved(config)
    assert found.account == (Account("full", "someone", password="from-a-file"),)
    assert found.guest == (Guest("root", may_customize=True, password="from-the-environment"),)
