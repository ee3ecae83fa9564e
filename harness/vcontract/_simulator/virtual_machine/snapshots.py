"""Snapshots: they keep the state of a machine, with or without its memory, and restore it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyVmomi import vim

from vcontract._simulator.objects import ManagedObject
from vcontract._simulator.times.timing import MEMORY
from vcontract._simulator.virtual_machine.machine import (
    POWERED_OFF,
    POWERED_ON,
    SUSPENDED,
    Machine,
    Nic,
    invalid_power_state,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vcontract._simulator.guest.state import GuestState
    from vcontract._simulator.objects import Invocation
    from vcontract._simulator.vcenter import VCenter


class Snapshot(ManagedObject):
    """A vim.vm.Snapshot: the state to go back to, and its place in the tree; `number` is its id in the machine."""

    vmodl_type = vim.vm.Snapshot

    def __init__(
        self,
        vcenter: VCenter,
        machine: Snapshots,
        *,
        name: str,
        description: str,
        number: int,
        power: str,
        guest: GuestState,
    ) -> None:
        super().__init__(vcenter, vcenter.new_moid("snapshot"))
        self.machine = machine
        self.name = name
        self.description = description
        self.number = number
        self.power = power
        self.guest = guest
        self.nics = [Nic(nic.key, nic.mac, nic.connected) for nic in machine.nics]
        self.extra_config = dict(machine.extra_config)
        self.config: Any = machine.property("config")
        self.created = vcenter.timeline.datetime()
        self.parent = machine.current_snapshot
        self.children: list[Snapshot] = []
        vcenter.registry.add(self)

    def get_config(self) -> Any:
        """Give the configuration of the machine at that time."""
        return self.config

    def get_vm(self) -> Any:
        """Give the machine."""
        return self.machine.ref

    def get_childSnapshot(self) -> list[Any]:
        """Give the snapshots that were taken after this one."""
        return [child.ref for child in self.children]

    def tree(self) -> Iterator[Snapshot]:
        """Walk this snapshot and all below it."""
        yield self
        for child in self.children:
            yield from child.tree()

    def describe(self) -> Any:
        """Give the VirtualMachineSnapshotTree of this snapshot."""
        return vim.vm.SnapshotTree(
            snapshot=self.ref,
            vm=self.machine.ref,
            name=self.name,
            description=self.description,
            id=self.number,
            createTime=self.created,
            state=self.power,
            quiesced=False,
            childSnapshotList=[child.describe() for child in self.children],
        )

    def RevertToSnapshot_Task(self, call: Invocation, host: Any = None, *, suppressPowerOn: bool | None = None) -> Any:
        """Bring the machine back to this snapshot."""
        del host
        return self.machine.exclusive(
            call, "revertToSnapshot", lambda: self.machine.revert(self, stay_off=bool(suppressPowerOn))
        )

    def RemoveSnapshot_Task(self, call: Invocation, *, removeChildren: bool, consolidate: bool | None = None) -> Any:
        """Remove this snapshot, with those below it if asked for."""
        del consolidate
        return self.machine.exclusive(
            call, "removeSnapshot", lambda: self.machine.drop(self, with_children=removeChildren)
        )


class Snapshots(Machine):
    """Operations on the snapshots of a machine."""

    _numbers = 0

    def get_snapshot(self) -> Any:
        """Give the tree of snapshots; unset if there are none."""
        if not self.roots:
            return None
        current = self.current_snapshot
        return vim.vm.SnapshotInfo(
            currentSnapshot=None if current is None else current.ref,
            rootSnapshotList=[root.describe() for root in self.roots],
        )

    def get_rootSnapshot(self) -> list[Any]:
        """Give the roots of the tree."""
        return [root.ref for root in self.roots]

    def CreateSnapshot_Task(
        self, call: Invocation, name: str, description: str | None = None, *, memory: bool, quiesce: bool
    ) -> Any:
        """Take a snapshot; its memory is that of the moment the task begins, with the lock that a customization holds.

        NotSupported for a template; the task's result is the VirtualMachineSnapshot.
        """
        del quiesce
        self.refuse_template()
        taken: list[tuple[str, GuestState]] = []

        def on_start() -> None:
            with_memory = memory and self.power == POWERED_ON
            if with_memory or self.power == SUSPENDED:
                taken.append((self.power, self.guest.with_memory()))
            else:
                taken.append((POWERED_OFF, self.guest.disk_only()))

        def body() -> Snapshot:
            power, guest = taken[0]
            self._numbers += 1
            snapshot = Snapshot(
                self.vcenter,
                self,
                name=name,
                description=description or "",
                number=self._numbers,
                power=power,
                guest=guest,
            )
            siblings = self.roots if snapshot.parent is None else snapshot.parent.children
            siblings.append(snapshot)
            self.current_snapshot = snapshot
            return snapshot

        # as long as a customization, so that other calls can be seen to meet it
        kind = MEMORY if memory and self.power == POWERED_ON else ""
        return self.exclusive(call, "createSnapshot", body, on_start, lasts=3.0, kind=kind)

    def RevertToCurrentSnapshot_Task(
        self, call: Invocation, host: Any = None, *, suppressPowerOn: bool | None = None
    ) -> Any:
        """Bring the machine back to its current snapshot; the task ends in NotFound if there is none."""
        del host

        def body() -> None:
            if self.current_snapshot is None:
                raise vim.fault.NotFound
            self.revert(self.current_snapshot, stay_off=bool(suppressPowerOn))

        return self.exclusive(call, "revertToCurrentSnapshot", body)

    def RemoveAllSnapshots_Task(self, call: Invocation, *, consolidate: bool | None = None, spec: Any = None) -> Any:
        """Remove all snapshots."""
        del consolidate, spec

        def body() -> None:
            for root in list(self.roots):
                self.drop(root, with_children=True)

        return self.exclusive(call, "removeAllSnapshots", body)

    def revert(self, snapshot: Snapshot, *, stay_off: bool) -> None:
        """Restore the state of a snapshot: running memory runs on, all tickets are void."""
        power = SUSPENDED if stay_off and snapshot.power == POWERED_ON else snapshot.power
        self.boots += 1
        stopped = vim.fault.InvalidState() if power == POWERED_ON else invalid_power_state(power, POWERED_ON)
        self.interrupt(stopped)
        self.tools.freeze()
        self.power = power
        self.frozen = False
        self.nics = [Nic(nic.key, nic.mac, nic.connected) for nic in snapshot.nics]
        self.extra_config = dict(snapshot.extra_config)
        self.guest = snapshot.guest.with_memory()
        self.guest.accounts.tickets.clear()
        self.current_snapshot = snapshot
        if power == POWERED_ON:
            self.boot_time = self.vcenter.timeline.datetime()
            self.tools.resume(self.guest)
        else:
            self.boot_time = None
        self.vcenter.decisions.happened("revert", self)
        self.edited()

    def drop(self, snapshot: Snapshot, *, with_children: bool) -> None:
        """Remove a snapshot from the tree; its children move up, unless they are removed too."""
        siblings = self.roots if snapshot.parent is None else snapshot.parent.children
        place = siblings.index(snapshot)
        siblings[place : place + 1] = [] if with_children else snapshot.children
        gone = list(snapshot.tree()) if with_children else [snapshot]
        if not with_children:
            for child in snapshot.children:
                child.parent = snapshot.parent
        for removed in gone:
            self.vcenter.registry.remove(removed.moid)
        if self.current_snapshot in gone:
            self.current_snapshot = snapshot.parent
