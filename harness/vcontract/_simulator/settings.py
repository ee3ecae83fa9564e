"""The settings of a simulated vCenter."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """How one simulator behaves; all times in seconds.

    `port` 0 takes any free one; `api` is the wire name of the newest API version served; `vms` adds ordinary Linux
    clones; `inventory` is a file that replaces the built-in inventory; completed tasks are kept
    `task_retention_seconds`, at most `task_retention_count` of them (a real vCenter: 10 minutes, 200); `defects`,
    `variants` and `upgrades` are names from the simulator's lists. While every client that has called waits to be told of
    changes, time that nothing happens in passes at once, up to `skips` seconds of it: whatever lasts long enough to be met
    on a slow machine then costs no time where nobody looks. `report_time` is the most by which name and addresses of a guest
    are shown late. `timing`, as vcenter:10, draws all times from ranges in the place of these (empty: as the inventory says).
    """

    port: int = 0
    tls: bool = False
    api: str = "8.0.3.0"
    vms: int | None = None
    task_time: float = 0.008
    boot_time: float = 0.03
    report_time: float = 0.01
    timing: str = ""
    inventory: Path | None = None
    seed: int = 0
    task_retention_seconds: float = 600.0
    task_retention_count: int = 200
    session_timeout: float = 1800.0
    skips: float = 0.0
    defects: frozenset[str] = frozenset()
    variants: frozenset[str] = frozenset()
    upgrades: frozenset[str] = frozenset()
