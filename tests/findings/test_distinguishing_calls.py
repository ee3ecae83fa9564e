"""The calls that tell two targets apart: the fewest, from a moment at which a fresh VM suffices."""

from __future__ import annotations

from typing import Any

import pytest

from vcontract._check.compare import Change, Kind, Sighting
from vcontract._findings.distinguishing_calls import Witnessed, shortest
from vcontract._history import History
from vcontract._model import Facts, VmFacts
from vcontract._terms import Arguments, Call, Fault, Faulted, Operation, Ref, Returned

VM, CLONE = Ref("VirtualMachine", "vm-1"), Ref("VirtualMachine", "vm-9")
MANAGER = Ref("VirtualMachineGuestCustomizationManager", "gcm")
M = "StartGuestNetwork_Task"
REFUSED = Faulted(Fault("InvalidState"))


class ShortHistory:
    """Operations, one a second; `begun` are those before which the VM was as a fresh one."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self.begun: dict[int, bool] = {}

    def say(
        self, ref: Ref, method: str, outcome: Any = None, *, fresh: bool = False, purpose: str = "arrange", **given: Any
    ) -> int:
        """Add one; gives its number."""
        op = 2 * len(self.operations) + 1
        call = Call(ref, method, Arguments(given), "full")
        self.operations.append(Operation(op, call, op, op + 0.5, outcome or Returned(), purpose=purpose, cell=f"c{op}"))
        self.begun[op] = fresh
        return op

    def ask(self, outcome: Any = None, *, vm: Ref = VM, fresh: bool = False, **given: Any) -> int:
        """Add a judged call about a VM."""
        return self.say(MANAGER, M, outcome, fresh=fresh, purpose="judge", vm=vm.json(), **given)

    @property
    def witnessed(self) -> list[Witnessed]:
        """All of it, as of a run with one worker."""
        facts = Facts(MANAGER.type, MANAGER, "8.0.3.0", vms={VM.value: VmFacts(VM, "linux-1", 1)})
        return [Witnessed(History([], self.operations), facts, self.begun)]


def cut(
    old: ShortHistory, new: ShortHistory, old_ops: list[int], new_ops: list[int]
) -> tuple[list[str], tuple[str, str]] | None:
    """Give the methods of the shortest sequence, and its root."""
    sides = [tuple(Sighting(op, M, "x", "A") for op in ops) for ops in (old_ops, new_ops)]
    change = Change(Kind.FAULT_CHANGED, M, "A", "B", "outcome", ("A", "B"), before=sides[0], after=sides[1])
    found = shortest(change, old.witnessed, new.witnessed)
    return ([step.call.method for step in found.program], found.root) if found else None


def test_the_shorter_of_the_two_runs_is_taken() -> None:
    """Three calls in the old run, two in the new one."""
    old, new = ShortHistory(), ShortHistory()
    old.say(VM, "PowerOffVM_Task", fresh=True)
    old.say(VM, "MarkAsTemplate")
    first = old.ask()
    new.say(VM, "MarkAsVirtualMachine")
    new.say(VM, "PowerOffVM_Task", fresh=True)
    second = new.ask()
    assert cut(old, new, [first], [second]) == (["PowerOffVM_Task", M], (VM.value, "linux-1"))


def test_what_was_refused_on_the_way_is_left_out() -> None:
    """A refused call changes nothing; what is about another VM does not belong to it."""
    told = ShortHistory()
    told.say(VM, "PowerOffVM_Task", fresh=True)
    told.ask(REFUSED)
    told.say(Ref("VirtualMachine", "vm-2"), "ResetVM_Task", fresh=True)
    op = told.ask(REFUSED)
    assert cut(told, ShortHistory(), [op], []) == (["PowerOffVM_Task", M], (VM.value, "linux-1"))


def test_the_plainest_of_equals_is_taken_and_what_json_lost_is_not() -> None:
    """Of calls as short the one with the least to send; one that holds a number that is none cannot be sent again."""
    told = ShortHistory()
    ops = [told.ask(fresh=True, note="x" * size) for size in (9, 3, 6)]
    lost = told.ask(fresh=True, note=None)
    old = told.witnessed
    sightings = tuple(Sighting(op, M, "x", "A") for op in (*ops, lost))
    change = Change(Kind.FAULT_CHANGED, M, "A", "B", "outcome", ("A", "B"), before=sightings)
    found = shortest(change, old, [])
    assert found is not None
    assert found.program[-1].call.arguments["note"] == "xxx"


def test_a_vm_that_the_run_made_is_made_again() -> None:
    """What is done to a clone, as destroying it, must be done to a clone and to no other VM."""
    told = ShortHistory()
    task = Ref("Task", "task-1")
    told.say(VM, "InstantClone_Task", Returned(task.json()), fresh=True)
    spec = {"objectSet": [{"obj": task.json()}]}
    info = {"info": {"state": "success", "result": CLONE.json()}}
    told.say(Ref("PropertyCollector", "pc"), "RetrievePropertiesEx", Returned(info), purpose="read", specSet=[spec])
    told.say(CLONE, "Destroy_Task", fresh=True)
    op = told.ask(REFUSED, vm=CLONE)
    assert cut(told, ShortHistory(), [op], []) == (["InstantClone_Task", "Destroy_Task", M], (VM.value, "linux-1"))


@pytest.mark.parametrize("fresh", [False, True])
def test_without_a_beginning_there_is_no_sequence(*, fresh: bool) -> None:
    """If the VM was never as a fresh one near the call, nothing is claimed to show it."""
    told = ShortHistory()
    told.say(VM, "PowerOffVM_Task", fresh=fresh)
    op = told.ask()
    assert (cut(told, ShortHistory(), [op], []) is None) is not fresh
