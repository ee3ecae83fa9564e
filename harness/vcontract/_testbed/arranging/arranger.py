"""Brings a VM into a wanted state, using only calls that the target's own API offers."""

from __future__ import annotations

from msgspec.structs import replace

from vcontract._model import Cell, State, VmFacts, ground
from vcontract._model.moves import MOVES
from vcontract._model.state import EXCLUSIVE, HOST_LOST, ON
from vcontract._terms import Ref
from vcontract._testbed.arranging.guest_arranger import GuestArranger
from vcontract._testbed.arranging.guest_methods import KINDS
from vcontract._testbed.arranging.host_arranger import HostArranger
from vcontract._testbed.arranging.leftovers import Leftovers
from vcontract._testbed.arranging.power_arranger import PowerArranger
from vcontract._testbed.cloner import Cloner
from vcontract._testbed.driver import Driver
from vcontract._testbed.judged_calls import unfinished
from vcontract._testbed.not_arranged import NotArrangedError
from vcontract._testbed.reachability import asks_guest
from vcontract._testbed.vm_selection import VmSelection

_BOOTS = 2
"""How often a VM is made ready until its reports tell of how it is now."""


class Arranger:
    """Brings VMs into the states that cells want; `arranged` counts how often that took more than a look.

    `power`, `guest` and `host` change one aspect of a VM each.
    """

    def __init__(
        self,
        driver: Driver,
        *,
        selection: VmSelection,
        cloner: Cloner,
        leftovers: Leftovers,
        power: PowerArranger,
        guest: GuestArranger,
        host: HostArranger,
    ) -> None:
        self.arranged = 0
        self._driver, self._selection, self._cloner, self._leftovers = driver, selection, cloner, leftovers
        self._power, self._guest, self._host = power, guest, host
        self._left_as_read: Ref | None = None
        self._gone: Ref | None = None

    def bring(self, cell: Cell, *, on_host: bool = False, nics: int = 0) -> Ref | None:
        """Arrange a cell's state; gives the VM (None if the cell needs none). Raises NotArrangedError.

        With `on_host` the VM's host may be lost, with `nics` (0: any) it has so many.
        """
        want = cell.state
        if not want.exists:
            return self._gone_vm()
        vm = self._selection.choose(want, on_host=on_host, nics=nics)
        if cell.asked.vm != "ok" and want == State():
            return None
        stands = self.stands(vm, want)
        self.leave(None)
        if stands and (want.tools == "starting" or self._settled_as(vm, want)):
            return vm.ref
        if self._driver.permits.limit is not None:
            return self._as_found(vm, want)
        self.arranged += 1
        quarantine = self._driver.quarantine
        try:
            self._arrange(vm, want)
        except NotArrangedError as error:
            if quarantine.failed(vm.ref.value) and not self._serves(vm):
                quarantine.beyond_use(vm.ref.value, vm.name, str(error))
            raise
        quarantine.served(vm.ref.value)
        return vm.ref

    def _as_found(self, vm: VmFacts, want: State) -> Ref:
        """Give a VM that is as wanted without anybody's doing; how its guest and its lock are nobody can see.

        Raises NotArrangedError.
        """
        self._driver.look(vm.ref)
        self.let_settle(vm)
        unseen = {"orphaned": want.orphaned, "guest": want.guest}
        if {replace(ground(state), **unseen) for state in self._driver.states(vm.ref)} != {
            replace(ground(want), **unseen)
        }:
            raise NotArrangedError(f"{vm.name} is not found so, and no VM is brought into a state")
        return vm.ref

    def leave(self, vm: Ref | None) -> None:
        """Note that a VM stands as it was read last, so that it need not be arranged for the same state; None: none does."""
        self._left_as_read = vm

    def stands(self, vm: VmFacts, want: State) -> bool:
        """Whether the last cell left the VM, as it was read then, in the wanted state."""
        if self._left_as_read != vm.ref or want.running:
            return False
        return self._fits_ground(vm.ref, want) and not unfinished(self._driver, vm.ref)

    def runs(self, vm: Ref, want: State) -> bool:
        """Whether the work that a wanted state needs still runs on a VM, and the rest is as wanted; reads the work."""
        lives = [life for life in self._driver.tracker.lives(vm.value) if not life.over]
        if [life.kind for life in lives] != [want.running]:
            return False
        if not self._fits_ground(vm, replace(want, running="")):
            return False
        return self._driver.tasks.look(lives[0].ref).get("state") == "running"

    def let_settle(self, vm: VmFacts) -> None:
        """Wait until what is reported of the VM cannot be older than its last change."""
        self._driver.let_settle(vm.ref)

    def clone(self, parent: VmFacts | None = None, name: str = "") -> VmFacts:
        """Make a VM that may be destroyed, ready like its parent (None: any that is ready). Raises NotArrangedError."""
        driver = self._driver
        parent = parent or self._selection.choose_ready()
        self._leftovers.clear(parent)
        self._power.make_ready(parent)
        if any(state.orphaned for state in driver.states(parent.ref)) and parent.engine == "ok":
            self._guest.bring(parent, State(tools=next(iter(driver.states(parent.ref))).tools))
        made = self._cloner.fork(parent, name)
        if next(iter(driver.states(parent.ref))).tools != "never" and not driver.toolless(parent.ref):
            driver.wait.until("Tools", lambda: driver.now(made).tools == "ready", whose=made.name)
        return made

    def _gone_vm(self) -> Ref:
        """Give a VM that is gone; one serves for every cell that needs it."""
        if self._gone is None:
            made = self.clone()
            self._cloner.destroy(made.ref)
            self._gone = made.ref
        return self._gone

    def _serves(self, vm: VmFacts) -> bool:
        """Whether a VM that could not be arranged can at least be made ready."""
        try:
            self._arrange(vm, State())
        except NotArrangedError:
            return False
        return True

    def _arrange(self, vm: VmFacts, want: State) -> None:
        self._leftovers.clear(vm)
        self._power.undo_off_states(vm, want)
        if want.power == ON or asks_guest(want):
            self._make_ready(vm)
        if want.tools_up or asks_guest(want):
            self._guest.bring(vm, want)
        self._power.bring(vm, want)
        if want.connection in HOST_LOST:
            self._host.disconnect(vm)
        if want.tools != "starting":
            self.let_settle(vm)
        self._start_work(vm, want)

    def _make_ready(self, vm: VmFacts) -> None:
        """Make a VM ready whose reports are not those of before: Tools that were read up may have to come up yet."""
        for _ in range(_BOOTS):
            self._power.make_ready(vm)
            self.let_settle(vm)
            up = all(state.tools not in {"stopped", "starting"} for state in self._driver.states(vm.ref))
            if up or self._driver.toolless(vm.ref):
                return

    def _settled_as(self, vm: VmFacts, want: State) -> bool:
        """Whether a VM that stands in the wanted state still does when its reports cannot be older."""
        self.let_settle(vm)
        return self._fits_ground(vm.ref, want)

    def _start_work(self, vm: VmFacts, want: State) -> None:
        """Start the work that must run during the call, and see it running."""
        if want.running in KINDS:
            self._guest.begin(vm.ref, want.running)
        elif want.running == EXCLUSIVE:
            driver = self._driver
            task = driver.begin(vm.ref, MOVES["snapshot"].method, driver.snapshot_arguments(memory=False))
            if task is not None:
                driver.wait.until("the running snapshot task", lambda: driver.tasks.running(task))

    def _fits_ground(self, vm: Ref, want: State) -> bool:
        """Whether a VM, as it was last read, is as wanted; a guest that an abort left undefined serves as well as any."""
        states = {ground(state) for state in self._driver.states(vm)}
        if want.guest != "undefined":
            states = {replace(state, guest="before") for state in states}
        if not want.tools_up or want.tools == "starting":
            # a boot may have freed the lock; and what only a guest that can be asked shows counts only if it is wanted
            states = {replace(state, orphaned=want.orphaned) for state in states if state.orphaned or not want.orphaned}
            states = {replace(state, engine="ok") for state in states} if want.engine == "ok" else states
        elif self._driver.facts.vms[vm.value].engine != "ok":  # there its lock cannot be freed
            states = {replace(state, orphaned=want.orphaned) for state in states}
        return states == {ground(want)}
