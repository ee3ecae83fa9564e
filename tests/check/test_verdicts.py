"""From judgements to the verdicts on rows, to findings and to the verdict on a run."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from vcontract._check import Confirming, Judgement, fingerprint, row_of, summarise, worst
from vcontract._check.verdicts import RUNTIME_CELLS
from vcontract._contract import Contract, rows
from vcontract._model.labels import Label
from vcontract._terms import Grade, RowVerdict, Verdict

MANAGER = "VirtualMachineGuestCustomizationManager"
C, N, A = "CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task"


def judgement(observed: str, allowed: str, situations: str = "", **more: Any) -> Judgement:
    """Give a judgement; conforming unless said otherwise."""
    known: dict[str, Any] = {
        "op": 1,
        "cell": f"{N}:{observed}",
        "method": N,
        "verdict": Verdict.CONFORMS,
        "grade": Grade.CONFORMS,
        "expected": allowed,
        "observed": observed,
        "allowed": tuple(allowed.split()),
        "situations": tuple(situations.split()),
    }
    return Judgement(**(known | more))


def failed(observed: str, allowed: str, situations: str = "", grade: Grade = Grade.WRONG, **more: Any) -> Judgement:
    """Give a judgement that violates."""
    return judgement(
        observed, allowed, situations, **({"verdict": Verdict.VIOLATES, "grade": grade, "why": "because"} | more)
    )


class Sums:
    """Sums up judgements of one contract."""

    def __init__(self, contract: Contract, bases: dict[str, str]) -> None:
        self.contract, self.bases = contract, bases

    def __call__(self, *judged: Judgement, confirm: int = 1, extra: tuple[RowVerdict, ...] = ()) -> Any:
        """Sum up."""
        listed, told = rows(self.contract, self.bases), {each.id for each in extra}
        ours = (RowVerdict(f"{MANAGER}/{each}", Verdict.CONFORMS) for each in ("properties", "since", "singleton"))
        given = (*extra, *(each for each in ours if each.id not in told))
        confirming = Confirming(confirm)
        return summarise(
            self.contract, listed, judged, given, self.bases, confirm=confirming, replay="replay {}".format
        )

    def row(self, name: str, *judged: Judgement, confirm: int = 1) -> RowVerdict:
        """Give the verdict on one row of StartGuestNetwork_Task, or of every method."""
        id_ = name if "/" in name else f"{MANAGER}/{N}/{name}"
        found: RowVerdict = next(each for each in self(*judged, confirm=confirm).rows if each.id == id_)
        return found


@pytest.fixture
def sums(contract: Contract, bases: dict[str, str]) -> Sums:
    """Give what sums up."""
    return Sums(contract, bases)


MAY = judgement("InvalidPowerState", "InvalidPowerState InvalidState", "P1")
OTHER = judgement("OK", "OK", "K5 Z0")


def test_a_fault_row_conforms_when_it_was_exercised_on_both_sides(sums: Sums) -> None:
    """A cell where the fault may appear, one where it may not; `observed` counts what came of this row."""
    found = sums.row("InvalidPowerState", MAY, MAY, OTHER)
    assert (found.verdict, found.reason, found.observed) == (Verdict.CONFORMS, "", {"InvalidPowerState": 2})


def test_a_fault_that_was_permitted_and_never_chosen_conforms(sums: Sums) -> None:
    """Oracle rule A7: and says so."""
    found = sums.row("InvalidState", MAY, OTHER)
    assert (found.verdict, found.reason, found.observed) == (Verdict.CONFORMS, "never chosen", {})


@pytest.mark.parametrize(("judged", "side"), [([MAY], "may not"), ([OTHER], "may"), ([], "may")])
def test_a_row_that_was_exercised_on_one_side_is_untested(judged: list[Judgement], side: str, sums: Sums) -> None:
    """One side alone proves nothing."""
    found = sums.row("InvalidPowerState", *judged)
    assert found.verdict is Verdict.UNTESTED
    assert found.reason == f"one-sided: no cell in which InvalidPowerState {side} appear was exercised"


def test_a_secret_in_a_reply_is_a_finding_for_each_method_that_shows_it(sums: Sums) -> None:
    """Beside whatever else is wrong with the reply, of which it is no part."""
    leak = ("secret: the reply repeats guest.nobody",)
    plain = failed("InvalidGuestLogin", "InvalidGuestLogin", grade=Grade.PROTOCOL, field="secret", broken=leak)
    worse = failed("InvalidGuestLogin", "OK", grade=Grade.SPURIOUS, broken=leak)
    also = replace(worse, method=A, cell=f"{A}:InvalidGuestLogin")
    assert [each.row for each in sums(plain).findings] == [f"{MANAGER}/{N}/result"]
    rows_of = sorted(each.row for each in sums(plain, worse, also).findings)
    assert rows_of == sorted(f"{MANAGER}/{method}/{row}" for method in (N, A) for row in ("result", "Success"))
    assert sums.row("result", worse, MAY, OTHER).verdict is Verdict.VIOLATES


def test_a_row_of_answers_that_no_source_settles_is_untested(sums: Sums) -> None:
    """They break nothing and prove nothing (oracle rule A16): one answer that is settled suffices."""
    open_ = judgement(
        "SystemError", "InvalidState SystemError", "T1", grade=Grade.UNSETTLED, unsettled=("SystemError",)
    )
    found = sums.row("InvalidState", open_, OTHER)
    assert found.verdict is Verdict.UNTESTED
    assert "no source settles" in found.reason
    assert sums.row("InvalidState", open_, MAY, OTHER).verdict is Verdict.CONFORMS
    alone = sums.row("RuntimeFault", open_, OTHER)
    assert alone.reason == "one-sided: no cell in which RuntimeFault may appear was exercised"


def test_a_blocked_cell_leaves_its_rows_untested(sums: Sums) -> None:
    """Not green: the standing refusal is named."""
    blocked = judgement(
        "MethodDisabled", "InvalidPowerState InvalidState", verdict=Verdict.UNTESTED, grade=Grade.SPURIOUS
    )
    found = sums.row("InvalidPowerState", blocked, MAY, OTHER)
    assert (found.verdict, found.reason) == (Verdict.UNTESTED, "blocked: MethodDisabled")


def test_an_inconclusive_cell_leaves_its_rows_inconclusive(sums: Sums) -> None:
    """Not green either."""
    unsure = judgement("unfinished", "InvalidPowerState", verdict=Verdict.INCONCLUSIVE, why="no end was seen")
    found = sums.row("InvalidPowerState", unsure, MAY, OTHER)
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, "no end was seen")


def test_the_worst_wins(sums: Sums) -> None:
    """Violates before inconclusive before untested before conforms; for a row and for the run."""
    assert worst([Verdict.CONFORMS, Verdict.INCONCLUSIVE, Verdict.UNTESTED]) is Verdict.INCONCLUSIVE
    assert worst([Verdict.VIOLATES, Verdict.INCONCLUSIVE]) is Verdict.VIOLATES
    assert worst([]) is Verdict.CONFORMS
    unsure = judgement("unfinished", "InvalidPowerState", verdict=Verdict.INCONCLUSIVE)
    wrong = failed("InvalidPowerState", "InvalidPowerState", field="existingState")
    assert sums.row("InvalidPowerState", unsure, wrong, MAY, OTHER).verdict is Verdict.VIOLATES
    assert sums(unsure, wrong, MAY, OTHER).verdict is Verdict.VIOLATES
    assert sums(MAY, OTHER).verdict is Verdict.UNTESTED


def test_the_runtime_fault_row_needs_its_six_cells(sums: Sums) -> None:
    """Oracle section G: the cells that need no lever must all have been seen."""
    one = judgement("InvalidRequest", "InvalidRequest InvalidType", "W1", cell=f"{N}:malformed")
    found = sums.row("RuntimeFault", one, OTHER)
    assert found.verdict is Verdict.UNTESTED
    assert found.reason == "not exercised: vmUnknown, vmOtherType, noSession, thisUnknown, oldVersion"
    six = [judgement("RequestX", "InvalidRequest", "W1", cell=f"{N}:{name}#2") for name in RUNTIME_CELLS]
    assert sums.row("RuntimeFault", *six, OTHER).verdict is Verdict.CONFORMS


def test_success_rows_need_a_call_that_had_to_succeed(sums: Sums) -> None:
    """Success that was only permitted does not count; what it breaks does."""
    lucky = judgement("OK", "OK InvalidState")
    assert sums.row("Success", lucky).reason == "no call had to succeed"
    assert sums.row("Success", MAY).reason == "no call succeeded"
    assert sums.row("Success", OTHER, lucky).observed == {"OK": 1}
    refused = failed("InvalidState", "OK", "K5 Z0", Grade.SPURIOUS)
    assert sums.row("Success", refused, OTHER).verdict is Verdict.VIOLATES


@pytest.mark.parametrize(
    ("row", "situation", "fault"),
    [("parameters", "W1", "InvalidRequest"), ("privilege", "V1", "NoPermission"), ("since", "W2", "MethodNotFound")],
)
def test_promises_beside_the_faults_need_both_ends(row: str, situation: str, fault: str, sums: Sums) -> None:
    """A call that succeeded, and one that was refused for the lack of it."""
    refused = judgement(fault, fault, situation)
    assert sums.row(row, OTHER).verdict is Verdict.UNTESTED
    assert sums.row(row, refused).verdict is Verdict.UNTESTED
    assert sums.row(row, OTHER, refused).observed == {"OK": 1, fault: 1}


def test_every_method_rows_cite_the_same_evidence(sums: Sums) -> None:
    """Oracle section G: cells a to f serve both; a malformed request that is accepted breaks both rows."""
    refused = judgement("InvalidRequest", "InvalidRequest InvalidType", "W1")
    found = sums.row("EveryMethod/InvalidRequest", refused, OTHER)
    assert (found.verdict, found.observed) == (Verdict.CONFORMS, {"InvalidRequest": 1})
    assert sums.row("EveryMethod/InvalidRequest", OTHER).verdict is Verdict.UNTESTED
    accepted = failed("OK", "InvalidRequest InvalidType", "W1", Grade.MISSING)
    assert sums.row("EveryMethod/InvalidRequest", accepted, refused).verdict is Verdict.VIOLATES
    assert sums.row("RuntimeFault", accepted, refused, OTHER).verdict is Verdict.VIOLATES
    assert sums.row("EveryMethod/NotAuthenticated", accepted, refused).verdict is Verdict.UNTESTED


def test_every_method_rows_are_not_broken_by_another_rows_fault(sums: Sums) -> None:
    """A wrong field of InvalidPowerState beside a missing privilege is not the privilege's."""
    both = failed("InvalidPowerState", "NoPermission InvalidPowerState", "V1 P1", field="existingState")
    granted = judgement("NoPermission", "NoPermission", "V1")
    assert sums.row("EveryMethod/NoPermission", both, granted).verdict is Verdict.CONFORMS
    nobody = failed("NoPermission", "NoPermission InvalidPowerState", "V1 P1", field="privilegeId")
    assert sums.row("EveryMethod/NoPermission", nobody, granted).verdict is Verdict.VIOLATES


