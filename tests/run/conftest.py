"""Runs against simulators of this process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.simulator import Settings, SimulatorServer


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorServer]:
    """Give a simulator that hurries."""
    server = SimulatorServer(Settings(task_time=0.02, boot_time=0.02))
    server.start()
    yield server
    server.stop()
