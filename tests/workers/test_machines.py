"""Workers on other machines: one that shares no disk, one that is told to stop, and what their orders hold."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from vcontract._config.config import Account, Config, Guest
from vcontract._config.request import RunRequest
from vcontract._history import read_history
from vcontract._simulator import SimulatorServer
from vcontract._workers.shared_run import SharedRun, resolved
from vcontract._workers.stopping import Stopping
from vcontract._workers.worker import Orders, work

MANAGER = "VirtualMachineGuestCustomizationManager"
ABORT = "AbortCustomization_Task"


def test_a_worker_without_the_runs_disk_gives_its_history_back(simulator: SimulatorServer, tmp_path: Path) -> None:
    """The history arrives in the run's directory, and the orders hold what the worker cannot read there."""
    shared = SharedRun(
        RunRequest(seed=1, methods=(ABORT,), max_calls=12, target=simulator.url, report_dir=tmp_path, output="none")
    )
    shared.open(1)
    here = shared.orders[0]
    there = replace(here, directory=str(tmp_path / "elsewhere"), methods=frozenset({ABORT}))
    there = Orders.decoded(there.encoded())
    told: list[int] = []
    gave = work(there, Stopping(), told.append)
    assert told[0] >= 1
    assert gave.history.startswith(here.mark)
    assert read_history(shared.report / here.file).operations == []
    shared.give(1, gave)
    result = shared.end()
    history = read_history(shared.report / here.file)
    assert len(history.operations) == result.workers[0].requests
    assert result.calls == sum(each.purpose == "judge" for each in history.operations) == 12
    assert b"secret:guest.root" in gave.history
    assert not (tmp_path / "elsewhere").exists()


def test_a_worker_that_is_told_to_stop_before_it_begins_walks_nothing(
    simulator: SimulatorServer, tmp_path: Path
) -> None:
    """It says so, and what it was to do is untested."""
    shared = SharedRun(RunRequest(seed=1, methods=(ABORT,), target=simulator.url, report_dir=tmp_path, output="none"))
    shared.open(1)
    shared.stop()
    shared.give(1, work(replace(shared.orders[0], methods=frozenset({ABORT})), shared.stopping))
    result = shared.end()
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