def test_verdicts_from_elsewhere_stand(sums: Sums) -> None:
    """The object's own rows are judged from other reads."""
    given = RowVerdict(f"{MANAGER}/singleton", Verdict.VIOLATES, "two of them")
    found = sums(MAY, OTHER, extra=(given,))
    assert given in found.rows
    assert found.verdict is Verdict.VIOLATES


TRIES = [f"{N}:busy", f"{N}:busy#2", f"{N}:busy#3"]


def test_a_finding_must_come_in_every_try(sums: Sums) -> None:
    """Oracle rule A5: three of three from a fresh arrange; two of three are a race."""
    tries = [failed("InvalidGuestLogin", "OK", "K5", Grade.SPURIOUS, cell=cell) for cell in TRIES]
    assert len(sums(*tries, confirm=3).findings) == 1
    assert sums.row("Success", *tries, OTHER, confirm=3).verdict is Verdict.VIOLATES
    for less in (tries[:2], [*tries[:2], judgement("OK", "OK", cell=TRIES[2])]):
        assert sums(*less, confirm=3).findings == ()
        assert sums(*less, confirm=3).verdict is not Verdict.VIOLATES
    found = next(each for each in sums(*tries[:2], confirm=3).rows if each.id.endswith(f"{N}/Success"))
    assert found.verdict is not Verdict.CONFORMS


