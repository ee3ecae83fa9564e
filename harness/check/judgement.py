"""What a judge makes of one call: the pending call, the judgement on it, and what can be said where no answer came."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from harness.check.grade import Assessment
from harness.model import Asked, State
from harness.terms import Grade, Json, Lost, Operation, Verdict

_INDEX = re.compile(r"\[\d+\]")
FORGOTTEN = "forgotten"
"""What is observed of a task that the server forgot before its end was read (oracle rule A6): it tells nothing."""
_TURNED = "the server refused the request before it read it, and no source says that it must not"


class Judgement(msgspec.Struct, frozen=True):
    """What one judged call is worth: its grade and verdict, what was expected and observed, and why.

    `allowed` and `situations` are the expectation's; `broken` names what was wrong beside the outcome (task life,
    promises, the wire); `notes` what was odd and no violation.
    """

    op: int
    cell: str
    method: str
    verdict: Verdict
    grade: Grade
    expected: str
    observed: str
    allowed: tuple[str, ...]
    situations: tuple[str, ...]
    channel: str = ""
    field: str = ""
    why: str = ""
    broken: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    request: str = ""
    ops: tuple[int, ...] = ()


class Pending(msgspec.Struct):
    """A judged call whose cell is not over: the call as the oracle sees it, the states that it met, the read before it.

    `read_at` is when that read began, in seconds.
    """

    operation: Operation
    asked: Asked
    states: frozenset[State]
    reading: Mapping[str, Json] | None
    read_at: float = 0.0


def turned_away(pending: Pending) -> bool:
    """Whether a request of which no source says what it is worth was refused by HTTP alone."""
    operation = pending.operation
    return (
        pending.asked.request == "unsettled" and isinstance(operation.outcome, Lost) and 400 <= operation.status < 500
    )


def lost(pending: Pending, reason: str) -> tuple[Assessment, Verdict]:
    """Say what a lost answer is worth: it may or may not have happened, and is never a failure by itself."""
    if turned_away(pending):
        return Assessment(Grade.UNSETTLED, f"HTTP {pending.operation.status}", why=_TURNED), Verdict.CONFORMS
    return Assessment(Grade.CONFORMS, "Lost", why=reason), Verdict.INCONCLUSIVE


def place(text: str) -> str:
    """Name the field that a text `FIELD: why` speaks of, without the position in a list."""
    return _INDEX.sub("[]", text.partition(": ")[0])
