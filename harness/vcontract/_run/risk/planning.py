"""What is planned at each level of risk."""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import replace

from vcontract._config.permissions import not_allowed
from vcontract._config.risk import OBSERVE, REFUSALS, level_of
from vcontract._contract import Contract
from vcontract._model import Cell, expect
from vcontract._run.plan import plan
from vcontract._run.planning import Planned, chosen_methods, plan_whole_run, reachable_cells
from vcontract._testbed import Testbed

_FOUND = "--risk {} brings no VM into a state"


def plan_within_risk(testbed: Testbed) -> Planned:
    """Plan what the level of risk of a run lets it do."""
    level = level_of(testbed.site.request)
    if level not in {OBSERVE, REFUSALS}:
        return plan_whole_run(testbed)
    reachable, unreachable = reachable_cells(testbed)
    barred = {not_allowed(permission) for permission in testbed.site.config.allow}
    unreachable = {id_: _FOUND.format(level) if why in barred else why for id_, why in unreachable.items()}
    contract, site = testbed.site.contract, testbed.site
    engines = {vm.engine for vm in testbed.driver.facts.vms.values()}
    kept: list[Cell] = []
    for cell in reachable:
        if why := _above(cell, contract, engines) if level == REFUSALS else "--risk observe makes no call":
            unreachable[cell.id] = why
        else:
            kept.append(disarmed(cell, contract))
    planned = plan(contract, chosen_methods(site), kept, (), site.request.seed)
    return Planned(replace(planned, steps=[step for step in planned.steps if step.cell is not None]), unreachable)


def _above(cell: Cell, contract: Contract, engines: Collection[str]) -> str:
    """Say why a cell is above refusals; empty if it is not. Whether a guest's lock is free is not known there.

    A customization that is refused for its specification alone may have begun in the guest (oracle promise F3).
    """
    state = cell.state
    arranged = not state.exists or state.running or state.orphaned or state.pending or state.guest == "undefined"
    if arranged or state.engine == "broken" or state.engine not in engines:
        return _FOUND.format(REFUSALS)
    states, right = [state, replace(state, orphaned=True)], replace(cell.asked, spec=frozenset(), rule_faults=())
    accepts = any(expect(states, asked, contract).accepts for asked in (cell.asked, right))
    return "--risk refusals makes no call that may change a guest" if accepts else ""


def disarmed(cell: Cell, contract: Contract) -> Cell:
    """Give a cell with a login that no guest accepts, if the contract allows the same answers then.

    A server that carries the call out although it must refuse it can do nothing in the guest with that.
    """
    if "auth" not in contract.method(cell.method).takes or cell.asked.login != "accepted":
        return cell
    asked = replace(cell.asked, login="rejected")
    permitted = [expect([cell.state], each, contract).allowed.keys() for each in (cell.asked, asked)]
    return replace(cell, asked=asked) if permitted[0] == permitted[1] else cell
