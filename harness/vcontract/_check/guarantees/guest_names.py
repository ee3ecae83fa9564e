"""Checks that a guest has a name that the last customizations gave it: no effect without its call, and none undone.

A new name shows late, and only after a boot must it (oracle section H); a name that only a refused call carries,
or that was given to another VM, never may. Each customization must set a host name of its own; a name that two of them set is
not judged. Where a history leaves the guest undefined (a lost reply, a customization that failed or was aborted), nothing is
judged either.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from math import inf
from typing import NamedTuple

from vcontract._check.guarantees.breach import Breach
from vcontract._check.guarantees.task_lives import TaskLives, TaskSeen
from vcontract._check.settings import BOOTING, BootsSeen, cuts_power, label, name_given
from vcontract._model import State, observe
from vcontract._model.followed_task import KINDS
from vcontract._model.moves import MOVES
from vcontract._model.state import ABORT, CUSTOMIZE, NETWORK
from vcontract._terms import Faulted, Grade, Json, Operation, Returned, as_ref, subject

_PATH = "guest.hostName"
_FORK = MOVES["fork"].method
_ALSO_NAMES = frozenset(
    {
        "CustomizeVM_Task",
        "RevertToSnapshot_Task",
        "RevertToCurrentSnapshot_Task",
        "ReconfigVM_Task",
        "StartProgramInGuest",
        "Destroy_Task",
        "UnregisterVM",
    }
)
"""Methods after which a guest may bear another name, or none."""


class _Naming(NamedTuple):
    """One customization that was let in: the name it gives, and its task."""

    name: str
    task: TaskSeen

    def had_succeeded(self, by: float) -> bool:
        """Whether it was seen before a moment that it had succeeded."""
        return self.task.outcome == "success" and self.task.until < by


class _Guest:
    """What is known of one VM's name.

    `former` are names of before this history: the one that was read first, and what waited then. Of the customizations
    whose name it may bear, so many are `open`: nobody saw their end; the others `ended`. The names of `refused` calls, and of
    those that were `past` when a later one began that succeeded, it may not bear any more once it has booted: operations by
    name. `boot` are the earliest begin of the last boot that was seen, and when it was seen to be over; `bad` are the
    customization whose name it then did not bear, and the begin of the first such read. `cuts` are calls that cut its power,
    with their ends; `aborted` is when an abort was last let in. `taken` is when the first network start or boot was let in,
    which takes up what waits; `found`: that was read, or would have been.
    """

    __slots__ = (
        "aborted", "bad", "boot", "boots", "cuts", "ended", "former", "found", "given", "latest", "open", "past", "refused",
        "taken",
    )  # fmt: skip

    def __init__(self, late: float) -> None:
        self.boots = BootsSeen(late)
        self.boot = (-inf, inf)
        self.bad: tuple[int, float] | None = None
        self.cuts: list[tuple[float, float, TaskSeen | None]] = []
        self.aborted = -inf
        self.former: set[str] = set()
        self.found = False
        self.given: dict[str, float] = {}
        self.open = 0
        self.ended: list[_Naming] = []
        self.latest: _Naming | None = None
        self.past: dict[str, int] = {}
        self.refused: dict[str, int] = {}
        self.taken = inf

    def look(self, fresh: float) -> None:
        """Find the latest customization that had succeeded by `fresh`, and what was past when it began."""
        succeeded = [customization for customization in self.ended if customization.had_succeeded(fresh)]
        self.latest = max([*succeeded, *([self.latest] if self.latest else [])], key=_start, default=None)
        if self.latest is not None:
            began = self.latest.task.start
            past = [
                customization
                for customization in self.ended
                if customization is not self.latest and customization.task.until < began
            ]
            self.past |= {customization.name: customization.task.op for customization in past}
            self.ended = [customization for customization in self.ended if customization not in past]

    def waited(self) -> bool:
        """Whether a name may be of before this history: a network start or a boot took up what waited then.

        Since a customization of the history succeeded it may still show, if that was taken up before: one name, no more.
        """
        if self.latest is None:
            return self.taken < inf
        return self.taken < self.latest.task.until and not self.found

    def booted(self, start: float, late: float) -> bool:
        """Whether a read that began at a moment shows what a boot of this history took up."""
        began, over = self.boot
        return began >= self.taken and start >= over + late

    def vague(self) -> bool:
        """Whether it may be undefined: by a customization that did not succeed, or is not known to."""
        return self.open > 0 or not all(customization.had_succeeded(inf) for customization in self.ended)

    def must_bear(self, start: float, late: float) -> _Naming | None:
        """Give the customization whose name a read that began at a moment must show; None if none need show.

        It succeeded, nothing since makes it doubtful, the guest has booted since, and it was not cut off before what was
        written can have been on its disk.
        """
        latest, (began, over) = self.latest, self.boot
        if latest is None or self.vague() or began < latest.task.until or start < over + late:
            return None
        since = latest.task.start
        self.cuts = [cut for cut in self.cuts if max(cut[1], cut[2].until if cut[2] else 0.0) >= since]
        cut = any(begin <= latest.task.until + late for begin, _, _ in self.cuts)
        return None if cut or self.aborted >= since else latest


class GuestNames:
    """Holds every host name that is read against the customizations of the VM.

    `staleness` is oracle term d, `late` that of what Tools do not report. `alone`: nothing else changes the VMs.
    """

    name = "guest-names"

    def __init__(self, staleness: float = 0.0, late: float = 0.0, *, alone: bool = False) -> None:
        self.judged = 0
        self.breaches: list[Breach] = []
        self._staleness = staleness
        self._alone = alone
        self._guests: dict[str, _Guest] = defaultdict(lambda: _Guest(late))
        self._unknown: list[tuple[Operation, str, str, bool]] = []
        self._lost: set[str] = set()
        self._names: set[str] = set()
        self._twice: set[str] = set()
        self._found: list[tuple[str, Breach]] = []
        self._open: dict[int, tuple[_Guest, _Naming]] = {}

    def feed(self, operation: Operation, lives: TaskLives) -> None:
        """Take one operation; a read is judged when the calls that had begun before its end are known."""
        if lives.read is not None:
            ref, values = lives.read
            if lives.last is not None:
                self._ended(lives.last[0])
                self._forked(lives.last[0], lives.last[1])
            if ref.type == "VirtualMachine" and values:
                self._seen(operation, self._guests[ref.value], values)
                if values.get(_PATH):
                    self._shown(operation, ref.value, label(str(values[_PATH])))
            return
        method = operation.call.method
        if not isinstance(operation.outcome, Faulted):
            self._let_in(operation, self._guests[subject(operation.call)], lives.new)
        if KINDS.get(method) == CUSTOMIZE:
            self._named(operation, subject(operation.call), lives.new)
        elif method in _ALSO_NAMES and not isinstance(operation.outcome, Faulted):
            self._lost.add(subject(operation.call))

    def close(self, lives: TaskLives) -> None:
        """Take the end of the history: names that no call had given by the time they were read are judged now."""
        del lives
        for operation, vm, name, odd in self._unknown:
            if vm not in self._lost and self._guests[vm].given.get(name, inf) > operation.end:
                others = [vm for vm, guest in self._guests.items() if guest.given.get(name, inf) < operation.end]
                if others:
                    self._say(operation, vm, name, f"the call that gave that name was about {others[0]}", [])
                elif odd and self._alone:
                    self._say(operation, vm, name, "it never was, and no call gave it that name", [])
        self.breaches = [breach for name, breach in self._found if name not in self._twice]

    @staticmethod
    def _let_in(operation: Operation, guest: _Guest, task: TaskSeen | None) -> None:
        """Take a call that was not refused: what it may mean to a boot, or to what a customization has done."""
        method, start, end = operation.call.method, operation.start, operation.end
        guest.boots.called(method, start, end, sure=isinstance(operation.outcome, Returned))
        if cuts_power(method):
            guest.cuts.append((start, end, task))
        if method in BOOTING or KINDS.get(method) == NETWORK:
            guest.taken = min(guest.taken, start)
        if KINDS.get(method) == ABORT:
            guest.aborted = max(guest.aborted, end)

    @staticmethod
    def _seen(operation: Operation, guest: _Guest, values: Mapping[str, Json]) -> None:
        """Take a read for what it tells of boots."""
        if "runtime.powerState" in values:
            began = guest.boots.saw(operation.start, observe(State(), values))
            if began is not None:
                guest.boot = (began, operation.end)

    def _forked(self, task: TaskSeen, info: Mapping[str, Json]) -> None:
        """Take a task that was read: what it cloned bears names of its parent's, which are not followed."""
        child = as_ref(info.get("result")) if task.method == _FORK else None
        if child is not None:
            self._lost.add(child.value)

    def _ended(self, task: TaskSeen) -> None:
        """Take a task that was read: if that was its end, it is looked at whenever its guest's name is read."""
        if task.op in self._open and task.until < inf:
            guest, naming = self._open.pop(task.op)
            guest.open -= 1
            guest.ended.append(naming)

    def _named(self, operation: Operation, vm: str, task: TaskSeen | None) -> None:
        name, guest = label(name_given(operation.call.arguments.get("spec") or {})), self._guests[vm]
        if not name:
            return
        if isinstance(operation.outcome, Faulted):
            if name not in {*guest.former, *guest.given}:
                guest.refused[name] = operation.op
        else:
            guest.open += 1
            if task is not None:
                self._open[operation.op] = (guest, _Naming(name, task))
        if name in self._names:
            self._twice.add(name)
        self._names.add(name)
        if not isinstance(operation.outcome, Faulted):
            guest.given.setdefault(name, operation.start)

    def _shown(self, operation: Operation, vm: str, name: str) -> None:
        if vm in self._lost:
            return
        guest = self._guests[vm]
        if not guest.former:
            guest.former.add(name)
        guest.look(operation.start - self._staleness)
        self.judged += 1
        must, why, ops = guest.must_bear(operation.start, self._staleness), "", list[int]()
        if name in guest.refused and name not in guest.given:
            ops = [guest.refused[name]]
            why = f"the call that gives it that name (operation {ops[0]}) was refused"
        elif must is not None and (name in guest.past or (name in guest.former and name not in guest.given)):
            if self._again(guest, must, operation.start):
                ops = [*([guest.past[name]] if name in guest.past else []), must.task.op]
                why = f"operation {must.task.op} gave it the name {must.name}, and succeeded, and it has booted since"
        elif name not in {*guest.given, *guest.former}:
            self._strange(operation, vm, name, sure=must is not None)
        guest.found = guest.found or guest.booted(operation.start, self._staleness)
        if why:
            self._say(operation, vm, name, why, ops)

    def _strange(self, operation: Operation, vm: str, name: str, *, sure: bool) -> None:
        """Take a name that no call about the VM gave: it may have waited before, unless it is `sure` which must show."""
        guest = self._guests[vm]
        waited = guest.waited()
        if waited and not sure and name not in self._names:
            guest.former.add(name)
            guest.found = True
        elif guest.latest is not None or not waited:
            self._unknown.append((operation, vm, name, not guest.vague()))

    def _again(self, guest: _Guest, must: _Naming, start: float) -> bool:
        """Whether this is the second read, far enough after the first, that shows another name than the one that must show."""
        if guest.bad is None or guest.bad[0] != must.task.op:
            guest.bad = (must.task.op, start)
            return False
        return start > guest.bad[1] and start >= guest.bad[1] + self._staleness

    def _say(self, operation: Operation, vm: str, name: str, why: str, ops: list[int]) -> None:
        breach = Breach(
            op=operation.op,
            method="CustomizeGuest_Task",
            vm=vm,
            grade=Grade.WRONG,
            expected="the name that the last customization gave",
            observed="OK",
            detail=f"{_PATH}: {vm} is called {name}, but {why}",
            channel="task",
            field=_PATH,
            ops=(*ops, operation.op),
        )
        self._found.append((name, breach))


def _start(naming: _Naming) -> float:
    return naming.task.start
