"""Reports may be old: what a VM was within the staleness still permits its faults (oracle rules A5, A11)."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from vcontract._terms import Grade, Ref, Returned, Verdict

NETWORK = "StartGuestNetwork_Task"
VM = Ref("VirtualMachine", "vm-1")
DOWN = {"tools": "guestToolsNotRunning", "guest.guestOperationsReady": False}


def late(story: Any, *, runtime: float = 10.0, tools: float = 180.0) -> Any:
    """Make reports so late, of a VM that is known to have run for long."""
    facts = story.judge.tracker.facts
    story.judge.tracker.facts = replace(facts, staleness=tools, runtime_staleness=runtime)
    for _ in range(2):
        story.time += tools
        story.vm()
    return story


def does(story: Any, method: str, task: str = "task-77") -> None:
    """Tell of an arranging call on the VM, whose task succeeds."""
    story.feed(VM, method, Returned(Ref("Task", task).json()))
    story.task(task, "success")


def refused_as_off(story: Any) -> Any:
    """Tell of a call that is refused as if the VM were off, and give the judgement."""
    story.refused(NETWORK, "InvalidPowerState", fields={"existingState": "poweredOff"})
    story.vm()
    return story.verdict()


def served(story: Any, task: str = "task-78") -> Any:
    """Tell of a call that is obeyed, and give the judgement."""
    story.accepted(NETWORK, task)
    story.task(task, "success")
    story.vm()
    return story.verdict()


@pytest.mark.parametrize(
    ("runtime", "pause", "verdict"),
    [(60.0, 0.0, Verdict.CONFORMS), (0.0, 0.0, Verdict.VIOLATES), (5.0, 60.0, Verdict.VIOLATES)],
)
def test_what_was_true_within_the_staleness_is_permitted(
    story: Any, runtime: float, pause: float, verdict: Verdict
) -> None:
    """Right where reports are as old as that, wrong where they are fresh, wrong after longer."""
    late(story, runtime=runtime, tools=runtime)
    story.vm(power="poweredOff")
    story.vm()
    story.time += pause
    story.vm()
    assert refused_as_off(story).verdict is verdict


def test_a_power_state_is_not_as_late_as_tools(story: Any) -> None:
    """What was so 15 s ago is over where the server reports within 10 s, whatever Tools take."""
    late(story)
    story.vm(power="poweredOff")
    story.vm()
    story.time += 15
    story.vm()
    judged = refused_as_off(story)
    assert (judged.verdict, judged.grade) == (Verdict.VIOLATES, Grade.WRONG)


@pytest.mark.parametrize(("pause", "verdict"), [(100.0, Verdict.CONFORMS), (200.0, Verdict.VIOLATES)])
def test_tools_may_be_reported_late_for_long(pause: float, verdict: Verdict, story: Any) -> None:
    """A VM was reset, and its Tools were never seen down: 100 s later they may be, and not 200 s later."""
    late(story)
    does(story, "ResetVM_Task")
    story.vm()
    story.time += pause
    story.vm()
    story.refused(NETWORK, "InvalidState")
    story.vm()
    assert story.verdict().verdict is verdict


def test_after_a_boot_both_are_right(story: Any) -> None:
    """Oracle row T3: Tools that are reported up may be those of before."""
    late(story)
    does(story, "ResetVM_Task")
    story.vm()
    assert served(story).verdict is Verdict.CONFORMS


def test_tools_that_went_down_and_came_up_are_up(story: Any) -> None:
    """What was seen to change has settled: a refusal is wrong at once."""
    late(story)
    does(story, "ResetVM_Task")
    story.vm(**DOWN)
    story.vm()
    story.refused(NETWORK, "InvalidState")
    story.vm()
    assert story.verdict().verdict is Verdict.VIOLATES


def test_a_power_state_that_was_seen_to_change_is_believed(story: Any) -> None:
    """The VM was powered off and then read off: that it is obeyed is a violation, however late reports are."""
    late(story)
    does(story, "PowerOffVM_Task")
    story.vm(power="poweredOff", **DOWN)
    story.accepted(NETWORK, "task-78")
    story.task("task-78", "success")
    story.vm(power="poweredOff", **DOWN)
    judged = story.verdict()
    assert (judged.verdict, judged.grade) == (Verdict.VIOLATES, Grade.MISSING)


def test_a_power_state_that_was_not_seen_to_change_is_not(story: Any) -> None:
    """The VM was powered off and is still read on: it may be refused as off, and not be obeyed either."""
    late(story)
    does(story, "PowerOffVM_Task")
    story.vm()
    assert refused_as_off(story).verdict is Verdict.CONFORMS
