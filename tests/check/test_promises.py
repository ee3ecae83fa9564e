"""What holds after a call, promise by promise; and that what happened in between makes a finding inconclusive."""

from __future__ import annotations

from typing import Any

import pytest

from tests.check.conftest import Story
from vcontract._contract import Contract
from vcontract._terms import Grade, Ref, Returned, Verdict

C, N, A = "CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task"
VM = Ref("VirtualMachine", "vm-1")
SET = {"guest.hostName": "web.example.com", "guest.net": [{"ipAddress": ["10.1.0.9"]}]}


def recent(*tasks: str) -> dict[str, Any]:
    """Give the recentTask property."""
    return {"recentTask": [Ref("Task", each).json() for each in tasks]}


OURS = {"name": N, "reason": {"userName": "ADMIN"}, "entity": VM.json(), "queueTime": "2026-03-03T10:00:05Z"}
GHOSTS = [
    ({}, Verdict.VIOLATES, "recentTask"),
    ({"reason": None, "entity": None}, Verdict.VIOLATES, "recentTask"),
    ({"name": None, "descriptionId": f"X.{N[0].lower()}{N[1:-5]}"}, Verdict.VIOLATES, "recentTask"),
    ({"name": None, "descriptionId": "X.powerOff"}, Verdict.CONFORMS, ""),
    ({"name": "Drm.ExecuteVMotionLRO"}, Verdict.CONFORMS, ""),
    ({"reason": {"userName": "stranger"}}, Verdict.CONFORMS, ""),
    ({"entity": Ref("VirtualMachine", "vm-2").json()}, Verdict.CONFORMS, ""),
    ({"queueTime": "2026-03-03T10:00:01Z"}, Verdict.CONFORMS, ""),
    ({"queueTime": "2026-03-03T10:00:08Z"}, Verdict.CONFORMS, ""),
    ({"queueTime": None}, Verdict.CONFORMS, ""),
    ({"queueTime": "soon"}, Verdict.CONFORMS, ""),
]


@pytest.mark.parametrize(("info", "verdict", "field"), GHOSTS)
def test_f1_no_task_after_a_refusal(info: dict[str, Any], verdict: Verdict, field: str, story: Any) -> None:
    """A new task of our method, on the VM, by our user and queued in the call's time; any other is none of ours."""
    story.clock("2026-03-03T10:00:00Z")
    story.vm(tools="guestToolsNotRunning", **recent("old"))
    story.refused(N, "InvalidState")
    story.vm(tools="guestToolsNotRunning", **recent("old", "new"))
    story.task("new", "success", **OURS | info)
    story.clock("2026-03-03T10:00:10Z")
    found = story.verdict()
    assert (found.verdict, found.field) == (verdict, field)


def test_f1_a_clock_that_runs_ahead_in_between_still_tells(story: Any) -> None:
    """While nobody looked the server's time went on by an hour, before the call or after it: the task may be the call's."""
    for before, after in (
        ("2026-03-03T09:00:00Z", "2026-03-03T10:00:10Z"),
        ("2026-03-03T10:00:00Z", "2026-03-03T11:00:00Z"),
    ):
        story.cell += "again"
        story.clock(before)
        story.vm(tools="guestToolsNotRunning", **recent("old"))
        story.refused(N, "InvalidState")
        story.vm(tools="guestToolsNotRunning", **recent("old", "new"))
        story.task("new", "success", **OURS)
        story.clock(after)
        assert story.verdict().field == "recentTask"


def test_f1_a_server_that_never_told_its_time_is_not_accused(story: Any) -> None:
    """Then nobody knows when the task was queued."""
    story.vm(tools="guestToolsNotRunning", **recent("old"))
    story.refused(N, "InvalidState")
    story.vm(tools="guestToolsNotRunning", **recent("old", "new"))
    story.task("new", "success", **OURS)
    assert story.verdict().verdict is Verdict.CONFORMS


def test_f1_tasks_that_other_calls_were_given_do_not_count(story: Any) -> None:
    """The task of an earlier call shows up in recentTask meanwhile."""
    story.vm()
    story.accepted(N, "mine")
    story.task("mine", "running")
    story.refused(N, "TaskInProgress", fields={"task": Ref("Task", "mine").json()})
    story.task("mine", "running")
    story.task("mine", "success")
    story.vm(**recent("mine"))
    assert [each.verdict for each in story.judged()] == [Verdict.CONFORMS] * 2


def test_f2_the_lock_is_free_after_success(unknown: Any) -> None:
    """So that the next customization must be accepted; before it nothing was known."""
    unknown.vm()
    unknown.accepted(C)
    unknown.task("task-1", "success")
    unknown.vm(**SET)
    unknown.cell = "next"
    unknown.refused(C, "CustomizationFault")
    unknown.vm(**SET)
    assert unknown.verdict().grade is Grade.SPURIOUS


