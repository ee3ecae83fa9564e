"""Why a call was answered wrongly: what was unusual about it, and which violations are one deviation."""

from __future__ import annotations

from typing import Any

import pytest

from vcontract._check import Judgement
from vcontract._check.causes import Causes, Gathered, gathered
from vcontract._contract import OK, Contract
from vcontract._model import Asked, Facts, State, VmFacts
from vcontract._terms import Arguments, Call, Envelope, Grade, Ref, Verdict

C, A = "CustomizeGuest_Task", "AbortCustomization_Task"
MANAGER, VM = Ref("VirtualMachineGuestCustomizationManager", "gcm"), Ref("VirtualMachine", "vm-1")
FACTS = Facts(MANAGER.type, MANAGER, "9.0.0.0", vms={VM.value: VmFacts(VM, "one", 1)})
OFF = State(power="poweredOff", tools="stopped")


@pytest.fixture
def causes(contract: Contract) -> Causes:
    """Give what names the causes of calls."""
    return Causes(contract)


def call(spec: dict[str, Any] | None = None, breaks: str = "") -> Call:
    """Give a call about the VM, edited if it breaks something."""
    values: dict[str, Any] = {"vm": VM.json(), **({"spec": spec} if spec else {})}
    payload = Envelope(b"", breaks, origin=values) if breaks else Arguments(values)
    return Call(MANAGER, C, payload, "full")


@pytest.mark.parametrize(
    ("states", "asked", "breaks", "cause"),
    [
        ([State()], {}, "", ()),
        ([OFF], {}, "", ("poweredOff",)),
        ([State(power="poweredOff", template=True, tools="stopped")], {}, "", ("template",)),
        ([State(tools="stopped")], {"privilege": "nowhere"}, "", ("noPrivilege", "toolsStopped")),
        ([State(), OFF], {}, "", ()),
        ([State(running="customize", task="task-7")], {"login": "rejected"}, "", ("customizing", "loginRejected")),
        ([State(mid=frozenset({"abort"}))], {}, "", ("mid.abort",)),
        ([OFF], {"vm": "unknown"}, "", ("vmUnknown",)),
        ([State()], {"request": "malformed"}, "schema:xml:doctype", ("request:malformed:xml.doctype",)),
        ([State()], {"request": "badValue"}, "value:enum:CustomizationWinOptions.reboot", ("request:badValue:enum",)),
        ([State()], {"session": "none"}, "session:cookie:none", ("noSession", "request:ok:cookie.none")),
    ],
)
def test_a_cause_names_what_is_unusual(
    causes: Causes, states: list[State], asked: dict[str, Any], breaks: str, cause: tuple[str, ...]
) -> None:
    """Of the call and of the VM in each state it may be in; not what follows from something else, and no place or task."""
    assert causes.of(states, Asked(C, **asked), call(breaks=breaks), FACTS) == cause


def test_a_broken_rule_is_named_by_its_part(causes: Causes) -> None:
    """Whatever value breaks it."""
    named = {"_typeName": "CustomizationFixedName", "name": "a.b"}
    spec = {
        "identity": {"_typeName": "CustomizationLinuxPrep", "hostName": named, "domain": "a.b"},
        "nicSettingMap": [{"adapter": {"ip": {"_typeName": "CustomizationDhcpIpGenerator"}}}],
    }
    asked = Asked(C, spec=frozenset({"rule"}), rule_faults=("InvalidArgument",))
    assert causes.of([State()], asked, call(spec), FACTS) == ("specRule:names/InvalidArgument",)


def test_what_may_not_have_been_noticed(causes: Causes) -> None:
    """A rejected login where Tools do not run: right if that went unnoticed, and nothing else explains it."""
    states, asked = [State(tools="stopped")], Asked(C, login="rejected")
    cause = causes.of(states, asked, call(), FACTS)
    assert causes.unnoticed(states, asked, cause, "InvalidGuestLogin") == (("toolsStopped",),)
    assert causes.unnoticed(states, asked, cause, OK) == (("loginRejected", "toolsStopped"),)
    assert causes.unnoticed([OFF], Asked(C), ("poweredOff",), OK) == (("poweredOff",),)


