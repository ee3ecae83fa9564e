"""Deals the VMs and the steps of a plan out to workers: no two of them touch one VM, or VMs of one host that may be lost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count

import msgspec
from msgspec.structs import replace

from vcontract._model import Facts, State, VmFacts
from vcontract._run.estimates.walk import wanted
from vcontract._run.plan import Step
from vcontract._testbed import Lane

CELL, BUSY, CASE, OTHER = 3, 5, 2, 8
"""About what a step costs beside others: a cell, one in which something runs, a case of the input, a past or a disturbance."""
NUMBERS = 1_000_000
"""The operations of worker N are numbered from N times this on, so that a number leads to its history."""


class Share(msgspec.Struct, frozen=True):
    """What one worker does: `facts` hold its own VMs alone, `cells` are ids, `steps` the labels of all its steps."""

    number: int
    facts: Facts
    cells: list[str]
    steps: list[str]
    max_calls: int = 0


class _Block(msgspec.Struct):
    """Steps that belong together, what they cost, and the moIds of the VMs any of which serves (none: any worker will do)."""

    steps: list[Step]
    cost: int
    vms: frozenset[str]

    def add(self, step: Step) -> None:
        """Take in one more step."""
        self.steps.append(step)
        self.cost += _cost(step)


def deal(
    steps: Sequence[Step], lane: Lane, facts: Facts, workers: int, lent: dict[str, str] | None = None
) -> list[Share]:
    """Give each worker its share; one without a VM that serves has no steps.

    `facts` are those of the survey. `lent` maps VMs that were made for the workers to those whose like they are.
    """
    blocks = _blocks(steps, lane, lent or {})
    vms = lane.driver.facts.vms
    owned = _owned(blocks, lane, workers, lent or {})
    load = [0] * workers
    mine: list[set[str]] = [set() for _ in range(workers)]
    able = [[worker for worker in range(workers) if owned[worker] & block.vms] for block in blocks]
    able = [workers_able or list(range(workers)) for workers_able in able]
    for number in sorted(range(len(blocks)), key=lambda place: (len(able[place]), -blocks[place].cost)):
        worker = min(able[number], key=load.__getitem__)
        load[worker] += blocks[number].cost
        mine[worker].update(step.label for step in blocks[number].steps)
    return [
        Share(
            worker + 1,
            replace(facts, vms={moid: vm for moid, vm in vms.items() if moid in owned[worker]}),
            [step.cell.id for step in steps if step.cell is not None and step.label in mine[worker]],
            [step.label for step in steps if step.label in mine[worker]],
        )
        for worker in range(workers)
    ]


def dealt_vms(steps: Sequence[Step], lane: Lane, workers: int) -> list[frozenset[str]]:
    """Deal the VMs (moIds) alone out, for steps that are dealt as they are taken."""
    return [frozenset(owned) for owned in _owned(_blocks(steps, lane, {}), lane, workers, {})]


def _owned(blocks: Sequence[_Block], lane: Lane, workers: int, lent: dict[str, str]) -> list[set[str]]:
    common = _serving(lane, (State(), False, 0), lent)
    return _owners(blocks, _bundles(lane.driver.facts.vms.values(), lane.selection.hosts), common, workers)


def plain(lane: Lane) -> list[list[VmFacts]]:
    """List the VMs that serve for most cells, those on one host that may be lost together: so many workers they can feed."""
    return _bundles({vm.ref: vm for vm in lane.selection.fitting(State())}.values(), lane.selection.hosts)


def limited(shares: Sequence[Share], max_calls: int) -> list[Share]:
    """Divide a limit of judged calls (0: none) by the number of steps; who gets none of it gets no steps either."""
    if not max_calls:
        return list(shares)
    total = sum(len(share.steps) for share in shares) or 1
    limits = [max_calls * len(share.steps) // total for share in shares]
    for number in range(max_calls - sum(limits)):
        limits[number % len(limits)] += 1
    return [
        replace(share, max_calls=calls, cells=share.cells if calls else [], steps=share.steps if calls else [])
        for share, calls in zip(shares, limits, strict=True)
    ]


def _blocks(steps: Sequence[Step], lane: Lane, lent: dict[str, str]) -> list[_Block]:
    """Put the cells of one state together, for it is arranged once for all of them; every other step stands alone."""
    blocks: dict[object, _Block] = {}
    alone = count()
    fitting: dict[tuple[State, bool, int], frozenset[str]] = {}
    for step in steps:
        want = wanted(step, lane.caller)
        key = want[0] if step.cell is not None else next(alone)
        if want not in fitting:
            fitting[want] = _serving(lane, want, lent)
        block = blocks.setdefault(key, _Block([], 0, fitting[want]))
        block.add(step)
    return list(blocks.values())


def _serving(lane: Lane, want: tuple[State, bool, int], lent: dict[str, str]) -> frozenset[str]:
    state, on_host, nics = want
    fit = list(lane.selection.fitting(state, on_host=on_host, nics=nics))
    as_it_is = [vm for vm in fit if vm.engine == state.engine]
    moids = {vm.ref.value for vm in as_it_is or fit}
    return frozenset(moids | {moid for moid, like in lent.items() if like in moids})


def _cost(step: Step) -> int:
    if step.cell is not None:
        return BUSY if step.cell.state.running else CELL
    return CASE if step.case is not None else OTHER


def _bundles(vms: Iterable[VmFacts], hosts: frozenset[str]) -> list[list[VmFacts]]:
    """Put the VMs of each host that may be lost together; every other VM is a bundle of its own."""
    bundles: dict[str, list[VmFacts]] = {}
    for vm in vms:
        bundles.setdefault(vm.host if vm.host in hosts else vm.ref.value, []).append(vm)
    return list(bundles.values())


def _owners(
    blocks: Sequence[_Block], bundles: Sequence[list[VmFacts]], common: frozenset[str], workers: int
) -> list[set[str]]:
    """Deal bundles out, first those on which alone most of the work can be done; `common` VMs, as all need one, evenly."""
    alike: dict[frozenset[int], list[set[str]]] = {}
    for bundle in bundles:
        moids = {vm.ref.value for vm in bundle}
        serves = frozenset(number for number, block in enumerate(blocks) if block.vms & moids)
        alike.setdefault(serves, []).append(moids)

    def alone(serves: frozenset[int]) -> int:
        together = set().union(*alike[serves])
        return sum(blocks[number].cost for number in serves if blocks[number].vms <= together)

    owned: list[set[str]] = [set() for _ in range(workers)]
    load = [0.0] * workers

    def burden(worker: int, moids: set[str]) -> tuple[int, float, int]:
        return len(owned[worker] & common) if moids & common else 0, load[worker], len(owned[worker])

    for serves in sorted(alike, key=alone, reverse=True):
        for moids in alike[serves]:
            taker = min(range(workers), key=lambda worker: burden(worker, moids))
            owned[taker] |= moids
            load[taker] += alone(serves) / len(alike[serves])
    return owned
