"""What a run plans on a testbed: the cells that can be reached there, in an order, and why the others cannot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import msgspec

from vcontract._config.permissions import forbidden
from vcontract._model import Cell, all_cells
from vcontract._run.plan import Plan, plan
from vcontract._testbed import Site, Testbed


class Planned(msgspec.Struct, frozen=True):
    """A plan, and the ids of the cells that are out of reach, with the reasons."""

    plan: Plan
    unreachable: Mapping[str, str] = {}


Planner: TypeAlias = Callable[[Testbed], Planned]


def plan_whole_run(testbed: Testbed) -> Planned:
    """Plan every row, and every pair of conditions, that can be reached."""
    reachable, unreachable = reachable_cells(testbed)
    site = testbed.site
    may = tuple(name for name in chosen_methods(testbed.site) if not forbidden(name, testbed.driver.permits.allow))
    return Planned(plan(site.contract, may, reachable, testbed.caller.cases(), site.request.seed), unreachable)


def plan_nothing(testbed: Testbed) -> Planned:
    """Plan no step."""
    del testbed
    return Planned(Plan([]))


def plan_nothing_but_look(testbed: Testbed) -> Planned:
    """Plan no step, and read every VM once."""
    look_at_vms(testbed)
    return Planned(Plan([]))


def look_at_vms(testbed: Testbed) -> None:
    """Read every VM once."""
    for vm in testbed.driver.facts.vms.values():
        testbed.driver.read_vm(vm.ref)


def reachable_cells(testbed: Testbed) -> tuple[list[Cell], dict[str, str]]:
    """Read every VM and list the cells that can be reached; of the others the reason why not, by id."""
    look_at_vms(testbed)
    reachable: list[Cell] = []
    unreachable: dict[str, str] = {}
    for cell in all_cells(testbed.site.contract):
        if cell.method not in chosen_methods(testbed.site):
            continue
        here = testbed.lane.unheard(cell)
        if reason := testbed.lane.unreachable(here):
            unreachable[cell.id] = reason
        else:
            reachable.append(here)
    return reachable, unreachable


def chosen_methods(site: Site) -> tuple[str, ...]:
    """Name the methods that were selected or asked for, or all."""
    return site.context.methods or site.request.methods or tuple(method.name for method in site.contract.methods)