def violation(observed: str, *cause: str, op: int = 1, row: str = "row", **more: Any) -> tuple[Judgement, str]:
    """Give a violation with its row."""
    known: dict[str, Any] = {
        "op": op, "cell": f"{C}:{'+'.join(cause) or 'valid'}", "method": C, "verdict": Verdict.VIOLATES,
        "grade": Grade.WRONG, "expected": "", "observed": observed, "allowed": (), "situations": (), "cause": cause,
    }  # fmt: skip
    return Judgement(**(known | more)), row


def kept(*cause: str) -> tuple[Judgement, str]:
    """Give a call that was answered well."""
    return violation(OK, *cause, verdict=Verdict.CONFORMS, grade=Grade.CONFORMS)


def found(*judged: tuple[Judgement, str]) -> list[Gathered]:
    """Gather them."""
    return gathered(judged, lambda _, row: [row])


def test_a_violation_with_more_that_is_unusual_is_the_same() -> None:
    """One finding with both cells and both rows, which shows the smaller cause, whichever came first."""
    one, two = (
        violation("InvalidState", "poweredOff", "suspended", row="other"),
        violation("InvalidState", "poweredOff", op=9),
    )
    (finding,) = found(one, two)
    assert (finding.cause, finding.row, finding.rows) == (("poweredOff",), "row", ("row", "other"))
    assert finding.cells == (f"{C}:poweredOff", f"{C}:poweredOff+suspended")
    assert len(finding.ids) == 2


@pytest.mark.parametrize(
    "other",
    [
        violation("InvalidState", "noSession"),
        violation("InvalidState", "noSession", "poweredOff", method=A),
        violation("TaskInProgress", "poweredOff", "toolsStopped"),
        violation("InvalidState", "poweredOff", "toolsStopped", field="obj"),
        violation(OK, "poweredOff", "toolsStopped", unnoticed=(("poweredOff", "toolsStopped"),)),
    ],
)
def test_another_deviation_is_another_finding(other: tuple[Judgement, str]) -> None:
    """By another cause, of another method, with another outcome or field."""
    first = violation("InvalidState", "poweredOff")
    assert [each.cause for each in found(first, other)] == [("poweredOff",), other[0].cause]
    assert not {id_ for each in found(first) for id_ in each.ids} & {id_ for each in found(other) for id_ in each.ids}


def test_what_is_answered_wrongly_only_now_and_then_explains_nothing_else() -> None:
    """A valid call that was refused once and accepted once has a history; a bug in something else must not hide behind it."""
    sometimes, always = violation("InvalidState"), violation("InvalidState", "noPrivilege")
    assert len(found(sometimes, kept(), always)) == 2
    assert len(found(sometimes, always)) == 1


def test_what_a_server_does_not_notice_explains_the_answer_to_the_rest() -> None:
    """Power that is not checked lets a bad login be told; only what other calls show to go unnoticed counts."""
    unnoticed = violation(OK, "poweredOff", grade=Grade.MISSING, unnoticed=(("poweredOff",),))
    told = violation("InvalidGuestLogin", "loginRejected", "poweredOff", row="login", unnoticed=(("poweredOff",),))
    both = violation(OK, "noPrivilege", "poweredOff", grade=Grade.MISSING, unnoticed=(("noPrivilege", "poweredOff"),))
    (finding,) = found(told, unnoticed)
    assert (finding.cause, finding.rows) == (("poweredOff",), ("row", "login"))
    assert [each.cause for each in found(unnoticed, both)] == [("poweredOff",), ("noPrivilege", "poweredOff")]


def test_a_reply_that_is_wrong_whatever_the_outcome_is_one_finding() -> None:
    """If a valid call shows it; if only a fault does, the fault is named and not what was unusual."""
    wire: dict[str, Any] = {"grade": Grade.PROTOCOL, "field": "status", "broken": ("status: 200 with a fault",)}
    assert len(found(violation(OK, **wire), violation("InvalidState", "poweredOff", **wire))) == 1
    first, second = violation("InvalidState", "poweredOff", **wire), violation("InvalidState", "toolsStopped", **wire)
    (finding,) = found(first, second)
    assert finding.cause == ()
    assert len(found(first, violation("InvalidPowerState", "poweredOff", **wire))) == 2
