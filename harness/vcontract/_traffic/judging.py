"""Judges the calls of a recording by the contracts: each on the states that the recording implies, with all it leaves open.

What the messages themselves show to be wrong is a violation. What is wrong only if a VM was as it was read before and after the
call is suspect, for another client may have done what the recording does not show; seen in `CONFIRM` calls it is a violation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from vcontract._check.fields import Scene, requested
from vcontract._check.grade import Assessment, grade_fault, grade_success
from vcontract._check.tasklife import SLACK, broken, error_of
from vcontract._contract import Contract, Method, documented_as, load, names, row_id
from vcontract._model import Asked, Facts, subject
from vcontract._schema import SHIPPED, bases_of
from vcontract._schema import load as load_schema
from vcontract._terms import Faulted, Grade, Lost, Ref, Returned, Verdict, as_ref
from vcontract._traffic.calls import Conversation, Heard
from vcontract._traffic.placing import Known, place_of
from vcontract._traffic.seen import Seen

CONFIRM = 3
"""In so many calls what rests on reads must be seen, as a finding of a run must come three times (oracle rule A5)."""
OPEN, UNANSWERED = "its task's end is not in the recording", "the recording has no whole reply"


class JudgedCall(msgspec.Struct, frozen=True):
    """What is known of one call: `entry` of the file, its row, what came, what was allowed, and the verdict with its reason.

    `rests_on` are the entries of the reads without which it would not be wrong; `channel` is call or task.
    """

    entry: int
    object: str
    method: str
    about: str
    row: str
    verdict: Verdict
    grade: str = ""
    observed: str = ""
    channel: str = ""
    allowed: str = ""
    why: str = ""
    rests_on: tuple[int, ...] = ()


def judged(conversation: Conversation, contract: str = "", methods: Sequence[str] = ()) -> tuple[JudgedCall, ...]:
    """Judge every call of a contract's method, of all contracts if none is named, in the order of the recording."""
    seen = Seen(conversation.calls)
    known = {method.name: (each, method) for name in names() for each in [load(name)] for method in each.methods}
    bases = bases_of(load_schema(SHIPPED[-1]))
    found = []
    for heard in conversation.calls:
        spoken = known.get(heard.operation.call.method)
        if spoken is None or (contract and spoken[0].object != contract):
            continue
        if methods and spoken[1].name not in methods:
            continue
        found.append(_Call(heard, seen, *spoken, bases).judge())
    return _confirmed(found)


def _confirmed(calls: Sequence[JudgedCall]) -> tuple[JudgedCall, ...]:
    """Make violations of what rests on reads and was seen often enough."""

    def kind(call: JudgedCall) -> tuple[str, str, str, str]:
        return call.method, call.grade, call.observed, call.channel

    times = Counter(kind(call) for call in calls if call.rests_on)
    return tuple(
        replace(call, verdict=Verdict.VIOLATES) if call.rests_on and times[kind(call)] >= CONFIRM else call
        for call in calls
    )


