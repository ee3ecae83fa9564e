"""What is known of each VM as a history goes on: locks, running tasks, clones, lost replies, reboots."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from vcontract._contract import Contract
from vcontract._model import Asked, Facts, Lever, State, Tracker, VmFacts, expect
from vcontract._terms import Arguments, Call, Fault, Faulted, Lost, Operation, Outcome, Ref, Returned

C, N, A = "CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task"
MANAGER = Ref("VirtualMachineGuestCustomizationManager", "gcm")
VM, CHILD = Ref("VirtualMachine", "vm-1"), Ref("VirtualMachine", "vm-9")
READY = {
    "runtime.powerState": "poweredOn",
    "runtime.connectionState": "connected",
    "guest.toolsRunningStatus": "guestToolsRunning",
    "guest.guestOperationsReady": True,
}


class Script:
    """Feeds a tracker with operations, one second each."""

    def __init__(self, contract: Contract) -> None:
        levers = tuple(Lever(each, each) for each in ("orphanLock", "crashEngine", "removeEngine", "restoreEngine"))
        facts = Facts(MANAGER.type, MANAGER, "8.0.3.0", vms={VM.value: VmFacts(VM, "one", 1)}, levers=levers)
        self.tracker, self.contract, self.time = Tracker(facts, contract), contract, 0.0

    def feed(self, ref: Ref, method: str, outcome: Outcome, **arguments: Any) -> Operation:
        """Feed one operation."""
        self.time += 2.0
        call = Call(ref, method, Arguments(arguments), "full")
        done = Operation(int(self.time), call, self.time, self.time + 1, outcome)
        self.tracker.feed(done)
        return done

    def called(self, method: str, outcome: Outcome) -> Operation:
        """Feed a call of the manager about the VM."""
        return self.feed(MANAGER, method, outcome, vm=VM.json())

    def accepted(self, method: str, task: str) -> Operation:
        """Feed a call of the manager that was given a task."""
        return self.called(method, Returned(Ref("Task", task).json()))

    def read(self, ref: Ref, values: dict[str, Any] | None) -> None:
        """Feed a read; None: the object is gone."""
        outcome = Faulted(Fault("ManagedObjectNotFound")) if values is None else Returned(values)
        self.feed(
            Ref("PropertyCollector", "pc"),
            "RetrievePropertiesEx",
            outcome,
            specSet=[{"objectSet": [{"obj": ref.json()}]}],
        )

    def task(self, task: str, state: str, **more: Any) -> None:
        """Feed a read of a task's info."""
        self.read(Ref("Task", task), {"info": {"state": state, **more}})

    def lever(self, name: str) -> None:
        """Feed the command line of a lever."""
        spec = {"programPath": name, "arguments": ""}
        self.feed(Ref("GuestProcessManager", "gpm"), "StartProgramInGuest", Returned(7), vm=VM.json(), spec=spec)

    def locks(self, vm: Ref = VM) -> set[bool]:
        """Say whether the lock may be orphaned, may be free, or both."""
        return {each.orphaned for each in self.tracker.states(vm.value)}

    def now(self, but: str = "") -> frozenset[State]:
        """Give the states during a call that is made just now."""
        states = self.tracker.states(VM.value)
        return self.tracker.during(VM.value, self.time + 1.1, self.time + 1.2, states, but)

    def free(self) -> None:
        """Make sure of a free lock: a customization succeeds."""
        self.accepted(C, "task-0")
        self.task("task-0", "success")


@pytest.fixture
def script(contract: Contract) -> Script:
    """Give a script about one VM of which nothing is known yet."""
    return Script(contract)


def test_nothing_is_known_of_the_lock_at_first(script: Script) -> None:
    """Whoever was here before may have left it held; a VM never heard of does not exist."""
    assert script.locks() == {True, False}
    assert script.tracker.states("vm-77") == frozenset({State(exists=False)})


def test_success_of_a_customization_or_an_abort_frees_the_lock(script: Script) -> None:
    """F2 and F4; a network start says nothing of the lock."""
    script.accepted(N, "task-1")
    script.task("task-1", "success")
    assert script.locks() == {True, False}
    script.accepted(A, "task-2")
    assert script.locks() == {True, False}, "acceptance is not success"
    script.task("task-2", "success")
    assert script.locks() == {False}
    script.lever("orphanLock")
    script.free()
    assert script.tracker.states(VM.value) == frozenset({State(guest="spec", network="up")})


