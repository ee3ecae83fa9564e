"""Oracle promise F4: after an abort that succeeded the next valid customization does, too, and one retry is allowed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from msgspec.structs import replace

from vcontract._check.grade import Assessment
from vcontract._check.judgement import Pending
from vcontract._contract import OK, Contract
from vcontract._model import Asked, State, TaskLife, Tracker, expect, settled
from vcontract._model.followed_task import KINDS
from vcontract._model.state import ABORT, CUSTOMIZE, NETWORK
from vcontract._terms import Faulted, Grade, Operation, Ref, Returned, Verdict, as_ref, subject

_CUSTOMIZED = "customized"
_ACCEPTED = "refused once after an abort, and accepted when it was made once more"
_ALONE = "the first customization after an abort may be refused once, and it was not made once more"
_AGAIN = "it is refused again: after an abort the first customization may be refused once"
Assess = Callable[[Pending, frozenset[State]], Verdict]
"""Judges the answer to a call as if it had met these states."""


class _Chain(msgspec.Struct):
    """The first valid customization since an abort, and whether something may since have changed why it was refused."""

    abort: str
    first: Pending
    changed: bool = False


class Retries:
    """Follows the customizations of each VM since its last abort that succeeded; `assess` judges an answer in given states.

    `again` maps each operation that is a retry to the one that was refused before.
    """

    def __init__(self, tracker: Tracker, contract: Contract, assess: Assess) -> None:
        self._tracker, self._contract, self._assess = tracker, contract, assess
        self._customizing = {each.name for each in contract.methods if each.effect == _CUSTOMIZED}
        self._works: dict[str, list[TaskLife]] = {}
        self._chains: dict[str, _Chain] = {}
        self._first: set[int] = set()
        self.again: dict[int, int] = {}

    def heard(self, operation: Operation) -> None:
        """Take an operation that the tracker has heard: what may have changed the VM ends the chance of a retry."""
        vm, outcome = subject(operation.call), operation.outcome
        if operation.purpose == "read" or isinstance(outcome, Faulted):
            return
        if operation.call.method in KINDS and (life := self._life(operation)) is not None:
            self._works.setdefault(vm, []).append(life)
        chain = self._chains.get(vm)
        again = operation.call.method in self._customizing and isinstance(outcome, Returned)
        if chain is not None and not again:
            chain.changed = True

    def remember(self, pending: Pending) -> Pending:
        """Note a call that is the first valid customization since an abort.

        A later one, if that was refused, gets its states: what the refusal may have left behind excuses no other.
        """
        operation, vm = pending.operation, subject(pending.operation.call)
        if operation.call.method not in self._customizing or not self._valid(pending.states, pending.asked):
            return pending
        abort, chain = self._abort(vm, operation.start), self._chains.get(vm)
        if chain is None or abort != chain.abort or not self.is_excusable(chain.first):
            self._chains.pop(vm, None)
            if abort:
                self._chains[vm] = _Chain(abort, pending)
                self._first.add(operation.op)
            return pending
        if chain.changed:
            return pending
        self.again[operation.op] = chain.first.operation.op
        return replace(pending, states=_unheld(pending.states) or pending.states)

    def is_excusable(self, pending: Pending) -> bool:
        """Whether a call is the first valid customization since an abort, and refused as it may be while the lock is held."""
        if pending.operation.op not in self._first or not self._refused(pending.operation):
            return False
        if self._assess(pending, pending.states) is not Verdict.VIOLATES:
            return False
        return self._assess(pending, _held(pending.states)) is Verdict.CONFORMS

    def resume(self) -> None:
        """Begin anew, after a cut."""
        self._works.clear()
        self._chains.clear()

    def to_repeat(self, pendings: Sequence[Pending]) -> Operation | None:
        """Give the last of the calls, if it is to be made once more at once: no verdict on it is due before."""
        last = pendings[-1] if pendings else None
        chain = self._chains.get(subject(last.operation.call)) if last is not None else None
        if last is None or chain is None or chain.changed or chain.first.operation is not last.operation:
            return None
        return last.operation if self.is_excusable(last) else None

    def told(
        self, pending: Pending, assessed: Assessment, verdict: Verdict, later: Sequence[Pending]
    ) -> tuple[Assessment, Verdict]:
        """Say of a violation whether it is none yet, as it may have been refused once; `later` are calls of its cell."""
        if verdict is not Verdict.VIOLATES:
            return assessed, verdict
        if pending.operation.op in self.again:
            return replace(assessed, why=f"{assessed.why}; {_AGAIN}"), verdict
        if not self.is_excusable(pending):
            return assessed, verdict
        if any(each.operation.op > pending.operation.op and self._succeeded(each, pending) for each in later):
            return replace(assessed, grade=Grade.UNSETTLED, why=_ACCEPTED), Verdict.CONFORMS
        return replace(assessed, why=_ALONE), Verdict.INCONCLUSIVE

    def _valid(self, states: frozenset[State], asked: Asked) -> bool:
        return asked.vm == "ok" and OK in settled(expect(states, asked, self._contract))

    def _abort(self, vm: str, start: float) -> str:
        """Name the task of the last abort that succeeded, if nothing runs in the guest and no customization succeeded since."""
        lives = self._works.get(vm, [])
        last = next(
            (place for place in reversed(range(len(lives))) if lives[place].kind == ABORT and _won(lives[place])), 0
        )
        if any(life.kind == CUSTOMIZE and _won(life) for life in lives[last:]):
            last = len(lives)
        self._works[vm] = lives = [life for place, life in enumerate(lives) if place >= last or not life.over]
        ended = all(life.over and (life.final is None or life.final[0].end <= start) for life in lives)
        return lives[0].ref.value if ended and lives and lives[0].kind == ABORT and _won(lives[0]) else ""

    def _life(self, operation: Operation) -> TaskLife | None:
        ref: Ref | None = as_ref(operation.outcome.value) if isinstance(operation.outcome, Returned) else None
        return self._tracker.tasks.get(ref.value) if ref else None

    def _refused(self, operation: Operation) -> bool:
        """Whether a call was refused, by itself or by its task."""
        life = self._life(operation)
        ended = life is not None and life.final is not None and not _won(life)
        return isinstance(operation.outcome, Faulted) or ended

    def _succeeded(self, later: Pending, first: Pending) -> bool:
        """Whether a later call is a customization of the same VM that succeeded."""
        call, life = later.operation.call, self._life(later.operation)
        same = call.method in self._customizing and subject(call) == subject(first.operation.call)
        return same and life is not None and _won(life)


def _won(life: TaskLife) -> bool:
    return life.final is not None and life.final[1].get("state") == "success"


def _unheld(states: frozenset[State]) -> frozenset[State]:
    return frozenset(state for state in states if not state.orphaned)


def _held(states: frozenset[State]) -> frozenset[State]:
    """Give the states as if what the abort has ended, or the abort itself, still held the lock."""
    works = [replace(state, running=work) for state in states for work in (CUSTOMIZE, NETWORK, ABORT)]
    return frozenset([*works, *(replace(state, orphaned=True) for state in states)])
