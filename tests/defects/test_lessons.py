"""What defects and variants taught the harness: accounts by two names, forgotten tasks, kept snapshots, secrets."""

from __future__ import annotations

from typing import Any

import pytest

from vcontract._check.promises import account_name
from vcontract._client import Secrets
from vcontract._contract import load
from vcontract._model import Facts, Tracker, VmFacts
from vcontract._simulator.defects.registry import MANAGER
from vcontract._terms import Arguments, Call, Fault, Faulted, Operation, Outcome, Ref, Returned

VM, TASK = Ref("VirtualMachine", "vm-1"), Ref("Task", "task-1")
GONE = Faulted(Fault("ManagedObjectNotFound"))


class TrackedHistory:
    """A tracker that is told operations, one a second."""

    def __init__(self) -> None:
        facts = Facts(MANAGER, Ref(MANAGER, "gcm"), "8.0.3.0", vms={VM.value: VmFacts(VM, "one", 1)})
        self.tracker = Tracker(facts, load(MANAGER))
        self.time = 0.0

    def tell(self, ref: Ref, method: str, outcome: Outcome, **arguments: Any) -> None:
        """Tell of one operation."""
        self.time += 1.0
        call = Call(ref, method, Arguments(arguments), "full")
        self.tracker.feed(Operation(int(self.time), call, self.time, self.time + 0.5, outcome))

    def read(self, task: Ref, outcome: Outcome) -> None:
        """Tell of a read of a task."""
        spec = {"objectSet": [{"obj": task.json()}]}
        self.tell(Ref("PropertyCollector", "pc"), "RetrievePropertiesEx", outcome, specSet=[spec])

    def begin(self, method: str, **arguments: Any) -> None:
        """Tell of a task on the VM that began and was seen running."""
        self.tell(VM, method, Returned(TASK.json()), **arguments)
        self.read(TASK, Returned({"info": {"state": "running"}}))

    @property
    def orphaned(self) -> set[bool]:
        """Whether the VM's lock may be orphaned."""
        return {each.orphaned for each in self.tracker.states(VM.value)}


@pytest.mark.parametrize("name", ["Administrator@vsphere.local", "VSPHERE.LOCAL\\Administrator"])
def test_an_account_has_one_name(name: str) -> None:
    """A login and a task's reason write the same account in two ways."""
    assert account_name(name) == "administrator@vsphere.local"


def test_a_forgotten_task_is_over() -> None:
    """Only ended tasks are forgotten: nothing runs any more, though nobody saw how it ended."""
    told = TrackedHistory()
    told.begin("CustomizeGuest_Task", vm=VM.json())
    assert told.tracker.running(VM.value, told.time + 1, told.time + 2)
    told.read(TASK, GONE)
    assert told.tracker.tasks[TASK.value].forgotten
    assert not told.tracker.running(VM.value, told.time + 1, told.time + 2)
    assert told.orphaned == {False, True}


@pytest.mark.parametrize(("memory", "known"), [(True, {False}), (False, {False, True})])
def test_a_snapshot_with_memory_brings_the_lock_back_as_it_was(*, memory: bool, known: set[bool]) -> None:
    """Going back to a snapshot whose memory was kept gives the states of that time, else it may be anything."""
    told = TrackedHistory()
    told.begin("AbortCustomization_Task", vm=VM.json())
    told.read(TASK, Returned({"info": {"state": "success"}}))
    told.begin("CreateSnapshot_Task", memory=memory)
    told.read(TASK, Returned({"info": {"state": "success"}}))
    told.begin("RevertToCurrentSnapshot_Task")
    told.read(TASK, Returned({"info": {"state": "success"}}))
    assert told.orphaned == known


def test_a_made_up_secret_must_not_come_back() -> None:
    """A reply that repeats it is told, one that holds a public word is not."""
    secrets = Secrets({"guest.nobody": "not-a-password", "guest.root": "guest"}, made_up=("guest.nobody",))
    assert secrets.repeated(b"<msg>not-a-password was rejected</msg>") == ("secret: the reply repeats guest.nobody",)
    assert secrets.repeated(b"<guest>guest</guest>") == ()
