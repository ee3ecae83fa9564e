"""No effect without its call, and none undone: a guest bears the name that the last customization gave it.

Each customization must carry a host name of its own for that: a name that two of them give is left alone. What a
history leaves open (a lost reply, a customization that failed or was aborted: the guest is then undefined) is left open
here too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from math import inf

from harness.check.guarantees.breach import Breach
from harness.check.guarantees.task_lives import TaskLives
from harness.model.state import CUSTOMIZE
from harness.model.tracker import KINDS
from harness.terms import Faulted, Grade, Json, Operation, Returned, as_ref, subject

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


class _Naming:
    """One customization that was let in, or may have been: the name it gives, the call's begin, the task (empty: not known)."""

    __slots__ = ("name", "op", "start", "task")

    def __init__(self, name: str, operation: Operation, task: str) -> None:
        self.name, self.op, self.start, self.task = name, operation.op, operation.start, task


class _Guest:
    """What is known of one VM's name.

    `first` is the name that was read first. `open` are the customizations whose name it may bear; those of `refused` calls,
    and those that were `past` when a later one began that succeeded, it may not bear any more: operations by name.
    """

    __slots__ = ("first", "given", "latest", "open", "past", "refused")

    def __init__(self) -> None:
        self.first = ""
        self.given: dict[str, float] = {}
        self.open: list[_Naming] = []
        self.latest: _Naming | None = None
        self.past: dict[str, int] = {}
        self.refused: dict[str, int] = {}

    def look(self, lives: TaskLives, fresh: float) -> None:
        """Find the latest customization that had succeeded by `fresh`, and what was past when it began."""
        found = [each for each in self.open if _over(each, lives, success=True) < fresh]
        self.latest = max([*found, *([self.latest] if self.latest else [])], key=_start, default=None)
        if self.latest is not None:
            began = self.latest.start
            past = [each for each in self.open if each is not self.latest and _over(each, lives, success=False) < began]
            self.past |= {each.name: each.op for each in past}
            self.open = [each for each in self.open if each not in past]

    def vague(self, lives: TaskLives) -> bool:
        """Whether it may be undefined: by a customization that did not succeed, or is not known to."""
        return any(_over(each, lives, success=True) == inf for each in self.open)


class GuestNames:
    """Holds every host name that is read against the customizations of the VM; `staleness` is oracle.md's d."""

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

    def feed(self, operation: Operation, lives: TaskLives) -> None:
        """Take one operation; a read is judged when the calls that had begun before its end are known."""
        if lives.read is not None:
            ref, values = lives.read
            if ref.type == "VirtualMachine" and values and values.get(_PATH):
                self._shown(operation, ref.value, _label(str(values[_PATH])), lives)
            return
        method = operation.call.method
        if KINDS.get(method) == CUSTOMIZE:
            self._named(operation, subject(operation.call))
        elif method in _ALSO_NAMES and not isinstance(operation.outcome, Faulted):
            self._lost.add(subject(operation.call))

    def close(self, lives: TaskLives) -> None:
        """Take the end of the history: names that no call had given by the time they were read are judged now."""
        del lives
        for operation, vm, name in self._unknown:
            if vm not in self._lost and self._guests[vm].given.get(name, inf) > operation.end:
                others = [each for each, guest in self._guests.items() if guest.given.get(name, inf) < operation.end]
                if others:
                    self._say(operation, vm, name, f"the call that gave that name was about {others[0]}", [])
        self.breaches = [breach for name, breach in self._found if name not in self._twice]

    def _named(self, operation: Operation, vm: str) -> None:
        name, outcome, guest = _label(_given(operation.call.arguments)), operation.outcome, self._guests[vm]
        task = as_ref(outcome.value) if isinstance(outcome, Returned) else None
        if not name:
            return
        if isinstance(outcome, Faulted):
            guest.refused[name] = operation.op
        else:
            guest.open.append(_Naming(name, operation, task.value if task else ""))
        if name in self._names:
            self._twice.add(name)
        self._names.add(name)
        guest.given.setdefault(name, operation.start)

    def _shown(self, operation: Operation, vm: str, name: str, lives: TaskLives) -> None:
        if vm in self._lost:
            return
        guest = self._guests[vm]
        guest.first = guest.first or name
        guest.look(lives, operation.start - self._staleness)
        self.judged += 1
        latest, why, ops = guest.latest, "", list[int]()
        if name in guest.refused:
            ops = [guest.refused[name]]
            why = f"the call that gives it that name (operation {ops[0]}) was refused"
        elif latest is not None and name in guest.past:
            ops = [guest.past[name], latest.op]
            why = f"operation {latest.op} gave it the name {latest.name} afterwards, and succeeded"
        elif name not in guest.given:
            if name != guest.first:
                self._unknown.append((operation, vm, name))
            elif latest is not None and not guest.vague(lives):
                ops = [latest.op]
                why = f"operation {latest.op} gave it the name {latest.name}, and succeeded"
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
    return naming.start


def _over(naming: _Naming, lives: TaskLives, *, success: bool) -> float:
    """Give the moment by which a customization was over (with `success`: had succeeded); infinity if that is not known."""
    task = lives.tasks.get(naming.task)
    if task is None or task.op != naming.op or (success and task.outcome != "success"):
        return inf
    return task.until


def _given(arguments: Mapping[str, Json]) -> str:
    identity = (arguments.get("spec") or {}).get("identity") or {}
    name = (identity.get("hostName") or (identity.get("userData") or {}).get("computerName") or {}).get("name")
    return str(name or "")


def _label(name: str) -> str:
    return name.split(".", maxsplit=1)[0].lower()
