"""The nouns of the harness, as frozen values that JSON can carry; read this file first.

A *value* on the wire is JSON in the vendor's own VI-JSON style: a data object is a dict with `_typeName`; a managed object
reference is `{"_typeName": "ManagedObjectReference", "type": T, "value": V}`; a simple value in an anyType position is
`{"_typeName": "string", "_value": "x"}`. A string that begins with `secret:` names a secret and is resolved only on the wire.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeAlias

import msgspec

Json: TypeAlias = Any
SECRET = "secret:"  # noqa: S105 - the mark of a secret's name
MISSING = "_missing"
"""Under this name a read holds the paths that the server refused to read, each with its fault."""
UNSENT, TURNED_AWAY, HUNG = "not sent: ", "turned away: ", "no whole reply within "
"""How the reason of a Lost begins if nothing left, if the server was too busy to take the call, if it kept silent."""
CRASHED, SILENT = "the server ended: ", "the server hangs: "
"""The same, where the run had started the server: if it had ended, if it answers nobody any more."""
LATER = ", Retry-After: "
"""What stands in the reason of a Lost before the time after which a busy server wants to be asked again."""
OTHER_VERSION = "VersionMismatchFaultCode"
"""The faultcode of a server that does not serve the API version of a request; it stands for the type of a Fault."""
LONG = "long: "
"""How a problem begins that says what of a reply was too long to be kept; such a reply may be as it should be."""
TIME = "CurrentTime"
"""The method by which a server tells its time."""
_SESSIONLESS = frozenset({"NotAuthenticated", "SessionNotFound", "AuthenticationRequired"})


def moment(told: Json) -> datetime:
    """Read a time that a server told; one without a zone is UTC. Raises ValueError."""
    time = datetime.fromisoformat(str(told))
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


class Ref(msgspec.Struct, frozen=True, order=True):
    """A reference to a managed object: WSDL type name and moId."""

    type: str
    value: str

    def json(self) -> dict[str, Json]:
        """Give the reference as a wire value."""
        return {"_typeName": "ManagedObjectReference", "type": self.type, "value": self.value}


def as_ref(value: Json) -> Ref | None:
    """Read a wire value as a reference; None if it is none."""
    if isinstance(value, dict) and value.get("_typeName") == "ManagedObjectReference":
        return Ref(str(value["type"]), str(value["value"]))
    return None


class Arguments(msgspec.Struct, frozen=True, tag="arguments"):
    """The named arguments of a well-formed call, without `_this`; schema.Schema serialises them."""

    values: dict[str, Json]


class Envelope(msgspec.Struct, frozen=True, tag="envelope"):
    """Exact bytes to send, made by editing a valid envelope.

    `headers` replace those of the session (an empty value removes one); `breaks` names the one thing that is wrong;
    `origin` holds the arguments that were valid before the edit; `pacing` are pauses in seconds between equal parts.
    """

    body: bytes
    breaks: str
    headers: dict[str, str] = {}
    origin: dict[str, Json] = {}
    pacing: tuple[float, ...] = ()


class Call(msgspec.Struct, frozen=True):
    """A method of an object, its payload, and the actor (the name of a session) that calls it."""

    object: Ref
    method: str
    payload: Arguments | Envelope
    actor: str

    @property
    def arguments(self) -> dict[str, Json]:
        """The arguments as they were meant, before any edit of the envelope."""
        return self.payload.values if isinstance(self.payload, Arguments) else self.payload.origin


def subject(call: Call) -> str:
    """Name the VM that a call is about: the object itself, or its `vm` argument; empty if none."""
    if call.object.type == "VirtualMachine":
        return call.object.value
    vm = as_ref(call.arguments.get("vm"))
    return vm.value if vm else ""


class Fault(msgspec.Struct, frozen=True):
    """What vSphere returns when it refuses: a MethodFault by WSDL type, its fields as wire values, its text."""

    type: str
    fields: dict[str, Json] = {}
    message: str = ""


class Returned(msgspec.Struct, frozen=True, tag="returned"):
    """The call was answered with a value (None for void)."""

    value: Json = None


class Faulted(msgspec.Struct, frozen=True, tag="faulted"):
    """The call was refused, or its task ended in error."""

    fault: Fault
    channel: str = "call"


class Lost(msgspec.Struct, frozen=True, tag="lost"):
    """No usable answer: the call may or may not have happened."""

    reason: str


Outcome: TypeAlias = Returned | Faulted | Lost


def unauthenticated(outcome: Outcome) -> bool:
    """Whether an answer says that there is no session: as the fault of the call, or of a path that was to be read."""
    if isinstance(outcome, Faulted):
        return outcome.fault.type in _SESSIONLESS
    missing = outcome.value.get(MISSING) if isinstance(outcome, Returned) and isinstance(outcome.value, dict) else None
    return any(
        isinstance(fault, Mapping) and fault.get("_typeName") in _SESSIONLESS for fault in (missing or {}).values()
    )


def shows_session(outcome: Outcome) -> bool:
    """Whether a read of the session manager's `currentSession` shows that the caller has a session."""
    return (
        isinstance(outcome, Returned) and isinstance(outcome.value, dict) and bool(outcome.value.get("currentSession"))
    )


