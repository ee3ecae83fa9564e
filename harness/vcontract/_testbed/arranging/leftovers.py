"""Clears what earlier steps left: work that runs, snapshots, a host that is away."""

from __future__ import annotations

from vcontract._model import VmFacts
from vcontract._model.state import HOST_LOST
from vcontract._testbed.arranging.host_arranger import HostArranger
from vcontract._testbed.arranging.snapshots import Snapshots
from vcontract._testbed.driver import Driver


class Leftovers:
    """Makes a VM one on which nothing of an earlier step goes on."""

    def __init__(self, driver: Driver, snapshots: Snapshots, host: HostArranger) -> None:
        self._driver, self._snapshots, self._host = driver, snapshots, host

    def clear(self, vm: VmFacts) -> None:
        """Wait for what still runs on the VM, remove snapshots, and bring its host back. Raises NotArrangedError."""
        for life in self._driver.tracker.lives(vm.ref.value):
            if not life.over:
                self._driver.tasks.follow(life.ref)
        self._snapshots.remove()
        if self._driver.now(vm).connection in HOST_LOST:
            self._host.reconnect(vm.host)
