"""What vCenter shows of a machine's power, host and Tools: what is so, or what was, where its timing has late reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from vcontract._simulator.times.timing import GUEST_REPORT, RUNTIME_REPORT

if TYPE_CHECKING:
    from vcontract._simulator.virtual_machine.machine import Machine


class _Runtime(NamedTuple):
    power: str
    connection: str
    boot_time: Any


class _Guest(NamedTuple):
    tools_status: str
    ready: bool


class Shown:
    """The part of a machine that is reported: `runtime.*` by its host, `guest.*` by its Tools, each in a time of its own.

    Of a machine that is shown off, or without power, no Tools are shown to run. No report tells of a time before the last one:
    each shows what is so when it is told.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._late = machine.vcenter.timing.drawn
        self._runtime, self._guest = self._runtime_now(), self._guest_now()
        self._under_way: set[str] = set()

    @property
    def power(self) -> str:
        """The value of `runtime.powerState`."""
        return self._runtime.power if self._late else self._machine.power

    @property
    def connection(self) -> str:
        """The value of `runtime.connectionState`."""
        return (self._runtime if self._late else self._runtime_now()).connection

    @property
    def boot_time(self) -> Any:
        """The value of `runtime.bootTime`."""
        return self._runtime.boot_time if self._late else self._machine.boot_time

    @property
    def tools_status(self) -> str:
        """The value of `guest.toolsRunningStatus`."""
        return self._guest.tools_status if self._late else self._machine.tools_status

    @property
    def ready(self) -> bool:
        """The value of `guest.guestOperationsReady`."""
        return self._guest.ready if self._late else self._machine.ready

    def look(self) -> None:
        """Have told, after a while, what is not shown as it is."""
        if not self._late:
            return
        if self._runtime != self._runtime_now():
            self._tell(RUNTIME_REPORT)
        if self._guest != self._guest_now():
            self._tell(GUEST_REPORT)

    def _tell(self, kind: str) -> None:
        if kind in self._under_way:
            return
        self._under_way.add(kind)
        vcenter = self._machine.vcenter
        vcenter.timeline.after(vcenter.timing.late(kind, self._machine.moid), lambda: self._told(kind))

    def _told(self, kind: str) -> None:
        self._under_way.discard(kind)
        if kind == RUNTIME_REPORT:
            self._runtime = self._runtime_now()
        if kind == GUEST_REPORT or self._machine.power != "poweredOn":
            self._guest = self._guest_now()
        self._machine.vcenter.changed(self._machine)

    def _runtime_now(self) -> _Runtime:
        machine = self._machine
        return _Runtime(machine.power, "connected" if machine.host.connected else "disconnected", machine.boot_time)

    def _guest_now(self) -> _Guest:
        return _Guest(self._machine.tools_status, self._machine.ready)
