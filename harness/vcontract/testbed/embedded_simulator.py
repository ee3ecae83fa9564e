"""The simulator as the target of a run that names none."""

from __future__ import annotations

from msgspec.structs import replace

from vcontract.config.config import LOOPBACK, Config
from vcontract.simulator import Settings, SimulatorServer

LIMIT = 20
"""A task that takes this many times the simulator's task time is stuck (oracle rule A14)."""

TASKS = 32
"""How many completed tasks it keeps for each client."""

EMBEDDED: Config = replace(LOOPBACK, task_seconds=max(2.0, LIMIT * Settings.task_time))
"""The configuration that goes with it, unless a file says otherwise."""


def simulator_for(seed: int, api: str = "", defects: frozenset[str] = frozenset(), clients: int = 1) -> SimulatorServer:
    """Make the simulator, not yet started; it forgets tasks sooner than a vCenter, for every read of a VM lists them."""
    return SimulatorServer(
        Settings(seed=seed, api=api or Settings.api, defects=defects, task_retention_count=TASKS * clients)
    )
