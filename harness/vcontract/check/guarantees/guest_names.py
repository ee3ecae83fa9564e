"""Checks that a guest has the name that the last customization gave it: no effect without its call, and none undone.

Each customization must set a host name of its own; a name that two of them set is not judged. Where a history leaves the
guest undefined (a lost reply, a customization that failed or was aborted), nothing is judged either.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from math import inf
from typing import NamedTuple

from vcontract.check.guarantees.breach import Breach
from vcontract.check.guarantees.task_lives import TaskLives, TaskSeen
from vcontract.model.followed_task import KINDS
from vcontract.model.state import CUSTOMIZE
from vcontract.terms import Faulted, Grade, Json, Operation, subject

_PATH = "guest.hostName"
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

    `first` is the name that was read first. Of the customizations whose name it may bear, so many are `open`: nobody saw
    their end; the others `ended`. The names of `refused` calls, and of those that were `past` when a later one began that
    succeeded, it may not bear any more: operations by name.
    """

    __slots__ = ("ended", "first", "given", "latest", "open", "past", "refused")

    def __init__(self) -> None:
        self.first = ""
        self.given: dict[str, float] = {}
        self.open = 0
        self.ended: list[_Naming] = []
        self.latest: _Naming | None = None
        self.past: dict[str, int] = {}
        self.refused: dict[str, int] = {}

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

    def vague(self) -> bool:
        """Whether it may be undefined: by a customization that did not succeed, or is not known to."""
        return self.open > 0 or not all(customization.had_succeeded(inf) for customization in self.ended)


class GuestNames:
    """Holds every host name that is read against the customizations of the VM; `staleness` is oracle term d."""

    name = "guest-names"

    def __init__(self, staleness: float = 0.0) -> None:
        self.judged = 0
        self.breaches: list[Breach] = []
        self._staleness = staleness
        self._guests: dict[str, _Guest] = defaultdict(_Guest)
        self._unknown: list[tuple[Operation, str, str]] = []
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
            if ref.type == "VirtualMachine" and values and values.get(_PATH):
                self._shown(operation, ref.value, _label(str(values[_PATH])))
            return
        method = operation.call.method
        if KINDS.get(method) == CUSTOMIZE:
            self._named(operation, subject(operation.call), lives.new)
        elif method in _ALSO_NAMES and not isinstance(operation.outcome, Faulted):
            self._lost.add(subject(operation.call))

    def close(self, lives: TaskLives) -> None:
        """Take the end of the history: names that no call had given by the time they were read are judged now."""
        del lives
        for operation, vm, name in self._unknown:
            if vm not in self._lost and self._guests[vm].given.get(name, inf) > operation.end:
                others = [vm for vm, guest in self._guests.items() if guest.given.get(name, inf) < operation.end]
                if others:
                    self._say(operation, vm, name, f"the call that gave that name was about {others[0]}", [])
        self.breaches = [breach for name, breach in self._found if name not in self._twice]

    def _ended(self, task: TaskSeen) -> None:
        """Take a task that was read: if that was its end, it is looked at whenever its guest's name is read."""
        if task.op in self._open and task.until < inf:
            guest, naming = self._open.pop(task.op)
            guest.open -= 1
            guest.ended.append(naming)

    def _named(self, operation: Operation, vm: str, task: TaskSeen | None) -> None:
        name, guest = _label(_given(operation.call.arguments)), self._guests[vm]
        if not name:
            return
        if isinstance(operation.outcome, Faulted):
            guest.refused[name] = operation.op
        else:
            guest.open += 1
            if task is not None:
                self._open[operation.op] = (guest, _Naming(name, task))
        if name in self._names:
            self._twice.add(name)
        self._names.add(name)
        guest.given.setdefault(name, operation.start)

    def _shown(self, operation: Operation, vm: str, name: str) -> None:
        if vm in self._lost:
            return
        guest = self._guests[vm]
        guest.first = guest.first or name
        guest.look(operation.start - self._staleness)
        self.judged += 1
        latest, why, ops = guest.latest, "", list[int]()
        if name in guest.refused:
            ops = [guest.refused[name]]
            why = f"the call that gives it that name (operation {ops[0]}) was refused"
        elif latest is not None and name in guest.past:
            ops = [guest.past[name], latest.task.op]
            why = f"operation {latest.task.op} gave it the name {latest.name} afterwards, and succeeded"
        elif name not in guest.given:
            if name != guest.first:
                self._unknown.append((operation, vm, name))
            elif latest is not None and not guest.vague():
                ops = [latest.task.op]
                why = f"operation {latest.task.op} gave it the name {latest.name}, and succeeded"
        if why:
            self._say(operation, vm, name, why, ops)

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


def _given(arguments: Mapping[str, Json]) -> str:
    identity = (arguments.get("spec") or {}).get("identity") or {}
    name = (identity.get("hostName") or (identity.get("userData") or {}).get("computerName") or {}).get("name")
    return str(name or "")


def _label(name: str) -> str:
    return name.split(".", maxsplit=1)[0].lower()
