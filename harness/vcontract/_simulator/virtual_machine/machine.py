"""The state of one virtual machine, and the rules that all its operations share."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from pyVmomi import vim, vmodl

from vcontract._simulator.guest.state import Lock, ToolsPhase
from vcontract._simulator.guest.tools import REPORTED, Tools
from vcontract._simulator.managed_entity import ManagedEntity
from vcontract._simulator.messages import describe
from vcontract._simulator.virtual_machine.reports import Reports
from vcontract._simulator.virtual_machine.shown import Shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from vcontract._simulator.guest.state import GuestState
    from vcontract._simulator.host_system import HostSystem
    from vcontract._simulator.objects import Invocation
    from vcontract._simulator.task import Task
    from vcontract._simulator.vcenter import VCenter
    from vcontract._simulator.virtual_machine.snapshots import Snapshot

POWERED_ON, POWERED_OFF, SUSPENDED = "poweredOn", "poweredOff", "suspended"
FIRST_NIC_KEY = 4000


@dataclass
class Nic:
    """A virtual network adapter."""

    key: int
    mac: str
    connected: bool = True


@dataclass
class GuestOperation:
    """A customization, network start or abort that was accepted for a machine (`attempt`); it ends with its task."""

    method: str
    task: Task
    attempt: object = None

    @property
    def active(self) -> bool:
        """Whether its task has not ended yet."""
        return not self.task.final


class Machine(ManagedEntity):
    """The state of a virtual machine; its operations are in the classes of which `VirtualMachine` is made."""

    vmodl_type = vim.VirtualMachine
    prefix = "vm"

    def __init__(  # noqa: PLR0913 - a machine has that many independent facts
        self,
        vcenter: VCenter,
        name: str,
        parent: ManagedEntity | None,
        *,
        host: HostSystem,
        guest: GuestState,
        power: str = POWERED_OFF,
        extra_config: dict[str, Any] | None = None,
        nics: int = 1,
    ) -> None:
        super().__init__(vcenter, name, parent)
        self.host = host
        self.guest = guest
        self.power = power
        self.template = self.frozen = False
        self.annotation = ""
        self.extra_config = dict(extra_config or {})
        self.uuid = str(uuid.uuid5(uuid.NAMESPACE_OID, f"bios {self.moid}"))
        self.instance_uuid = str(uuid.uuid5(uuid.NAMESPACE_OID, f"instance {self.moid}"))
        self._nics_made = 0
        self.nics: list[Nic] = []
        for _ in range(nics):
            self.add_nic()
        self.edition = 1
        self.created = self.modified = vcenter.timeline.datetime()
        self.boot_time = self.created if power == POWERED_ON else None
        self.boots = 0
        self.reports = Reports(self)
        self.tools = Tools(
            vcenter.timeline, partial(vcenter.timing.boot, self.moid), self.tools_reached, vcenter.decisions.tools_steps
        )
        self.roots: list[Snapshot] = []
        self.current_snapshot: Snapshot | None = None
        self._exclusive: Task | None = None
        self._guest_operations: list[GuestOperation] = []
        self.shown = Shown(self)

    # what it is

    def add_nic(self) -> None:
        """Add an adapter with a key and a MAC of its own."""
        self._nics_made += 1
        digest = uuid.uuid5(uuid.NAMESPACE_OID, f"{self.moid} nic {self._nics_made}").bytes
        mac = ":".join(f"{byte:02x}" for byte in (0x00, 0x50, 0x56, digest[0] & 0x3F, digest[1], digest[2]))
        key = max((nic.key + 1 for nic in self.nics), default=FIRST_NIC_KEY)
        self.nics.append(Nic(key=key, mac=mac))

    @property
    def tools_status(self) -> str:
        """The value of `guest.toolsRunningStatus`; only a running machine has running Tools."""
        phase = self.guest.tools if self.power == POWERED_ON else ToolsPhase.STOPPED
        return REPORTED.get(phase, "guestToolsNotRunning")

    @property
    def ready(self) -> bool:
        """Whether guest operations can be done: Tools run and the agent answers."""
        return self.power == POWERED_ON and self.guest.tools is ToolsPhase.READY

    @property
    def change_version(self) -> str:
        """The value of `config.changeVersion`: the time of the last change, and its number."""
        return f"{self.modified.isoformat()}#{self.edition}"

    def edited(self) -> None:
        """Note that the configuration has a new version."""
        self.edition += 1
        self.modified = self.vcenter.timeline.datetime()
        self.changed()

    def changed(self) -> None:
        """Tell the waiting property collectors, and let Tools look what they have to report."""
        self.reports.look()
        self.shown.look()
        super().changed()

    # what may run beside what

    @property
    def busy(self) -> Task | None:
        """The exclusive task that has not ended yet."""
        return None if self._exclusive is None or self._exclusive.final else self._exclusive

    @property
    def guest_operations(self) -> list[GuestOperation]:
        """The guest operations that have not ended yet, oldest first."""
        self._guest_operations = [operation for operation in self._guest_operations if operation.active]
        return self._guest_operations

    def accept(self, operation: GuestOperation) -> None:
        """Remember a guest operation until its task ends."""
        self._guest_operations.append(operation)
        self.changed()

    def refuse_if_unreachable(self) -> None:
        """Raise HostNotConnected if vCenter has lost the machine's host."""
        if not self.host.connected:
            raise vmodl.fault.HostNotConnected

    def refuse_if_busy(self) -> None:
        """Raise TaskInProgress with the exclusive task that runs."""
        if self.busy is not None:
            raise vim.fault.TaskInProgress(task=self.busy.ref)

    def refuse_template(self) -> None:
        """Raise NotSupported if the machine is a template."""
        if self.template:
            raise vmodl.fault.NotSupported

    def require_power(self, requested: str, *allowed: str) -> None:
        """Raise InvalidPowerState unless the power state is one of the allowed."""
        if self.power not in allowed:
            raise invalid_power_state(self.power, requested)

    def exclusive(
        self,
        call: Invocation,
        description: str,
        body: Callable[[], Any],
        on_start: Callable[[], None] | None = None,
        *,
        lasts: float = 1.0,
        kind: str = "",
    ) -> Any:
        """Start a task that admits no other exclusive one; `body` acts at its end and may raise a fault.

        It lasts so many times the task time, or as long as its `kind` (empty: its method) does where times are drawn.

        Raises, before there is a task, HostNotConnected and TaskInProgress.
        """
        self.refuse_if_unreachable()
        self.refuse_if_busy()

        def guarded() -> Any:
            self.refuse_if_unreachable()
            result = body()
            self.changed()
            return result

        self._exclusive = self.vcenter.tasks.start(
            call,
            self,
            name=call.method,
            description_id=f"VirtualMachine.{description}",
            body=guarded,
            on_start=on_start,
            duration=self.vcenter.timing.task(
                call.method, lasts * self.vcenter.settings.task_time, whose=self.moid, kind=kind
            ),
        )
        self.changed()
        return self._exclusive.ref

    # what happens to the guest

    def interrupt(self, fault: Exception) -> None:
        """End all guest operations in an error, and free the lock that one of them held."""
        for operation in self.guest_operations:
            self.fail(operation, fault)

    def fail(self, operation: GuestOperation, fault: Exception) -> None:
        """End one guest operation in an error; a customization, or a network start, frees its lock."""
        if operation.method == "CustomizeGuest_Task" and self.guest.lock is Lock.HELD:
            self.guest.lock = self.vcenter.decisions.lock_after(self, fault)
            self.guest.customization.status = "TOOLSDEPLOYPKG_FAILED"
            self.guest.customization.end = self.vcenter.timeline.datetime()
            self.guest.customization.error = describe(fault)
        elif operation.method == "StartGuestNetwork_Task" and self.guest.lock is Lock.HELD:
            self.guest.lock = self.vcenter.decisions.start_lock_after(self, fault)
        operation.task.fail(fault)
        self.changed()

    def boot(self) -> None:
        """Start the guest; its memory is lost."""
        self.boots += 1
        self.power = POWERED_ON
        self.boot_time = self.vcenter.timeline.datetime()
        self.frozen = False
        self.reports.forget()
        self.vcenter.decisions.forget(self.guest)
        self.vcenter.decisions.take_up(self, "boot")
        self.guest.network.start(self.nics)
        self.tools.start(self.guest)
        self.vcenter.decisions.happened("boot", self)
        self.changed()

    def halt(self) -> None:
        """Power off; the guest's memory is lost."""
        self.boots += 1
        self.power = POWERED_OFF
        self.boot_time = None
        self.frozen = False
        self.interrupt(invalid_power_state(POWERED_OFF, POWERED_ON))
        self.tools.freeze()
        self.vcenter.decisions.forget(self.guest)
        self.vcenter.decisions.happened("halt", self)
        self.changed()

    def restart(self) -> None:
        """Boot again without losing power."""
        self.interrupt(vim.fault.InvalidState())
        self.boot()

    def pause(self) -> None:
        """Suspend: memory is kept, guest operations end in an error."""
        self.boots += 1
        self.power = SUSPENDED
        self.interrupt(invalid_power_state(SUSPENDED, POWERED_ON))
        self.tools.freeze()
        self.vcenter.decisions.happened("pause", self)
        self.changed()

    def resume(self) -> None:
        """Resume from a suspension: the guest agent is ready again only later."""
        self.boots += 1
        self.power = POWERED_ON
        if self.guest.tools is ToolsPhase.READY:
            self.guest.tools = ToolsPhase.RUNNING
        self.tools.resume(self.guest)
        self.vcenter.decisions.happened("resume", self)
        self.changed()

    def stop_tools(self) -> None:
        """Stop Tools inside the running guest."""
        self.tools.stop(self.guest)
        self.interrupt(vim.fault.InvalidState())
        self.changed()

    def tools_reached(self, phase: ToolsPhase) -> None:
        """Note how far Tools have come."""
        self.guest.tools = phase
        self.changed()


def invalid_power_state(existing: str, requested: str | None) -> Exception:
    """Make InvalidPowerState with both of its fields."""
    fault: Exception = vim.fault.InvalidPowerState(requestedState=requested, existingState=existing)
    return fault