def test_three_different_deviations_are_not_one_that_repeats(sums: Sums) -> None:
    """The same finding must repeat, not just any."""
    tries = [
        failed(fault, "OK", "K5", Grade.SPURIOUS, cell=cell)
        for fault, cell in zip(("SystemError", "InvalidState", "TaskInProgress"), TRIES, strict=True)
    ]
    assert sums(*tries, confirm=3).findings == ()
    assert len(sums(*tries).findings) == 3


def test_one_finding_for_one_deviation(sums: Sums) -> None:
    """However often it came; with the place of the first, and the command that replays it."""
    wrong = [failed("OK", "InvalidPowerState", "P1", Grade.MISSING, op=op, cell=f"{N}:cell{op}") for op in (7, 9)]
    (found,) = sums(*wrong, OTHER).findings
    assert (found.row, found.op, found.cell) == (f"{MANAGER}/{N}/InvalidPowerState", 7, f"{N}:cell7")
    assert (found.object, found.method, found.grade) == (MANAGER, N, Grade.MISSING)
    assert (found.expected, found.observed, found.replay) == ("InvalidPowerState", "OK", f"replay {found.id}")


def test_the_id_of_a_finding_knows_no_value(story: Any, sums: Sums) -> None:
    """12 hex digits over row, grade, type, channel and field: the same for another VM, task, address, cell or operation."""

    def ids(name: str, address: str, task: str) -> set[str]:
        story.cell = f"{C}:{name}"
        spec = story.arguments(C)["spec"]
        story.clock("2026-03-03T10:00:00Z")
        story.vm()
        story.accepted(C, task)
        story.task(task, "success", result={"_typeName": "string", "_value": name})
        story.vm(**{"guest.hostName": name, "guest.net": [{"ipAddress": [address]}]})
        story.cell = f"{N}:{name}"
        story.vm(tools="guestToolsNotRunning", recentTask=[])
        story.refused(N, "InvalidState")
        story.vm(
            tools="guestToolsNotRunning",
            recentTask=[{"_typeName": "ManagedObjectReference", "type": "Task", "value": f"x{task}"}],
        )
        story.task(f"x{task}", "success", name=N, queueTime="2026-03-03T10:00:13Z")
        story.clock("2026-03-03T10:01:00Z")
        assert spec
        story.judge.close()
        return {each.id for each in sums(*[j for j in story.judge.judgements if j.cell.endswith(f":{name}")]).findings}

    first, second = ids("one", "10.9.9.9", "task-1"), ids("two", "10.8.8.8", "task-2")
    assert first == second
    assert len(first) == 2
    assert all(len(each) == 12 and set(each) <= set("0123456789abcdef") for each in first)


