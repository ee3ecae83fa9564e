"""The values of judging one call: the pending call, the judgement on it, and the judgement if no answer came."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection, Mapping, Sequence

import msgspec

from vcontract._check.grade import Assessment
from vcontract._check.settings import Problem, broken, showed
from vcontract._contract import OK
from vcontract._model import Asked, State, asks_session
from vcontract._terms import (
    CRASHED,
    LATER,
    SILENT,
    TURNED_AWAY,
    Arguments,
    Envelope,
    Faulted,
    Grade,
    Json,
    Lost,
    Operation,
    Outcome,
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
DEATHS = frozenset({"crashed", "hung"})
"""What is observed of a call after which the server had ended, or answered nobody any more."""
LIVES = "an answer, from a server that lives on"
_BEFORE, _SHOWN = 4, 600
"""So many of the calls before one that ended the server are told, and so many characters of its arguments."""
_TURNED = "the server refused the request before it read it, and no source says that it must not"


class Judgement(msgspec.Struct, frozen=True):
    """The judgement on one call: its grade and verdict, what was expected and observed, and why.

    `allowed` and `situations` are the expectation's, `unsettled` are those of the allowed that rest on an inference alone;
    `broken` names what was wrong beside the outcome (task life,
    promises, the wire); `notes` what was odd and no violation. `met` is the id of the cell that the call really met, empty
    if that is none. `shown` is the operation that showed settings of the guest that break a promise, if one did. `cause`
    names what was unusual about the call and its VM, `unnoticed` the parts of it without which a wrong answer would be
    permitted, and `breaks` where an edited envelope is broken. `seconds` is how long the cell took. `again` is the operation
    that was refused before, where this is the one retry of a customization that is allowed (oracle promise F4).
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
    cause: tuple[str, ...] = ()
    unnoticed: tuple[tuple[str, ...], ...] = ()
    breaks: str = ""
    seconds: float = 0.0
    again: int = 0

    @property
    def settled(self) -> tuple[str, ...]:
        """The allowed outcomes that a source settles."""
        return tuple(name for name in self.allowed if name not in self.unsettled)


class Pending(msgspec.Struct):
    """A judged call whose cell is not over: the call as the oracle sees it, the states that it met, the read before it.

    `read_at` is when that read began, in seconds; `key` that of the caller's session, empty if it is not known. `before` are
    the last calls before it that were no reads.
    """

    operation: Operation
    asked: Asked
    states: frozenset[State]
    reading: Mapping[str, Json] | None
    read_at: float = 0.0
    key: str = ""
    before: tuple[Operation, ...] = ()


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
    if observed := death_of(outcome):
        why = told_of_death(pending.operation, pending.operation, pending.before)
        return Assessment(Grade.WRONG, observed, why=why), Verdict.VIOLATES
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


def death_of(outcome: Outcome) -> str:
    """Say of a lost call whether the server had ended (crashed) or answers nobody any more (hung); empty: neither is known."""
    reason = outcome.reason if isinstance(outcome, Lost) else ""
    return "crashed" if reason.startswith(CRASHED) else "hung" if reason.startswith(SILENT) else ""


def told_of(done: Operation) -> str:
    """Describe a call that may have ended its server: its arguments, or where its envelope was edited."""
    payload = done.call.payload
    given = f"broken: {payload.breaks}, of " if isinstance(payload, Envelope) else ""
    values = msgspec.json.encode(done.call.arguments, order="deterministic").decode()
    cut = "…" if len(values) > _SHOWN else ""
    ref = done.call.object
    where = f"operation {done.op}, {done.call.actor}, on {ref.type} {ref.value}"
    return f"{done.call.method} ({where}; {given}{values[:_SHOWN]}{cut})"


def told_of_death(by: Operation, death: Operation, before: Sequence[Operation]) -> str:
    """Say what ended the server, how that showed, and what came just before."""
    reason = death.outcome.reason if isinstance(death.outcome, Lost) else "nothing was answered any more"
    how = "" if death.op == by.op else f" was answered, then {death.call.method} (operation {death.op}) was not"
    former = ", ".join(f"{done.call.method} (operation {done.op})" for done in before[-_BEFORE:]) or "nothing but reads"
    return f"{told_of(by)}{how}: {reason}; just before: {former}"


class Deaths:
    """Blames a call of the contract for the end of the server that a later call met; `methods` are the contract's."""

    def __init__(self, methods: Collection[str]) -> None:
        self._methods = methods
        self._last: Operation | None = None
        self._before: deque[Operation] = deque(maxlen=_BEFORE + 1)

    def heard(self, done: Operation) -> list[Judgement]:
        """Take one operation; gives the judgement on the last call before it if the server ended since."""
        observed, by = death_of(done.outcome), self._last
        judged = done.purpose == "judge" and done.call.method in self._methods
        if judged or observed:
            self._last = None if observed else done
        if done.purpose != "read":
            self._before.append(done)
        if not observed or judged or by is None:
            return []
        before = [each for each in self._before if each.op < by.op]
        why = told_of_death(by, done, before)
        call, violates, wrong = (by.op, by.cell, by.call.method), Verdict.VIOLATES, Grade.WRONG
        return [
            Judgement(*call, violates, wrong, LIVES, observed, (), (), why=why, ops=(by.op, done.op), shown=done.op)
        ]

    @property
    def before(self) -> tuple[Operation, ...]:
        """The last calls that were no reads."""
        return tuple(self._before)

    def resume(self) -> None:
        """Begin anew, after a cut."""
        self._last = None
        self._before.clear()


def remark(assessed: Assessment) -> list[str]:
    """Say what is to be noted of a success that counts."""
    return [assessed.why] if assessed.observed == OK and assessed.why and not assessed.grade.fails else []


def part_of(operation: Operation) -> str:
    """Name what an operation is judged with: its block, else its cell."""
    return operation.block or operation.cell
