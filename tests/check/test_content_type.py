"""What no source settles is observed, also where the server refuses a request by HTTP alone."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from vcontract._terms import Call, Envelope, Grade, Lost, Operation, Ref, Verdict

MANAGER = Ref("VirtualMachineGuestCustomizationManager", "gcm")
ABORT = "AbortCustomization_Task"
PROBLEM = "the reply is no SOAP envelope: nothing in it"


@pytest.mark.parametrize(
    ("breaks", "status", "verdict", "grade"),
    [
        ("open:contentType:json", 415, Verdict.CONFORMS, Grade.UNSETTLED),
        ("open:contentType:json", 200, Verdict.VIOLATES, Grade.PROTOCOL),
        ("legal:http:slow", 415, Verdict.VIOLATES, Grade.PROTOCOL),
    ],
)
def test_a_refusal_by_http_alone(story: Any, breaks: str, status: int, verdict: Verdict, grade: Grade) -> None:
    """It is a note for a request of which nobody says what it is worth, and breaks the wire's contract for any other."""
    story.vm()
    story.cell = "case"
    call = Call(MANAGER, ABORT, Envelope(b"<x/>", breaks, origin=story.arguments(ABORT)), "full")
    done = Operation(99, call, 90.0, 91.0, Lost("status with nothing in it"), purpose="judge", cell="case")
    story.judge.feed(replace(done, status=status, problems=(PROBLEM,)))
    found = story.verdict()
    assert (found.verdict, found.grade) == (verdict, grade)
    assert (found.observed == "HTTP 415") is (verdict is Verdict.CONFORMS)


@pytest.mark.parametrize(("status", "headers", "verdict"), [
    (400, {"SOAPAction": ""}, Verdict.CONFORMS),
    (400, {"soapaction": '""'}, Verdict.CONFORMS),
    (500, {"SOAPAction": ""}, Verdict.VIOLATES),
    (400, {"SOAPAction": '"urn:vim25/6.7.3"'}, Verdict.VIOLATES),
    (400, {}, Verdict.VIOLATES),
])  # fmt: skip
def test_a_request_that_names_no_version_is_bad_http(
    status: int, headers: dict[str, str], verdict: Verdict, story: Any
) -> None:
    """To servers from 7.0 on it is; a refusal by HTTP of one that names a version breaks the wire's contract."""
    story.vm()
    story.cell = "case"
    payload = Envelope(b"<x/>", "version:soapAction:none", headers, origin=story.arguments(ABORT))
    done = Operation(99, Call(MANAGER, ABORT, payload, "full"), 90.0, 91.0, Lost("x"), purpose="judge", cell="case")
    story.judge.feed(replace(done, status=status, problems=(PROBLEM,)))
    found = story.verdict()
    assert found.verdict is verdict
    assert (found.observed == "HTTP 400") is (verdict is Verdict.CONFORMS)
