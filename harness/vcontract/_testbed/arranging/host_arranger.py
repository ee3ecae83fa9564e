"""Disconnects the hosts that may be lost, and brings them back."""

from __future__ import annotations

from vcontract._model import VmFacts
from vcontract._model.state import HOST_LOST
from vcontract._terms import Ref
from vcontract._testbed.driver import Driver
from vcontract._testbed.perform_move import make_call


class HostArranger:
    """Changes the connection of hosts, and waits until the VMs on them show it."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def disconnect(self, vm: VmFacts) -> None:
        """Disconnect a VM's host. Raises NotArrangedError."""
        make_call(self._driver, "hostLost", Ref("HostSystem", vm.host))
        self._driver.wait.until(
            "the loss of the host", lambda: self._driver.now(vm).connection in HOST_LOST, whose=vm.name
        )

    def reconnect(self, host: str) -> None:
        """Bring a host (moId) back. Raises NotArrangedError."""
        driver = self._driver
        make_call(driver, "hostBack", Ref("HostSystem", host))
        there = [vm for vm in driver.facts.vms.values() if vm.host == host]
        back = [
            vm
            for vm in there
            if any(state.exists for state in driver.states(vm.ref)) and not driver.quarantine.why(vm.ref.value)
        ]
        driver.wait.until("the host's return", lambda: all(driver.now(vm).connection not in HOST_LOST for vm in back))

    def reconnect_all(self) -> None:
        """Bring back every host that is lost. Raises NotArrangedError."""
        for vm in list(self._driver.facts.vms.values()):
            if any(state.connection in HOST_LOST for state in self._driver.states(vm.ref)):
                self.reconnect(vm.host)
