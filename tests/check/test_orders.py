"""Concurrent histories of VMs, written by hand: what has a legal order by the contract, and what has none."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import pytest

from vcontract._check.disorder import explain
from vcontract._check.linearizable import Answer
from vcontract._check.orders import Order, answer_of, legal_orders
from vcontract._check.search import Limits
from vcontract._contract import load
from vcontract._model import Facts, GuestAccount, Lever, VmFacts
from vcontract._terms import Arguments, Call, Fault, Faulted, Json, Lost, Operation, Outcome, Ref, Returned

CLIENTS: Any = importlib.import_module("clients")  # the files beside this one
SPEC = importlib.import_module("specification").SPEC
MANAGER = Ref("VirtualMachineGuestCustomizationManager", "gcm")
VM = Ref("VirtualMachine", "vm-1")
CHILD = Ref("VirtualMachine", "vm-9")
HOST = Ref("HostSystem", "host-1")
CUSTOMIZE, NETWORK, ABORT = "CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task"
UP = {
    "runtime.powerState": "poweredOn",
    "guest.toolsRunningStatus": "guestToolsRunning",
    "guest.toolsVersionStatus2": "guestToolsCurrent",
    "guest.guestOperationsReady": True,
}
OFF = {"runtime.powerState": "poweredOff", "guest.toolsRunningStatus": "guestToolsNotRunning"}


class Tale:
    """A history in the making; times are in seconds, a task is named by the moment of its call."""

    def __init__(self, **facts: Any) -> None:
        guests = (
            GuestAccount("root", "secret:guest.root", may_customize=True),
            GuestAccount("user", "secret:guest.user", may_customize=False),
        )
        machines = {VM.value: VmFacts(VM, "vm", 1, host=HOST.value)}
        self.facts = Facts(
            "", MANAGER, "8.0.3.0", guests=guests, vms=machines, others={HOST.value: "HostSystem"}, **facts
        )
        self.operations: list[Operation] = []

    def add(self, call: Call, start: float, end: float, outcome: Outcome, purpose: str = "arrange") -> None:
        """Add one operation."""
        self.operations.append(Operation(len(self.operations) + 1, call, start, end, outcome, purpose=purpose))

    def call(self, method: str, start: float, end: float, outcome: str = "", user: str = "root", vm: Ref = VM) -> Ref:
        """Call a method of the manager: it is accepted, or `outcome` is a fault's type or `lost`."""
        values: dict[str, Json] = {"vm": vm.json(), "auth": CLIENTS.auth(user)}
        values |= {"spec": SPEC} if method == CUSTOMIZE else {}
        return self._called(Call(MANAGER, method, Arguments(values), "full"), start, end, outcome)

    def move(self, method: str, start: float, end: float, outcome: str = "", on: Ref = VM) -> Ref:
        """Call a method of the VM itself, or of its host."""
        return self._called(Call(on, method, Arguments({}), "full"), start, end, outcome)

    def pull(self, program: str, start: float, end: float) -> None:
        """Run a lever's command line."""
        values: dict[str, Json] = {"vm": VM.json(), "spec": {"programPath": program, "arguments": ""}}
        self.add(
            Call(Ref("GuestProcessManager", "gpm"), "StartProgramInGuest", Arguments(values), "full"),
            start,
            end,
            Returned(7),
        )

    def _called(self, call: Call, start: float, end: float, outcome: str) -> Ref:
        task = Ref("Task", f"task-{start}")
        faulted = Lost("reset") if outcome == "lost" else Faulted(Fault(outcome)) if outcome else Returned(task.json())
        self.add(call, start, end, faulted, "judge" if call.object == MANAGER else "arrange")
        return task

    def task(self, task: Ref, start: float, end: float, state: str, fault: str = "", result: Ref | None = None) -> None:
        """Read a task."""
        info: dict[str, Json] = {"state": state} | ({"result": result.json()} if result else {})
        info |= {"error": {"fault": {"_typeName": fault}}} if fault else {}
        self._read(task, ["info"], start, end, {"info": info})

    def read(self, start: float, end: float, values: dict[str, Json], vm: Ref = VM) -> None:
        """Read the power and the Tools of a VM."""
        self._read(vm, list(UP), start, end, values)

    def _read(self, ref: Ref, paths: list[str], start: float, end: float, values: dict[str, Json]) -> None:
        spec = {"objectSet": [{"obj": ref.json()}], "propSet": [{"type": ref.type, "pathSet": paths}]}
        collector = Ref("PropertyCollector", "propertyCollector")
        call = Call(collector, "RetrievePropertiesEx", Arguments({"specSet": [spec]}), "full")
        self.add(call, start, end, Returned(values), "read")

    def judged(self, limits: Limits | None = None) -> list[Order]:
        """Look for the legal orders."""
        operations = sorted(self.operations, key=lambda each: each.end)
        contracts = [load("VirtualMachineGuestCustomizationManager"), load("VirtualMachine")]
        return legal_orders(operations, self.facts, *contracts, limits=limits)

    @property
    def answer(self) -> Answer:
        """Whether the whole has a legal order."""
        return answer_of(self.judged())


