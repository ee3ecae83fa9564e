"""Encodes the operations of a history as steps of each VM (oracle section E): what happened to it, and in which interval.

Reads of a task bound the intervals: a task read queued or running had not ended when the read began; a task read final had
taken its lock, if it succeeded, and had ended by the time the read returned. Reports may be `staleness` old, and a task's
end is published within `publish` seconds. What no answer shows (a lost reply, a task whose end nobody saw) may have happened
at any time since, or never. A call that was refused for its session or privilege did nothing to the VM.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from math import inf

import msgspec

from vcontract._check.call_spans import UNJUDGED, CallSpan, meanings, note_cuts, work_of
from vcontract._check.linearizable import Steps
from vcontract._check.once_more import note_first_refusals
from vcontract._check.search import NOBODY
from vcontract._check.vm_steps import (
    ABORT,
    ACCEPTED,
    ANY,
    CAUSE,
    CONNECTION,
    DONE,
    END,
    FAILED,
    FIT,
    GHOST,
    GONE,
    LEVER,
    REFUSED,
    TAKE,
    Step,
)  # fmt: skip
from vcontract._contract import OK
from vcontract._model.effects import left_behind
from vcontract._model.effects.unsettled import same
from vcontract._model.moves import MOVES, On, methods_where
from vcontract._model.state import CUSTOMIZE
from vcontract._model.tracker import REVERTS
from vcontract._terms import Json

LATE = "after an abort that succeeded"
_POWERED = {MOVES["terminate"].method: "poweredOff"}
_GONE = methods_where(lambda move: move.ends_vm)
HOSTS = {move.method: str(move.sets["connection"]) for move in MOVES.values() if move.on is On.HOST}
"""Methods of a host, and the connection state that they give its VMs."""


class Encoded(msgspec.Struct, frozen=True):
    """The encoded history of one VM: its steps, the kinds by number, and for each step its operation, begin and end."""

    steps: Steps
    kinds: tuple[Step, ...]
    ops: array[int]
    begins: array[float]
    ends: array[float]


class VmHistory:
    """The history of one VM: its calls (`lives`), its reads, and the fields that its first read showed (`seen`).

    For a clone, `parent` is the VM that it was cloned from, and `born` the interval in which that happened.
    """

    def __init__(self, engine: str) -> None:
        self.engine = engine
        self.spans: list[CallSpan] = []
        self.reads: list[tuple[int, float, float, Step]] = []
        self.seen: Mapping[str, Json] | None = None
        self.cancelled: dict[str, float] = {}
        self.parent = ""
        self.born = (0.0, 0.0)

    def encode(self, effects: Mapping[str, str], logouts: Mapping[str, list[float]], publish: float) -> Encoded:
        """Encode the history as steps; `effects` maps methods to effects, `logouts` actors to the times of their logouts."""
        made = _Encoder(self, effects, logouts, publish)
        for span in self.spans:
            made.add(span)
        for op, begin, end, step in self.reads:
            made.step(op, begin, end, step)
        return made.encoded()


class _Encoder:
    def __init__(
        self, history: VmHistory, effects: Mapping[str, str], logouts: Mapping[str, list[float]], publish: float
    ) -> None:
        self._effects, self._logouts, self._publish = effects, logouts, publish
        self._cancelled = history.cancelled
        note_cuts(history.spans)
        note_first_refusals(history.spans)
        self._work, self._meanings = work_of(history.spans), meanings(history.spans)
        self._number: dict[Step, int] = {}
        self._kinds, self._before, self._ops = array("q"), array("q"), array("q")
        self._begins, self._ends = array("d"), array("d")

    def encoded(self) -> Encoded:
        """Build the result, with all begins and ends in the order of time; at equal times begins come first."""
        # 2n stands for the begin of step n, 2n + 1 for its end; sorting is stable, so begins are put first
        count = len(self._kinds)
        begins, ends = self._begins, self._ends
        events = [2 * number for number in range(count)]
        events += [2 * number + 1 for number in range(count) if ends[number] < inf]
        events.sort(key=lambda event: ends[event >> 1] if event & 1 else begins[event >> 1])
        steps = Steps(self._kinds, self._before, array("q", events))
        return Encoded(steps, tuple(self._number), self._ops, begins, ends)

    def step(self, op: int, begin: float, end: float, step: Step, before: int = NOBODY) -> int:
        """Add a step and return its number; it begins and ends no earlier than the step that must come before it."""
        if before != NOBODY:
            begin, end = max(begin, self._begins[before]), max(end, self._ends[before] if end < inf else end)
        self._kinds.append(self._number.setdefault(step, len(self._number)))
        self._before.append(before)
        self._ops.append(op)
        self._begins.append(min(begin, end))
        self._ends.append(end)
        return len(self._kinds) - 1

    def add(self, span: CallSpan) -> None:
        """Add the steps of a call."""
        if span.refused:
            if span.asked is not None:
                beside = self._work.meeting(span.start, span.end) | _held(span)
                self.step(span.op, span.start, span.end, Step(REFUSED, span.asked, span.outcome, beside))
        elif span.asked is None:
            if span.outcome in {"", OK}:
                self._unjudged(span)
        elif not span.outcome:
            self._open(span)
        elif span.task:
            self._task(span)
        else:
            self.step(span.op, span.start, span.until, Step(DONE, span.asked, does=span.does))

    def _task(self, span: CallSpan) -> None:
        accepted = self.step(span.op, span.start, span.end, Step(ACCEPTED, span.asked))
        op, until = span.op, span.until
        if span.outcome != OK:
            before = accepted
            if span.outcome != UNJUDGED:
                before = self.step(op, span.start, until, self._cause(span), accepted)
            if not (span.cut or span.left_nothing) and left_behind(span.does, span.outcome) is not same:
                self.step(op, span.after, until, Step(FAILED), before)
        elif span.does == "customized":
            # read running it may still wait for the lock (oracle rule A8)
            take = self.step(op, span.queued, until, Step(TAKE, span.asked), accepted)
            by = span.cut + self._publish if span.cut else inf
            # a customization that goes on after an abort that began while it ran has no legal end (oracle promise F4)
            late = span.after > by
            self.step(op, span.after, until if late else min(until, by), Step(END, does=LATE if late else ""), take)
        elif span.does == "aborted":
            self.step(op, span.start, until, Step(ABORT, span.asked), accepted)
        elif span.does in {"networkStarted", "nothing"}:
            self.step(op, span.start, until, Step(FIT, span.asked), accepted)
        else:
            self.step(op, span.start, until, Step(DONE, span.asked, does=span.does), accepted)

    def _open(self, span: CallSpan) -> None:
        """Add a call whose end nobody saw; if its reply was lost, it may not even have been accepted."""
        before = self.step(span.op, span.start, span.end, Step(ACCEPTED, span.asked)) if span.task else NOBODY
        if span.does != "nothing":
            step = Step(FAILED) if span.does == "networkStarted" else Step(GHOST, does=span.does)
            self.step(span.op, span.start, inf, step, before)

    def _unjudged(self, span: CallSpan) -> None:
        """Add the effect of a call that is not judged; if nobody saw its end, the effect may or may not have happened."""
        until = span.until if span.outcome else inf
        if span.method in HOSTS:
            self.step(span.op, span.start, until, Step(CONNECTION, does=HOSTS[span.method]))
        elif span.method in _GONE:
            self.step(span.op, span.start, until, Step(GONE))
        elif span.method in REVERTS:
            self.step(span.op, span.start, until, Step(ANY))
        elif span.lever:
            self.step(span.op, span.start, until, Step(LEVER, does=span.lever))
        elif (effect := span.does or _POWERED.get(span.method, "")) and effect != "nothing":
            self.step(span.op, span.start, until, Step(DONE, does=effect))

    def _cause(self, span: CallSpan) -> Step:
        beside = self._work.meeting(span.start, span.until, {span.work}) | _held(span)
        mid = self._meanings.meeting(span.start, span.until, span.meant)
        if any(span.start <= moment <= span.until for moment in self._logouts.get(span.actor, ())):
            mid |= {"session"}
        if self._cancelled.get(span.task, inf) <= span.until:
            mid |= {"cancel"}
        return Step(CAUSE, span.asked, span.outcome, beside, mid)


def _held(span: CallSpan) -> frozenset[str]:
    """Give what may refuse a call as if it still ran, though an abort has ended it: once, by oracle promise F4."""
    return frozenset({CUSTOMIZE} if span.first else ())
