"""Commands in processes of their own, as a shell would start them, against simulators of this process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.windows import fitted
from vcontract._simulator import SimulatorServer

ROOT = Path(__file__).parents[1]
Ended = subprocess.CompletedProcess[str]
Command = Callable[..., Ended]


@pytest.fixture
def simulator() -> Iterator[SimulatorServer]:
    """Give a simulator that hurries, but leaves time to see its tasks running."""
    server = SimulatorServer(fitted(task_time=0.02, boot_time=0.06))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """Give the environment without what this pytest, or its xdist, has put there."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "VCONTRACT_"))}
    return kept | {"PYTHONPATH": str(ROOT / "harness")}


@pytest.fixture
def vcontract(tmp_path: Path, environment: dict[str, str]) -> Command:
    """Give a function that runs `vcontract` to its end, in an empty folder."""
    return lambda *arguments: _run(tmp_path, environment, "vcontract", *arguments)


@pytest.fixture
def rows_as_tests(tmp_path: Path, environment: dict[str, str]) -> Command:
    """Give a function that runs the rows as tests to their end, in an empty folder."""
    words = ("pytest", "-p", "vcontract.pytest_plugin", "-p", "no:cacheprovider", "--pyargs", "vcontract.conformance")
    return lambda *arguments: _run(tmp_path, environment, *words, "--vcontract-seed=1", *arguments)


def _run(place: Path, environment: dict[str, str], *words: object) -> Ended:
    command = (sys.executable, "-m", *map(str, words))
    return subprocess.run(  # noqa: S603 - ours
        command, cwd=place, env=environment, capture_output=True, text=True, check=False, timeout=900
    )
