"""Puts VMs back as they were found, and takes over what a run left that was cut."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress

from vcontract._client import SpentError
from vcontract._errors import HaltedError
from vcontract._model import State, VmFacts, recent_tasks
from vcontract._model.state import OFF, ON
from vcontract._terms import Ref
from vcontract._testbed.arranging.guest_arranger import GuestArranger
from vcontract._testbed.arranging.host_arranger import HostArranger
from vcontract._testbed.arranging.leftovers import Leftovers
from vcontract._testbed.arranging.power_arranger import PowerArranger
from vcontract._testbed.cloner import Cloner
from vcontract._testbed.driver import Driver
from vcontract._testbed.not_arranged import NotArrangedError


class Restorer:
    """Restores VMs with calls that are never judged, and destroys clones.

    Where the target has an end, each VM gets an equal part of the time that is left until then: one that does not come
    back keeps no other from it.
    """

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
        self._done: set[Ref] = set()

    def due(self) -> list[str]:
        """Name the VMs that were touched, or made, here and not put back yet."""
        return [vm.name for vm in self._due(None) if vm.ref not in self._done]

    def restore(self, only: Collection[str] | None = None, *, hosts: bool = True) -> list[str]:
        """Put back the VMs that were touched here, or `only` some, and `hosts`; clones are destroyed; gives what failed."""
        failed: dict[str, list[str]] = {}
        waiting = len(self._due(only))
        if hosts:
            # what goes wrong is said below, by each VM that it keeps from being restored
            with self._part(1 + waiting), suppress(NotArrangedError, HaltedError, SpentError):
                self._host.reconnect_all()
        for vm in self._due(only):
            try:
                with self._part(waiting):
                    if vm.ref in self._cloner.clones:
                        self._cloner.destroy(vm.ref)
                    else:
                        self._put_back(vm)
                self._done |= {vm.ref} if only is None else set()
            except (NotArrangedError, HaltedError, LookupError, SpentError) as error:
                failed.setdefault(str(error), []).append(vm.name)
            waiting -= 1
        return [f"{', '.join(names)}: {why}" for why, names in failed.items()]

    def _due(self, only: Collection[str] | None) -> list[VmFacts]:
        """List the clones, and the VMs that were touched here, or `only` some."""
        return [
            vm
            for vm in list(self._driver.facts.vms.values())
            if vm.ref in self._cloner.clones
            or (self.touched(vm) if only is None else vm.ref.value in only and self._there(vm))
        ]

    @contextmanager
    def _part(self, of: int) -> Iterator[None]:
        """Let what is inside take one part of so many of the time until the target's end."""
        target = self._driver.target
        ends, late = target.ends, target.late
        if ends < math.inf and late:
            target.end_at(ends - target.left * (1 - 1 / max(of, 1)), target.patience, late)
        try:
            yield
        finally:
            target.end_at(ends, target.patience, late)

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
            if self._driver.permits.limit is not None:
                return  # a run that brings no VM into a state begins nothing in its guest either
            tools = next(iter(self._driver.states(vm.ref))).tools
            if self._driver.toolless(vm.ref):  # then there is no guest that could be asked
                tools = "never"
            self._guest.bring(vm, State(engine=vm.engine, tools=tools), judged=False)
        if was != ON:
            self._power.bring(vm, State(power=was))
