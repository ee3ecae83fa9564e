"""What a guest operating system holds on its disk and in its memory, as plain data that snapshots and clones copy."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vcontract._simulator.guest.accounts import Accounts
    from vcontract._simulator.guest.network import Interface, Network


class Engine(StrEnum):
    """Whether the engine of live customization works in the guest."""

    OK = "ok"
    ABSENT = "absent"
    BROKEN = "broken"


class Lock(StrEnum):
    """The guest lock: free, held by a running customization, or orphaned: left behind by one that has ended."""

    FREE = "free"
    HELD = "held"
    ORPHANED = "orphaned"


class ToolsPhase(StrEnum):
    """How far VMware Tools have come since the guest booted; READY also means that the guest agent answers."""

    ABSENT = "absent"
    STOPPED = "stopped"
    BOOTING = "booting"
    EXECUTING_SCRIPTS = "executing scripts"
    RUNNING = "running"
    READY = "ready"


@dataclass
class Customization:
    """What `guest.customizationInfo` tells; the status as of GuestInfo.CustomizationInfo."""

    status: str = "TOOLSDEPLOYPKG_IDLE"
    start: Any = None
    end: Any = None
    error: str | None = None


@dataclass
class Written:
    """What a customization has written to the guest's disk, and the running guest has not taken up yet (None: nothing)."""

    host_name: str | None = None
    network: Network | None = None


@dataclass
class Process:
    """A program that ran in the guest; each ends at once with its exit code."""

    pid: int
    name: str
    owner: str
    command_line: str
    start: Any
    exit_code: int


@dataclass
class GuestState:
    """Disk and memory of one guest; `host_name` carries no domain.

    Name and network are those that the guest runs with; what is `written` comes into effect when they start anew.
    """

    guest_id: str
    full_name: str
    family: str
    host_name: str
    accounts: Accounts
    network: Network
    tools: ToolsPhase = ToolsPhase.ABSENT
    engine: Engine = Engine.OK
    lock: Lock = Lock.FREE
    written: Written = field(default_factory=Written)
    customization: Customization = field(default_factory=Customization)
    processes: list[Process] = field(default_factory=list)

    def take_up(self, *, name: bool = True, network: bool = True) -> None:
        """Let what is written come into effect; the interfaces have their new addresses when the network is started."""
        if name and self.written.host_name is not None:
            self.host_name, self.written.host_name = self.written.host_name, None
        if network and self.written.network is not None:
            self.network, self.written.network = self.written.network, None

    def add_interface(self, interface: Interface) -> None:
        """Have an interface for an adapter that was added."""
        for network in self._networks():
            network.interfaces.append(copy.deepcopy(interface))

    def remove_interface(self, place: int) -> None:
        """Lose the interface of an adapter that was removed."""
        for network in self._networks():
            del network.interfaces[place]

    def _networks(self) -> list[Network]:
        return [self.network] if self.written.network is None else [self.network, self.written.network]

    def with_memory(self) -> GuestState:
        """Copy disk and memory; the lock of a running customization has no owner in the copy."""
        image = copy.deepcopy(self)
        if image.lock is Lock.HELD:
            image.lock = Lock.ORPHANED
        return image

    def disk_only(self) -> GuestState:
        """Copy what a power loss leaves."""
        image = copy.deepcopy(self)
        image.forget_memory()
        return image

    def forget_memory(self) -> None:
        """Lose what memory held: the lock (its folder is volatile), tickets, processes, addresses, running Tools."""
        self.lock = Lock.FREE
        self.accounts.tickets.clear()
        self.processes.clear()
        self.network.release()
        if self.tools is not ToolsPhase.ABSENT:
            self.tools = ToolsPhase.STOPPED
