"""Encodes the operations of a history as steps of each VM (oracle section E): what happened to it, and in which interval.

Reads of a task bound the intervals: a task read queued or running had not ended when the read began; a task read running had
taken its lock by the time the read returned; a task read final had ended by then. Reports may be `staleness` old, and a task's
end is published within `publish` seconds. What no answer shows (a lost reply, a task whose end nobody saw) may have happened
at any time since, or never. A call that was refused for its session or privilege did nothing to the VM.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from math import inf

import msgspec

from vcontract.check.life import UNJUDGED, Life, meanings, note_cuts, workers
from vcontract.check.linearizable import Steps
from vcontract.check.machine_steps import (
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
from vcontract.check.search import NOBODY
from vcontract.contract import OK
from vcontract.model.moves import MOVES, On, methods_where
from vcontract.model.tracker import REVERTS
from vcontract.terms import Json

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


class MachineHistory:
    """The history of one VM: its calls (`lives`), its reads, and the fields that its first read showed (`seen`).

    For a clone, `parent` is the VM that it was cloned from, and `born` the interval in which that happened.
    """

    def __init__(self, engine: str) -> None:
        self.engine = engine
        self.lives: list[Life] = []
        self.reads: list[tuple[int, float, float, Step]] = []
        self.seen: Mapping[str, Json] | None = None
        self.cancelled: dict[str, float] = {}
        self.parent = ""
        self.born = (0.0, 0.0)

    def encode(self, effects: Mapping[str, str], logouts: Mapping[str, list[float]], publish: float) -> Encoded:
        """Encode the history as steps; `effects` maps methods to effects, `logouts` actors to the times of their logouts."""
        made = _Encoder(self, effects, logouts, publish)
        for life in self.lives:
            made.add(life)
        for op, begin, end, step in self.reads:
            made.step(op, begin, end, step)
        return made.encoded()


class _Encoder:
    def __init__(
        self, history: MachineHistory, effects: Mapping[str, str], logouts: Mapping[str, list[float]], publish: float
    ) -> None:
        self._effects, self._logouts, self._publish = effects, logouts, publish
        self._cancelled = history.cancelled
        note_cuts(history.lives)
        self._workers, self._meanings = workers(history.lives), meanings(history.lives)
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

    def add(self, life: Life) -> None:
        """Add the steps of a call."""
        if life.refused:
            if life.asked is not None:
                beside = self._workers.meeting(life.start, life.end)
                self.step(life.op, life.start, life.end, Step(REFUSED, life.asked, life.outcome, beside))
        elif life.asked is None:
            if life.outcome in {"", OK}:
                self._unjudged(life)
        elif not life.outcome:
            self._open(life)
        elif life.task:
            self._task(life)
        else:
            self.step(life.op, life.start, life.until, Step(DONE, life.asked, does=life.does))

    def _task(self, life: Life) -> None:
        accepted = self.step(life.op, life.start, life.end, Step(ACCEPTED, life.asked))
        op, until = life.op, life.until
        if life.outcome != OK:
            before = accepted
            if life.outcome != UNJUDGED:
                before = self.step(op, life.start, until, self._cause(life), accepted)
            if life.does == "customized" and not life.cut:
                self.step(op, life.after, until, Step(FAILED), before)
        elif life.does == "customized":
            take = self.step(op, life.queued, min(life.running, until), Step(TAKE, life.asked), accepted)
            by = life.cut + self._publish if life.cut else inf
            # a customization that goes on after an abort that began while it ran has no legal end (oracle promise F4)
            late = life.after > by
            self.step(op, life.after, until if late else min(until, by), Step(END, does=LATE if late else ""), take)
        elif life.does == "aborted":
            self.step(op, life.start, until, Step(ABORT, life.asked), accepted)
        elif life.does in {"networkStarted", "nothing"}:
            self.step(op, life.start, until, Step(FIT, life.asked), accepted)
        else:
            self.step(op, life.start, until, Step(DONE, life.asked, does=life.does), accepted)

    def _open(self, life: Life) -> None:
        """Add a call whose end nobody saw; if its reply was lost, it may not even have been accepted."""
        before = self.step(life.op, life.start, life.end, Step(ACCEPTED, life.asked)) if life.task else NOBODY
        if life.does not in {"networkStarted", "nothing"}:
            self.step(life.op, life.start, inf, Step(GHOST, does=life.does), before)

    def _unjudged(self, life: Life) -> None:
        """Add the effect of a call that is not judged; if nobody saw its end, the effect may or may not have happened."""
        until = life.until if life.outcome else inf
        if life.method in HOSTS:
            self.step(life.op, life.start, until, Step(CONNECTION, does=HOSTS[life.method]))
        elif life.method in _GONE:
            self.step(life.op, life.start, until, Step(GONE))
        elif life.method in REVERTS:
            self.step(life.op, life.start, until, Step(ANY))
        elif life.lever:
            self.step(life.op, life.start, until, Step(LEVER, does=life.lever))
        elif (effect := life.does or _POWERED.get(life.method, "")) and effect != "nothing":
            self.step(life.op, life.start, until, Step(DONE, does=effect))

    def _cause(self, life: Life) -> Step:
        beside = self._workers.meeting(life.start, life.until, {life.work})
        mid = self._meanings.meeting(life.start, life.until, life.meant)
        if any(life.start <= moment <= life.until for moment in self._logouts.get(life.actor, ())):
            mid |= {"session"}
        if self._cancelled.get(life.task, inf) <= life.until:
            mid |= {"cancel"}
        return Step(CAUSE, life.asked, life.outcome, beside, mid)
