"""Some VMs on which steps are taken one after the other, with all that chooses, changes and restores them."""

from __future__ import annotations

from msgspec.structs import replace

from vcontract._model import Cell, State, expect
from vcontract._model.state import ON
from vcontract._strategies.calls import Caller
from vcontract._terms import Ref
from vcontract._testbed.arranging.arranger import Arranger
from vcontract._testbed.arranging.guest_arranger import GuestArranger
from vcontract._testbed.arranging.guest_methods import GuestMethods
from vcontract._testbed.arranging.host_arranger import HostArranger
from vcontract._testbed.arranging.leftovers import Leftovers
from vcontract._testbed.arranging.power_arranger import PowerArranger
from vcontract._testbed.arranging.restorer import Restorer
from vcontract._testbed.arranging.snapshots import Snapshots
from vcontract._testbed.cloner import Cloner
from vcontract._testbed.driver import Driver
from vcontract._testbed.levers import Levers
from vcontract._testbed.not_arranged import NotArrangedError
from vcontract._testbed.reachability import MISSING_LEVERS, lacking, uncallable
from vcontract._testbed.vm_selection import VmSelection


class Lane:
    """The VMs of a driver's facts, in one course of steps; two lanes with disjoint facts share nothing that changes.

    All that changes is held here or by the driver: what is known of the VMs (the judge's tracker), what is in quarantine, how
    long tasks lasted, the clones and snapshots that were made, the state in which the last step left a VM. VMs of one host
    that may be disconnected (`hosts`: moIds) belong into one lane. `helper` makes the calls that work in the guest, where
    `caller`, who makes those of the contract under test, has none. `kept` says why hosts that could be disconnected must stay.
    """

    def __init__(
        self,
        driver: Driver,
        levers: Levers,
        caller: Caller,
        hosts: frozenset[str] = frozenset(),
        helper: Caller | None = None,
        kept: str = "",
    ) -> None:
        self.driver, self.levers, self.caller = driver, levers, caller
        clones: list[Ref] = []
        self.selection = VmSelection(driver, hosts, clones, kept)
        self.cloner = Cloner(driver, self.selection, clones)
        self.snapshots = Snapshots(driver)
        self.host = HostArranger(driver)
        self._methods = GuestMethods(driver, caller, helper)
        leftovers = Leftovers(driver, self.snapshots, self.host)
        power = PowerArranger(driver, levers, self._methods)
        self.guest = GuestArranger(driver, levers, self._methods, leftovers)
        self.arranger = Arranger(
            driver,
            selection=self.selection,
            cloner=self.cloner,
            leftovers=leftovers,
            power=power,
            guest=self.guest,
            host=self.host,
        )
        self.restorer = Restorer(
            driver, cloner=self.cloner, leftovers=leftovers, power=power, guest=self.guest, host=self.host
        )

    def usual(self, method: str) -> State:
        """Give the state in which a valid call of a method is made here: with Tools, or without where no VM has any."""
        start = self.caller.start(method)
        return without_tools(start) if self._toolless(start) else start

    def unheard(self, cell: Cell) -> Cell:
        """Give a cell without Tools where no VM has any, if the contract allows the same answers then; else itself."""
        silent = without_tools(cell.state)
        if silent == cell.state or not self._toolless(cell.state):
            return cell
        contract = self.caller.contract
        allowed = [expect([state], cell.asked, contract).allowed.keys() for state in (cell.state, silent)]
        return replace(cell, state=silent) if allowed[0] == allowed[1] else cell

    def _toolless(self, want: State) -> bool:
        """Whether a state with Tools that are ready cannot be had as no VM has any, but VMs without are there."""
        if want.tools != "ready" or want.power != ON or not self.selection.has_toolless():
            return False
        return next(self.selection.fitting(want), None) is None

    def unreachable(self, cell: Cell) -> str:
        """Say why a cell cannot be reached with these VMs; empty if it can."""
        for name in cell.deviations:
            if name in MISSING_LEVERS and not (name == "frozen" and self.selection.has_frozen()):
                return MISSING_LEVERS[name]
        allow = self.driver.permits.allow
        if reason := uncallable(cell.asked, self.caller, allow):
            return reason
        want, permits = cell.state, self.driver.permits
        if want.power == ON and want.tools == "stopped" and (permits.limit or self.selection.has_toolless()):
            want = replace(want, tools="ready")  # a VM is found so, or none: nobody has to stop them
        if reason := lacking(want, self.levers.names, permits.arranging, guest=self._methods.known):
            return reason
        try:
            if cell.state.exists:
                self.selection.choose(cell.state)
        except NotArrangedError as error:
            return str(error)
        return ""


def without_tools(state: State) -> State:
    """Give a state as it is on a VM whose Tools do not run."""
    return replace(state, tools="stopped") if state.power == ON and state.tools == "ready" else state