def customized(tale: Tale, times: Sequence[float]) -> None:
    """Customize between the first and second time, with one read running that ends at the third, and success at the fourth."""
    start, end, running, done = times
    task = tale.call(CUSTOMIZE, start, end)
    tale.task(task, running - 0.1, running, "running")
    tale.task(task, done - 0.1, done, "success")


def test_two_customizations_may_follow_each_other_even_if_both_are_read_running() -> None:
    """The second is legal if it may have waited for the first; read running it may still wait (oracle rule A8)."""
    waiting = Tale()
    customized(waiting, (1.0, 1.1, 1.5, 4.0))
    task = waiting.call(CUSTOMIZE, 2.0, 2.1)
    waiting.task(task, 2.4, 2.5, "queued")
    waiting.task(task, 5.0, 5.1, "success")
    assert waiting.answer is Answer.LEGAL
    both = Tale()
    customized(both, (1.0, 1.1, 1.5, 4.0))
    customized(both, (2.0, 2.1, 2.5, 5.0))
    both.task(Ref("Task", "task-1.0"), 2.6, 2.7, "running")
    assert both.answer is Answer.LEGAL


def test_a_violation_is_explained_by_what_it_takes() -> None:
    """The window leaves out what has nothing to do with it; the picture marks the operation that no order reaches."""
    tale = Tale()
    for moment in (0.1, 0.2, 0.3):
        tale.read(moment, moment + 0.05, UP)
    customized(tale, (1.0, 1.1, 1.5, 4.0))
    tale.read(2.0, 2.1, UP)
    tale.call(CUSTOMIZE, 5.0, 5.1, "TaskInProgress")
    [order] = tale.judged()
    found = explain(order)
    assert found.vm == VM.value
    assert set(found.ops()) == {8}, found.text()
    assert found.legal == 5
    assert found.before == found.last == ("Tools ready, lock free", "Tools starting, lock free")
    assert f"! {found.op}" in found.text()


def test_busy_must_have_a_cause() -> None:
    """TaskInProgress is legal beside a task that may run, and not after all of them have ended."""
    for refusal, answer in (((2.0, 2.1), Answer.LEGAL), ((5.0, 5.1), Answer.ILLEGAL)):
        tale = Tale()
        customized(tale, (1.0, 1.1, 1.5, 4.0))
        tale.call(CUSTOMIZE, *refusal, "TaskInProgress")
        assert tale.answer is answer


@pytest.mark.parametrize(("lost", "answer"), [("lost", Answer.LEGAL), ("NotAuthenticated", Answer.ILLEGAL)])
def test_a_lost_reply_may_explain_what_is_seen_later(lost: str, answer: Answer) -> None:
    """A customization whose reply was lost may have left its lock; one that was refused may not.

    The lock is known to be free before, for a customization succeeded.
    """
    tale = Tale()
    tale.read(0.1, 0.2, UP)
    customized(tale, (1.0, 1.1, 1.5, 2.0))
    tale.call(CUSTOMIZE, 3.0, 3.1, lost)
    task = tale.call(CUSTOMIZE, 8.0, 8.1)
    tale.task(task, 8.5, 8.6, "error", "CustomizationFault")
    assert tale.answer is answer


def test_a_lost_reply_forces_nothing() -> None:
    """The next customization may as well succeed."""
    tale = Tale()
    tale.call(CUSTOMIZE, 1.0, 1.1, "lost")
    customized(tale, (2.0, 2.1, 2.5, 4.0))
    assert tale.answer is Answer.LEGAL


def test_a_customization_ends_with_the_abort_that_began_while_it_ran() -> None:
    """It may end in an error, or in success before the abort has; it may not be read running after it and succeed."""
    for last, state, fault, answer in (
        (3.2, "error", "CustomizationFault", Answer.LEGAL),
        (3.2, "success", "", Answer.LEGAL),
        (6.0, "success", "", Answer.ILLEGAL),
    ):
        tale = Tale()
        task = tale.call(CUSTOMIZE, 1.0, 1.1)
        tale.task(task, 1.5, 1.6, "running")
        abort = tale.call(ABORT, 2.0, 2.1)
        tale.task(abort, 3.0, 3.3, "success")
        if last > 4:
            tale.task(task, 4.0, 4.1, "running")
        tale.task(task, last, last + 0.1, state, fault)
        assert tale.answer is answer, state


def test_an_abort_leaves_no_lock() -> None:
    """After it no customization may be kept out by a lock, but for the first one once (oracle promise F4)."""
    tale = Tale()
    tale.read(0.1, 0.2, UP)
    task = tale.call(CUSTOMIZE, 1.0, 1.1)
    tale.task(task, 1.5, 1.6, "running")
    abort = tale.call(ABORT, 2.0, 2.1)
    tale.task(task, 2.5, 2.6, "error", "CustomizationFault")
    tale.task(abort, 3.0, 3.3, "success")
    answers = [tale.answer]
    for start in (5.0, 6.0):
        again = tale.call(CUSTOMIZE, start, start + 0.1)
        tale.task(again, start + 0.5, start + 0.6, "error", "CustomizationFault")
        answers.append(tale.answer)
    assert answers == [Answer.LEGAL, Answer.LEGAL, Answer.ILLEGAL]


