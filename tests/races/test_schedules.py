"""Drawn schedules are executed as they are written; a race among them is made small and executed again."""

from __future__ import annotations

import pytest

from tests.windows import fitted, stretch
from vcontract._check.concurrent import judge_concurrent
from vcontract._contract import load
from vcontract._races.schedules import Hunt, execute, race, simulated
from vcontract._simulator import Settings
from vcontract._strategies.schedules import Turn, schedules
from vcontract._terms import Verdict

MANAGER, VM = load("VirtualMachineGuestCustomizationManager"), load("VirtualMachine")
CUSTOMIZE, NETWORK, ABORT = "CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task"
OFF, ON = "PowerOffVM_Task", "PowerOnVM_Task"


def hunt(examples: int = 40, seed: int = 1, moment: float = 0.005) -> Hunt:
    """Hunt with as much time as so many schedules take; a moment stays the same share of a task."""
    return Hunt(seed, examples, seconds=900.0, again=5, moment=moment * stretch(), patience=60.0)


def told(*defects: str, seconds: float = 0.01) -> Settings:
    """Tell a simulator to be slow enough for its tasks to be seen running."""
    return fitted(task_time=seconds, defects=frozenset(defects))


def test_a_schedule_is_executed_as_it_is_written() -> None:
    """Each client makes its calls in their order, with a session of its own; the history is judged as any other."""
    written = (Turn(0, CUSTOMIZE), Turn(1, OFF, 1), Turn(0, ABORT, 0, 2), Turn(1, ON, 1), Turn(0, NETWORK))
    with simulated(MANAGER, told())() as testbed:
        operations = execute(written, testbed, hunt())
        machines = [each.value for each in testbed.machines]
    calls = [each.call for each in operations if each.purpose in {"judge", "arrange"} and each.call.method != "Login"]
    for client in (0, 1):
        mine = [(each.client, each.method) for each in written if each.client == client]
        assert [(client, each.method) for each in calls if each.actor == f"client-{client + 1}"] == mine
    assert {each.object.value for each in calls if each.method in {OFF, ON}} == {machines[1]}
    found = judge_concurrent(operations, testbed.facts, MANAGER, VM)
    assert found.findings == []
    assert found.calls == 3


def test_a_planted_race_is_made_small() -> None:
    """Two clients with a call each are all that it takes, and it is told how often they show it."""
    drawn = schedules((CUSTOMIZE, NETWORK, ABORT), clients=2, vms=1, most=6)
    found = race(drawn, simulated(MANAGER, told("each-session-has-its-own-lock")), hunt(), MANAGER, VM)
    assert found is not None
    assert sorted(found.schedule) == [Turn(0, CUSTOMIZE), Turn(1, CUSTOMIZE)]
    assert 0 < found.seen <= found.again == 5
    assert f"in {found.seen} of 5 executions of\nclient 1: {CUSTOMIZE} on VM 1" in found.text()


def test_a_faithful_server_has_no_race() -> None:
    """Nothing is found in a few schedules, so nothing is made small."""
    drawn = schedules((CUSTOMIZE, NETWORK, ABORT, OFF, ON))
    assert race(drawn, simulated(MANAGER, told()), hunt(8, seed=2), MANAGER, VM) is None


@pytest.mark.long
@pytest.mark.parametrize(
    "defect", ["lock-is-checked-before-it-is-taken", "refused-call-frees-the-lock", "abort-and-completion-both-win"]
)
def test_more_races_are_made_small(defect: str) -> None:
    """Among three clients and two VMs, to at most four calls."""
    drawn = schedules((CUSTOMIZE, NETWORK, ABORT), most=8)
    slow = simulated(MANAGER, told(defect, seconds=0.03))  # half a task must be longer than a stall of the machine
    found = race(drawn, slow, hunt(200, moment=0.015), MANAGER, VM)
    assert found is not None
    assert len(found.schedule) <= 4, found.text()


def test_the_verdict_is_that_of_the_judge() -> None:
    """What a race breaks are the guarantees by their names."""
    written = (Turn(0, CUSTOMIZE), Turn(1, CUSTOMIZE))
    with simulated(MANAGER, told("each-session-has-its-own-lock"))() as testbed:
        found = judge_concurrent(execute(written, testbed, hunt()), testbed.facts, MANAGER, VM)
    broken = {each.id.rpartition("/")[2] for each in found.rows if each.verdict is Verdict.VIOLATES}
    assert "one-customization" in broken
