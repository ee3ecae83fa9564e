"""Brings a VM's power, its Tools, its being a template and the package that waits for its next boot into a state."""

from __future__ import annotations

from vcontract._model import State, VmFacts
from vcontract._model.state import OFF, ON, SUSPENDED
from vcontract._strategies.calls import pool_of
from vcontract._testbed.arranging.guest_methods import GuestMethods
from vcontract._testbed.driver import Driver
from vcontract._testbed.levers import Levers
from vcontract._testbed.not_arranged import NotArrangedError
from vcontract._testbed.perform_move import make_call

_BOOTED = "runtime.bootTime"


class PowerArranger:
    """Changes what a VM shows without a question to its guest. All methods raise NotArrangedError."""

    def __init__(self, driver: Driver, levers: Levers, methods: GuestMethods) -> None:
        self._driver, self._levers, self._methods = driver, levers, methods

    def make_ready(self, vm: VmFacts) -> None:
        """Power the VM on and wait for Tools; Tools that were stopped before a suspension come up by a reset only."""
        now = self._driver.now(vm)
        if now.template:
            pool = pool_of(vm.ref, self._driver.facts.vms)
            make_call(self._driver, "markAsVirtualMachine", vm.ref, {"pool": pool.json()})
            now = self._driver.now(vm)  # a template counts as off, but a server may have made one of a VM that is on
        before = now.power
        if before != ON:
            make_call(self._driver, "powerOn", vm.ref)
            now = self._driver.now(vm)
        if self._driver.toolless(vm.ref):
            return
        if before != OFF and now.tools == "stopped":
            make_call(self._driver, "reset", vm.ref)
        if now.tools == "stopped" and self._levers.from_outside("startTools"):
            self._levers.pull(vm.ref, "startTools")
        if now.tools != "never":
            self._driver.wait.until("Tools", lambda: self._driver.now(vm).tools in {"ready", "old"}, whose=vm.name)

    def undo_off_states(self, vm: VmFacts, want: State) -> None:
        """Have a package that must not be pending deployed by a boot, and make a template that must be none a VM again."""
        now = self._driver.now(vm)
        if now.template and not want.template:
            self.make_ready(vm)
        if now.pending and not want.pending:
            self.make_ready(vm)
            self._driver.wait.until("the package", lambda: not self._driver.now(vm).pending, whose=vm.name)

    def bring(self, vm: VmFacts, want: State) -> None:
        """Bring about power, package, template and Tools as wanted, in this order; then read the VM."""
        driver = self._driver
        now = driver.now(vm)
        if want.power == ON and now.power != ON:
            self.make_ready(vm)
        elif want.power != now.power and not want.template:
            if now.power == SUSPENDED or (now.power == OFF and want.power == SUSPENDED):
                self.make_ready(vm)
            make_call(driver, {OFF: "powerOff", SUSPENDED: "suspend"}[want.power], vm.ref)
        if want.pending and not now.pending:
            make_call(driver, "customizeNextBoot", vm.ref, {"spec": self._methods.specification(vm.ref)})
        if want.template and not now.template:
            self._make_template(vm)
        if want.power == ON and want.tools == "stopped" and not driver.toolless(vm.ref):
            self._levers.pull(vm.ref, "stopTools")
            driver.wait.until("the stop of Tools", lambda: driver.now(vm).tools == "stopped", whose=vm.name)
        if want.tools == "starting":
            self._restart_tools(vm)
        driver.look(vm.ref)

    def _make_template(self, vm: VmFacts) -> None:
        """Make a VM, which may be on, a template again."""
        if self._driver.now(vm).power != OFF:
            self.make_ready(vm)
            make_call(self._driver, "powerOff", vm.ref)
        make_call(self._driver, "markAsTemplate", vm.ref)

    def _restart_tools(self, vm: VmFacts) -> None:
        """Reset the VM and see its Tools starting. Raises NotArrangedError if they came up unseen."""
        driver = self._driver
        before = (driver.tracker.readings[vm.ref.value] or {}).get(_BOOTED)
        make_call(driver, "reset", vm.ref)

        def booted() -> bool:
            tools = driver.now(vm).tools
            now = (driver.tracker.readings[vm.ref.value] or {}).get(_BOOTED)
            again = now != before or now is None  # a server that tells of no boot leaves nothing to wait for
            late = driver.tracker.settles(vm.ref.value) > driver.tracker.latest  # and what is up may be of before
            return tools == "starting" or (again and not late and tools in {"ready", "old"})

        driver.wait.until("the start of Tools", booted, whose=vm.name)
        if any(state.tools != "starting" for state in driver.states(vm.ref)):
            raise NotArrangedError(f"Tools of {vm.name} came up before they were seen starting")
