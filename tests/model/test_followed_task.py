"""What is kept of tasks: of one that ended long ago its acceptance and its end, and of one that may still matter everything."""

from __future__ import annotations

from vcontract._contract import load
from vcontract._model import Facts, Tracker, VmFacts
from vcontract._terms import Arguments, Call, Operation, Ref, Returned

MANAGER, VM = "VirtualMachineGuestCustomizationManager", Ref("VirtualMachine", "vm-1")
SPEC = {"identity": {"hostName": {"name": "a"}}}


def tracked(tasks: int, unfinished: int = 0) -> Tracker:
    """Track so many customizations, one after the other; of the one with this number no end is seen."""
    facts = Facts(MANAGER, Ref(MANAGER, "gcm"), "8.0.3.0", vms={VM.value: VmFacts(VM, "one", 1)})
    tracker = Tracker(facts, load(MANAGER))
    for number in range(1, tasks + 1):
        task = Ref("Task", f"task-{number}")
        begin = Call(Ref(MANAGER, "gcm"), "CustomizeGuest_Task", Arguments({"vm": VM.json(), "spec": SPEC}), "full")
        read = Call(Ref("PropertyCollector", "pc"), "RetrievePropertiesEx", _reads(task), "full")
        tracker.feed(Operation(3 * number, begin, number, number + 0.1, Returned(task.json())))
        for step, state in enumerate(("running", "running" if number == unfinished else "success"), 1):
            outcome = Returned({"info": {"state": state, "entityName": "one", "startTime": "2026"}})
            tracker.feed(Operation(3 * number + step, read, number + step / 5, number + step / 5 + 0.1, outcome))
        tracker.settle()
    return tracker


def _reads(task: Ref) -> Arguments:
    return Arguments({"specSet": [{"objectSet": [{"obj": task.json()}]}]})


def test_of_a_task_that_is_long_over_its_acceptance_and_end_are_kept() -> None:
    """Every task is known, with its end; of most of a long history what was sent and read is gone."""
    tracker = tracked(1000)
    assert len(tracker.tasks) == 1000
    assert len(tracker.recent()) < 200
    first = tracker.tasks["task-1"]
    assert (first.accepted.start, first.accepted.call.arguments, len(first.reads)) == (1, {}, 1)
    assert first.final is not None
    assert (first.final[0].end, first.final[1]) == (1.5, {"state": "success", "startTime": "2026"})
    assert first.running_during(5, 6) is False
    assert tracker.configured[VM.value] == (3000, SPEC)


def test_what_was_under_way_meanwhile_is_kept_whole() -> None:
    """As long as a task may run, nothing that came after its begin is let go: it may still say what ran beside it."""
    tracker = tracked(1000, unfinished=10)
    assert [life.ref.value for life in tracker.recent()] == [f"task-{number}" for number in range(10, 1001)]
    assert tracker.tasks["task-10"].accepted.call.arguments["spec"] == SPEC
    assert not tracker.tasks["task-9"].accepted.call.arguments
