"""`vcontract stress` and simulators, each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests import windows

VCONTRACT = (sys.executable, "-m", "vcontract")


class Load:
    """Runs the verb, with its reports in one folder."""

    def __init__(self, folder: Path) -> None:
        self.reports = folder / "reports"

    def run(
        self, *options: str, seconds: float = 2.0, seed: int = 1, folder: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run it to its end, after so many seconds of load on a quick machine; a slower one needs longer for as many calls."""
        limit = f"{seconds * windows.stretch():.1f}"
        told = (
            "--time-limit",
            limit,
            "--seed",
            str(seed),
            "--report-dir",
            str(self.reports),
        )
        command = (*VCONTRACT, "stress", *told, *options)
        return subprocess.run(  # noqa: S603 - our own
            command, capture_output=True, text=True, check=False, timeout=900, env=os.environ, cwd=folder
        )

    @property
    def result(self) -> dict[str, Any]:
        """The newest result."""
        found: dict[str, Any] = json.loads((self.reports / "latest" / "run.json").read_text())
        return found

    def broken(self) -> set[str]:
        """Name the guarantees that the newest run found broken."""
        return {each["row"].rpartition("/")[2] for each in self.result["findings"]}


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Give what runs the verb."""
    if find_spec("locust") is None:  # not imported: it would put gevent in the place of this process's sockets
        pytest.skip("Locust, the extra `stress`, is not installed")
    return Load(tmp_path)


Serve = Callable[..., AbstractContextManager[str]]


@pytest.fixture
def simulator() -> Serve:
    """Give what serves a simulator with these options; gives its URL."""
    return _simulator


@contextmanager
def _simulator(*options: str) -> Iterator[str]:
    command = (*VCONTRACT, "simulate", "--vms", "6", *windows.time_options(0.02), *options)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
        process.terminate()
