"""Shares of a plan: nobody touches what is another's, everything is done by somebody, and nobody has much more to do."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, combinations

import pytest

from tests.windows import fitted
from vcontract._client import Target
from vcontract._config.request import RunRequest
from vcontract._contract import load
from vcontract._model import State, VmFacts
from vcontract._run.plan import Step
from vcontract._run.start import StartedRun
from vcontract._simulator import SimulatorServer
from vcontract._testbed.driver import Driver
from vcontract._testbed.embedded_simulator import EMBEDDED
from vcontract._testbed.survey import secrets_of
from vcontract._testbed.testbed import Site
from vcontract._workers.coordinator import Coordinator
from vcontract._workers.shares import Share, deal, limited, plain

MANAGER = "VirtualMachineGuestCustomizationManager"


@pytest.fixture(scope="module")
def coordinator() -> Iterator[Coordinator]:
    """Give one that has surveyed the simulator and planned, and changes nothing."""
    with SimulatorServer(fitted()) as server:
        target = Target.open(server.url, secrets=secrets_of(EMBEDDED))
        yield Coordinator(StartedRun(Site(target, load(MANAGER), EMBEDDED, RunRequest(seed=1))))
        target.close()


def shares_of(coordinator: Coordinator, workers: int) -> list[Share]:
    """Deal the whole plan out."""
    return deal(coordinator.plan.steps, coordinator.lane, coordinator.lane.driver.facts, workers)


@pytest.mark.parametrize("workers", [1, 2, 3, 6, 9])
def test_every_vm_and_every_step_is_one_workers(coordinator: Coordinator, workers: int) -> None:
    """No VM twice, no step twice, none left out; the cells are the steps that are cells."""
    shares = shares_of(coordinator, workers)
    assert [each.number for each in shares] == list(range(1, workers + 1))
    for one, other in combinations(shares, 2):
        assert not one.facts.vms.keys() & other.facts.vms.keys()
    assert sum((len(each.facts.vms) for each in shares), 0) == len(coordinator.lane.driver.facts.vms)
    labels = list(chain.from_iterable(each.steps for each in shares))
    assert sorted(labels) == sorted(each.label for each in coordinator.plan.steps)
    cells = {each.label for each in coordinator.plan.steps if each.cell is not None}
    assert all(set(each.cells) == set(each.steps) & cells for each in shares)


@pytest.mark.parametrize("workers", [2, 4])
def test_a_share_can_be_done_with_its_own_vms(coordinator: Coordinator, workers: int) -> None:
    """For each step the worker owns a VM that the lane may choose."""
    steps = {each.label: each for each in coordinator.plan.steps}
    for share in shares_of(coordinator, workers):
        for label in share.steps:
            assert {vm.ref.value for vm in fitting(coordinator, steps[label])} & share.facts.vms.keys(), label


def fitting(coordinator: Coordinator, step: Step) -> Iterator[VmFacts]:
    """Give the VMs that serve for a step, by the lane's own rules."""
    lane = coordinator.lane
    if step.cell is not None:
        return lane.selection.fitting(step.cell.state if step.cell.state.exists else State())
    nics = step.case.nics if step.case is not None else 2 * (step.prior == "onTwoNics")
    return lane.selection.fitting(State(), on_host=step.disturb == "midHostLost", nics=nics)


def test_the_work_is_even(coordinator: Coordinator) -> None:
    """With two workers neither has more than 1.2 times the cells of the other; nor with four, each of which has work."""
    two, four = shares_of(coordinator, 2), shares_of(coordinator, 4)
    assert max(len(each.steps) for each in two) <= 1.2 * min(len(each.steps) for each in two)
    assert min(len(each.steps) for each in four) > len(coordinator.plan.steps) / 8


def test_a_state_is_arranged_by_one_worker(coordinator: Coordinator) -> None:
    """All cells of a state go together, so that it is arranged once."""
    states = {each.label: each.cell.state for each in coordinator.plan.steps if each.cell is not None}
    one, other = shares_of(coordinator, 2)
    shared = {states[each] for each in one.cells} & {states[each] for each in other.cells}
    assert {state for state in shared if state.exists} == set()


def test_vms_of_a_host_that_may_be_lost_stay_together(coordinator: Coordinator) -> None:
    """All of them are one worker's, whatever else they are."""
    lane = coordinator.lane
    lane.selection.hosts, before = frozenset(vm.host for vm in lane.driver.facts.vms.values()), lane.selection.hosts
    try:
        shares = shares_of(coordinator, 2)
        assert len(plain(lane)) == 2
    finally:
        lane.selection.hosts = before
    one, other = ({vm.host for vm in each.facts.vms.values()} for each in shares)
    assert one
    assert not one & other


def test_a_limit_of_calls_is_divided(coordinator: Coordinator) -> None:
    """The parts add up to the limit; a worker that gets none of it has nothing to do."""
    shares = shares_of(coordinator, 3)
    assert sum(each.max_calls for each in limited(shares, 100)) == 100
    assert limited(shares, 0) == shares
    one = limited(shares, 1)
    assert sorted(each.max_calls for each in one) == [0, 0, 1]
    assert [bool(each.steps) for each in one] == [each.max_calls == 1 for each in one]


def test_where_vms_are_few_clones_are_lent() -> None:
    """Seven workers on six VMs that serve for most: one clone, which is like its parent, and is gone at the end."""
    with SimulatorServer(fitted()) as server:
        target = Target.open(server.url, secrets=secrets_of(EMBEDDED))
        lending = Coordinator(StartedRun(Site(target, load(MANAGER), EMBEDDED, RunRequest(seed=1))))
        shares = lending.shares(7)
        names = [vm.name for each in shares for vm in each.facts.vms.values()]
        assert [each for each in names if "lent" in each] == ["linux-1-vcontract-lent-1"]
        assert all(each.steps for each in shares)
        driver: Driver = lending.lane.driver
        (lent,) = [vm.ref for vm in driver.facts.vms.values() if "lent" in vm.name]
        assert driver.read_vm(lent) is not None
        notes: list[str] = []
        assert (lending._restored(set(), notes), notes) == ([], [])
        assert driver.read_vm(lent) is None
        target.close()