def test_error_of_a_customization_leaves_the_lock_free_or_orphaned(script: Script) -> None:
    """F3: and the guest as before or undefined; a network start may leave it too, if it came so far, and an abort none."""
    script.free()
    script.accepted(C, "task-1")
    script.task("task-1", "error", error={"fault": {"_typeName": "CustomizationFault"}})
    assert {(each.orphaned, each.guest) for each in script.tracker.states(VM.value)} == {
        (held, guest) for held in (True, False) for guest in ("spec", "undefined")
    }
    script.free()
    for method, fault, locks in (
        (A, "CustomizationFault", {False}),
        (N, "GuestPermissionDenied", {False}),
        (N, "CustomizationFault", {False, True}),
    ):
        script.accepted(method, f"task-{method}{fault}")
        script.task(f"task-{method}{fault}", "error", error={"fault": {"_typeName": fault}})
        assert script.locks() == locks


def test_the_first_final_state_is_the_truth(script: Script) -> None:
    """Oracle rule A6: later reads of the task change nothing any more."""
    script.lever("orphanLock")
    script.accepted(C, "task-1")
    script.task("task-1", "success")
    script.lever("orphanLock")
    script.task("task-1", "success")
    assert script.locks() == {True}


def test_a_task_counts_as_running_only_in_a_sandwich(script: Script) -> None:
    """Oracle rule A8: read running before the call's start and again after its end; a reference alone may be queued."""
    script.free()
    script.accepted(C, "task-1")
    assert {each.running for each in script.now()} == {"", "customize"}
    script.task("task-1", "queued")
    script.task("task-1", "running")
    start, end = script.time + 1.1, script.time + 1.2
    states = script.tracker.states(VM.value)
    assert {each.running for each in script.tracker.during(VM.value, start, end, states)} == {"", "customize"}
    script.task("task-1", "running")
    during = script.tracker.during(VM.value, start, end, states)
    assert {(each.running, each.task) for each in during} == {("customize", "task-1")}
    script.task("task-1", "success")
    assert {each.running for each in script.now()} == {""}
    assert {each.running for each in script.tracker.during(VM.value, start, end, states, "task-1")} == {""}


def test_a_task_whose_end_may_be_shown_late_counts_as_running_only_if_it_is_read_so_later_still(script: Script) -> None:
    """A server may have freed the VM before it shows that: what is read running within d_pub of the call proves nothing."""
    script.free()
    script.tracker.facts = replace(script.tracker.facts, publish=5.0)
    script.accepted(C, "task-1")
    script.task("task-1", "running")
    start, end = script.time + 1.1, script.time + 1.2
    states = script.tracker.states(VM.value)
    script.task("task-1", "running")
    assert {each.running for each in script.tracker.during(VM.value, start, end, states)} == {"", "customize"}
    script.time = end + 5.0
    script.task("task-1", "running")
    assert {each.running for each in script.tracker.during(VM.value, start, end, states)} == {"customize"}


@pytest.mark.parametrize(("method", "kind"), [(C, "customize"), (N, "network"), (A, "abort")])
def test_kinds_of_work(method: str, kind: str, script: Script) -> None:
    """Each method is its own kind of work; any other task of the VM is exclusive."""
    script.accepted(method, "task-1")
    assert kind in {each.running for each in script.now()}
    script.task("task-1", "success")
    script.feed(VM, "CreateSnapshot_Task", Returned(Ref("Task", "task-2").json()))
    assert {each.running for each in script.now()} == {"", "exclusive"}


def test_a_task_of_another_vm_does_not_count(script: Script) -> None:
    """Only what runs on the VM itself makes it busy."""
    script.tracker.add_vm(VmFacts(CHILD, "two", 1))
    script.feed(CHILD, "CreateSnapshot_Task", Returned(Ref("Task", "task-2").json()))
    assert {each.running for each in script.now()} == {""}


def clone(script: Script, between: Callable[[], None]) -> None:
    """Clone the VM while something is so."""
    operation = script.feed(
        VM, "InstantClone_Task", Returned(Ref("Task", "task-5").json()), spec={"name": "child", "location": {}}
    )
    assert operation.call.method == "InstantClone_Task"
    between()
    script.task("task-5", "success", result=CHILD.json())