def test_f3_after_an_error_the_lock_may_be_left_behind(story: Any) -> None:
    """Then the next customization may fail for it, or succeed."""
    spec = story.arguments(C)["spec"] | {"nicSettingMap": []}
    story.accepted(C, spec=spec)
    story.task("task-1", "error", error="CustomizationFault")
    story.vm()
    for number, fault in enumerate(("CustomizationFault", "InvalidState", "CustomizationPending")):
        story.cell = f"next{number}"
        story.vm()
        story.refused(C, fault)
        story.vm()
        assert story.verdict().grade is Grade.CONFORMS
    story.cell = "named"
    story.vm()
    story.refused(C, "TaskInProgress", fields={"task": Ref("Task", "task-1").json()})
    story.vm()
    assert story.verdict().verdict is Verdict.VIOLATES, "there is no task to name"


@pytest.mark.parametrize(
    ("reads", "verdict", "notes"),
    [
        (("error",), Verdict.CONFORMS, 0),
        (("running", "error"), Verdict.CONFORMS, 1),
        (("running", "success"), Verdict.VIOLATES, 0),
        (("running", "pause", "running", "error"), Verdict.VIOLATES, 0),
    ],
)
def test_f4_a_cut_customization_does_not_go_on(
    reads: tuple[str, ...], verdict: Verdict, notes: int, story: Any
) -> None:
    """That it ends late is only noted; that it succeeds, or outlives the limit of a task, proves that it went on."""
    story.vm()
    story.accepted(C, "cut")
    story.task("cut", "running")
    story.accepted(A, "abort")
    story.task("abort", "success")
    for state in reads:
        if state == "pause":
            story.time += 200.0
        else:
            story.task("cut", state, **({"error": "CustomizationFault"} if state == "error" else {}))
    story.vm()
    found = story.verdict()
    assert (found.verdict, found.field) == (verdict, "guest lock" if verdict is Verdict.VIOLATES else "")
    assert len(found.notes) == notes


def test_f4_the_publish_bound_gives_it_time(story: Any, contract: Any, bases: Any) -> None:
    """On a real target the end may be published late."""
    slow = type(story)(contract, bases, publish=30.0)
    slow.known_free()
    slow.vm()
    slow.accepted(C, "cut")
    slow.task("cut", "running")
    slow.accepted(A, "abort")
    slow.task("abort", "success")
    slow.task("cut", "running")
    slow.task("cut", "success")
    slow.vm()
    assert slow.verdict().verdict is Verdict.CONFORMS


def test_f4_the_lock_is_free_after_an_abort(story: Any) -> None:
    """The next valid customization succeeds: a refusal is spurious, even after a lock that was left behind."""
    story.feed(
        Ref("GuestProcessManager", "gpm"),
        "StartProgramInGuest",
        Returned(1),
        vm=VM.json(),
        spec={"programPath": "orphan"},
    )
    story.vm()
    story.accepted(A)
    story.task("task-1", "success")
    story.vm()
    story.cell = "next"
    story.vm()
    story.refused(C, "CustomizationFault")
    story.vm()
    assert story.verdict().grade is Grade.SPURIOUS


def aborts(story: Any, count: int, fault: str = "TaskInProgress", **changes: Any) -> list[Any]:
    """Refuse some aborts while one customization runs."""
    story.vm()
    story.accepted(C, "running")
    story.task("running", "running")
    for _ in range(count):
        fields = {"task": Ref("Task", "running").json()} if fault == "TaskInProgress" else {}
        story.refused(A, fault, fields=fields, **changes)
        story.task("running", "running")
    story.task("running", "success")
    story.vm(**SET)
    found: list[Any] = story.judged()[1:]
    return found


@pytest.mark.parametrize("fault", ["TaskInProgress", "InvalidState"])
def test_f5_three_refused_aborts_of_one_run_are_one_too_many(fault: str, story: Any) -> None:
    """One or two may come at a bad moment; three say that a running customization cannot be aborted."""
    found = aborts(story, 3, fault)
    assert [each.verdict for each in found] == [Verdict.CONFORMS, Verdict.CONFORMS, Verdict.VIOLATES]
    assert found[-1].grade is Grade.SPURIOUS
    assert "3 spaced aborts could not reach running" in found[-1].why


def test_f5_other_reasons_and_other_runs_do_not_count(story: Any) -> None:
    """A login that is rejected, or a new run of another customization."""
    rejected = {
        "_typeName": "NamePasswordAuthentication",
        "interactiveSession": False,
        "username": "x",
        "password": "y",
    }
    assert {each.verdict for each in aborts(story, 4, auth=rejected)} == {Verdict.CONFORMS}
    story.cell = "two"
    assert {each.verdict for each in aborts(story, 2)} == {Verdict.CONFORMS}
    for number in range(3):
        story.cell = f"one{number}"
        story.vm()
        story.accepted(C, f"run-{number}")
        story.task(f"run-{number}", "running")
        story.refused(A, "InvalidState")
        story.task(f"run-{number}", "running")
        story.task(f"run-{number}", "success")
        story.vm(**SET)
        assert story.verdict().verdict is Verdict.CONFORMS


