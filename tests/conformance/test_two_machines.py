"""The rows as tests on other machines, as execnet reaches them: two socket servers on loopback."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import execnet.script.socketserver

from tests.processes import Command
from vcontract._report.result import load_run
from vcontract._simulator import SimulatorServer

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
