"""What exploration taught the judge: aborts that are cut, tasks that go with their VM, old readings, snapshots."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from vcontract._terms import Fault, Faulted, Grade, Ref, Returned, Verdict

C, N, A = "CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task"
VM = Ref("VirtualMachine", "vm-1")
RENAMED = {"guest.hostName": "web.example.com", "guest.net": [{"ipAddress": ["10.1.0.9"]}]}


def test_an_abort_that_was_cut_may_have_done_its_work(story: Any) -> None:
    """A reset ends the abort in an error after it has ended a network start, and both conform (oracle row M7)."""
    story.vm()
    story.accepted(N)
    story.task("task-1", "running")
    story.accepted(A, "task-2")
    story.task("task-1", "error", error="CustomizationFault")
    story.feed(VM, "ResetVM_Task", Returned(Ref("Task", "task-3").json()))
    story.task("task-2", "error", error="InvalidState")
    story.task("task-3", "success")
    story.vm(boot="2026-02-02T00:00:00Z")
    assert [each.verdict for each in story.judged()] == [Verdict.CONFORMS, Verdict.CONFORMS]


def test_an_abort_that_nothing_cut_and_that_failed_did_nothing(story: Any) -> None:
    """Its own error explains no other task's."""
    story.vm()
    story.accepted(N)
    story.task("task-1", "running")
    story.accepted(A, "task-2")
    story.task("task-2", "error", error="GuestPermissionDenied")
    story.task("task-1", "error", error="CustomizationFault")
    story.vm()
    assert story.judged()[0].grade is Grade.SPURIOUS


def test_a_task_may_go_with_its_vm_before_it_was_read(story: Any) -> None:
    """Oracle row M2: destroying the VM takes its task away; without that it must be readable at once (oracle rule A12)."""
    for cell, destroyed in (("gone", True), ("there", False)):
        story.cell = cell
        story.vm()
        story.accepted(N, f"task-{cell}")
        if destroyed:
            story.feed(VM, "Destroy_Task", Returned(Ref("Task", "task-9").json()))
            story.task("task-9", "success")
        story.read(Ref("Task", f"task-{cell}"), None)
        verdict = story.verdict()
        assert bool(verdict.broken) is not destroyed
        assert (verdict.verdict is Verdict.VIOLATES) is not destroyed


def test_a_task_that_ended_after_the_vm_was_read_may_have_changed_it(story: Any) -> None:
    """What is new after a refusal (oracle promise F1) may be a customization's whose end was read between VM and call."""
    story.vm()
    story.accepted(C)
    story.task("task-1", "running")
    story.vm()
    story.task("task-1", "success")
    story.refused(N, "InvalidRequest", actor="nobody")
    story.send(story.refused(N, "NotAuthenticated", actor="nobody").call, Faulted(Fault("NotAuthenticated")))
    story.vm(**RENAMED)
    assert [each.broken for each in story.judged()[1:]] == [(), (), ()]


def test_what_changed_after_a_refusal_where_nobody_else_is_at_work_is_its_doing(story: Any) -> None:
    """The other side of it: a name that the guest never had, and that no call gave it."""
    story.judge.tracker.facts = replace(story.judge.tracker.facts, alone=True)
    story.vm()
    story.refused(N, "NotAuthenticated", actor="nobody")
    story.vm(**{"guest.hostName": "third"})
    assert story.verdict().verdict is Verdict.VIOLATES