def test_f5_tries_must_be_spaced(story: Any, contract: Any, bases: Any) -> None:
    """Three within the publish bound are one try."""
    slow = type(story)(contract, bases, publish=30.0)
    slow.known_free()
    assert {each.verdict for each in aborts(slow, 3)} == {Verdict.CONFORMS}


CHANGES = [
    {"boot": "2026-02-02T00:00:00Z"},
    {"runtime.host": Ref("HostSystem", "host-2").json()},
    {"tools": "guestToolsNotRunning"},
    {"power": "suspended"},
    {"runtime.question": {"id": "1"}},
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_cell_that_was_not_stable_is_inconclusive(change: dict[str, Any], story: Any) -> None:
    """Oracle rule A5: hard verdicts only where the wanted values, bootTime and host were the same before and after."""
    story.vm()
    story.refused(N, "InvalidState")
    story.vm(**change)
    found = story.verdict()
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.why.startswith("raced: ")


def test_the_wire_s_own_faults_stay_hard_in_an_unstable_cell(story: Any) -> None:
    """What breaks the wire contract is wrong whatever else happened to the VM."""
    story.vm(boot="2026-02-02T00:00:00Z")
    story.problems = ("returnval: attribute versionId does not belong here",)
    story.accepted(N, "task-2")
    story.task("task-2", "success")
    story.vm(boot="2026-03-03T00:00:00Z")
    assert story.verdict().verdict is Verdict.VIOLATES


@pytest.mark.parametrize("user", ["stranger", "Operator", "admin"])
def test_a_strangers_task_makes_a_cell_unstable(user: str, story: Any) -> None:
    """Oracle rule A5: recentTask must hold nothing new but ours; an uninvited vMotion may be why the VM was busy.

    Whoever began it: another run may have our account.
    """
    story.vm(**recent("old"))
    story.refused(N, "TaskInProgress", fields={"task": Ref("Task", "new").json()})
    story.task("new", "running", name="Drm.ExecuteVMotionLRO", reason={"userName": user})
    story.vm(**recent("old", "new"))
    assert story.verdict().verdict is Verdict.INCONCLUSIVE


def test_a_new_task_that_nobody_read_makes_a_cell_unstable(story: Any) -> None:
    """It came while the settings of a customization were awaited: they may be somebody else's."""
    story.vm(**recent("old"))
    story.accepted(C, "mine")
    story.task("mine", "error", error={"fault": {"_typeName": "CustomizationFault"}})
    story.vm(**recent("old", "mine", "new"))
    assert story.verdict().verdict is Verdict.INCONCLUSIVE


def test_a_refusal_that_names_somebody_elses_task_is_no_finding(story: Any) -> None:
    """It runs on the VM, whatever began it, also by our method and account; that of another VM is no excuse."""
    for entity, verdict in ((VM, Verdict.INCONCLUSIVE), (Ref("VirtualMachine", "vm-2"), Verdict.VIOLATES)):
        story.cell += "again"
        story.vm()
        story.refused(N, "TaskInProgress", fields={"task": Ref("Task", "new").json()})
        story.task("new", "running", **OURS | {"entity": entity.json()})
        story.vm()
        assert story.verdict().verdict is verdict


def test_a_task_that_our_own_call_began_makes_none_unstable(story: Any) -> None:
    """A server may list a task for a call that gives none: it is ours by its method, its user and its time."""
    story.clock("2026-03-03T10:00:00Z")
    story.vm(**recent("old"))
    story.feed(VM, "RebootGuest", Returned(None))
    story.refused(N, "InvalidGuestLogin")
    story.vm(**recent("old", "new"))
    story.task("new", "success", **OURS | {"name": "RebootGuest", "queueTime": "2026-03-03T10:00:03Z"})
    story.clock("2026-03-03T10:00:10Z")
    assert story.verdict().verdict is Verdict.VIOLATES


@pytest.mark.parametrize(("alone", "verdict"), [(True, Verdict.VIOLATES), (False, Verdict.INCONCLUSIVE)])
def test_where_nobody_else_is_a_task_of_our_call_is_ours_whatever_user_it_names(
    alone: bool,  # noqa: FBT001 - a case of the table
    verdict: Verdict,
    contract: Contract,
    bases: dict[str, str],
) -> None:
    """A server may say that it began it itself; only the operator knows that no other client did the same just then."""
    told = Story(contract, bases, alone=alone)
    told.clock("2026-03-03T10:00:00Z")
    told.vm(**recent("old"))
    told.feed(VM, "RebootGuest", Returned(None))
    told.refused(N, "InvalidGuestLogin")
    told.vm(**recent("old", "new"))
    at = {"name": "RebootGuest", "queueTime": "2026-03-03T10:00:03Z", "reason": {"userName": "vcsim"}}
    told.task("new", "success", **OURS | at)
    told.clock("2026-03-03T10:00:10Z")
    assert told.verdict().verdict is verdict
