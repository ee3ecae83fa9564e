"""`vcontract doctor` says what of a configuration matches nothing, and reaches the target as a run does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.windows import fitted
from vcontract._simulator import SimulatorServer

if TYPE_CHECKING:
    from tests.cli.conftest import Command


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty directory."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def simulator() -> Iterator[SimulatorServer]:
    """Give a faithful simulator."""
    with SimulatorServer(fitted()) as server:
        yield server


def test_it_goes_by_the_proxy_that_a_run_goes_by(vcontract: Command) -> None:
    """Where the target alone would not be reached, the proxy is asked for it."""
    asked: list[bytes] = []

    def proxy(listening: socket.socket) -> None:
        line, _ = listening.accept()
        with line:
            asked.append(line.recv(1000))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        answering = threading.Thread(target=proxy, args=(listening,), daemon=True)
        answering.start()
        port = listening.getsockname()[1]
        Path("my.toml").write_text(f'target = "http://vcenter.invalid/sdk"\nproxy = "http://127.0.0.1:{port}"\n')
        told = vcontract("doctor", "--config", "my.toml")
        answering.join(60)
    assert told.code == 3
    assert asked, told.out
    assert b"vcenter.invalid" in asked[0]


def test_entries_that_match_nothing_are_told(vcontract: Command, simulator: SimulatorServer) -> None:
    """And a password that stands in the file; neither keeps anything from being tested."""
    account = '[[account]]\nrole = "full"\nusername = "administrator@vsphere.local"\npassword = "vcontract"\n'
    wrong = '[[vm]]\nname = "lnux-*"\n[[waive]]\nrow = "*/GuestPermisionDenied"\nreason = "x"\n'
    quick = "staleness = 0.02\nruntime_staleness = 0.0\nalone = true\n"
    Path("my.toml").write_text(f'target = "{simulator.url}"\n{quick}{account}{wrong}')
    told = "\n".join(vcontract("doctor", "--config", "my.toml").out)
    assert "[[vm]] lnux-*: no marked VM has such a name" in told
    assert "[[waive]] */GuestPermisionDenied: no row of the contract has such an id" in told
    assert "the password of administrator@vsphere.local stands in the configuration" in told
    ended = vcontract("run", "--config", "my.toml", "--max-calls", 1, "--method", "AbortCustomization_Task")
    told = "\n".join((*ended.out, *ended.err))
    assert "configuration: [[vm]] lnux-*: no marked VM has such a name" in told
    assert "configuration: [[waive]] */GuestPermisionDenied" in told
    assert "configuration: the password of administrator@vsphere.local stands in the configuration" in told
