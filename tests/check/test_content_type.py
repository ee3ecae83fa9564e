"""What no source settles is observed, also where the server refuses a request by HTTP alone."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from vcontract.terms import Call, Envelope, Grade, Lost, Operation, Ref, Verdict

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
