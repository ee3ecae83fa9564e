"""Chooses a VM for a wanted state, by the traits that no call changes for good."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from vcontract.model import State, VmFacts
from vcontract.model.state import HOST_LOST, ON
from vcontract.terms import Ref
from vcontract.testbed.driver import Driver, NotArrangedError

ENGINES = {"ok": "restoreEngine", "absent": "removeEngine", "broken": "breakEngine"}
"""The lever that brings the customization engine into a state."""

CLONE = "-vcontract-"
"""What stands in a clone's name between that of its origin and its number."""


class VmSelection:
    """Picks VMs; `hosts` are the moIds of hosts that may be disconnected, `clones` the VMs that were made here."""

    def __init__(self, driver: Driver, hosts: frozenset[str]) -> None:
        self.driver, self.hosts = driver, hosts
        self.clones: list[Ref] = []
        self._asked: set[str] = set()

    def choose(self, want: State, *, on_host: bool = False, nics: int = 0) -> VmFacts:
        """Pick a VM whose fixed traits fit, if asked on a host that may be lost, with so many NICs (0: any).

        One whose engine must be changed first comes last. Raises NotArrangedError if there is none.
        """
        for vm in self.fitting(want, on_host=on_host, nics=nics):
            return vm
        found = "" if self.may_power else f"found {want.power}, as power is not allowed, "
        raise NotArrangedError(
            f"no marked VM fits ({found}Tools {want.tools}, engine {want.engine}, "
            f"{'template, ' if want.template else ''}host {want.connection})"
        )

    def fitting(self, want: State, *, on_host: bool = False, nics: int = 0) -> Iterator[VmFacts]:
        """Give every VM that `choose` may pick, the best first; one may come twice."""
        for as_it_is, was_template in product((True, False), (True, False) if want.template else (False,)):
            for vm in self.driver.facts.vms.values():
                placed = (not on_host or vm.host in self.hosts) and nics in {0, vm.nics}
                engine = vm.engine if as_it_is else self._engine_of(vm, want)
                if placed and vm.ref not in self.clones and self._fits(vm, want, engine, was_template=was_template):
                    yield vm

    def _engine_of(self, vm: VmFacts, want: State) -> str:
        """Give what a VM's engine can be made by the levers that there are: what is wanted, or else what it is."""
        levers = {each.does for each in self.driver.facts.levers}
        return want.engine if vm.engine == "ok" and ENGINES[want.engine] in levers else vm.engine

    def _fits(self, vm: VmFacts, want: State, engine: str, *, was_template: bool) -> bool:
        now = next(iter(self.driver.states(vm.ref)))
        return (
            now.exists
            and self.driver.quarantine.chosen(vm.ref.value)
            and vm.family == "linux"
            and vm.nics > 0
            and self.driver.tracker.was_template.get(vm.ref.value, now.template) == was_template
            and (now.tools == "never") == (want.tools == "never")
            and (want.connection not in HOST_LOST or vm.host in self.hosts)
            and (engine == want.engine or want.template)
            and (self.may_power or _as_found(now, want))
            and (want.guest != "undefined" or vm.engine == "ok")  # only a working engine can leave it undefined
        )

    @property
    def may_power(self) -> bool:
        """Whether power operations are allowed; without them each VM serves for what it was found as."""
        return "power" in self.driver.allow

    def origin(self, vm: VmFacts) -> VmFacts:
        """Give the VM of which one was made here by cloning, over however many others; itself if it was not."""
        name = vm.name.partition(CLONE)[0]
        return next((each for each in self.driver.facts.vms.values() if each.name == name), vm)


def _as_found(now: State, want: State) -> bool:
    """Whether a VM is wanted in the power state in which it is, with Tools as they are."""
    tools = want.power != ON or now.tools == want.tools
    return (now.power, now.template) == (want.power, want.template) and tools