def session_key(outcome: Outcome) -> str:
    """Give the key of the UserSession that a login, or a read of `currentSession`, shows; empty if it shows none."""
    value = outcome.value if isinstance(outcome, Returned) else None
    shown = value.get("currentSession", value) if isinstance(value, dict) else None
    return str(shown.get("key", "")) if isinstance(shown, dict) else ""


class Invoke(msgspec.Struct, frozen=True, tag_field="event", tag="invoke"):
    """A call is about to leave: written before the first byte is sent.

    `purpose` is `judge` (a call of the contract under test), `arrange` (brings a VM into a state) or `read`;
    `cell` names the cell that a judged call exercises; cells in a row with the same `block` share work that runs on their
    VM, and are judged together.
    """

    op: int
    time: float
    call: Call
    purpose: str = "read"
    cell: str = ""
    block: str = ""


class Answer(msgspec.Struct, frozen=True, tag_field="event", tag="answer"):
    """What came back: outcome, HTTP status, and as problems every deviation of the reply from the wire contract.

    What of it was too long to be kept is among them, in texts that begin with `LONG`.
    """

    op: int
    time: float
    outcome: Outcome
    status: int = 0
    problems: tuple[str, ...] = ()


class Observed(msgspec.Struct, frozen=True, tag_field="event", tag="observed"):
    """A note of the run beside its calls.

    `run`: what was asked of the run; `facts`: what was known before it; `step`: one of its plan was taken; `resumed`: it
    was cut and goes on; `cleaned`: what it left was put back; `disturbance`: one began, struck, or ended.
    """

    subject: str
    facts: dict[str, Json]


Event: TypeAlias = Observed | Invoke | Answer


class Operation(msgspec.Struct, frozen=True):
    """A call with its outcome and its times (seconds on one monotonic clock)."""

    op: int
    call: Call
    start: float
    end: float
    outcome: Outcome
    status: int = 0
    problems: tuple[str, ...] = ()
    purpose: str = "read"
    cell: str = ""
    block: str = ""

    @property
    def deviations(self) -> list[str]:
        """The problems by which the reply breaks the wire contract; that it was too long to be kept whole is none."""
        return [problem for problem in self.problems if not problem.startswith(LONG)]


class Grade(StrEnum):
    """How one outcome compares with the expectation; the first three never fail a run.

    `unprofiled`: the documents permit it, and the profile by which the run is judged says that another one comes.
    """

    CONFORMS = "conforms"
    IMPRECISE = "imprecise"
    UNSETTLED = "unsettled"
    WRONG = "wrong"
    MISSING = "missing"
    SPURIOUS = "spurious"
    UNDECLARED = "undeclared"
    PROTOCOL = "protocol"
    UNPROFILED = "unprofiled"

    @property
    def fails(self) -> bool:
        """Whether this grade is a violation."""
        return self not in {Grade.CONFORMS, Grade.IMPRECISE, Grade.UNSETTLED}


class Verdict(StrEnum):
    """What is known of a row or a run; the worst wins, in this order."""

    CONFORMS = "conforms"
    UNTESTED = "untested"
    INCONCLUSIVE = "inconclusive"
    VIOLATES = "violates"


class Ended(StrEnum):
    """How a run ended early or left something behind; the run's notes begin with this text."""

    EARLY = "ended early"
    INTERRUPTED = "interrupted"
    HALTED = "halted"
    HALTED_FOR_SAFETY = "halted for safety"
    NOT_RESTORED = "not restored"

    def note(self, why: object) -> str:
        """Write the note of this end with its reason."""
        return f"{self}: {why}"

    @classmethod
    def of_note(cls, note: str) -> Ended | None:
        """Parse the end that a note names; None if it names none."""
        return next((ended for ended in cls if note.startswith(f"{ended}: ")), None)


