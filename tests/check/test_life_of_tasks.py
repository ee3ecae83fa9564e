"""The life of a task: what no task may do, what is only a note, and when one is stuck."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from vcontract._terms import Fault, Faulted, Grade, Ref, Returned, Verdict

C, N = "CustomizeGuest_Task", "StartGuestNetwork_Task"
VM = Ref("VirtualMachine", "vm-1")
Read = tuple[str, dict[str, Any]]
DONE: dict[str, Any] = {"startTime": "2026-01-01T00:00:01Z", "completeTime": "2026-01-01T00:00:02Z"}

HARD: list[tuple[str, list[Read]]] = [
    ("info.state", [("success", {}), ("running", {})]),
    ("info.state", [("running", {}), ("success", {}), ("error", {"error": "InvalidState"})]),
    ("info.state", [("error", {"error": "InvalidState"}), ("success", {})]),
    ("info.state", [("running", {}), ("queued", {}), ("success", {})]),
    ("info.state", [("running", {}), ("succeeded", {}), ("success", {})]),
    ("info.error", [("running", {"error": "InvalidState"}), ("success", {})]),
    ("info.error", [("success", {"error": "InvalidState"})]),
    ("info.result", [("success", {"result": {"_typeName": "string", "_value": "done"}})]),
    ("info.completeTime", [("success", {"startTime": "2026-01-01T00:00:09Z", "completeTime": "2026-01-01T00:00:02Z"})]),
]


@pytest.mark.parametrize(("field", "reads"), HARD)
def test_what_no_task_may_do(field: str, reads: list[Read], story: Any) -> None:
    """Oracle rule A12, the hard part: the finding is the result row's, whatever else became of the call."""
    story.vm()
    story.accepted(N)
    for state, info in reads:
        story.task("task-1", state, **info)
    story.vm()
    found = story.verdict()
    assert found.verdict is Verdict.VIOLATES
    assert any(each.startswith(f"{field}: ") for each in found.broken), found.broken
    assert found.grade.fails


@pytest.mark.parametrize(
    ("complete", "facts", "verdict"),
    [
        ("2026-01-01T00:00:08.9Z", {}, Verdict.CONFORMS),
        ("2026-01-01T00:00:08.9Z", {"alone": True}, Verdict.VIOLATES),
        ("2026-01-01T02:00:08.5+02:00", {}, Verdict.CONFORMS),
        ("2026-01-01T00:00:07Z", {}, Verdict.VIOLATES),
        ("yesterday", {}, Verdict.CONFORMS),
    ],
)
def test_the_times_of_a_server_may_be_of_two_clocks(
    complete: str, facts: dict[str, bool], verdict: Verdict, story: Any
) -> None:
    """A host and its vCenter may differ by less than a second (oracle section D); on a target that is ours there is one."""
    story.judge.tracker.facts = replace(story.judge.tracker.facts, **facts)
    story.vm()
    story.accepted(N)
    story.task("task-1", "success", startTime="2026-01-01T00:00:09.1Z", completeTime=complete)
    story.vm()
    assert story.verdict().verdict is verdict


def test_an_error_without_its_fault(story: Any) -> None:
    """State error says which error."""
    story.vm()
    story.accepted(N)
    story.task("task-1", "error")
    story.vm()
    assert story.verdict().verdict is Verdict.VIOLATES
    assert "info.error: it ended in error without saying which" in story.verdict().broken


SOFT: list[tuple[list[Read], list[str]]] = [
    ([("queued", {}), ("running", {}), ("success", DONE)], []),
    ([("success", DONE)], []),
    ([("running", {"progress": 40}), ("running", {"progress": 20}), ("success", {})], ["progress fell"]),
    ([("running", {"progress": 40}), ("running", {}), ("success", {})], []),
    ([("success", {"entity": Ref("VirtualMachine", "vm-2").json()})], ["entity is not the VM"]),
    ([("success", {"entity": VM.json()})], []),
    ([("success", {"name": "Customize"})], ["name is not the method's"]),
    ([("success", {"name": N})], []),
    ([("success", {"startTime": "2026-01-01T00:00:02.9Z", "completeTime": "2026-01-01T00:00:02.1Z"})], []),
]


@pytest.mark.parametrize(("reads", "notes"), SOFT)
def test_what_is_only_a_note(reads: list[Read], notes: list[str], story: Any) -> None:
    """Oracle rule A12, the notes; states that were not seen prove nothing."""
    story.vm()
    story.accepted(N)
    for state, info in reads:
        story.task("task-1", state, **info)
    story.vm()
    found = story.verdict()
    assert (found.verdict, found.grade, found.broken) == (Verdict.CONFORMS, Grade.CONFORMS, ())
    assert list(found.notes) == notes


def test_a_reference_of_another_type(story: Any) -> None:
    """A server that copies the page's wrong type name returns no Task."""
    story.vm()
    story.call(N, Returned(Ref("SmsTask", "task-1").json()))
    story.vm()
    assert (story.verdict().grade, story.verdict().verdict) == (Grade.PROTOCOL, Verdict.VIOLATES)


@pytest.mark.parametrize("fault", ["NoPermission", "NotAuthenticated", "ManagedObjectNotFound"])
def test_a_task_that_its_own_session_cannot_read(fault: str, story: Any) -> None:
    """It is returned for monitoring, so the calling session can read it at once."""
    story.vm()
    story.accepted(N)
    story.read(Ref("Task", "task-1"), None, fault)
    story.vm()
    found = story.verdict()
    assert (found.verdict, found.field) == (Verdict.VIOLATES, "info")


