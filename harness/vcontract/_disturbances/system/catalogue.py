"""The disturbances of the system by name."""

from __future__ import annotations

from vcontract._disturbances.system.disturbance import System
from vcontract._disturbances.system.expired_session import ExpiredSession
from vcontract._disturbances.system.host_lost import HostLost
from vcontract._disturbances.system.power_pulled import PowerPulled
from vcontract._disturbances.system.server_restart import ServerRestart
from vcontract._disturbances.system.tools_stopped import ToolsStopped
from vcontract._disturbances.system.vm_destroyed import VmDestroyed

SYSTEM: dict[str, type[System]] = {
    "expired-session": ExpiredSession,
    "host-lost": HostLost,
    "power-pulled": PowerPulled,
    "server-restart": ServerRestart,
    "tools-stopped": ToolsStopped,
    "vm-destroyed": VmDestroyed,
}
