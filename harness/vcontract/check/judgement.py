"""The values of judging one call: the pending call, the judgement on it, and the judgement if no answer came."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from vcontract.check.grade import Assessment
from vcontract.check.settings import Problem, broken, showed
from vcontract.model import Asked, State, asks_session
from vcontract.terms import (
    LATER,
    TURNED_AWAY,
    Arguments,
    Envelope,
    Faulted,
    Grade,
    Json,
    Lost,
    Operation,
    Verdict,
    session_key,
    shows_session,
    unauthenticated,
)

_INDEX = re.compile(r"\[\d+\]")
FORGOTTEN = "forgotten"
"""The observed outcome of a task that the server forgot before its end was read (oracle rule A6): no evidence."""
EXPIRED, AWAY = "session ended", "turned away"
"""What is observed of a call whose session had ended by itself (A13), and of one that a busy server did not take."""
SHUT_OUT = "turned away without a time"
"""The same, if the server did not say that it is a matter of time: so do proxies in front of it [O]."""
DENIED = "denied in a session that lives"
"""What is observed of a call that was told that it has no session, where `currentSession` shows it right after (A13)."""
UNTOLD = frozenset({FORGOTTEN, EXPIRED, AWAY, SHUT_OUT, DENIED})
_TURNED = "the server refused the request before it read it, and no source says that it must not"


class Judgement(msgspec.Struct, frozen=True):
    """The judgement on one call: its grade and verdict, what was expected and observed, and why.

    `allowed` and `situations` are the expectation's, `unsettled` are those of the allowed that rest on an inference alone;
    `broken` names what was wrong beside the outcome (task life,
    promises, the wire); `notes` what was odd and no violation. `met` is the id of the cell that the call really met, empty
    if that is none. `shown` is the operation that showed settings of the guest that break a promise, if one did. `seconds` is
    how long the cell took.
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
    shown: int = 0
    seconds: float = 0.0

    @property
    def settled(self) -> tuple[str, ...]:
        """The allowed outcomes that a source settles."""
        return tuple(name for name in self.allowed if name not in self.unsettled)


class Pending(msgspec.Struct):
    """A judged call whose cell is not over: the call as the oracle sees it, the states that it met, the read before it.

    `read_at` is when that read began, in seconds; `key` that of the caller's session, empty if it is not known.
    """

    operation: Operation
    asked: Asked
    states: frozenset[State]
    reading: Mapping[str, Json] | None
    read_at: float = 0.0
    key: str = ""


def turned_away(pending: Pending) -> bool:
    """Whether a request whose validity no source settles was refused by an HTTP status without a fault.

    One that names no version at all is bad HTTP to servers from 7.0 on [O: yavijava 278].
    """
    operation = pending.operation
    if not isinstance(operation.outcome, Lost):
        return False
    if operation.status == 400 and _names_no_version(operation.call.payload):
        return True
    return pending.asked.request == "unsettled" and 400 <= operation.status < 500


def _names_no_version(payload: Arguments | Envelope) -> bool:
    """Whether the SOAPAction of an edited envelope is empty, or left out."""
    given = {name.lower(): value for name, value in payload.headers.items()} if isinstance(payload, Envelope) else {}
    return not given.get("soapaction", "x").strip().strip('"')


def unanswered(pending: Pending, block: Sequence[Operation]) -> tuple[Assessment, Verdict] | None:
    """Judge a call that got no answer: it may or may not have happened, and is never a violation by itself.

    A refusal because the session had ended by itself, or as if it had, counts as no answer, too. None: it was answered.
    """
    outcome, method = pending.operation.outcome, pending.operation.call.method
    if not isinstance(outcome, Lost):
        if expired(pending, block):
            why = "the session had ended when the call came, and was opened again"
            return Assessment(Grade.CONFORMS, EXPIRED, "call", why=why), Verdict.INCONCLUSIVE
        refused = denied(pending, block)
        return None if refused is None else (refused, Verdict.INCONCLUSIVE)
    if outcome.reason.startswith(TURNED_AWAY):
        timed = "HTTP 429" in outcome.reason or LATER in outcome.reason
        observed = AWAY if timed else SHUT_OUT
        return Assessment(Grade.CONFORMS, observed, why=f"{method}: {outcome.reason}"), Verdict.INCONCLUSIVE
    if turned_away(pending):
        return Assessment(Grade.UNSETTLED, f"HTTP {pending.operation.status}", why=_TURNED), Verdict.CONFORMS
    return Assessment(Grade.CONFORMS, "Lost", why=f"{method}: {outcome.reason}"), Verdict.INCONCLUSIVE


def expired(pending: Pending, block: Sequence[Operation]) -> bool:
    """Whether a call was refused because its session had ended by itself (oracle rule A13).

    The read of `currentSession` right after the call decides: if it shows the session, by its key, the refusal stands.
    """
    operation = pending.operation
    if pending.asked.session != "valid" or not unauthenticated(operation.outcome):
        return False
    actor = operation.call.actor
    after = next((other for other in block if other.op > operation.op and other.call.actor == actor), None)
    if after is None or not asks_session(after):
        return False
    return not shows_session(after.outcome) or bool(pending.key and session_key(after.outcome) != pending.key)


def denied(pending: Pending, block: Sequence[Operation]) -> Assessment | None:
    """Assess a call that was refused as if it had no session, though `currentSession` shows it; None if it was not.

    Once that may be a gateway in front of the server (oracle rule A13).
    """
    outcome = pending.operation.outcome
    if pending.asked.session != "valid" or not isinstance(outcome, Faulted) or not unauthenticated(outcome):
        return None
    actor = pending.operation.call.actor
    after = next((other for other in block if other.op > pending.operation.op and other.call.actor == actor), None)
    if after is None or not asks_session(after) or not shows_session(after.outcome):
        return None
    return Assessment(Grade.CONFORMS, DENIED, "call", outcome.fault.type, f"{DENIED}: {outcome.fault.type}")


def late_judgement(problems: Sequence[Problem]) -> Judgement:
    """Judge a call once more that was judged before: what came of it showed only now."""
    by, texts = problems[0].by, tuple(broken(problems))
    return Judgement(
        by.op,
        by.cell,
        by.method,
        Verdict.VIOLATES,
        Grade.WRONG,
        "settings that show as the documents say",
        by.observed,
        (),
        (),
        field=place(texts[0]),
        why="; ".join(texts),
        broken=texts,
        ops=(by.op, *dict.fromkeys(problem.op for problem in problems)),
        shown=showed(problems),
    )


def place(text: str) -> str:
    """Name the field that a text `FIELD: why` speaks of, without the position in a list."""
    return _INDEX.sub("[]", text.partition(": ")[0])