class RowVerdict(msgspec.Struct, frozen=True):
    """The verdict on one row, why, and the outcomes that were seen (outcome name to count).

    `seconds` is how long the cells took whose answers belong to it.
    """

    id: str
    verdict: Verdict
    reason: str = ""
    observed: dict[str, int] = {}
    seconds: float = 0.0


class ReplayStep(msgspec.Struct, frozen=True):
    """One call of a replay: the call, its purpose, and what it waits for.

    `settled`: the task of the call had ended before the next one was sent. `seen` is what was read of the VM before it
    (`power`, `tools`, `connection` as the model names them). `gave` are the moIds that the recorded call gave, of its
    task and of what the task made; a replay puts the new ones in their place. `waited` are the
    seconds since the call before. `alone`: every task of calls before it had been read ended.
    """

    call: Call
    purpose: str = "arrange"
    settled: bool = True
    seen: dict[str, str] = {}
    gave: tuple[str, str] = ("", "")
    waited: float = 0.0
    alone: bool = False


UNTRIED = "not tried again: the run ended before"
"""What is said of a finding that was not made smaller: its calls are all since its VM was last as a fresh one."""


class Finding(msgspec.Struct, frozen=True):
    """One violation with its place in the history and the command that replays it.

    `id` is 12 hex digits of SHA-256 over row, grade, observed type, channel, field path, and the smallest cause: `cause`, what
    is still unusual about its call and the VM, and `after`, the methods without which it does not show. It is `provisional`,
    another one, if the finding was not shrunk. `former` is the part of it without the cause, the id that version 0.1.0 gave.
    `rows` are all that it breaks, `cells` all in which it came, `was` its provisional ids, `field` what of the outcome is
    wrong. `program` is the smallest sequence of calls known to show it, `root` moId and name of the VM it begins with,
    `repeats` how often it was seen again. `shown` is the later operation that showed it, `operation_id` its request's name.
    """

    id: str
    row: str
    object: str
    method: str
    grade: Grade
    expected: str
    observed: str
    replay: str
    cell: str = ""
    op: int = 0
    ops: tuple[int, ...] = ()
    detail: str = ""
    program: tuple[ReplayStep, ...] = ()
    root: tuple[str, str] = ("", "")
    repeats: str = ""
    shown: int = 0
    cause: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    provisional: bool = False
    former: str = ""
    rows: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    was: tuple[str, ...] = ()
    field: str = ""
    operation_id: str = ""

    @property
    def reasons(self) -> tuple[str, ...]:
        """What decides it, in words: what is unusual about its call and the VM, and what came before."""
        cause = (f"cause: {', '.join(self.cause)}",) if self.cause else ()
        return (*cause, f"after {', '.join(self.after)}") if self.after else cause

    def like(self, other: Finding) -> bool:
        """Whether another finding may be this one with more that is unusual: the same wrong answer of the same method."""
        same = (self.method, self.observed, self.field) == (other.method, other.observed, other.field)
        return same and self.grade is not Grade.MISSING and set(self.cause) <= set(other.cause)

    def covers(self, other: Finding) -> bool:
        """Whether another finding is this one with more that is unusual: after the same calls, too."""
        if self.provisional or other.provisional or not self.after or self.after != other.after:
            return False
        places = [(len(each.cause), each.grade is not Grade.SPURIOUS, each.row) for each in (self, other)]
        return self.like(other) and places[0] < places[1]

    def breaks(self, row: str) -> bool:
        """Whether it is one of those by which a row is broken."""
        return row in (self.rows or (self.row,))


class Impact(StrEnum):
    """What a difference means for a client of the old side that meets the new one; the worst first, in this order.

    `breaking`: what it does fails. `risky`: it may meet what it does not know. `addition`: it notices nothing.
    """

    BREAKING = "breaking"
    RISKY = "risky"
    ADDITION = "addition"

    @property
    def rank(self) -> int:
        """Its place in the order; 0 is the worst."""
        return list(Impact).index(self)


class Difference(msgspec.Struct, frozen=True, rename={"impact": "class"}):
    """One way in which the new side is not the old one, with its class and the reason of the class.

    `fingerprint` is 12 hex digits of SHA-256 over kind, path, old and new: no release, no order, no file. An empty `old` or
    `new` is what that side does not have. `position` is where the client meets it, `sent` or `received`; empty if that does
    not matter.
    """

    fingerprint: str
    impact: Impact
    kind: str
    path: str
    old: str
    new: str
    reason: str
    position: str = ""

    @property
    def more(self) -> tuple[str, ...]:
        """Further details, as lines."""
        return ()
