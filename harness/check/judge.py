"""Judges a history, cell by cell: each call of the contract under test, its task, and what holds after it."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from harness.check import promises, tasklife
from harness.check.fields import Scene
from harness.check.grade import Assessment, grade_fault, grade_success, name_of
from harness.check.midtask import happened
from harness.contract import OK, Contract
from harness.model import (
    Asked,
    Expectation,
    Facts,
    State,
    TaskLife,
    Tracker,
    classify,
    expect,
    read_of,
    settled,
    steady,
    subject,
)
from harness.model.tracker import REVERTS
from harness.terms import Fault, Faulted, Grade, Json, Lost, Operation, Returned, Verdict, as_ref

_INDEX = re.compile(r"\[\d+\]")
FORGOTTEN = "forgotten"
"""What is observed of a task that the server forgot before its end was read (oracle rule A6): it tells nothing."""
_BUSY = frozenset({"TaskInProgress", "InvalidState"})


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


class _Pending(msgspec.Struct):
    operation: Operation
    asked: Asked
    states: frozenset[State]
    reading: Mapping[str, Json] | None
    read_at: float


class Judge:
    """Takes the operations of one history in order and gives a judgement for each judged call when its cell is over."""

    def __init__(self, facts: Facts, contract: Contract, bases: dict[str, str]) -> None:
        self.tracker = Tracker(facts, contract)
        self.judgements: list[Judgement] = []
        self.contract = contract
        self.bases = bases
        self._pending: list[_Pending] = []
        self._block: list[Operation] = []
        self._refusals = promises.Refusals(facts.publish)
        self._methods = {each.name: each for each in contract.methods}

    def feed(self, operation: Operation) -> None:
        """Take one operation; a new cell closes the one before."""
        if self._block and operation.cell != self._block[-1].cell:
            self.close()
        if operation.purpose == "judge" and operation.call.method in self._methods:
            self._pending.append(self._remember(operation))
        self._block.append(operation)
        self.tracker.feed(operation)

    def doubtful(self) -> bool:
        """Whether the last reading does not show, or not yet, what the success of a pending call promises."""
        for each in self._pending:
            life = self._life(each.operation)
            if life is not None and life.final is not None and life.final[1].get("state") == "success":
                last = self.tracker.readings.get(life.vm)
                if not self._accepted_since(each.operation) and any(self._kept(each, life, last)):
                    return True
        return False

    def close(self) -> None:
        """Judge what is pending: the cell, or the history, is over."""
        for each in self._pending:
            self.judgements.append(self._judge(each))
        self._pending, self._block = [], []

    def _remember(self, operation: Operation) -> _Pending:
        vm = subject(operation.call)
        asked = classify(operation.call, self._methods[operation.call.method], self.tracker.facts)
        since = operation.start - self.tracker.facts.staleness
        states = self.tracker.states_since(vm, since) if asked.vm == "ok" else frozenset({State()})
        read_at = self.tracker.read_at.get(vm, operation.start)
        return _Pending(operation, asked, states, self.tracker.readings.get(vm), read_at)

    def _judge(self, pending: _Pending) -> Judgement:
        operation = pending.operation
        life = self._life(operation)
        mid = happened(operation, life, self._block, self.tracker) if life else frozenset()
        states = self.tracker.during(
            subject(operation.call), operation.start, operation.end, pending.states, life.ref.value if life else ""
        )
        if mid:
            engines = {"broken"} if "engine" in mid else set()
            states = frozenset(
                replace(each, mid=mid, engine=engine) for each in states for engine in {each.engine} | engines
            )
        expectation = expect(states, pending.asked, self.contract)
        assessed, verdict = self._assess(pending, life, states, expectation)
        if unreached := self._unreached(pending, states, assessed):
            assessed, verdict = replace(assessed, grade=Grade.SPURIOUS, why=unreached), Verdict.VIOLATES
        wire, told = self._wire(operation, life), self._told(operation, life, mid)
        kept = self._promised(pending, life, assessed)
        if (broken := [*wire, *told, *kept]) and not assessed.grade.fails:
            grade = Grade.PROTOCOL if wire else Grade.WRONG
            assessed, verdict = replace(assessed, grade=grade, field=place(broken[0])), Verdict.VIOLATES
        if verdict is Verdict.VIOLATES and not wire and not told and self._raced(pending, mid):
            # what the wire and the task's own life show is wrong whatever else happened to the VM
            verdict = Verdict.INCONCLUSIVE
            assessed = replace(assessed, why=f"raced: the VM changed meanwhile ({assessed.why})")
        return self._write(pending, expectation, assessed, verdict, broken, life)

    def _wire(self, operation: Operation, life: TaskLife | None) -> list[str]:
        """Name what the reply, and the reads of the task, break of the wire contract."""
        reads = [each for read, _ in life.reads for each in read.problems] if life else []
        return list(dict.fromkeys([*operation.problems, *reads]))

    def _told(self, operation: Operation, life: TaskLife | None, mid: frozenset[str]) -> list[str]:
        """Name what the task's life breaks; a task that went with its VM has none to speak of (situation M2)."""
        if life is None or ("gone" in mid and not any(info for _, info in life.reads)):
            return []
        return tasklife.broken(life, self._methods[operation.call.method].result)

    def _unreached(self, pending: _Pending, states: frozenset[State], found: Assessment) -> str:
        """F5: say so if this is one refused abort too many, where nothing but the running customization stood in its way."""
        operation = pending.operation
        abort = self._methods[operation.call.method].effect == "aborted"
        if not abort or found.grade.fails or found.observed not in _BUSY or any(each.mid for each in states):
            return ""
        alone = expect((replace(each, running="", task="") for each in states), pending.asked, self.contract)
        if settled(alone) != {OK}:
            return ""
        work = self.tracker.running(subject(operation.call), operation.start, operation.end)
        held = [life.ref.value for life, certain in work if certain and life.kind == "customize"]
        return self._refusals.note(held[0], operation) if held else ""

    def _life(self, operation: Operation) -> TaskLife | None:
        if not isinstance(operation.outcome, Returned):
            return None
        ref = as_ref(operation.outcome.value)
        return self.tracker.tasks.get(ref.value) if ref else None

    def _assess(
        self, pending: _Pending, life: TaskLife | None, states: frozenset[State], expectation: Expectation
    ) -> tuple[Assessment, Verdict]:
        outcome = pending.operation.outcome
        scene = self._scene(pending, states, life)
        if isinstance(outcome, Lost):
            return Assessment(Grade.CONFORMS, "Lost", why=outcome.reason), Verdict.INCONCLUSIVE
        if isinstance(outcome, Returned):
            if life is None:
                found = Assessment(Grade.PROTOCOL, name_of(outcome), "call", "returnval", "the reply holds no Task")
                return found, Verdict.VIOLATES
            if life.final is None:
                if expectation.allowed and all(each.synchronous for each in expectation.allowed.values()):
                    why = "the call was accepted, and must itself be refused"
                    return Assessment(Grade.MISSING, OK, why=why), Verdict.VIOLATES
                return self._unfinished(life, states)
            info = life.final[1]
            if info["state"] == "success":
                return self._verdict(self._success(pending, life, expectation))
            outcome = Faulted(_error(info), "task")
            scene = replace(scene, cancelled=info.get("cancelled"))
        return self._verdict(grade_fault(outcome, expectation, scene, self.contract, self.bases))

    def _success(self, pending: _Pending, life: TaskLife, expectation: Expectation) -> Assessment:
        """Success beside a running customization counts only if it began after that one's end (situations K1, B1)."""
        found = grade_success(expectation)
        allowed = expectation.allowed.get(OK)
        if allowed is None or "task.startedAfter" not in allowed.conditions or life.final is None:
            return found
        started = str(life.final[1].get("startTime", ""))
        for other, certain in self.tracker.running(
            life.vm, pending.operation.start, pending.operation.end, life.ref.value
        ):
            done = other.final[1] if other.final else {}
            if (
                certain
                and other.kind in {"customize", "exclusive"}
                and done
                and started < str(done.get("completeTime", ""))
            ):
                return replace(found, grade=Grade.MISSING, why=f"it ran while {other.ref.value} ran")
        return found

    def _unfinished(self, life: TaskLife, states: frozenset[State]) -> tuple[Assessment, Verdict]:
        vanished = bool(life.reads) and life.reads[-1][1] is None
        if vanished and any("gone" in each.mid for each in states):
            return Assessment(Grade.CONFORMS, "gone", "task", why="the task went with its VM"), Verdict.CONFORMS
        if life.forgotten:
            return Assessment(Grade.CONFORMS, FORGOTTEN, "task", why="its end was not seen"), Verdict.INCONCLUSIVE
        limit = self.tracker.facts.task_seconds
        waited = max((op.end for op, _ in life.reads), default=0.0) - life.accepted.end
        if limit and waited >= limit:
            return Assessment(
                Grade.WRONG, "stuck", "task", "info.state", f"not final after {waited:.1f} s"
            ), Verdict.VIOLATES
        return Assessment(Grade.CONFORMS, "unfinished", "task", why="the task's end was not seen"), Verdict.INCONCLUSIVE

    def _verdict(self, found: Assessment) -> tuple[Assessment, Verdict]:
        if found.blocked:
            return found, Verdict.UNTESTED
        return found, Verdict.VIOLATES if found.grade.fails else Verdict.CONFORMS

    def _scene(self, pending: _Pending, states: frozenset[State], life: TaskLife | None) -> Scene:
        operation, vm = pending.operation, subject(pending.operation.call)
        ended = self._ended_before(operation)
        entities = {task: ref.value for task, info in self._infos().items() if (ref := promises.entity_of(info))}
        return Scene(
            operation.call,
            pending.asked,
            self._methods[operation.call.method],
            self.tracker.facts,
            states,
            ended - ({life.ref.value} if life and vm else set()),
            entities,
        )

    def _infos(self) -> dict[str, Mapping[str, Json]]:
        found: dict[str, Mapping[str, Json]] = {}
        for each in self._block:
            read = read_of(each)
            if read and read[0].type == "Task" and read[1] and isinstance(read[1].get("info"), Mapping):
                found[read[0].value] = read[1]["info"]
        return found

    def _promised(self, pending: _Pending, life: TaskLife | None, found: Assessment) -> list[str]:
        operation, vm = pending.operation, subject(pending.operation.call)
        broken: list[str] = []
        last = self._seen_after(vm, life.final[0].end if life and life.final else operation.end)
        if isinstance(operation.outcome, Faulted) and not self._accepted_since(operation):
            account = self.tracker.facts.sessions.get(operation.call.actor, "")
            known = frozenset(self.tracker.tasks)
            broken.append(
                promises.no_task_after_refusal(operation, pending.reading, last, self._infos(), known, account)
            )
            if self._still(pending):
                broken.append(promises.nothing_changed(pending.reading, last))
        if life is not None and found.observed == OK and not self._accepted_since(operation):
            broken += self._kept(pending, life, last if self._read_since(vm, life) else None)
        return [each for each in broken if each]

    def _read_since(self, vm: str, life: TaskLife) -> bool:
        """Whether the VM was read so long after the task's end that its reports, `staleness` old, must show what it did."""
        done = life.final[0].end + self.tracker.facts.staleness if life.final else float("inf")
        reads = ((read_of(each), each.start) for each in self._block)
        return any(read is not None and read[0].value == vm and start >= done for read, start in reads)

    def _kept(self, pending: _Pending, life: TaskLife, last: Mapping[str, Json] | None) -> list[str]:
        if life.kind == "customize":
            return [promises.spec_applied(pending.operation.call, last)]
        if life.kind == "network":
            before = pending.reading if self._still(pending, life) else None
            known = self.tracker.facts.vms.get(life.vm)
            nics = known.nics if known else 0
            return [promises.network_started(before, last, nics, self._configured(life.vm))]
        cut = promises.cut_customizations(life, list(self.tracker.tasks.values()), self.tracker.facts.publish)
        return [f"guest lock: {each.ref.value} went on after the abort" for each in cut]

    def _seen_after(self, vm: str, moment: float) -> Mapping[str, Json] | None:
        """Give the last read of the VM that began after a moment; None if there was none, for then nothing can be held."""
        reads = (read_of(each) for each in self._block if each.start >= moment)
        return next((values for ref, values in reversed([each for each in reads if each]) if ref.value == vm), None)

    def _configured(self, vm: str) -> Mapping[str, Json]:
        """Give the specification by which the guest is known to be configured; empty if none is.

        A guest that went back to a snapshot is configured as it was then.
        """
        lives = [life for life in self.tracker.tasks.values() if life.vm == vm and life.final]
        done = [life for life in lives if life.kind == "customize" or life.accepted.call.method in REVERTS]
        if not done or done[-1].kind != "customize" or any(each.guest != "spec" for each in self.tracker.states(vm)):
            return {}
        spec: Mapping[str, Json] = done[-1].accepted.call.arguments.get("spec") or {}
        return spec

    def _accepted_since(self, operation: Operation) -> bool:
        """Whether another call of the block may have changed the VM since."""
        return any(
            other.start > operation.start and other.purpose != "read" and isinstance(other.outcome, Returned | Lost)
            for other in self._block
        )

    def _ended_before(self, operation: Operation) -> frozenset[str]:
        """Name the tasks that had ended before a call, if its answer names a task at all."""
        outcome = operation.outcome
        if not isinstance(outcome, Faulted) or as_ref(outcome.fault.fields.get("task")) is None:
            return frozenset()
        lives = self.tracker.tasks.values()
        return frozenset(each.ref.value for each in lives if each.final and each.final[0].end < operation.start)

    def _still(self, pending: _Pending, but: TaskLife | None = None) -> bool:
        """Whether only the call itself, with its task, could have changed the guest.

        No other task ran since the VM was read (what is reported may be `staleness` old), and Tools do not come up.
        """
        vm, since = subject(pending.operation.call), pending.read_at - self.tracker.facts.staleness
        unfinished = any(
            life.vm == vm and life is not but and (life.final is None or life.final[0].end > since)
            for life in self.tracker.lives(vm)
        )
        return not unfinished and all(each.tools != "starting" for each in pending.states)

    def _raced(self, pending: _Pending, mid: frozenset[str]) -> bool:
        vm = subject(pending.operation.call)
        if mid or vm not in self.tracker.facts.vms or self._accepted_since(pending.operation):
            return False
        before, last = pending.reading, self.tracker.readings.get(vm)
        if not steady(before, last):
            return True
        users = frozenset(promises.account_name(each) for each in self.tracker.facts.sessions.values())
        new = promises.new_tasks(before or {}, last or {}, frozenset(self.tracker.tasks))
        return bool(promises.foreign(new, self._infos(), users, frozenset(self._methods)))

    def _write(
        self,
        pending: _Pending,
        expectation: Expectation,
        found: Assessment,
        verdict: Verdict,
        broken: list[str],
        life: TaskLife | None,
    ) -> Judgement:
        operation = pending.operation
        why = "; ".join(dict.fromkeys(each for each in (found.why, *broken) if each))
        return Judgement(
            op=operation.op,
            cell=operation.cell,
            method=operation.call.method,
            verdict=verdict,
            grade=found.grade,
            expected=expectation.text(),
            observed=found.observed,
            allowed=tuple(expectation.allowed),
            situations=expectation.situations,
            channel=found.channel,
            field=found.field,
            why=why,
            broken=tuple(broken),
            notes=tuple(tasklife.notes(life, life.vm)) if life else (),
            request=pending.asked.request,
            ops=tuple(each.op for each in self._block),
        )


def place(text: str) -> str:
    """Name the field that a text `FIELD: why` speaks of, without the position in a list."""
    return _INDEX.sub("[]", text.partition(": ")[0])


def _error(info: Mapping[str, Json]) -> Fault:
    """Read the fault of a task that ended in error: `info.error` is a LocalizedMethodFault."""
    error = info.get("error")
    error = error if isinstance(error, Mapping) else {}
    fault = error.get("fault")
    fields = dict(fault) if isinstance(fault, Mapping) else {}
    return Fault(str(fields.pop("_typeName", "none")), fields, str(error.get("localizedMessage", "")))
