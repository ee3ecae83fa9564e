"""Command lines that do something in a simulated Linux guest, through StartProgramInGuest as the guest's root.

| programPath, arguments | effect |
|---|---|
| `/usr/bin/systemctl` `stop vmtoolsd` | Tools stop until the guest boots again (ResetVM_Task, or power off and on) |
| `/usr/bin/pkill` `-9 -f vmware-gosc` | the engine crashes: a running customization ends, its lock stays |
| `/usr/bin/touch` `/var/run/vmware-gosc.lock` | leaves a lock behind although no customization runs |
| `/usr/bin/rm` `-f /var/run/vmware-gosc.lock` | removes a lock that was left behind |
| `/usr/bin/rm` `-rf /usr/share/vmware-gosc` | removes the customization engine |
| `/usr/bin/chmod` `-R a-x /usr/share/vmware-gosc` | the engine is there but cannot run |
| `/usr/bin/apt-get` `install --reinstall gosc` | installs the engine again |

Any other program ends with exit code 0 and does nothing; one of these that is run by another account ends with 1.
Stopped Tools cannot be started from outside, since guest operations need them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vcontract._simulator.guest.spec_rules import customization_fault
from vcontract._simulator.guest.state import Engine, Lock

if TYPE_CHECKING:
    from collections.abc import Callable

    from vcontract._simulator.guest.accounts import GuestAccount
    from vcontract._simulator.virtual_machine.machine import Machine


def stop_tools(machine: Machine) -> None:
    """Stop the Tools service."""
    machine.stop_tools()


def crash_engine(machine: Machine) -> None:
    """Kill the engine's processes; nobody removes the lock of a customization then."""
    held = machine.guest.lock is Lock.HELD and any(
        operation.method == "CustomizeGuest_Task" for operation in machine.guest_operations
    )
    machine.interrupt(customization_fault("The customization engine ended unexpectedly."))
    if held:
        machine.guest.lock = Lock.ORPHANED


def leave_lock(machine: Machine) -> None:
    """Create the lock file that the engine would create."""
    if machine.guest.lock is Lock.FREE:
        machine.guest.lock = Lock.ORPHANED


def remove_lock(machine: Machine) -> None:
    """Remove a lock that no customization holds."""
    if machine.guest.lock is Lock.ORPHANED:
        machine.guest.lock = Lock.FREE


def remove_engine(machine: Machine) -> None:
    """Remove the engine's files; what already runs goes on."""
    machine.guest.engine = Engine.ABSENT


def break_engine(machine: Machine) -> None:
    """Take the right to run from the engine's files."""
    machine.guest.engine = Engine.BROKEN


def install_engine(machine: Machine) -> None:
    """Install the engine."""
    machine.guest.engine = Engine.OK


COMMANDS: dict[tuple[str, str], Callable[[Machine], None]] = {
    ("/usr/bin/systemctl", "stop vmtoolsd"): stop_tools,
    ("/usr/bin/pkill", "-9 -f vmware-gosc"): crash_engine,
    ("/usr/bin/touch", "/var/run/vmware-gosc.lock"): leave_lock,
    ("/usr/bin/rm", "-f /var/run/vmware-gosc.lock"): remove_lock,
    ("/usr/bin/rm", "-rf /usr/share/vmware-gosc"): remove_engine,
    ("/usr/bin/chmod", "-R a-x /usr/share/vmware-gosc"): break_engine,
    ("/usr/bin/apt-get", "install --reinstall gosc"): install_engine,
}


def run(machine: Machine, account: GuestAccount, path: str, arguments: str) -> int:
    """Run a program in the guest; gives its exit code."""
    command = COMMANDS.get((path, arguments)) if machine.guest.family == "linuxGuest" else None
    if command is None:
        return 0
    if not account.root:
        return 1
    command(machine)
    return 0