@pytest.mark.parametrize(
    ("fault", "observed", "verdict"),
    [("ManagedObjectNotFound", "forgotten", Verdict.INCONCLUSIVE), ("NoPermission", "forgotten", Verdict.VIOLATES)],
)
def test_a_task_may_be_forgotten_for_one_that_ended_after_it(
    fault: str, observed: str, verdict: Verdict, story: Any
) -> None:
    """Oracle rule A6: of those that have ended a server may remember the last one alone; what it remembers it must show."""
    story.feed(VM, "ResetVM_Task", Returned(Ref("Task", "task-2").json()))
    story.vm()
    story.accepted(N)
    story.read(Ref("Task", "task-1"), None, fault)
    story.task("task-2", "success")
    story.vm()
    assert (story.verdict().observed, story.verdict().verdict) == (observed, verdict)


def test_a_task_is_not_forgotten_for_one_that_ended_before_it(story: Any) -> None:
    """That was over when the call was made."""
    story.feed(VM, "ResetVM_Task", Returned(Ref("Task", "task-2").json()))
    story.task("task-2", "success")
    story.vm()
    story.accepted(N)
    story.read(Ref("Task", "task-1"), None, "ManagedObjectNotFound")
    story.vm()
    assert story.verdict().verdict is Verdict.VIOLATES


def test_a_task_that_was_forgotten_later_is_no_violation(story: Any) -> None:
    """Oracle rule A6: real servers forget completed tasks; what it came to is not known."""
    story.vm()
    story.accepted(N)
    story.task("task-1", "running")
    story.read(Ref("Task", "task-1"), None)
    story.vm()
    assert (story.verdict().observed, story.verdict().verdict) == ("forgotten", Verdict.INCONCLUSIVE)


def test_a_task_goes_with_its_vm(story: Any) -> None:
    """Oracle row M2: the VM was destroyed, and removing an object removes its tasks."""
    story.vm()
    story.accepted(C)
    story.task("task-1", "running")
    story.feed(VM, "Destroy_Task", Returned(Ref("Task", "task-2").json()))
    story.read(Ref("Task", "task-1"), None)
    story.read(VM, None)
    assert (story.verdict().observed, story.verdict().verdict) == ("gone", Verdict.CONFORMS)


def test_a_task_that_does_not_end_is_stuck_or_open(story: Any) -> None:
    """Oracle rule A14: with a limit it is a violation; before it, or without one, nothing is known."""
    story.vm()
    story.accepted(N)
    story.task("task-1", "running")
    assert story.verdict().verdict is Verdict.INCONCLUSIVE
    story.cell = "late"
    story.vm()
    story.accepted(N, "task-2")
    story.time += 200
    story.task("task-2", "running")
    assert (story.verdict().observed, story.verdict().verdict) == ("stuck", Verdict.VIOLATES)


def test_without_a_limit_a_task_that_does_not_end_is_open(story: Any, contract: Any, bases: Any) -> None:
    """A real target, where no limit is configured."""
    patient = type(story)(contract, bases, task_seconds=0.0)
    patient.vm()
    patient.accepted(N)
    patient.time += 1e6
    patient.task("task-1", "running")
    assert (patient.verdict().observed, patient.verdict().verdict) == ("unfinished", Verdict.INCONCLUSIVE)


MIDDLE = [
    ("PowerOffVM_Task", VM, "InvalidPowerState", {"power": "poweredOff"}),
    ("ResetVM_Task", VM, "CustomizationFault", {"boot": "2026-02-02T00:00:00Z"}),
    (
        "DisconnectHost_Task",
        Ref("HostSystem", "host-1"),
        "HostNotConnected",
        {"runtime.connectionState": "disconnected"},
    ),
]


@pytest.mark.parametrize(("method", "on", "fault", "after"), MIDDLE)
def test_what_happened_in_mid_task_may_end_it(
    method: str, on: Ref, fault: str, after: dict[str, Any], story: Any
) -> None:
    """Oracle rows M1 and M4: such a fault is the task's, and without the happening it would be wrong."""
    story.vm()
    story.accepted(C)
    story.task("task-1", "running")
    story.feed(on, method, Returned(Ref("Task", "task-2").json()))
    story.task("task-1", "error", error=fault)
    story.vm(**after)
    assert (story.verdict().grade, story.verdict().channel) == (Grade.CONFORMS, "task")
    story.task("task-2", "success")
    story.known_free()
    story.cell = "quiet"
    story.vm(power="poweredOn")
    story.accepted(N, "task-3")
    story.task("task-3", "error", error=fault)
    story.vm(power="poweredOn")
    assert story.verdict().grade in {Grade.SPURIOUS, Grade.WRONG}


def test_a_disturbance_that_was_refused_happened_not(story: Any) -> None:
    """A power off that answers TaskInProgress, or whose task fails, explains nothing."""
    story.vm()
    story.accepted(N)
    story.task("task-1", "running")
    story.feed(VM, "PowerOffVM_Task", Faulted(Fault("TaskInProgress")))
    story.feed(VM, "SuspendVM_Task", Returned(Ref("Task", "task-2").json()))
    story.task("task-2", "error", error="InvalidState")
    story.task("task-1", "error", error="InvalidPowerState")
    story.vm()
    assert story.verdict().grade is Grade.SPURIOUS


def test_an_abort_may_end_a_customization(story: Any) -> None:
    """Oracle row M7: the customization ends in a CustomizationFault, the abort succeeds, and both conform."""
    story.vm()
    story.accepted(C)
    story.task("task-1", "running")
    story.accepted("AbortCustomization_Task", "task-2")
    story.task("task-1", "error", error="CustomizationFault")
    story.task("task-2", "success")
    story.vm()
    assert [each.verdict for each in story.judged()] == [Verdict.CONFORMS, Verdict.CONFORMS]