def test_a_clone_of_a_customizing_vm_has_an_orphaned_lock(script: Script) -> None:
    """The lock travels with the guest's memory; the child has the lock and no task."""
    script.free()
    script.accepted(C, "task-1")
    script.task("task-1", "running")
    clone(script, lambda: script.task("task-1", "running"))
    assert script.locks(CHILD) == {True}
    assert script.tracker.facts.vms[CHILD.value].name == "child"
    assert script.locks() == {False}


def test_a_clone_of_a_vm_that_may_be_customizing_keeps_both_branches(script: Script) -> None:
    """A customization that was only accepted may or may not hold the lock; one that is over does not."""
    script.free()
    script.accepted(C, "task-1")
    clone(script, lambda: None)
    assert script.locks(CHILD) == {True, False}
    script.task("task-1", "success")
    clone(script, lambda: None)
    assert script.locks(CHILD) == {False}


@pytest.mark.parametrize("method", ["PowerOffVM_Task", "ResetVM_Task"])
def test_a_reboot_may_free_an_orphaned_lock(method: str, script: Script) -> None:
    """No source settles it, so both are kept, once the reboot has succeeded."""
    script.lever("orphanLock")
    script.feed(VM, method, Returned(Ref("Task", "task-3").json()))
    assert script.locks() == {True}
    script.task("task-3", "success")
    assert script.locks() == {True, False}


def test_guest_reboot_without_a_task_may_free_the_lock_too(script: Script) -> None:
    """RebootGuest returns at once."""
    script.lever("orphanLock")
    script.feed(VM, "RebootGuest", Returned())
    assert script.locks() == {True, False}


def test_revert_of_a_snapshot_leaves_nothing_known(script: Script) -> None:
    """A snapshot of memory may hold a lock."""
    script.free()
    script.feed(VM, "RevertToCurrentSnapshot_Task", Returned(Ref("Task", "task-3").json()))
    script.task("task-3", "success")
    assert script.locks() == {True, False}
    assert {each.engine for each in script.tracker.states(VM.value)} == {"ok", "absent", "broken"}


def test_a_snapshot_brings_its_engine_back(script: Script) -> None:
    """It is on the disk: also where memory was not kept, a revert undoes its removal."""
    script.feed(VM, "CreateSnapshot_Task", Returned(Ref("Task", "task-3").json()), memory=False)
    script.task("task-3", "success")
    script.lever("removeEngine")
    assert {each.engine for each in script.tracker.states(VM.value)} == {"absent"}
    script.feed(VM, "RevertToCurrentSnapshot_Task", Returned(Ref("Task", "task-4").json()))
    script.task("task-4", "success")
    assert {each.engine for each in script.tracker.states(VM.value)} == {"ok"}


@pytest.mark.parametrize(("method", "kind"), [(C, "customize"), (N, "network"), (A, "abort")])
def test_a_lost_reply_keeps_both_branches(method: str, kind: str, script: Script) -> None:
    """It may have happened or not, and its task may still run, unseen."""
    script.lever("orphanLock")
    script.called(method, Lost("reset"))
    assert script.locks() == ({True} if method == N else {True, False})
    assert {each.running for each in script.now()} == {"", kind}
    assert "TaskInProgress" in expect(script.now(), Asked(C), script.contract).allowed


def test_a_refused_call_changes_nothing(script: Script) -> None:
    """F1."""
    script.free()
    before = script.tracker.states(VM.value)
    for method in (C, N, A):
        script.called(method, Faulted(Fault("InvalidState")))
    assert script.tracker.states(VM.value) == before


def test_levers(script: Script) -> None:
    """An operator's command line does in the model what it does in the guest; a crash may leave the lock or not."""
    script.free()
    script.lever("removeEngine")
    assert {each.engine for each in script.tracker.states(VM.value)} == {"absent"}
    script.lever("restoreEngine")
    assert {each.engine for each in script.tracker.states(VM.value)} == {"ok"}
    script.lever("crashEngine")
    assert script.locks() == {True, False}
    script.lever("somethingElse")
    assert script.locks() == {True, False}


def test_sessions_come_and_go_with_login_and_logout(script: Script) -> None:
    """An ended session is none."""
    manager = Ref("SessionManager", "sm")
    script.feed(manager, "Login", Returned({}), userName="root")
    assert script.tracker.facts.sessions == {"full": "root"}
    script.feed(manager, "Logout", Returned())
    assert script.tracker.facts.sessions == {}