def test_the_id_tells_deviations_apart() -> None:
    """Each of its parts counts: five of the outcome, the cause, and what came before."""
    base = failed("InvalidState", "OK", channel="call", field="a")
    others = [
        fingerprint("other row", base, (), ()),
        fingerprint("row", base, ("noSession",), ()),
        fingerprint("row", base, ("noPrivilege",), ()),
        fingerprint("row", base, (), ("noSession",)),
        *(
            fingerprint("row", each, (), ())
            for each in (
                failed("InvalidState", "OK", channel="call", field="b"),
                failed("InvalidState", "OK", channel="task", field="a"),
                failed("TaskInProgress", "OK", channel="call", field="a"),
                failed("InvalidState", "OK", channel="call", field="a", grade=Grade.SPURIOUS),
            )
        ),
    ]
    assert len({fingerprint("row", base, (), ()), *others}) == 9
    same = failed("InvalidState", "", op=99, cell="x", channel="call", field="a")
    assert fingerprint("row", base, (), ()) == fingerprint("row", same, (), ())


ROWS = [
    (failed("InvalidState", "OK", "K5", Grade.SPURIOUS), "Success"),
    (failed("OK", "InvalidGuestLogin", "L1", Grade.MISSING), "InvalidGuestLogin"),
    (failed("NicSettingMismatch", "InvalidGuestLogin", "L1"), "CustomizationFault"),
    (failed("ToolsUnavailable", "InvalidState", "T1", Grade.UNDECLARED), "InvalidState"),
    (failed("ToolsUnavailable", "OK", "K5", Grade.UNDECLARED), "Success"),
    (failed("HostNotConnected", "InvalidState", "T1", Grade.SPURIOUS), "Success"),
    (failed("stuck", "OK", field="info.state"), "result"),
    (failed("OK", "OK", field="info.result", broken=("info.result: it has one",)), "result"),
    (failed("InvalidState", "InvalidState", field="info.error", broken=("info.error: x",)), "result"),
    (failed("OK", "OK", field="guest.net", broken=("guest.net: empty",)), "Success"),
    (failed("InvalidState", "InvalidState", field="recentTask", broken=("recentTask: task-1 is new",)), "InvalidState"),
    (failed("OK", "OK", grade=Grade.PROTOCOL, field="returnval", broken=("returnval: odd",)), "result"),
    (judgement("TaskInProgress", "TaskInProgress"), "TaskInProgress"),
    (judgement("NotAuthenticated", "NotAuthenticated"), "RuntimeFault"),
    (judgement("Lost", "OK", verdict=Verdict.INCONCLUSIVE), "result"),
]


