"""The values of judging one call: the pending call, the judgement on it, and the judgement if no answer came."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from vcontract.check.grade import Assessment
from vcontract.model import Asked, State, asks_session
from vcontract.terms import TURNED_AWAY, Grade, Json, Lost, Operation, Verdict, shows_session, unauthenticated

_INDEX = re.compile(r"\[\d+\]")
FORGOTTEN = "forgotten"
"""The observed outcome of a task that the server forgot before its end was read (oracle rule A6): no evidence."""
EXPIRED, AWAY = "session ended", "turned away"
"""What is observed of a call whose session had ended by itself (A13), and of one that a busy server did not take."""
UNTOLD = frozenset({FORGOTTEN, EXPIRED, AWAY})
_TURNED = "the server refused the request before it read it, and no source says that it must not"


class Judgement(msgspec.Struct, frozen=True):
    """The judgement on one call: its grade and verdict, what was expected and observed, and why.

    `allowed` and `situations` are the expectation's, `unsettled` are those of the allowed that rest on an inference alone;
    `broken` names what was wrong beside the outcome (task life,
    promises, the wire); `notes` what was odd and no violation. `met` is the id of the cell that the call really met, empty
    if that is none.
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
    met: str = ""
    unsettled: tuple[str, ...] = ()

    @property
    def settled(self) -> tuple[str, ...]:
        """The allowed outcomes that a source settles."""
        return tuple(name for name in self.allowed if name not in self.unsettled)


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
    """Whether a request whose validity no source settles was refused by an HTTP status without a fault."""
    operation = pending.operation
    return (
        pending.asked.request == "unsettled" and isinstance(operation.outcome, Lost) and 400 <= operation.status < 500
    )


def unanswered(pending: Pending) -> tuple[Assessment, Verdict]:
    """Judge a call that got no answer: it may or may not have happened, and is never a violation by itself.

    A refusal because the session had ended by itself counts as no answer, too.
    """
    outcome, method = pending.operation.outcome, pending.operation.call.method
    if not isinstance(outcome, Lost):
        why = "the session had ended when the call came, and was opened again"
        return Assessment(Grade.CONFORMS, EXPIRED, "call", why=why), Verdict.INCONCLUSIVE
    if outcome.reason.startswith(TURNED_AWAY):
        return Assessment(Grade.CONFORMS, AWAY, why=f"{method}: {outcome.reason}"), Verdict.INCONCLUSIVE
    if turned_away(pending):
        return Assessment(Grade.UNSETTLED, f"HTTP {pending.operation.status}", why=_TURNED), Verdict.CONFORMS
    return Assessment(Grade.CONFORMS, "Lost", why=f"{method}: {outcome.reason}"), Verdict.INCONCLUSIVE


def expired(pending: Pending, block: Sequence[Operation]) -> bool:
    """Whether a call was refused because its session had ended by itself (oracle rule A13).

    The read of `currentSession` right after the call decides: if it shows the session, the refusal stands.
    """
    operation = pending.operation
    if pending.asked.session != "valid" or not unauthenticated(operation.outcome):
        return False
    actor = operation.call.actor
    after = next((other for other in block if other.op > operation.op and other.call.actor == actor), None)
    return after is not None and asks_session(after) and not shows_session(after.outcome)


def place(text: str) -> str:
    """Name the field that a text `FIELD: why` speaks of, without the position in a list."""
    return _INDEX.sub("[]", text.partition(": ")[0])