def test_reads_of_the_vm_replace_what_was_assumed(script: Script) -> None:
    """Power and Tools are read; a VM that cannot be found is gone."""
    script.read(VM, READY | {"runtime.powerState": "suspended"})
    assert {each.power for each in script.tracker.states(VM.value)} == {"suspended"}
    script.read(VM, {"name": "not the state"})
    assert {each.power for each in script.tracker.states(VM.value)} == {"suspended"}
    script.read(VM, None)
    assert script.tracker.states(VM.value) == frozenset({State(exists=False)})


def test_a_customization_that_an_abort_cut_leaves_no_lock(script: Script) -> None:
    """F4: whichever end is read first; but a customization that was not seen running may have begun after the abort."""
    for number, first in enumerate((A, C)):
        script.free()
        script.accepted(C, f"cut-{number}")
        script.task(f"cut-{number}", "running")
        script.accepted(A, f"abort-{number}")
        ends = {A: (f"abort-{number}", "success"), C: (f"cut-{number}", "error")}
        for task, state in (ends.pop(first), *ends.values()):
            script.task(task, state)
        assert {(each.orphaned, each.guest) for each in script.tracker.states(VM.value)} == {(False, "undefined")}
    script.free()
    script.accepted(C, "late")
    script.accepted(A, "abort")
    script.task("abort", "success")
    script.task("late", "error")
    assert script.locks() == {True, False}


def test_a_run_that_goes_on_knows_nothing_for_sure(script: Script) -> None:
    """What nobody watched may have happened; what runs now is read anew, and old sessions are gone."""
    script.free()
    script.lever("removeEngine")
    script.accepted(C, "task-9")
    script.called(C, Lost("reset"))
    script.feed(Ref("SessionManager", "sm"), "Login", Returned({}), userName="admin")
    script.tracker.resume()
    states = script.tracker.states(VM.value)
    assert {each.orphaned for each in states} == {True, False}
    assert {each.engine for each in states} == {"absent", "ok"}
    assert {each.guest for each in states} == {"before", "undefined"}
    assert {each.running for each in script.now()} == {""}
    assert script.tracker.facts.sessions == {}


UP = {
    "runtime.powerState": "poweredOn",
    "runtime.connectionState": "connected",
    "guest.toolsRunningStatus": "guestToolsRunning",
    "guest.guestOperationsReady": True,
}
DOWN = UP | {"guest.toolsRunningStatus": "guestToolsNotRunning", "guest.guestOperationsReady": False}


@pytest.mark.parametrize("method", ["RebootGuest", "ResetVM_Task"])
def test_tools_that_are_down_in_a_boot_may_be_up_at_the_next_call(script: Script, method: str) -> None:
    """From the boot until they are read up again; before it, and after it, down is down."""

    def tools() -> set[str]:
        return {each.tools for each in script.tracker.states_at(VM.value, script.time + 1)}

    script.read(VM, DOWN)
    assert tools() == {"stopped"}
    script.read(VM, UP)
    task = Returned(Ref("Task", "task-1").json()) if method.endswith("_Task") else Returned()
    script.feed(VM, method, task)
    script.task("task-1", "success")
    if method == "RebootGuest":
        script.read(VM, UP)  # asked for, and not yet begun
    script.read(VM, DOWN)
    assert tools() == {"stopped", "starting"}
    script.read(VM, UP)
    script.read(VM, DOWN)
    assert tools() == {"stopped"}
    script.tracker.resume()  # nobody watched, so it may boot
    assert tools() == {"stopped", "starting"}


def test_what_a_vm_was_at_first_is_remembered(script: Script) -> None:
    """A run that made a template of a VM, and was cut, knows what to make of it again."""
    script.read(VM, UP | {"config.template": False})
    script.read(VM, {"runtime.powerState": "poweredOff", "config.template": True})
    script.tracker.resume()
    assert script.tracker.was_template == {VM.value: False}


def test_a_task_whose_name_came_before_is_the_latest(script: Script) -> None:
    """A server that began anew names its tasks from the first on again; the order is that in which they were accepted."""
    script.accepted(C, "task-1")
    script.task("task-1", "success")
    script.accepted(C, "task-2")
    script.task("task-2", "success")
    again = script.accepted(C, "task-1")
    assert list(script.tracker.tasks) == ["task-2", "task-1"]
    assert script.tracker.tasks["task-1"].accepted is again
