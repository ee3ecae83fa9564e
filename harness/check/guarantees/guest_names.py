"""No effect without its call, and none undone: a guest bears the name that the last customization gave it.

Each customization must carry a host name of its own for that: a name that two of them give is left alone. What a
history leaves open (a lost reply, a customization that failed or was aborted: the guest is then undefined) is left open
here too.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from math import inf

from harness.check.guarantees.breach import Breach
from harness.check.guarantees.task_lives import TaskLives
from harness.model import read_of
from harness.model.state import CUSTOMIZE
from harness.model.tracker import KINDS
from harness.terms import Faulted, Grade, Json, Operation, Returned, as_ref, subject

_PATH = "guest.hostName"
_REMEMBERED = 256
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
    """One customization: the name it gives, the call's begin, the task (empty: refused, or its reply was lost)."""

    __slots__ = ("name", "op", "refused", "start", "task")

    def __init__(self, name: str, operation: Operation, task: str, *, refused: bool) -> None:
        self.name, self.op, self.start, self.task, self.refused = name, operation.op, operation.start, task, refused


class GuestNames:
    """Holds every host name that is read against the customizations of the VM; `staleness` is oracle.md's d."""

    name = "guest-names"

    def __init__(self, staleness: float = 0.0) -> None:
        self.judged = 0
        self.breaches: list[Breach] = []
        self._staleness = staleness
        self._namings: dict[str, deque[_Naming]] = defaultdict(lambda: deque(maxlen=_REMEMBERED))
        self._first: dict[str, str] = {}
        self._given: dict[str, dict[str, float]] = defaultdict(dict)
        self._unknown: list[tuple[Operation, str, str]] = []
        self._lost: set[str] = set()
        self._twice: set[str] = set()
        self._found: list[tuple[str, Breach]] = []

    def feed(self, operation: Operation, lives: TaskLives) -> None:
        """Take one operation; a read is judged when the calls that had begun before its end are known."""
        method, vm = operation.call.method, subject(operation.call)
        if method in _ALSO_NAMES and vm and not isinstance(operation.outcome, Faulted):
            self._lost.add(vm)
        elif KINDS.get(method) == CUSTOMIZE and vm:
            self._named(operation, vm)
        elif method.startswith("RetrieveProperties"):
            found = read_of(operation)
            if found is not None and found[0].type == "VirtualMachine" and found[1] and found[1].get(_PATH):
                self._shown(operation, found[0].value, _label(str(found[1][_PATH])), lives)

    def close(self, lives: TaskLives) -> None:
        """Take the end of the history: names that no call had given by the time they were read are judged now."""
        del lives
        for operation, vm, name in self._unknown:
            if vm not in self._lost and self._given[vm].get(name, inf) > operation.end:
                others = [each for each, names in self._given.items() if names.get(name, inf) < operation.end]
                if others:
                    self._say(operation, vm, name, f"the call that gave that name was about {others[0]}", [])
        self.breaches = [breach for name, breach in self._found if name not in self._twice]

    def _named(self, operation: Operation, vm: str) -> None:
        name, outcome = _label(_given(operation.call.arguments)), operation.outcome
        task = as_ref(outcome.value) if isinstance(outcome, Returned) else None
        if name:
            refused = isinstance(outcome, Faulted)
            self._namings[vm].append(_Naming(name, operation, task.value if task else "", refused=refused))
            if any(name in names for names in self._given.values()):
                self._twice.add(name)
            self._given[vm].setdefault(name, operation.start)

    def _shown(self, operation: Operation, vm: str, name: str, lives: TaskLives) -> None:
        if vm in self._lost:
            return
        namings, first = self._namings[vm], self._first.setdefault(vm, name)
        self.judged += 1
        fresh = operation.start - self._staleness
        last = [each for each in namings if _over(each, lives, success=True) < fresh]
        latest = max(last, key=lambda each: each.start, default=None)
        mine = next((each for each in reversed(namings) if each.name == name), None)
        why = ""
        if mine is None:
            if name == first and latest is not None and not _vague(namings, latest, lives):
                why = f"operation {latest.op} gave it the name {latest.name}, and succeeded"
            elif name != first and name not in self._given[vm]:
                self._unknown.append((operation, vm, name))
        elif mine.refused:
            why = f"the call that gives it that name (operation {mine.op}) was refused"
        elif latest is not None and _over(mine, lives, success=False) < latest.start:
            why = f"operation {latest.op} gave it the name {latest.name} afterwards, and succeeded"
        if why:
            self._say(operation, vm, name, why, [each.op for each in (mine, latest) if each is not None])

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


def _over(naming: _Naming, lives: TaskLives, *, success: bool) -> float:
    """Give the moment by which a customization was over (with `success`: had succeeded); infinity if that is not known."""
    task = lives.tasks.get(naming.task)
    if task is None or task.op != naming.op or (success and task.outcome != "success"):
        return inf
    return task.until


def _vague(namings: Iterable[_Naming], latest: _Naming, lives: TaskLives) -> bool:
    """Whether the guest may be undefined: by a customization that did not succeed, or is not known to, after the latest."""
    later = (each for each in namings if _over(each, lives, success=False) > latest.start and not each.refused)
    return any(each is not latest and _over(each, lives, success=True) == inf for each in later)


def _given(arguments: Mapping[str, Json]) -> str:
    identity = (arguments.get("spec") or {}).get("identity") or {}
    name = (identity.get("hostName") or (identity.get("userData") or {}).get("computerName") or {}).get("name")
    return str(name or "")


def _label(name: str) -> str:
    return name.split(".", maxsplit=1)[0].lower()
