"""Judging calls on the VM itself: answers without a task, what a success must show, and what a fault may name."""

from __future__ import annotations

from typing import Any

import pytest

from vcontract._check import Judge, Judgement
from vcontract._contract import load
from vcontract._model import Facts, VmFacts
from vcontract._terms import Arguments, Call, Fault, Faulted, Grade, Operation, Outcome, Ref, Returned, Verdict

VM = Ref("VirtualMachine", "vm-1")
ON = {
    "runtime.powerState": "poweredOn",
    "runtime.connectionState": "connected",
    "runtime.bootTime": "2026-01-01T00:00:00Z",
    "guest.toolsRunningStatus": "guestToolsRunning",
    "guest.guestOperationsReady": True,
}
OFF = {"runtime.powerState": "poweredOff", "runtime.connectionState": "connected"}
SUSPENDED = OFF | {"runtime.powerState": "suspended"}


class JudgedHistory:
    """A short history of one VM, one operation a second."""

    def __init__(self, bases: dict[str, str], task_seconds: float = 100.0) -> None:
        contract = load("VirtualMachine")
        facts = Facts(
            contract.object,
            Ref(contract.object, ""),
            "8.0.3.0",
            sessions={"full": "admin"},
            vms={VM.value: VmFacts(VM, "one", 1, host="host-1", pool="pool-1")},
            others={"host-1": "HostSystem", "pool-1": "ResourcePool", "group-1": "Folder"},
            task_seconds=task_seconds,
        )
        self.judge = Judge(facts, contract, bases)
        self.time = 0.0

    def say(self, call: Call, outcome: Outcome, purpose: str) -> None:
        """Tell of one operation."""
        self.time += 2
        self.judge.feed(
            Operation(int(self.time), call, self.time, self.time + 1, outcome, purpose=purpose, cell="cell")
        )

    def read(self, ref: Ref, values: dict[str, Any]) -> None:
        """Tell of a read."""
        arguments = Arguments({"specSet": [{"objectSet": [{"obj": ref.json()}]}]})
        self.say(
            Call(Ref("PropertyCollector", "pc"), "RetrievePropertiesEx", arguments, "full"), Returned(values), "read"
        )

    def call(self, method: str, outcome: Outcome, ref: Ref = VM, **arguments: Any) -> None:
        """Tell of a judged call."""
        self.say(Call(ref, method, Arguments(arguments), "full"), outcome, "judge")

    def done(self, method: str, **arguments: Any) -> None:
        """Tell of a judged call whose task succeeded."""
        self.call(method, Returned(Ref("Task", "task-1").json()), **arguments)
        self.read(Ref("Task", "task-1"), {"info": {"state": "success"}})

    def verdict(self) -> Judgement:
        """End the cell."""
        self.judge.close()
        return self.judge.judgements[-1]


@pytest.fixture
def told(bases: dict[str, str]) -> JudgedHistory:
    """Begin a history."""
    return JudgedHistory(bases)


