"""One call of a VM as intervals: when it was made, between which moments it took hold and ended, and how."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from math import inf

from vcontract.check.midtask import meaning
from vcontract.contract import OK
from vcontract.model import Asked
from vcontract.model.state import ABORT, CUSTOMIZE, EXCLUSIVE
from vcontract.model.tracker import KINDS

FINAL = frozenset({"success", "error"})
UNJUDGED = "judged elsewhere"
"""In place of a fault that says more of the server, or of a session, than of the VM's state."""


class CallSpan:
    """One call, from `start` to `end`; if it gave a task, that ended after `after` and no later than `until`.

    `cut` is the end of the abort that cut it (0: none did). `outcome` is `OK`, a fault's type, UNJUDGED, or empty if nobody
    saw it. `refused`: the call itself was. A task had not taken hold of the VM at `queued`, and had at `running` (infinity:
    nobody saw it run). `asked` is None for a call that is not judged.
    """

    __slots__ = (
        "actor", "after", "asked", "cut", "does", "end", "lever", "method", "op", "outcome", "queued", "refused",
        "running", "start", "task", "until",
    )  # fmt: skip

    def __init__(self, op: int, start: float, end: float, method: str, asked: Asked | None) -> None:
        self.op = op
        self.start = self.after = self.queued = start
        self.end = end
        self.method = method
        self.asked = asked
        self.actor = self.does = self.lever = self.outcome = self.task = ""
        self.refused = False
        self.running = self.until = inf
        self.cut = 0.0

    def read(self, start: float, end: float, state: str, fault: str, publish: float) -> bool:
        """Learn from a read of its task; says whether it is over."""
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

        A call whose answer was lost may have begun a task of which nobody knows.
        """
        if self.refused or not (self.task or not self.outcome):
            return ""
        kind = KINDS.get(self.method, EXCLUSIVE)
        return "" if kind == CUSTOMIZE and self.outcome == OK else kind

    @property
    def meant(self) -> frozenset[str]:
        """What it means to other tasks of the VM, unless it failed."""
        if self.refused or self.outcome not in {"", OK}:
            return frozenset()
        return meaning(self.method, self.lever)


class Intervals:
    """Intervals by name, and which of them meet another."""

    def __init__(self, intervals: Iterable[tuple[str, float, float]]) -> None:
        starts: dict[str, list[float]] = {}
        ends: dict[str, list[float]] = {}
        for name, start, end in intervals:
            starts.setdefault(name, []).append(start)
            ends.setdefault(name, []).append(end)
        self._sorted = {name: (sorted(starts[name]), sorted(ends[name])) for name in starts}

    def meeting(self, start: float, end: float, own: Iterable[str] = ()) -> frozenset[str]:
        """Name the intervals that meet this one, which is itself one of those named `own`."""
        found = []
        for name, (starts, ends) in self._sorted.items():
            if bisect_right(starts, end) - bisect_left(ends, start) - (name in own) > 0:
                found.append(name)
        return frozenset(found)


def meanings(spans: Iterable[CallSpan]) -> Intervals:
    """Collect what happened to a VM: by calls that did or may have; an abort that was itself disturbed may have, too."""
    listed = list(spans)
    found = [(name, each.start, each.until) for each in listed for name in each.meant]
    known = Intervals(found)
    for each in listed:
        if KINDS.get(each.method) == ABORT and each.outcome not in {"", OK} and not each.refused:
            found += [("abort", each.start, each.until)] if known.meeting(each.start, each.until) else []
    return Intervals(found)


def work_of(spans: Iterable[CallSpan]) -> Intervals:
    """Collect what may have run on a VM, and is told of by times alone; what was cut held its lock until the abort's end."""
    return Intervals((each.work, each.start, max(each.until, each.cut)) for each in spans if each.work)


def note_cuts(spans: Iterable[CallSpan]) -> None:
    """Find the customizations that an abort cut (oracle promise F4): it succeeded, and began while they were known to run."""
    listed = list(spans)
    aborts = sorted((each.start, each.until) for each in listed if each.does == "aborted" and each.outcome == OK)
    for each in listed:
        if each.does == "customized" and each.outcome and each.running < inf:
            place = bisect_left(aborts, (each.running, 0.0))
            if place < len(aborts) and aborts[place][0] <= each.until:
                each.cut = aborts[place][1]