def test_power_and_reads_must_agree() -> None:
    """What was switched off is read off, unless the read may have come before, or the report may be old."""
    for start, late, answer in ((1.0, 0.0, Answer.LEGAL), (3.0, 0.0, Answer.ILLEGAL), (3.0, 5.0, Answer.LEGAL)):
        tale = Tale(runtime_staleness=late, staleness=60.0)
        task = tale.move("PowerOffVM_Task", 0.5, 0.6)
        tale.task(task, 2.0, 2.1, "success")
        tale.read(start, start + 0.1, UP)
        assert tale.answer is answer, start


def test_tools_are_reported_late_by_a_measure_of_their_own() -> None:
    """What was stopped may be read running for as long as Tools report late, however soon the server reports the rest."""
    for start, late, answer in ((5.0, 2.0, Answer.ILLEGAL), (5.0, 20.0, Answer.LEGAL), (50.0, 20.0, Answer.ILLEGAL)):
        tale = Tale(runtime_staleness=1.0, staleness=late, levers=(Lever("stopTools", "stop"),))
        tale.read(0.1, 0.2, UP)
        tale.pull("stop", 1.0, 1.1)
        tale.read(start, start + 0.1, UP)
        assert tale.answer is answer, (start, late)


def test_a_power_off_explains_the_error_of_a_task_that_ran() -> None:
    """UnexpectedCustomizationFault has no other cause here (oracle row M1)."""
    for with_power, answer in ((True, Answer.LEGAL), (False, Answer.ILLEGAL)):
        tale = Tale()
        tale.read(0.1, 0.2, UP)
        task = tale.call(CUSTOMIZE, 1.0, 1.1)
        if with_power:
            power = tale.move("PowerOffVM_Task", 2.0, 2.1)
            tale.task(power, 2.5, 2.6, "success")
        tale.task(task, 3.0, 3.1, "error", "UnexpectedCustomizationFault")
        assert tale.answer is answer


def test_a_lost_host_counts_for_each_of_its_machines() -> None:
    """HostNotConnected is judged elsewhere; InvalidHostConnectionState needs the loss of the VM's own host."""
    for host, answer in ((HOST, Answer.LEGAL), (Ref("HostSystem", "host-2"), Answer.ILLEGAL)):
        tale = Tale()
        tale.read(0.1, 0.2, UP)
        gone = tale.move("DisconnectHost_Task", 1.0, 1.1, on=host)
        tale.task(gone, 1.5, 1.6, "success")
        tale.call(CUSTOMIZE, 2.0, 2.1, "InvalidHostConnectionState")
        assert tale.answer is answer


def test_what_a_session_is_refused_says_nothing_of_the_vm() -> None:
    """NotAuthenticated and NoPermission are judged in the session's own history."""
    tale = Tale()
    tale.call(CUSTOMIZE, 1.0, 1.1, "NotAuthenticated")
    tale.call(CUSTOMIZE, 2.0, 2.1, "NoPermission")
    customized(tale, (3.0, 3.1, 3.5, 4.0))
    assert tale.answer is Answer.LEGAL


@pytest.mark.parametrize(("cloned", "answer"), [(2.0, Answer.LEGAL), (6.0, Answer.ILLEGAL)])
def test_a_clone_begins_as_its_parent_may_have_been(cloned: float, answer: Answer) -> None:
    """A lock that was held when the clone was made has no owner in it; one that was given back before is not there."""
    tale = Tale()
    tale.read(0.1, 0.2, UP)
    customized(tale, (0.3, 0.4, 0.5, 0.9))  # so the lock is known to be free
    customized(tale, (1.0, 1.1, 1.5, 5.0))
    task = tale.move("InstantClone_Task", cloned, cloned + 0.1)
    tale.task(task, cloned + 0.5, cloned + 0.6, "success", result=CHILD)
    failed = tale.call(CUSTOMIZE, 8.0, 8.1, vm=CHILD)
    tale.task(failed, 8.5, 8.6, "error", "CustomizationFault")
    assert tale.answer is answer


def test_too_little_time_is_no_answer() -> None:
    """A search that had none says so, and why, where it would have had to look."""
    tale = Tale()
    for number in range(9):
        start = 1 + number / 100
        task = tale.call(CUSTOMIZE, start, start + 0.2)
        tale.task(task, 9.0 + number, 9.1 + number, "success")
    assert tale.answer is Answer.LEGAL
    [order] = tale.judged(Limits(memory=2048))
    assert order.result.answer is Answer.INCONCLUSIVE
    assert "configurations" in order.result.reason
