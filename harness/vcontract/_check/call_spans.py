"""The life of one call on a VM as intervals: when it was made, when it took the lock, when it ended, and how."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from math import inf

from vcontract._check.midtask import meaning
from vcontract._contract import OK
from vcontract._model import Asked
from vcontract._model.effects import LOCKS
from vcontract._model.followed_task import KINDS
from vcontract._model.state import ABORT, CUSTOMIZE, EXCLUSIVE

FINAL = frozenset({"success", "error"})
UNJUDGED = "judged elsewhere"
"""Replaces a fault that concerns the server or a session and not the VM's state."""


class CallSpan:
    """One call, from `start` to `end`; if it gave a task, the task ended after `after` and no later than `until`.

    `cut` is the end of the abort that cut it off (0: none did). `outcome` is `OK`, a fault's type, UNJUDGED, or empty if
    nobody saw it. `refused`: the call itself was refused. The task had not begun to run at `queued`, and had at `running`
    (infinity: nobody saw it run). `asked` is None for a call that is not judged. `first`: it was refused, and may have been the
    first customization since an abort; `left_nothing`: it surely was, so that it left no lock.
    """

    __slots__ = (
        "actor", "after", "asked", "cut", "does", "end", "first", "left_nothing", "lever", "method", "op", "outcome",
        "queued", "refused", "running", "start", "task", "until",
    )  # fmt: skip

    def __init__(self, op: int, start: float, end: float, method: str, asked: Asked | None) -> None:
        self.op = op
        self.start = self.after = self.queued = start
        self.end = end
        self.method = method
        self.asked = asked
        self.actor = self.does = self.lever = self.outcome = self.task = ""
        self.refused = self.first = self.left_nothing = False
        self.running = self.until = inf
        self.cut = 0.0

    def read(self, start: float, end: float, state: str, fault: str, publish: float) -> bool:
        """Narrow the intervals by a read of the task; return whether the task is over."""
        if state in FINAL:
            self.until = end
            self.outcome = fault or OK
            return True
        self.after = max(self.after, start - publish)
        if state == "queued":
            self.queued = max(self.queued, start - publish)
        else:
            self.running = min(self.running, end)
        return False

    @property
    def work(self) -> str:
        """What kind of work it may be to others; empty for a customization that succeeded: the states tell of that.

        A call whose answer was lost may have begun an unknown task.
        """
        if self.refused or not (self.task or not self.outcome):
            return ""
        kind = KINDS.get(self.method, EXCLUSIVE)
        return "" if kind == CUSTOMIZE and self.outcome == OK else kind

    @property
    def customized(self) -> bool:
        """Whether it is a customization that succeeded."""
        return self.does == "customized" and self.outcome == OK

    @property
    def meant(self) -> frozenset[str]:
        """What it means to other tasks of the VM, unless it failed."""
        if self.refused or self.outcome not in {"", OK}:
            return frozenset()
        return meaning(self.method, self.lever)


class Intervals:
    """Intervals by name, searchable for those that overlap another interval."""

    def __init__(self, intervals: Iterable[tuple[str, float, float]]) -> None:
        starts: dict[str, list[float]] = {}
        ends: dict[str, list[float]] = {}
        for name, start, end in intervals:
            starts.setdefault(name, []).append(start)
            ends.setdefault(name, []).append(end)
        self._sorted = {name: (sorted(starts[name]), sorted(ends[name])) for name in starts}

    def meeting(self, start: float, end: float, own: Iterable[str] = ()) -> frozenset[str]:
        """Name the intervals that overlap this one; a name in `own` counts from its second on, for this interval is one."""
        names = []
        for name, (starts, ends) in self._sorted.items():
            if bisect_right(starts, end) - bisect_left(ends, start) - (name in own) > 0:
                names.append(name)
        return frozenset(names)


def meanings(spans: Iterable[CallSpan]) -> Intervals:
    """Collect the disturbances of a VM: calls that did or may have taken effect.

    An abort that ended in error counts if it was itself disturbed, for it may have done its work before.
    """
    listed = list(spans)
    intervals = [(name, span.start, span.until) for span in listed for name in span.meant]
    known = Intervals(intervals)
    for span in listed:
        if KINDS.get(span.method) == ABORT and span.outcome not in {"", OK} and not span.refused:
            intervals += [("abort", span.start, span.until)] if known.meeting(span.start, span.until) else []
    return Intervals(intervals)


def work_of(spans: Iterable[CallSpan]) -> Intervals:
    """Collect the work on a VM that the states do not model; work that an abort cut off lasts until the abort's end."""
    return Intervals((span.work, span.start, max(span.until, span.cut)) for span in spans if span.work)


def note_cuts(spans: Iterable[CallSpan]) -> None:
    """Mark the work on the lock that an abort cut off (oracle promise F4): it succeeded and began while that surely ran."""
    listed = list(spans)
    aborts = sorted((span.start, span.until) for span in listed if span.does == "aborted" and span.outcome == OK)
    for span in listed:
        if span.does in LOCKS and span.outcome and span.running < inf:
            place = bisect_left(aborts, (span.running, 0.0))
            if place < len(aborts) and aborts[place][0] <= span.until:
                span.cut = aborts[place][1]