@pytest.mark.parametrize(
    ("method", "before", "after"),
    [
        ("PowerOnVM_Task", OFF, ON),
        ("PowerOffVM_Task", ON, OFF),
        ("SuspendVM_Task", ON, SUSPENDED),
        ("CustomizeVM_Task", OFF, OFF | {"config.tools.pendingCustomization": "imc1"}),
    ],
)
def test_a_success_shows_what_it_did(
    told: JudgedHistory, method: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    """Oracle promise F7: the property is as the method makes it; if it stays as it was, the Success row is broken."""
    told.read(VM, before)
    told.done(method)
    told.read(VM, after)
    assert (told.verdict().grade, told.verdict().verdict) == (Grade.CONFORMS, Verdict.CONFORMS)


def test_a_success_that_did_nothing_is_wrong(told: JudgedHistory) -> None:
    """The VM was to be off and is read running."""
    told.read(VM, ON)
    told.done("PowerOffVM_Task")
    told.read(VM, ON)
    found = told.verdict()
    assert (found.grade, found.field, found.verdict) == (Grade.WRONG, "runtime.powerState", Verdict.VIOLATES)


def test_a_success_that_must_be_refused_is_missing_though_it_moved_the_vm(told: JudgedHistory) -> None:
    """What the call itself did to the VM is no race."""
    told.read(VM, SUSPENDED)
    told.done("ResetVM_Task")
    told.read(VM, ON)
    assert (told.verdict().grade, told.verdict().verdict) == (Grade.MISSING, Verdict.VIOLATES)


def test_powering_off_what_is_suspended_is_unsettled(told: JudgedHistory) -> None:
    """The documents refuse it and another simulator does it: a note, whichever comes."""
    told.read(VM, SUSPENDED)
    told.done("PowerOffVM_Task")
    told.read(VM, OFF)
    assert (told.verdict().grade, told.verdict().verdict) == (Grade.UNSETTLED, Verdict.CONFORMS)


@pytest.mark.parametrize(
    ("value", "grade"), [(None, Grade.CONFORMS), (Ref("Task", "task-9").json(), Grade.PROTOCOL), ("x", Grade.PROTOCOL)]
)
def test_a_method_without_a_task_returns_nothing(told: JudgedHistory, value: Any, grade: Grade) -> None:
    """A value where void is documented breaks the wire contract."""
    told.read(VM, OFF)
    told.call("MarkAsTemplate", Returned(value))
    told.read(VM, OFF | {"config.template": True})
    assert told.verdict().grade is grade


@pytest.mark.parametrize(
    ("requested", "existing", "field"),
    [
        ("suspended", "poweredOff", ""),
        ("poweredOn", "poweredOff", ""),  # as another simulator says it
        ("poweredOff", "poweredOff", "requestedState"),
        ("suspended", "poweredOn", "existingState"),
    ],
)
def test_what_a_power_fault_names(told: JudgedHistory, requested: str, existing: str, field: str) -> None:
    """The state that the VM has, and one that the method needs or makes."""
    told.read(VM, OFF)
    fields = {"requestedState": requested, "existingState": existing}
    told.call("SuspendVM_Task", Faulted(Fault("InvalidPowerState", fields)))
    told.read(VM, OFF)
    assert (told.verdict().field, told.verdict().grade.fails) == (field, bool(field))


def test_a_vm_that_never_was_is_not_found(told: JudgedHistory) -> None:
    """ManagedObjectNotFound names the reference that the call was made on."""
    for named, field in (("vm-0", ""), ("vm-1", "obj")):
        fault = Fault("ManagedObjectNotFound", {"obj": Ref("VirtualMachine", named).json()})
        told.call("PowerOffVM_Task", Faulted(fault), Ref("VirtualMachine", "vm-0"))
        assert told.verdict().field == field


def test_a_guest_is_awaited_only_where_it_was_rightly_asked(told: JudgedHistory) -> None:
    """A guest that was asked to shut down is awaited until the VM is off; one without Tools was never asked."""
    told.read(VM, ON)
    told.call("ShutdownGuest", Returned())
    assert told.judge.waiting()
    told.read(VM, OFF)
    assert not told.judge.waiting()
    assert told.verdict().grade is Grade.CONFORMS
    told.read(VM, ON | {"guest.toolsRunningStatus": "guestToolsNotRunning"})
    told.call("ShutdownGuest", Returned())
    assert not told.judge.waiting()
    assert told.verdict().grade is Grade.MISSING


def test_a_reboot_shows_by_the_boot_time_or_by_tools_that_go_down(told: JudgedHistory) -> None:
    """A guest that still boots from before has not rebooted yet."""
    starting = ON | {"guest.guestOperationsReady": False}
    told.read(VM, starting)
    told.call("RebootGuest", Returned())
    told.read(VM, starting)
    assert told.judge.waiting()
    told.read(VM, starting | {"guest.toolsRunningStatus": "guestToolsNotRunning"})
    assert not told.judge.waiting()
