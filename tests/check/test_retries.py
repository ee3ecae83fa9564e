"""After an abort the first valid customization may be refused once (oracle promise F4), as if its lock were still held."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from vcontract._check.linearizable import Answer
from vcontract._check.orders import answer_of, legal_orders
from vcontract._model import STATE_PATHS
from vcontract._terms import Arguments, Fault, Faulted, Grade, Lost, Operation, Ref, Verdict

C, N, A = "CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task"
VM = Ref("VirtualMachine", "vm-1")
BY = ("call", "task")
"""How a call is refused."""


def refuse(story: Any, by: str, fault: str = "CustomizationFault", task: str = "task-r", method: str = C) -> Operation:
    """Tell of a call that is refused, by itself or by its task, and of a read of the VM."""
    if by == "call":
        done: Operation = story.refused(method, fault)
    else:
        done = story.accepted(method, task)
        story.task(task, "error", error=fault)
    story.vm()
    return done


def accept(story: Any, task: str, method: str = C) -> None:
    """Tell of a call that succeeds, and of a read of the VM."""
    story.accepted(method, task)
    story.task(task, "success")
    story.vm()


@pytest.mark.parametrize("by", BY)
@pytest.mark.parametrize("fault", ["CustomizationFault", "InvalidState", "CustomizationPending"])
def test_a_refusal_that_is_not_repeated_is_no_violation(by: str, fault: str, story: Any) -> None:
    """Nor does it conform; what takes the steps is told to make the call once more."""
    story.vm()
    done = refuse(story, by, fault)
    assert story.judge.to_repeat is done
    assert story.verdict().verdict is Verdict.INCONCLUSIVE
    assert story.judge.to_repeat is None


@pytest.mark.parametrize("by", BY)
def test_a_retry_that_is_accepted_settles_it(by: str, story: Any) -> None:
    """The refusal proves nothing, and the retry is judged as any other call."""
    story.vm()
    refuse(story, by)
    accept(story, "task-2")
    assert story.judge.to_repeat is None
    first, second = story.judged()
    assert (first.verdict, first.grade) == (Verdict.CONFORMS, Grade.UNSETTLED)
    assert (second.verdict, second.grade) == (Verdict.CONFORMS, Grade.CONFORMS)


@pytest.mark.parametrize("first", BY)
@pytest.mark.parametrize("second", BY)
def test_a_second_refusal_is_a_violation(first: str, second: str, story: Any) -> None:
    """It is that of the second call, whatever the first may have left behind (F3); there is no third try."""
    story.vm()
    refuse(story, first, task="task-1")
    done = refuse(story, second, task="task-2")
    assert story.judge.to_repeat is None
    one, two = story.judged()
    assert (one.verdict, two.verdict) == (Verdict.INCONCLUSIVE, Verdict.VIOLATES)
    assert (two.op, two.expected, two.again) == (done.op, "OK", one.op)
    assert set(two.ops) >= {one.op, done.op}


@pytest.mark.parametrize("by", BY)
def test_the_second_refusal_may_come_in_a_later_cell(by: str, story: Any) -> None:
    """So it is in histories of others, whoever made the calls."""
    story.vm()
    refuse(story, by, task="task-1")
    story.judge.close()
    story.cell = "later"
    story.vm()
    refuse(story, by, task="task-2")
    assert story.verdict().verdict is Verdict.VIOLATES


def test_another_fault_is_not_excused(story: Any) -> None:
    """An abort explains a lock that is held; no login, no power state, no undeclared fault, no task that has ended."""
    for number, (fault, fields) in enumerate(
        [
            ("InvalidGuestLogin", {}),
            ("GuestPermissionDenied", {}),
            ("InvalidPowerState", {"existingState": "poweredOff"}),
            ("NicSettingMismatch", {}),
            ("AlreadyExists", {}),
            ("TaskInProgress", {"task": Ref("Task", "task-0").json()}),
            ("SystemError", {"reason": "the disk is full"}),
        ]
    ):
        story.cell = f"cell{number}"
        accept(story, f"abort-{number}", A)
        story.judge.close()
        story.refused(C, fault, fields=fields)
        story.vm()
        assert story.judge.to_repeat is None, fault
        assert story.verdict().verdict is Verdict.VIOLATES, fault


def test_after_a_success_nothing_is_excused(story: Any) -> None:
    """Then the lock is free, and the abort is long past."""
    story.vm()
    accept(story, "task-1")
    refuse(story, "call")
    assert story.judge.to_repeat is None
    assert story.verdict().verdict is Verdict.VIOLATES


def test_a_start_of_the_network_is_not_excused(story: Any) -> None:
    """The promise is about the next customization."""
    story.vm()
    refuse(story, "call", method=N)
    assert story.judge.to_repeat is None
    assert story.verdict().verdict is Verdict.VIOLATES


def test_a_call_that_must_be_refused_is_not_the_first(story: Any) -> None:
    """A bad login is refused before anybody looks at the lock: the next valid call is the first one."""
    story.vm()
    story.refused(C, "InvalidGuestLogin", auth={"_typeName": "NamePasswordAuthentication", "username": "nobody"})
    refuse(story, "call")
    assert story.judge.to_repeat is not None
    assert [each.verdict for each in story.judged()] == [Verdict.CONFORMS, Verdict.INCONCLUSIVE]


def test_every_abort_allows_one_retry(story: Any) -> None:
    """A refusal after the next abort is the first again."""
    story.vm()
    refuse(story, "call")
    accept(story, "abort-1", A)
    story.cell = "next"
    story.vm()
    done = refuse(story, "call")
    assert story.judge.to_repeat is done
    assert story.verdict().verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("by", BY)
def test_what_happens_in_between_is_no_retry_at_once(by: str, story: Any) -> None:
    """A network start that succeeded may have changed why: the next call is judged by what is known then."""
    story.vm()
    refuse(story, by)
    accept(story, "task-n", N)
    story.cell = "next"
    story.vm()
    refuse(story, "call")
    assert story.judge.to_repeat is None
    assert story.verdict().verdict is (Verdict.VIOLATES if by == "call" else Verdict.CONFORMS)


def test_a_lost_reply_is_not_the_first(story: Any) -> None:
    """Nobody knows whether it was refused."""
    story.vm()
    story.call(C, Lost("no reply"))
    story.vm()
    refuse(story, "call", "InvalidState")
    assert Verdict.VIOLATES not in {each.verdict for each in story.judged()}


def test_while_anything_runs_no_retry_is_asked_for(story: Any) -> None:
    """Beside a customization a refusal is one for its lock, and a retry would be refused as rightly."""
    story.vm()
    story.accepted(C, "mine")
    story.task("mine", "running")
    story.refused(C, "TaskInProgress", fields={"task": Ref("Task", "mine").json()})
    story.task("mine", "running")
    assert story.judge.to_repeat is None


def test_an_interrupted_run_begins_anew(story: Any) -> None:
    """Nobody saw what was called meanwhile."""
    story.vm()
    refuse(story, "call")
    story.judge.resume()
    assert story.judge.to_repeat is None


def test_a_reply_that_breaks_the_wire_is_a_violation(story: Any) -> None:
    """Whatever it says."""
    story.vm()
    story.problems = ("fault: it is not of the schema",)
    story.call(C, Faulted(Fault("CustomizationFault")))
    story.vm()
    assert story.verdict().verdict is Verdict.VIOLATES


def order_of(story: Any) -> Answer:
    """Look for a legal order of what was told, as if it were of many clients, whose reads say what they asked for."""

    def whole(done: Operation) -> Operation:
        if done.purpose != "read":
            return done
        spec = {**done.call.arguments["specSet"][0], "propSet": [{"pathSet": list(STATE_PATHS)}]}
        return replace(done, call=replace(done.call, payload=Arguments({"specSet": [spec]})))

    return answer_of(legal_orders(map(whole, story.told), story.judge.tracker.facts, story.contract))


@pytest.mark.parametrize("by", BY)
def test_of_many_clients_one_refusal_has_an_order(by: str, story: Any) -> None:
    """What the abort has ended may be taken to run beside it."""
    story.vm()
    refuse(story, by)
    accept(story, "task-2")
    assert order_of(story) is Answer.LEGAL


@pytest.mark.parametrize("by", BY)
def test_of_many_clients_a_second_refusal_has_none(by: str, story: Any) -> None:
    """The first one had ended before it began, and nothing else was under way, so that it left no lock either."""
    story.vm()
    refuse(story, by)
    refuse(story, "call")
    assert order_of(story) is Answer.ILLEGAL


@pytest.mark.parametrize("fault", ["InvalidGuestLogin", "NicSettingMismatch"])
def test_of_many_clients_another_fault_has_none(fault: str, story: Any) -> None:
    """No lock explains it."""
    story.vm()
    refuse(story, "call", fault)
    assert order_of(story) is Answer.ILLEGAL


def test_of_many_clients_what_ran_was_not_refused(story: Any) -> None:
    """A customization that was read running and is then ended by nobody has no order."""
    story.vm()
    story.accepted(C, "task-2")
    story.task("task-2", "running")
    story.task("task-2", "error", error="CustomizationFault")
    assert order_of(story) is Answer.ILLEGAL


def test_of_many_clients_a_success_ends_the_chance(story: Any) -> None:
    """As it does for one."""
    story.vm()
    accept(story, "task-2")
    refuse(story, "call")
    assert order_of(story) is Answer.ILLEGAL
