"""What only the lives of tasks tell: whether a success counts, and whether a fault came too late to say anything."""

from __future__ import annotations

from typing import Any

import pytest

from vcontract._terms import Grade, Ref, Returned, Verdict

C, N, A = "CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task"
BESIDE = [
    ("2026-01-01T00:00:05Z", "2026-01-01T00:00:09Z", Grade.CONFORMS),
    ("2026-01-01T00:00:03Z", "2026-01-01T00:00:09Z", Grade.CONFORMS),
    ("2026-01-01T00:00:03Z", "2026-01-01T00:00:04Z", Grade.MISSING),
    ("2026-01-01T00:00:00Z", "2026-01-01T00:00:06Z", Grade.MISSING),
    ("2026-01-01T00:00:01Z", "2026-01-01T00:00:04Z", Grade.CONFORMS),
    ("", "", Grade.CONFORMS),
]


@pytest.mark.parametrize(("start", "end", "grade"), BESIDE)
def test_success_beside_a_customization_is_wrong_only_inside_its_life(
    start: str, end: str, grade: Grade, unknown: Any, contract: Any, bases: Any
) -> None:
    """K1: `running` does not prove a held lock, so they may overlap; where others change the VMs, it is a note at most."""
    for alone in (True, False):
        story = type(unknown)(contract, bases, alone=alone)
        story.known_free()
        first, second = f"first-{start}", f"second-{start}"
        story.vm()
        story.accepted(C, first)
        story.task(first, "running")
        story.accepted(C, second)
        story.task(first, "running")
        story.task(first, "success", startTime="2026-01-01T00:00:01Z", completeTime="2026-01-01T00:00:05Z")
        story.task(second, "success", startTime=start, completeTime=end)
        story.vm(**{"guest.hostName": "web", "guest.net": [{"ipAddress": ["10.1.0.9"]}]})
        assert story.verdict().grade is (grade if alone else Grade.CONFORMS)
        noted = [each for each in story.verdict().notes if "inside the other" in each]
        assert bool(noted) is (grade is Grade.MISSING and not alone)


def test_a_customization_that_failed_keeps_no_other_out(unknown: Any, contract: Any, bases: Any) -> None:
    """K1: only two successes show that the lock was not kept."""
    story = type(unknown)(contract, bases, alone=True)
    story.known_free()
    story.vm()
    story.accepted(C, "first")
    story.task("first", "running")
    story.accepted(C, "second")
    story.task("first", "running")
    story.task("second", "success", startTime="2026-01-01T00:00:03Z", completeTime="2026-01-01T00:00:04Z")
    story.task(
        "first",
        "error",
        error="CustomizationFault",
        startTime="2026-01-01T00:00:01Z",
        completeTime="2026-01-01T00:00:05Z",
    )
    story.vm(**{"guest.hostName": "web", "guest.net": [{"ipAddress": ["10.1.0.9"]}]})
    assert story.verdict().grade is Grade.CONFORMS


LATE = {"startTime": "2026-01-01T00:00:01Z", "completeTime": "2026-01-01T00:00:26Z"}
EARLY = LATE | {"completeTime": "2026-01-01T00:00:25.999Z"}


@pytest.mark.parametrize(
    ("method", "fault", "times", "grade"),
    [
        (C, "CustomizationFault", LATE, Grade.UNSETTLED),
        (N, "Timedout", LATE, Grade.UNSETTLED),
        (C, "SystemError", LATE, Grade.UNSETTLED),
        (C, "CustomizationFault", EARLY, Grade.SPURIOUS),
        (C, "CustomizationFault", {}, Grade.SPURIOUS),
        (A, "CustomizationFault", LATE, Grade.WRONG),
        (C, "InvalidGuestLogin", LATE, Grade.WRONG),
        (N, "NoPermission", LATE, Grade.WRONG),
        (N, "ManagedObjectNotFound", LATE, Grade.WRONG),
    ],
)
def test_a_task_that_failed_late_may_have_been_given_up(
    method: str, fault: str, times: dict[str, str], grade: Grade, story: Any
) -> None:
    """S1: after 25 s, of C and N, any fault that time can bring about; never one of rows W, Q, O, V, L."""
    story.vm()
    story.accepted(method)
    story.task("task-1", "running")
    story.task("task-1", "error", error=fault, **times)
    story.vm()
    assert story.verdict().grade is grade


def test_a_late_fault_of_the_call_itself_is_none(story: Any) -> None:
    """S1 is of tasks."""
    story.vm()
    story.refused(C, "CustomizationFault")
    story.vm()
    assert story.verdict().grade is Grade.SPURIOUS


def test_a_frozen_guest_does_nothing(story: Any) -> None:
    """T5: a refusal or no end, success only if it was thawed; its login and lock cannot be known."""
    frozen = {"runtime.instantCloneFrozen": True}
    for fault, grade in (
        ("InvalidState", Grade.CONFORMS),
        ("TaskInProgress", Grade.CONFORMS),
        ("GuestOperationsUnavailable", Grade.UNSETTLED),
        ("InvalidGuestLogin", Grade.WRONG),
        ("CustomizationFault", Grade.WRONG),
    ):
        story.cell = fault
        story.vm(**frozen)
        story.refused(C, fault)
        story.vm(**frozen)
        assert story.verdict().grade is grade, fault
    for after, grade in ((frozen, Grade.MISSING), ({"runtime.paused": True}, Grade.MISSING), ({}, Grade.CONFORMS)):
        story.cell = f"success{after}"
        story.vm(**frozen)
        story.accepted(N, f"task{after}")
        story.task(f"task{after}", "success")
        story.vm(**after)
        assert story.verdict().grade is grade, after


def test_a_task_of_a_frozen_guest_need_not_end(story: Any) -> None:
    """T5: whatever the limit of a task's life, the end is only unseen."""
    story.vm(**{"runtime.paused": True})
    story.accepted(N)
    story.task("task-1", "running")
    story.time += 1000
    story.task("task-1", "running")
    story.vm(**{"runtime.paused": True})
    assert (story.verdict().observed, story.verdict().verdict) == ("unfinished", Verdict.INCONCLUSIVE)


def test_a_cut_customization_may_succeed_only_soon(unknown: Any, contract: Any, bases: Any) -> None:
    """M7: within d_pub of the abort's end the success may have come before it."""
    for publish, grade in ((30.0, Grade.CONFORMS), (0.0, Grade.MISSING)):
        story = type(unknown)(contract, bases, publish=publish)
        story.known_free()
        story.vm()
        story.accepted(C)
        story.task("task-1", "running")
        story.feed(
            Ref("VirtualMachineGuestCustomizationManager", "gcm"), A, Returned(Ref("Task", "task-2").json()),
            vm=Ref("VirtualMachine", "vm-1").json(),
        )  # fmt: skip
        story.task("task-2", "success")
        story.task("task-1", "running")
        story.task("task-1", "success")
        story.vm(**{"guest.hostName": "web", "guest.net": [{"ipAddress": ["10.1.0.9"]}]})
        assert story.verdict().grade is grade
