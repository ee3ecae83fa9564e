"""Judges a history, cell by cell: each call of the contract under test, its task, and what holds after it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from vcontract._check import promises, settings, tasklife
from vcontract._check.causes.unusual import Causes
from vcontract._check.earned import Success, unearned
from vcontract._check.fields import Scene, requested
from vcontract._check.grade import Assessment, grade_fault, grade_instant, grade_success
from vcontract._check.judgement import (
    DEATHS,
    FORGOTTEN,
    Deaths,
    Judgement,
    Pending,
    death_of,
    late_judgement,
    part_of,
    place,
    remark,
    turned_away,
    unanswered,
)
from vcontract._check.kept import begun, kept, lateness, noted
from vcontract._check.midtask import happened
from vcontract._check.once_more import Retries
from vcontract._check.pinned import exactly
from vcontract._contract import OK, Contract
from vcontract._model import (
    LATER,
    Expectation,
    Facts,
    State,
    TaskLife,
    Tracker,
    classify,
    expect,
    is_visible,
    observe,
    read_of,
    settled,
    steady,
    subject,
    unsettled,
)
from vcontract._model.remembered import Remembered
from vcontract._terms import Faulted, Grade, Json, Lost, Operation, Ref, Returned, Verdict, as_ref

_BUSY = frozenset({"TaskInProgress", "InvalidState"})


class Judge:
    """Takes the operations of one history in order and judges each call of the contract when its cell is over."""

    def __init__(self, facts: Facts, contract: Contract, bases: dict[str, str]) -> None:
        self.tracker = Tracker(facts, contract)
        self._remembered, self._retries = Remembered(contract), Retries(self.tracker, contract, self._as_if)
        self.judgements: list[Judgement] = []
        self.contract = contract
        self.bases = bases
        self._pending: list[Pending] = []
        self._block: list[Operation] = []
        self._reads: list[tuple[Operation, Ref, Mapping[str, Json] | None]] = []
        self._newcomers = promises.Newcomers(self.tracker)
        self._refusals = promises.Refusals(facts.publish)
        self.settings = settings.Settings(self.tracker)
        self._problems, self._causes = settings.Problems(), Causes(contract)
        self._methods = {method.name: method for method in contract.methods}
        self._deaths = Deaths(self._methods)

    def feed(self, operation: Operation) -> None:
        """Take one operation; a new cell closes the one before, unless both share a block."""
        if self._block and part_of(operation) != part_of(self._block[-1]):
            self.close()
        if operation.purpose == "judge" and operation.call.method in self._methods:
            self._pending.append(self._remember(operation))
        self._block.append(operation)
        self.judgements += self._deaths.heard(operation)
        if (read := read_of(operation)) is not None:
            self._reads.append((operation, *read))
        self.tracker.feed(operation)
        self._retries.heard(operation)
        self._newcomers.feed(operation)
        for problem in self.settings.feed(operation):
            self._problems.note(problem, self._methods, [pending.operation.op for pending in self._pending])

    def doubtful(self) -> bool:
        """Whether the last reading does not show, or not yet, what the success of a pending call promises."""
        for pending in self._pending:
            life = self._life(pending.operation)
            if self._succeeded(pending.operation, life) is not None and not self._accepted_since(pending.operation):
                last = self.tracker.readings.get(subject(pending.operation.call))
                if any(self._kept(pending, life, last)):
                    return True
        return False

    @property
    def lateness(self) -> float:
        """The seconds by which reports of what the pending calls did may be late."""
        effects = (self._methods[pending.operation.call.method].effect for pending in self._pending)
        return max((lateness(effect, self.tracker.facts) for effect in effects), default=0.0)

    def resume(self) -> None:
        """Drop the pending calls, because the run was interrupted: half of a cell is no evidence but of the server's end."""
        self.judgements += [self._judge(each) for each in self._pending if death_of(each.operation.outcome)]
        self._deaths.resume()
        self._pending, self._block, self._reads = [], [], []
        self._problems.rest()
        self._retries.resume()
        self.tracker.resume()
        self.settings.resume()

    def waiting(self) -> bool:
        """Whether the last call rightly asked a guest for something that no read has shown to have begun."""
        for pending in self._pending[-1:]:
            effect = self._methods[pending.operation.call.method].effect
            done = effect in LATER and self._succeeded(pending.operation, None) is not None
            if done and expect(pending.states, pending.asked, self.contract).accepts:
                last = self.tracker.readings.get(subject(pending.operation.call))
                return not begun(effect, pending.states, pending.reading, last)
        return False

    @property
    def to_repeat(self) -> Operation | None:
        """The last call, if it is to be made once more: the first customization after an abort may be refused once."""
        return self._retries.to_repeat(self._pending)

    @property
    def in_vain(self) -> bool:
        """Whether the last call may have asked a guest that cannot act: its Tools were not running at the read before."""
        seen = [observe(State(), pending.reading) for pending in self._pending[-1:] if pending.reading]
        return any(state.tools != "ready" or state.frozen for state in seen)

    def close(self) -> None:
        """Judge the pending calls, because the cell or the history is over."""
        judged = [self._judge(pending) for pending in self._pending]
        late = [late_judgement(problems) for problems in self._problems.rest()]
        self.judgements += [*late, *judged]  # the last one is on the last call
        self._pending, self._block, self._reads = [], [], []
        self.tracker.settle()
        self._newcomers.settle()

    def _remember(self, operation: Operation) -> Pending:
        vm = subject(operation.call)
        asked = classify(operation.call, self._methods[operation.call.method], self.tracker.facts)
        states = self.tracker.states_at(vm, operation.start) if asked.vm == "ok" else frozenset({State()})
        read_at = self.tracker.read_at.get(vm, operation.start)
        key = self.tracker.keys.get(operation.call.actor, "")
        reading, before = self.tracker.readings.get(vm), self._deaths.before
        return self._retries.remember(Pending(operation, asked, states, reading, read_at, key, before))

    def _judge(self, pending: Pending) -> Judgement:
        operation = pending.operation
        life = self._life(operation)
        mid = happened(operation, life, self._block, self.tracker) if life else frozenset()
        states = self._met(pending, pending.states, life, mid)
        expectation, met = self._remembered.met(states, pending.asked)
        assessed, verdict = self._assess(pending, life, states, expectation)
        if verdict is Verdict.CONFORMS and (by := self.tracker.facts.pinned) is not None:
            channel = assessed.channel or ("task" if life else "call")
            assessed, verdict = self._verdict(exactly(assessed, by.pins.get(met), expectation, channel))
        if unreached := self._unreached(pending, states, assessed):
            assessed, verdict = replace(assessed, grade=Grade.SPURIOUS, why=unreached), Verdict.VIOLATES
        wire = [] if turned_away(pending) else self._wire(operation, life)
        task_life = self._told(operation, life, mid)
        shown = self._problems.take(operation.op)
        kept = [*self._promised(pending, life, assessed), *settings.problems.broken(shown)]
        if (broken := [*wire, *task_life, *kept]) and not assessed.grade.fails:
            grade = Grade.PROTOCOL if wire else Grade.WRONG
            assessed, verdict = replace(assessed, grade=grade, field=place(broken[0])), Verdict.VIOLATES
        if verdict is Verdict.VIOLATES and not wire and not task_life and self._raced(pending, mid, assessed):
            # what the wire or the task's own life breaks is wrong whatever else happened to the VM
            verdict = Verdict.INCONCLUSIVE
            assessed = replace(assessed, why=f"raced: the VM changed meanwhile ({assessed.why})")
        if not broken:
            assessed, verdict = self._retries.told(pending, assessed, verdict, self._pending)
        judged = self._write(pending, expectation, assessed, verdict, broken, life, shown)
        return self._causes.told(replace(judged, met=met), states, pending.asked, operation.call, self.tracker.facts)

    def _wire(self, operation: Operation, life: TaskLife | None) -> list[str]:
        """List where the reply, or a read of the task, breaks the wire contract."""
        reads = [problem for read, _ in life.reads for problem in read.deviations] if life else []
        return list(dict.fromkeys([*operation.deviations, *reads]))

    def _told(self, operation: Operation, life: TaskLife | None, mid: frozenset[str]) -> list[str]:
        """List what is wrong with the task's life; a task that vanished with its VM is not judged (oracle row M2)."""
        if life is None or ("gone" in mid and not any(info for _, info in life.reads)):
            return []
        result, slack = self._methods[operation.call.method].result, 0.0 if self.tracker.facts.alone else tasklife.SLACK
        return tasklife.broken(life, result, self.tracker.tasks.values(), slack)

    def _unreached(self, pending: Pending, states: frozenset[State], assessed: Assessment) -> str:
        """F5: say why if this refused abort is one too many; only aborts that nothing but the customization hinders count."""
        operation = pending.operation
        busy = assessed.observed in _BUSY and not assessed.grade.fails and not any(state.mid for state in states)
        if not busy or self._methods[operation.call.method].effect != "aborted":
            return ""
        alone = expect((replace(state, running="", task="") for state in states), pending.asked, self.contract)
        if settled(alone) != {OK}:
            return ""
        work = self.tracker.running(subject(operation.call), operation.start, operation.end)
        held = [life.ref.value for life, certain in work if certain and life.kind == "customize"]
        return self._refusals.note(held[0], operation) if held else ""

    def _life(self, operation: Operation) -> TaskLife | None:
        if not isinstance(operation.outcome, Returned) or not self._methods[operation.call.method].has_task:
            return None
        ref = as_ref(operation.outcome.value)
        return self.tracker.tasks.get(ref.value) if ref else None

    def _succeeded(self, operation: Operation, life: TaskLife | None) -> float | None:
        """Give the moment at which a call was known to have succeeded, itself or by its task; None if it did not."""
        if life is not None:
            return life.final[0].end if life.final and life.final[1].get("state") == "success" else None
        instant = not self._methods[operation.call.method].has_task
        return operation.end if instant and isinstance(operation.outcome, Returned) else None

    def _as_if(self, pending: Pending, states: frozenset[State]) -> Verdict:
        life = self._life(pending.operation)
        mid = happened(pending.operation, life, self._block, self.tracker) if life else frozenset()
        here = self._met(pending, states, life, mid)
        return self._assess(pending, life, here, self._remembered.met(here, pending.asked)[0])[1]

    def _met(
        self, pending: Pending, states: frozenset[State], life: TaskLife | None, mid: frozenset[str]
    ) -> frozenset[State]:
        """Give the states that a call met, with what ran beside it and what happened to its task."""
        done, own = pending.operation, life.ref.value if life else ""
        states = self.tracker.during(subject(done.call), done.start, done.end, states, own)
        if life is not None and life.final is not None and tasklife.slow(life.final[1]):
            states = frozenset(replace(state, mid=state.mid | {"slow"}) for state in states)
        if not mid:
            return states
        broken = {"broken"} if "engine" in mid else set()
        return frozenset(
            replace(state, mid=state.mid | mid, engine=engine) for state in states for engine in {state.engine} | broken
        )

    def _assess(
        self, pending: Pending, life: TaskLife | None, states: frozenset[State], expectation: Expectation
    ) -> tuple[Assessment, Verdict]:
        outcome, method = pending.operation.outcome, self._methods[pending.operation.call.method]
        if (untold := unanswered(pending, self._block)) is not None:
            return untold
        assert not isinstance(outcome, Lost)
        cancelled = None
        if isinstance(outcome, Returned):
            if life is None:
                return self._verdict(grade_instant(outcome, expectation, has_task=method.has_task))
            if life.final is None:
                if expectation.allowed and all(permitted.synchronous for permitted in expectation.allowed.values()):
                    why = "the call was accepted, and must itself be refused"
                    return Assessment(Grade.MISSING, OK, why=why), Verdict.VIOLATES
                return self._unfinished(life, states)
            info = life.final[1]
            if info["state"] == "success":
                return self._verdict(self._success(pending, life, expectation))
            outcome = Faulted(tasklife.error_of(info), "task")
            cancelled = info.get("cancelled")
        scene = replace(self._scene(pending, states, life), cancelled=cancelled)
        return self._verdict(grade_fault(outcome, expectation, scene, self.contract, self.bases))

    def _success(self, pending: Pending, life: TaskLife, expectation: Expectation) -> Assessment:
        """Grade a task that ended in success, by the outcome conditions too."""
        assessed = grade_success(expectation)
        allowed = expectation.allowed.get(OK)
        if allowed is None or not allowed.conditions:
            return assessed
        why, hard = unearned(allowed.conditions, Success(pending.operation, life, self.tracker, self._reads))
        return replace(assessed, grade=Grade.MISSING if hard else assessed.grade, why=why)

    def _unfinished(self, life: TaskLife, states: frozenset[State]) -> tuple[Assessment, Verdict]:
        vanished = bool(life.reads) and life.reads[-1][1] is None
        if vanished and any("gone" in state.mid for state in states):
            return Assessment(Grade.CONFORMS, "gone", "task", why="the task went with its VM"), Verdict.CONFORMS
        if life.forgotten:
            return Assessment(Grade.CONFORMS, FORGOTTEN, "task", why="its end was not seen"), Verdict.INCONCLUSIVE
        if any(state.frozen for state in states):
            why = "the guest is frozen and executes nothing, so that no end is due"
            return Assessment(Grade.CONFORMS, "unfinished", "task", why=why), Verdict.INCONCLUSIVE
        limit = self.tracker.facts.task_seconds
        waited = max((op.end for op, _ in life.reads), default=0.0) - life.accepted.end
        if limit and waited >= limit:
            return Assessment(
                Grade.WRONG, "stuck", "task", "info.state", f"not final after {waited:.1f} s"
            ), Verdict.VIOLATES
        return Assessment(Grade.CONFORMS, "unfinished", "task", why="the task's end was not seen"), Verdict.INCONCLUSIVE

    def _verdict(self, assessed: Assessment) -> tuple[Assessment, Verdict]:
        if assessed.blocked:
            return assessed, Verdict.UNTESTED
        return assessed, Verdict.VIOLATES if assessed.grade.fails else Verdict.CONFORMS

    def _scene(self, pending: Pending, states: frozenset[State], life: TaskLife | None) -> Scene:
        operation, vm = pending.operation, subject(pending.operation.call)
        entities = {
            task: ref.value
            for task, info in promises.infos_of(self._reads).items()
            if (ref := promises.entity_of(info))
        }
        return Scene(
            operation.call,
            pending.asked,
            self._methods[operation.call.method],
            self.tracker.facts,
            states,
            promises.ended_before(operation, self.tracker) - ({life.ref.value} if life and vm else set()),
            entities,
            requested=requested(self.contract, operation.call.method),
        )

    def _promised(self, pending: Pending, life: TaskLife | None, assessed: Assessment) -> list[str]:
        operation, vm = pending.operation, subject(pending.operation.call)
        broken: list[str] = []
        last = self._seen_after(vm, life.final[0].end if life and life.final else operation.end)
        if isinstance(operation.outcome, Faulted) and not self._accepted_since(operation):
            broken += self._newcomers.after_refusal(operation, pending.reading, last, promises.infos_of(self._reads))
        ended = self._succeeded(operation, life)
        if ended is not None and assessed.observed == OK and not self._accepted_since(operation):
            done = ended + lateness(self._methods[operation.call.method].effect, self.tracker.facts)
            broken += self._kept(pending, life, last if self._read_since(vm, done) else None)
        return [problem for problem in broken if problem]

    def _read_since(self, vm: str, done: float) -> bool:
        """Whether the VM was read since a moment from which on its reports must show what a call did."""
        return any(ref.value == vm and read.start >= done for read, ref, _ in self._reads)

    def _kept(self, pending: Pending, life: TaskLife | None, last: Mapping[str, Json] | None) -> list[str]:
        effect = self._methods[pending.operation.call.method].effect
        return kept(effect, self.tracker, pending.states, last, life)

    def _seen_after(self, vm: str, moment: float) -> Mapping[str, Json] | None:
        """Give the last read of the VM that began after a moment; None if there was none, for then nothing can be held."""
        return next(
            (values for read, ref, values in reversed(self._reads) if read.start >= moment and ref.value == vm), None
        )

    def _accepted_since(self, operation: Operation) -> bool:
        """Whether another call of the block may have changed the VM since."""
        return any(
            other.start > operation.start and other.purpose != "read" and isinstance(other.outcome, Returned | Lost)
            for other in self._block
        )

    def _raced(self, pending: Pending, mid: frozenset[str], assessed: Assessment) -> bool:
        vm, observed = subject(pending.operation.call), assessed.observed
        if mid or observed in DEATHS or vm not in self.tracker.facts.vms or self._accepted_since(pending.operation):
            return False
        before, last = pending.reading, self.tracker.readings.get(vm)
        moved = observed == OK and is_visible(self._methods[pending.operation.call.method].effect)
        if not moved and not steady(before, last):
            return True
        ghost, infos = assessed.field == promises.GHOST, promises.infos_of(self._reads)  # a new task is what is wrong
        return self._newcomers.in_the_way(pending.operation, infos) or (
            not ghost and self._newcomers.foreign(self._block, before, last, infos)
        )

    def _write(
        self,
        pending: Pending,
        expectation: Expectation,
        assessed: Assessment,
        verdict: Verdict,
        broken: list[str],
        life: TaskLife | None,
        shown: list[settings.Problem],
    ) -> Judgement:
        operation = pending.operation
        why = "; ".join(dict.fromkeys(text for text in (assessed.why, *broken) if text))
        return Judgement(
            op=operation.op,
            cell=operation.cell,
            method=operation.call.method,
            verdict=verdict,
            grade=assessed.grade,
            expected=expectation.text(),
            observed=assessed.observed,
            allowed=tuple(expectation.allowed),
            situations=expectation.situations,
            channel=assessed.channel,
            field=assessed.field,
            why=why,
            broken=tuple(broken),
            notes=(
                *(tasklife.notes(life, life.vm) if life else ()),
                *noted(self._methods[operation.call.method].effect, self.tracker, life),
                *remark(assessed),
                *settings.problems.notes(shown),
            ),
            request=pending.asked.request,
            ops=tuple(other.op for other in self._block),
            unsettled=unsettled(expectation),
            shown=settings.problems.showed(shown),
            again=self._retries.again.get(operation.op, 0),
            seconds=round(self._block[-1].end - self._block[0].start, 3) if self._block else 0.0,
        )
