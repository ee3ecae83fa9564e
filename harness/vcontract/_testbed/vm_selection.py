"""Chooses a VM for a wanted state, by the traits that no call changes for good."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import product

from vcontract._model import State, VmFacts
from vcontract._model.moves import MOVES
from vcontract._model.state import HOST_LOST, ON
from vcontract._terms import Ref
from vcontract._testbed.driver import Driver
from vcontract._testbed.not_arranged import NotArrangedError

ENGINES = {str(move.sets["engine"]): move.lever for move in MOVES.values() if "engine" in move.sets}
"""The lever that brings the customization engine into a state."""

CLONE = "-vcontract-"
"""What stands in a clone's name between that of its origin and its number."""


class VmSelection:
    """Picks VMs of a driver's facts.

    `hosts` are the moIds of hosts that may be disconnected, `kept` says why others must stay; `clones` are never picked.
    """

    def __init__(self, driver: Driver, hosts: frozenset[str], clones: Collection[Ref], kept: str = "") -> None:
        self.hosts, self._kept = hosts, kept
        self._driver, self._clones = driver, clones

    def choose(self, want: State, *, on_host: bool = False, nics: int = 0) -> VmFacts:
        """Pick a VM whose fixed traits fit, if asked on a host that may be lost, with so many NICs (0: any).

        One whose engine must be changed first comes last. Raises NotArrangedError if there is none.
        """
        for vm in self.fitting(want, on_host=on_host, nics=nics):
            return vm
        kept = f"; {self._kept}" if self._kept and (on_host or want.connection in HOST_LOST) else ""
        permits = self._driver.permits
        why = "power is not allowed" if permits.limit is None else "none is brought into a state"
        power = "" if permits.power else f"found {want.power}, as {why}, "
        raise NotArrangedError(
            f"no marked VM fits ({power}Tools {want.tools}, engine {want.engine}, "
            f"{'template, ' if want.template else ''}host {want.connection}){kept}"
        )

    def fitting(self, want: State, *, on_host: bool = False, nics: int = 0) -> Iterator[VmFacts]:
        """Give every VM that `choose` may pick, the best first; one may come twice."""
        for as_it_is, was_template in product((True, False), (True, False) if want.template else (False,)):
            for vm in sorted(self._driver.facts.vms.values(), key=lambda vm: self._rank(vm, want)):
                placed = (not on_host or vm.host in self.hosts) and nics in {0, vm.nics}
                engine = vm.engine if as_it_is else self._engine_of(vm, want)
                if placed and vm.ref not in self._clones and self._fits(vm, want, engine, was_template=was_template):
                    yield vm

    def choose_ready(self) -> VmFacts:
        """Pick a VM that runs, with Tools if there is one that has any. Raises NotArrangedError if there is none."""
        ready = next(self.fitting(State()), None)
        silent = State(tools="stopped") if self.has_toolless() else State()
        return ready or self.choose(silent)

    def _rank(self, vm: VmFacts, want: State) -> tuple[bool, bool]:
        """Rank a VM: Linux comes first, and where Tools are to be stopped one in which none run."""
        stops = want.power == ON and want.tools == "stopped"
        return vm.family != "linux", stops and not self._driver.toolless(vm.ref)

    def _hears(self, vm: VmFacts, want: State) -> bool:
        """Whether Tools of a VM can be as they are wanted where it is on: in one without any they neither start nor stop."""
        if want.power != ON or want.template or want.tools in {"never", "stopped"}:
            return True
        return not self._driver.toolless(vm.ref)

    def has_toolless(self) -> bool:
        """Whether there is a VM of which nothing tells of Tools."""
        return any(self._driver.toolless(vm.ref) for vm in self._driver.facts.vms.values())

    def has_frozen(self) -> bool:
        """Whether a VM was found frozen: no call freezes or thaws one that goes on."""
        return any(next(iter(self._driver.states(vm.ref))).frozen for vm in self._driver.facts.vms.values())

    def origin(self, vm: VmFacts) -> VmFacts:
        """Give the VM of which one was made here by cloning, over however many others; itself if it was not."""
        name = vm.name.partition(CLONE)[0]
        return next((other for other in self._driver.facts.vms.values() if other.name == name), vm)

    def _engine_of(self, vm: VmFacts, want: State) -> str:
        """Give what a VM's engine can be made by the levers that there are: what is wanted, or else what it is."""
        levers = {lever.does for lever in self._driver.facts.levers}
        return want.engine if vm.engine == "ok" and ENGINES[want.engine] in levers else vm.engine

    def _fits(self, vm: VmFacts, want: State, engine: str, *, was_template: bool) -> bool:
        now = next(iter(self._driver.states(vm.ref)))
        return (
            now.exists
            and self._driver.quarantine.chosen(vm.ref.value)
            and vm.family in {"linux", "other"}
            and vm.nics > 0
            and self._driver.tracker.was_template.get(vm.ref.value, now.template) == was_template
            and (now.tools == "never") == (want.tools == "never")
            and self._hears(vm, want)
            and now.frozen == want.frozen
            and (want.connection not in HOST_LOST or vm.host in self.hosts)
            and (engine == want.engine or want.template)
            and (self._driver.permits.power or _as_found(now, want))
            and (want.guest != "undefined" or vm.engine == "ok")  # only a working engine can leave it undefined
        )


def _as_found(now: State, want: State) -> bool:
    """Whether a VM is wanted in the power state in which it is, with Tools as they are."""
    tools = want.power != ON or now.tools == want.tools
    return (now.power, now.template) == (want.power, want.template) and tools