class _Call:
    """One call with all that is known of it."""

    def __init__(self, heard: Heard, seen: Seen, contract: Contract, method: Method, bases: dict[str, str]) -> None:
        self._heard, self._seen, self._contract, self._method, self._bases = heard, seen, contract, method, bases
        self._done = heard.operation
        self._about = subject(self._done.call) or self._done.call.object.value
        self._end = self._ended()

    def judge(self) -> JudgedCall:
        """Say what is known of it."""
        if isinstance(self._done.outcome, Lost):
            if self._done.problems and self._done.status:
                why = self._done.problems[0]
                return self._told(Assessment(Grade.PROTOCOL, "Lost", "call", why=why), Verdict.VIOLATES, "")
            return self._told(Assessment(Grade.CONFORMS, "Lost", why=UNANSWERED), Verdict.INCONCLUSIVE, "")
        sure = self._sure()
        assessed, allowed = self._assess(sure)
        if (wrong := self._broken()) and not assessed.grade.fails:
            assessed = replace(assessed, grade=Grade.PROTOCOL, why=wrong[0])
        if assessed.grade.fails:
            # by which channel depends on whether it was so when the call was sent, which no recording shows
            unsure = assessed.environment or assessed.blocked or assessed.field == "channel"
            return self._told(assessed, Verdict.INCONCLUSIVE if unsure else Verdict.VIOLATES, allowed)
        return self._as_read(sure, assessed, allowed)

    def _as_read(self, sure: Known, assessed: Assessment, allowed: str) -> JudgedCall:
        """Judge what is not wrong whatever its VM was: whether it is if that was as it was read before and after."""
        shown = self._seen.shown(self._about, self._done)
        state = (*sure.state, *((field, value) for field, (value, _, _) in shown.items()))
        placed, there = self._assess(replace(sure, state=state)) if shown else (assessed, allowed)
        if placed.grade.fails and not (placed.environment or placed.blocked):
            reads = tuple(sorted({entry for _, first, last in shown.values() for entry in (first, last)}))
            so = ", ".join(f"{field} {value}" for field, (value, _, _) in sorted(shown.items()))
            placed = replace(placed, why=f"{placed.why}; the VM was read as {so}")
            return self._told(placed, Verdict.INCONCLUSIVE, there, reads)
        if self._open:
            return self._told(replace(assessed, why=OPEN), Verdict.INCONCLUSIVE, allowed)
        return self._told(assessed if placed.grade.fails else placed, Verdict.CONFORMS, there)

    def _told(self, assessed: Assessment, verdict: Verdict, allowed: str, reads: tuple[int, ...] = ()) -> JudgedCall:
        documented = tuple(fault.type for fault in self._method.fault)
        name = documented_as(assessed.observed, documented, self._bases) or "Success"
        row = "result" if assessed.grade is Grade.PROTOCOL else name
        return JudgedCall(
            self._done.op,
            self._contract.object,
            self._method.name,
            self._about,
            row_id(self._contract.object, self._method.name, row),
            verdict,
            str(assessed.grade),
            assessed.observed,
            assessed.channel,
            allowed,
            assessed.why,
            reads,
        )

    def _ended(self) -> Faulted | Returned | None:
        """Give the outcome: of a call with a task that of the task; None if that is not known."""
        outcome = self._done.outcome
        task = as_ref(outcome.value) if isinstance(outcome, Returned) else None
        if isinstance(outcome, Lost) or not self._method.has_task or task is None:
            return None if isinstance(outcome, Lost) else outcome
        end = self._seen.end_of(task.value)
        if end is None:
            return None
        return Returned() if end.state == "success" else Faulted(error_of({"error": end.error}), "task")

    @property
    def _open(self) -> bool:
        return self._end is None

    def _sure(self) -> Known:
        """Say what is sure whatever others did: a session that was ended, a VM that was destroyed."""
        vm = subject(self._done.call)
        state = (("exists", False),) if vm and self._seen.is_gone(vm, self._done.start) else ()
        asked = (("session", "none"),) if self._seen.session_ended(self._done) else ()
        return Known(state, asked)

    def _assess(self, known: Known) -> tuple[Assessment, str]:
        """Grade the outcome where this is known; gives also what is allowed there, in words."""
        end = self._end
        begun = self._method.has_task and isinstance(self._done.outcome, Returned) and end is not None
        place = place_of(self._contract.object, self._method.name, replace(known, begun=begun))
        text = place.expectation.text()
        if end is None:
            only = place.expectation.allowed and all(each.synchronous for each in place.expectation.allowed.values())
            if only:
                why = "the call was accepted, and must itself be refused"
                return Assessment(Grade.MISSING, "OK", "call", why=why), text
            return Assessment(Grade.CONFORMS, "accepted", "call"), text
        if isinstance(end, Returned):
            return replace(grade_success(place.expectation), channel="task" if self._method.has_task else "call"), text
        states = place.states.get(end.fault.type, frozenset())
        scene = Scene(
            self._done.call,
            Asked(self._method.name, this="unknown", vm="unknown"),
            self._method,
            Facts(self._contract.object, Ref(self._contract.object, ""), self._heard.release),
            states,
            ended=self._seen.ended_before(self._done.start),
            cancelled=self._cancelled(),
            requested=requested(self._contract, self._method.name),
        )
        return grade_fault(end, place.expectation, scene, self._contract, self._bases), text

    def _cancelled(self) -> object:
        """Say whether the task was cancelled; where its info was not read whole, nothing is held against it."""
        task = as_ref(self._done.outcome.value) if isinstance(self._done.outcome, Returned) else None
        end = self._seen.end_of(task.value) if task is not None else None
        return end is None or end.info.get("cancelled", "key" not in end.info)

    def _broken(self) -> list[str]:
        """List where the messages themselves are not as the wire contract, or the life of a task, has them."""
        told = [*self._done.deviations]
        outcome = self._done.outcome
        if not isinstance(outcome, Returned) or not self._heard.exact:
            return told
        task = as_ref(outcome.value)
        if self._method.has_task and task is None:
            return [*told, "returnval: the reply holds no Task"]
        if not self._method.has_task and outcome.value is not None:
            return [*told, "returnval: the reply holds a value, not void"]
        life = self._seen.lives.get(task.value) if task is not None else None
        if life is None:
            return told
        return [*told, *broken(life, self._method.result, self._seen.lives.values(), SLACK)]


def worst_of(calls: Sequence[JudgedCall]) -> Verdict:
    """Give the verdict on all: what was not judged is not green, and nothing at all is no evidence."""
    verdicts = {call.verdict for call in calls}
    for verdict in (Verdict.VIOLATES, Verdict.INCONCLUSIVE):
        if verdict in verdicts:
            return verdict
    return Verdict.CONFORMS if verdicts else Verdict.UNTESTED
