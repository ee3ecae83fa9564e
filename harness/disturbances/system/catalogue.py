"""The disturbances of the system by name."""

from __future__ import annotations

from harness.disturbances.system.disturbance import System
from harness.disturbances.system.expired_session import ExpiredSession
from harness.disturbances.system.host_lost import HostLost
from harness.disturbances.system.power_pulled import PowerPulled
from harness.disturbances.system.server_restart import ServerRestart
from harness.disturbances.system.tools_stopped import ToolsStopped
from harness.disturbances.system.vm_destroyed import VmDestroyed

SYSTEM: dict[str, type[System]] = {
    "expired-session": ExpiredSession,
    "host-lost": HostLost,
    "power-pulled": PowerPulled,
    "server-restart": ServerRestart,
    "tools-stopped": ToolsStopped,
    "vm-destroyed": VmDestroyed,
}
