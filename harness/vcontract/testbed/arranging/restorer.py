"""Puts VMs back as they were found, and takes over what a run left that was cut."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

from vcontract.errors import HaltedError
from vcontract.model import State, VmFacts, recent_tasks
from vcontract.model.state import OFF, ON
from vcontract.terms import Ref
from vcontract.testbed.arranging.guest_arranger import GuestArranger
from vcontract.testbed.arranging.host_arranger import HostArranger
from vcontract.testbed.arranging.leftovers import Leftovers
from vcontract.testbed.arranging.power_arranger import PowerArranger
from vcontract.testbed.cloner import Cloner
from vcontract.testbed.driver import Driver
from vcontract.testbed.not_arranged import NotArrangedError


class Restorer:
    """Restores VMs with calls that are never judged, and destroys clones."""

    def __init__(
        self,
        driver: Driver,
        *,
        cloner: Cloner,
        leftovers: Leftovers,
        power: PowerArranger,
        guest: GuestArranger,
        host: HostArranger,
    ) -> None:
        self._driver, self._cloner, self._leftovers = driver, cloner, leftovers
        self._power, self._guest, self._host = power, guest, host

    def restore(self, only: Collection[str] | None = None, *, hosts: bool = True) -> list[str]:
        """Put back the VMs that were touched here, or `only` some, and `hosts`; clones are destroyed; gives what failed."""
        failed: dict[str, list[str]] = {}
        if hosts:
            with suppress(NotArrangedError, HaltedError):  # said below, by each VM that it keeps from being restored
                self._host.reconnect_all()
        for vm in list(self._driver.facts.vms.values()):
            try:
                if vm.ref in self._cloner.clones:
                    self._cloner.destroy(vm.ref)
                elif self.touched(vm) if only is None else vm.ref.value in only and self._there(vm):
                    self._put_back(vm)
            except (NotArrangedError, HaltedError, LookupError) as error:
                failed.setdefault(str(error), []).append(vm.name)
        return [f"{', '.join(names)}: {why}" for why, names in failed.items()]

    def take_over(self, before: frozenset[str]) -> None:
        """Wait for all that runs on the VMs, and own the clones that a run made before it was cut; `before` are the others."""
        tasks = self._driver.tasks
        for vm in list(self._driver.facts.vms.values()):
            reading = self._driver.read_vm(vm.ref)
            for task in recent_tasks(reading or {}):
                if tasks.read(Ref("Task", task)).get("state") in {"queued", "running"}:
                    tasks.follow(Ref("Task", task))
            if reading is not None and vm.ref.value not in before:
                self._cloner.own(vm.ref)
        self._host.reconnect_all()

    def touched(self, vm: VmFacts) -> bool:
        """Whether anything was done to a VM that is still there."""
        guard = self._driver.target.guard
        if guard is not None and vm.ref.value not in guard.touched:
            return False
        return self._there(vm)

    def _there(self, vm: VmFacts) -> bool:
        return vm.ref.value in self._driver.tracker.readings and next(iter(self._driver.states(vm.ref))).exists

    def _put_back(self, vm: VmFacts) -> None:
        """Make a VM what it was when it was first read: a template, on, off or suspended, with a whole engine if it runs."""
        tracker = self._driver.tracker
        self._leftovers.clear(vm)
        if tracker.was_template.get(vm.ref.value):
            self._power.bring(vm, State(template=True, power=OFF))
            return
        self._power.undo_off_states(vm, State())
        was = tracker.was_power.get(vm.ref.value, ON)
        states = self._driver.states(vm.ref)
        if was == ON or any(state.engine != vm.engine or state.template for state in states):
            self._power.make_ready(vm)
            tools = next(iter(self._driver.states(vm.ref))).tools
            self._guest.bring(vm, State(engine=vm.engine, tools=tools), judged=False)
        if was != ON:
            self._power.bring(vm, State(power=was))
