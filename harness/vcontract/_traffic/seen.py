"""What a recording shows of VMs, tasks and sessions, and which of it is sure to have been so when a call was made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from vcontract._model import TaskLife, subject
from vcontract._schema import plain
from vcontract._terms import Faulted, Json, Operation, Returned, as_ref
from vcontract._traffic.calls import Heard

LATE = 10.0
"""Seconds by which the paths below may be late (oracle section H): that long before a read nothing may have been begun."""
PATHS = {"runtime.powerState": "power", "config.template": "template", "runtime.connectionState": "connection"}
"""The paths of a VM that a verdict may rest on here, each with the field of the model's state."""
_ASKING = frozenset(
    {"PropertyCollector", "PropertyFilter", "ViewManager", "ContainerView", "ListView", "SearchIndex", "SessionManager",
     "AuthorizationManager", "TaskManager", "TaskHistoryCollector", "EventManager", "EventHistoryCollector",
     "ServiceInstance", "PerformanceManager", "OptionManager"}
)  # fmt: skip
"""Objects whose methods change no VM [M]."""
_READS = ("Fetch", "Retrieve", "Query")
"""How the methods begin that only read, whatever the object [M]; `Fetch` is how pyVmomi reads a property."""
_ENDS = frozenset({"Destroy_Task", "UnregisterVM"})
_FINAL = frozenset({"success", "error"})


class Look(msgspec.Struct, frozen=True):
    """What one reply showed of an object: the operation, and values by path."""

    operation: Operation
    values: dict[str, Json]


class TaskEnd(msgspec.Struct, frozen=True):
    """How a task was seen to end: when that was read, its state, and its error (a LocalizedMethodFault) if it has one."""

    read: Operation
    state: str
    error: Json = None
    info: Mapping[str, Json] = {}


class Seen:
    """All that a recording shows; `lives` are the tasks that its calls were given, with the whole TaskInfos that were read."""

    def __init__(self, calls: Iterable[Heard]) -> None:
        self._looks: defaultdict[str, list[Look]] = defaultdict(list)
        self._doings: defaultdict[str, list[Operation]] = defaultdict(list)
        self._logouts: dict[str, float] = {}
        self._logins: defaultdict[str, list[Operation]] = defaultdict(list)
        self.lives: dict[str, TaskLife] = {}
        for each in calls:
            self._hear(each)

    def _hear(self, heard: Heard) -> None:
        done = heard.operation
        for shown in heard.shows:
            self._look(done, shown)
        if isinstance(done.outcome, Faulted):
            return
        call = done.call
        if call.method == "Logout" and isinstance(done.outcome, Returned) and call.actor:
            self._logouts.setdefault(call.actor, done.end)
        elif call.method.startswith("Login") and call.actor:
            self._logins[call.actor].append(done)
        if call.object.type in _ASKING or call.method.startswith(_READS):
            return
        for moid in {call.object.value, subject(call), *_references(call.arguments)}:
            self._doings[moid].append(done)
        task = as_ref(done.outcome.value) if isinstance(done.outcome, Returned) else None
        if task is not None and task.type == "Task":
            self.lives[task.value] = TaskLife(task, done, subject(call))

    def _look(self, done: Operation, shown: Json) -> None:
        ref = as_ref(shown.get("obj"))
        if ref is None:
            return
        listed = shown.get("propSet") or shown.get("changeSet") or ()
        values = {str(each["name"]): plain(each.get("val")) for each in listed if each.get("name")}
        for path in PATHS.keys() - values.keys():  # what was read may be the object that holds it
            holder, _, field = path.partition(".")
            if isinstance(values.get(holder), Mapping) and field in values[holder]:
                values[path] = values[holder][field]
        self._looks[ref.value].append(Look(done, values))
        info = values.get("info")
        if ref.value in self.lives and isinstance(info, Mapping):
            self.lives[ref.value].reads.append((done, info))

    def end_of(self, task: str) -> TaskEnd | None:
        """Give how a task was seen to end; None if the recording does not show it whole."""
        known: dict[str, Json] = {}
        for look in self._looks[task]:
            info = look.values.get("info")
            known |= {name.partition(".")[2]: value for name, value in look.values.items() if name.startswith("info.")}
            known |= dict(info) if isinstance(info, Mapping) else {}
            state = str(known.get("state"))
            if state == "success" or (state == "error" and known.get("error") is not None):
                return TaskEnd(look.operation, state, known.get("error"), known)
        return None

    def ended_before(self, moment: float) -> frozenset[str]:
        """Name the tasks that were read ended before a moment."""
        ends = ((task, self.end_of(task)) for task in list(self._looks))
        return frozenset(task for task, end in ends if end is not None and end.read.end < moment)

    def session_ended(self, operation: Operation) -> bool:
        """Whether the session of a call had surely ended: a logout was answered before it began, and no login since."""
        out = self._logouts.get(operation.call.actor)
        if out is None or operation.start < out:
            return False
        return not any(login.start >= out for login in self._logins[operation.call.actor])

    def is_gone(self, vm: str, moment: float) -> bool:
        """Whether a VM had surely been destroyed, or taken out of the inventory, before a moment."""
        for done in self._doings.get(vm, ()):
            if done.call.method not in _ENDS or done.call.object.value != vm or done.end > moment:
                continue
            task = as_ref(done.outcome.value) if isinstance(done.outcome, Returned) else None
            if task is None:
                return True
            end = self.end_of(task.value)
            if end is not None and end.state == "success" and end.read.end <= moment:
                return True
        return False

    def shown(self, vm: str, operation: Operation) -> dict[str, tuple[Json, int, int]]:
        """Give what of a VM was read alike before and after a call, while nothing else was begun on it, by the state's field.

        With each value the entries of the two reads. It is as sure as a recording can be: another client may have done what it
        does not show.
        """
        found: dict[str, tuple[Json, int, int]] = {}
        for path, field in PATHS.items():
            looks = [look for look in self._looks.get(vm, ()) if path in look.values]
            before = [look for look in looks if look.operation.end <= operation.start]
            after = [look for look in looks if look.operation.start >= operation.end]
            if not before or not after or before[-1].values[path] != after[0].values[path]:
                continue
            first, last = before[-1].operation, after[0].operation
            if not self._quiet(vm, first.start - LATE, last.end, operation):
                continue
            found[field] = before[-1].values[path], first.op, last.op
        return found

    def _quiet(self, vm: str, begin: float, end: float, but: Operation) -> bool:
        """Whether nothing else was asked of a VM in an interval."""
        return not any(done is not but and done.start <= end and done.end >= begin for done in self._doings.get(vm, ()))


def _references(value: Json) -> Iterator[str]:
    """Give the moIds that an argument names."""
    ref = as_ref(value)
    if ref is not None:
        yield ref.value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)
