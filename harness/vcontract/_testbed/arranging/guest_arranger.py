"""Brings a guest into a state: its configuration, its customization engine, the lock of its customization."""

from __future__ import annotations

from contextlib import suppress

from vcontract._model import State, VmFacts
from vcontract._model.state import ABORT, CUSTOMIZE
from vcontract._terms import Ref
from vcontract._testbed.arranging.guest_methods import KINDS, GuestMethods
from vcontract._testbed.arranging.leftovers import Leftovers
from vcontract._testbed.driver import Driver
from vcontract._testbed.levers import Levers
from vcontract._testbed.not_arranged import NotArrangedError
from vcontract._testbed.vm_selection import ENGINES


class GuestArranger:
    """Changes what is in the guests of VMs that run, and begins and aborts work there."""

    def __init__(self, driver: Driver, levers: Levers, methods: GuestMethods, leftovers: Leftovers) -> None:
        self._driver, self._levers, self._methods, self._leftovers = driver, levers, methods, leftovers

    def bring(self, vm: VmFacts, want: State, *, judged: bool = True) -> None:
        """Set the guest's configuration, then the engine, then the lock: each can be set only while the next is as usual.

        Without `judged` the calls that this takes are not judged. Raises NotArrangedError.
        """
        if want.tools == "never" or not self._methods.known:  # then no guest has a lock, and no engine is asked
            return
        states = self._driver.states(vm.ref)
        undefined = want.guest == "undefined" and {state.guest for state in states} != {"undefined"}
        held = (undefined or not want.orphaned) and {state.orphaned for state in states} != {False}
        if vm.engine == "ok" and (undefined or held):
            self._set_engine(vm, "ok")
            if held:
                self._free_lock(vm.ref, judged=judged)
            if undefined:
                self.begin(vm.ref, CUSTOMIZE, judged=judged)
                self._methods.call(vm.ref, ABORT, judged=judged)
                self._leftovers.clear(vm)
        self._set_engine(vm, want.engine)
        if want.orphaned and {state.orphaned for state in self._driver.states(vm.ref)} != {True}:
            self._levers.pull(vm.ref, "orphanLock")

    def begin(self, vm: Ref, kind: str, *, judged: bool = True) -> Ref:
        """Begin work of a kind and see it running; gives its task. Raises NotArrangedError."""
        task = self._methods.call(vm, kind, follow=False, judged=judged)
        self._driver.wait.until(f"the running {KINDS[kind]}", lambda: self._driver.tasks.running(task))
        return task

    def abort(self, vm: Ref) -> None:
        """Abort whatever customization runs on the VM. Raises NotArrangedError if that is refused."""
        self._methods.call(vm, ABORT)

    def _set_engine(self, vm: VmFacts, want: str) -> None:
        if {state.engine for state in self._driver.states(vm.ref)} != {want}:
            self._levers.pull(vm.ref, ENGINES[want])

    def _free_lock(self, vm: Ref, *, judged: bool) -> None:
        """Free the lock: by an abort, or, as one with nothing to abort may be refused, by a customization."""
        with suppress(NotArrangedError):
            self._methods.call(vm, ABORT, judged=judged)
        if any(state.orphaned for state in self._driver.states(vm)):
            self._methods.call(vm, CUSTOMIZE, judged=judged)