@pytest.mark.parametrize(("judged", "row"), ROWS)
def test_the_row_of_a_judgement(judged: Judgement, row: str, contract: Contract, bases: dict[str, str]) -> None:
    """The fault's that came, or of the one that should have come; success, the task and the wire have rows of their own."""
    assert row_of(judged, contract, bases) == f"{MANAGER}/{N}/{row}"


def test_notes_count_what_is_odd_and_no_violation(sums: Sums) -> None:
    """Imprecise and unsettled outcomes, and the notes on tasks."""
    vague = judgement("InvalidState", "InvalidPowerState InvalidState", grade=Grade.IMPRECISE)
    found = sums(vague, vague, judgement("OK", "OK", notes=("progress fell",)))
    assert found.notes == (
        f"{N}: progress fell (1x)",
        f"imprecise: {N} answered InvalidState where InvalidPowerState InvalidState is expected (2x)",
    )
    assert found.findings == ()


def shut_out(*tries: int, why: str = "turned away: HTTP 503") -> list[Judgement]:
    """Give tries of a step that were turned away by somebody who gave no time."""
    cells = [str(Label.parse(f"{N}:suspended").tried(number)) for number in tries]
    more: dict[str, Any] = {"verdict": Verdict.INCONCLUSIVE, "why": why}
    return [judgement("turned away without a time", "InvalidPowerState", "P2", cell=cell, **more) for cell in cells]


@pytest.mark.parametrize("confirm", [1, 3])
def test_a_step_that_is_turned_away_three_times_of_three_is_a_finding(confirm: int, sums: Sums) -> None:
    """While others are answered; it is the reply that is wrong, so the row of the result is."""
    found = sums(*shut_out(1, 2, 3), OTHER, confirm=confirm)
    assert [(each.row, each.grade) for each in found.findings] == [(f"{MANAGER}/{N}/result", Grade.PROTOCOL)]
    assert found.findings[0].detail.endswith("HTTP 503, in each of 3 tries, and other calls were answered")


@pytest.mark.parametrize("judged", [
    [*shut_out(1, 2), OTHER],
    shut_out(1, 2, 3),
    [*shut_out(1, 2, 3), OTHER, judgement("InvalidPowerState", "InvalidPowerState", "P2", cell=f"{N}:suspended#4")],
    [*shut_out(1, 1, 1), OTHER],
])  # fmt: skip
def test_a_proxy_that_turns_some_calls_away_is_none(judged: list[Judgement], sums: Sums) -> None:
    """Too few tries, nobody who was answered, an answer in the end, one try with several calls."""
    assert sums(*judged).findings == ()


@pytest.mark.parametrize(("answers", "findings"), [
    (("SystemError",) * 3, 1),
    (("SystemError",) * 2 + ("OK",), 0),
    (("SystemError", "HostCommunication", "SystemError"), 0),
])  # fmt: skip
def test_a_sick_server_is_a_finding_only_if_it_says_the_same_three_times(
    answers: tuple[str, ...], findings: int, sums: Sums
) -> None:
    """Oracle rule A1: a fault of the environment in three of three tries is spurious, in less it is inconclusive."""
    cells = [str(Label.parse(f"{N}:suspended").tried(number)) for number in (1, 2, 3)]
    tries = [
        OTHER if answer == "OK" else failed(answer, "OK", grade=Grade.SPURIOUS, cell=cell)
        for answer, cell in zip(answers, cells, strict=True)
    ]
    found = sums(*tries, confirm=3)
    assert len(found.findings) == findings
    assert (found.verdict is Verdict.VIOLATES) is bool(findings)
    assert {each.grade for each in found.findings} <= {Grade.SPURIOUS}


@pytest.mark.parametrize(("tries", "findings"), [((1, 2), 0), ((1, 2, 3), 1)])
def test_a_session_that_lives_and_is_denied_three_times_is_a_finding(
    tries: tuple[int, ...], findings: int, sums: Sums
) -> None:
    """Oracle rule A13: three of three while it is shown; the row of the success is broken, as the call must be accepted."""
    more: dict[str, Any] = {"verdict": Verdict.INCONCLUSIVE, "field": "NotAuthenticated", "channel": "call"}
    cells = [str(Label.parse(f"{N}:valid").tried(number)) for number in tries]
    told = [judgement("denied in a session that lives", "OK", "Z0", cell=cell, **more) for cell in cells]
    found = sums(*told, OTHER).findings
    assert [(each.row, each.observed) for each in found] == [
        (f"{MANAGER}/{N}/Success", "NotAuthenticated (call)")
    ] * findings
