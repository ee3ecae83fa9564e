"""The simulator as the target of a run that names none."""

from __future__ import annotations

from msgspec.structs import replace

from harness.run.config import LOOPBACK, Config
from harness.simulator import Settings, SimulatorServer

LIMIT = 20
"""A task that takes this many times the simulator's task time is stuck (oracle rule A14)."""


def embedded(seed: int, api: str = "", defects: frozenset[str] = frozenset()) -> tuple[SimulatorServer, Config]:
    """Make the simulator, not yet started, and the configuration that goes with it."""
    settings = Settings(seed=seed, defects=defects) if not api else Settings(seed=seed, api=api, defects=defects)
    limit = max(2.0, LIMIT * settings.task_time)
    return SimulatorServer(settings), replace(LOOPBACK, task_seconds=limit)
