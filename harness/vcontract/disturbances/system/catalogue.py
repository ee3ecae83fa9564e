"""The disturbances of the system by name."""

from __future__ import annotations

from vcontract.disturbances.system.disturbance import System
from vcontract.disturbances.system.expired_session import ExpiredSession
from vcontract.disturbances.system.host_lost import HostLost
from vcontract.disturbances.system.power_pulled import PowerPulled
from vcontract.disturbances.system.server_restart import ServerRestart
from vcontract.disturbances.system.tools_stopped import ToolsStopped
from vcontract.disturbances.system.vm_destroyed import VmDestroyed

SYSTEM: dict[str, type[System]] = {
    "expired-session": ExpiredSession,
    "host-lost": HostLost,
    "power-pulled": PowerPulled,
    "server-restart": ServerRestart,
    "tools-stopped": ToolsStopped,
    "vm-destroyed": VmDestroyed,
}
