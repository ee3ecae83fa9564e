"""Programs: the calls of a history that show a finding, cut out of it, sent again and judged."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from contextlib import suppress
from math import inf
from types import MappingProxyType

from msgspec.structs import replace

from vcontract._findings.sightings import SESSIONS, Sighting, sightings
from vcontract._model import State, observe, read_of, subject
from vcontract._model.labels import scope_of
from vcontract._model.moves import MOVES
from vcontract._model.state import ON
from vcontract._terms import Arguments, Call, Envelope, Json, Operation, Ref, ReplayStep, Returned, as_ref
from vcontract._testbed import Driver, NotArrangedError, judged_call, see_settings, still_running, task_of, unfinished

PATIENCE = (0.2, 3.0, 60.0)
"""How long a replay waits for a recorded state: seconds, and so many times what the recorded run waited, at most."""
_COMES = "Tools"
"""By how long these take at a target is told how long a guest may."""
KEPT, TRIED = 32, 256
"""So many steps that led to a finding are kept where nobody tried which count, and are tried, at most: a run has thousands."""
_SEEN = ("power", "tools", "connection")
_FRESH = {name: str(getattr(State(), name)) for name in _SEEN}
_POWER = "runtime.powerState"
_MAKES = MOVES["fork"].method
_LOG_IN, _LOG_OUT = MOVES["logIn"].method, MOVES["logOut"].method
_SHOWING = frozenset(MOVES[name].method for name in ("startNetwork", "powerOn", "reset", "rebootGuest"))
"""After these a guest must show the settings of its last customization."""
_ASKING = frozenset(MOVES[name].method for name in ("shutDownGuest", "rebootGuest", "standByGuest"))
"""These only ask a guest, which does it later."""


def programs(operations: Sequence[Operation], finding_op: int, shown: int = 0) -> tuple[str, list[list[ReplayStep]]]:
    """Cut out what a finding's call may rest on: the moId of the root VM, and its steps cell by cell, oldest first.

    The last step is the finding's call, or, if that was `shown` by a later read only, the last one before it.
    A VM that was cloned in the run is followed back to its cloning, and its parent
    through the same program of moves. To what is about a VM belong its host's loss and return, and the coming and going of
    sessions that made its calls.
    """
    until = [operation for operation in operations if operation.op <= max(finding_op, shown)]
    vm = subject(next(operation.call for operation in reversed(until) if operation.op <= finding_op))
    root, scope = vm, ""
    related: list[Operation] = []
    index = _HistoryIndex(until)
    tasks, hosts = index.tasks, index.hosts.get(vm, set())
    comers = {operation.call.actor for operation in until if operation.call.method == _LOG_OUT}
    for operation in reversed(until):
        if not operation.cell.startswith(scope):
            break
        made = operation.call.method == _MAKES and root in index.made(operation)
        if made and root != vm:
            break
        come = operation.call.method in SESSIONS and operation.call.actor in comers
        if operation.purpose != "read" and (made or come or _concerns(operation.call, {root}, tasks, hosts)):
            related.append(operation)
        if made:  # what was done to the parent in the same cells may be in the clone
            root, scope = subject(operation.call), scope_of(operation.cell)
    return root, _blocks(_without_strangers(related[::-1]), index)


def blocks_of(related: Sequence[Operation], operations: Sequence[Operation]) -> list[list[ReplayStep]]:
    """Make steps of some calls of a history, cell by cell; what the other `operations` told of them is theirs."""
    return _blocks(related, _HistoryIndex(operations))


def _blocks(related: Sequence[Operation], index: _HistoryIndex) -> list[list[ReplayStep]]:
    blocks: list[list[ReplayStep]] = []
    latest: dict[str, float] = {}
    for number, operation in enumerate(related):
        step = index.step(operation, related[number + 1] if number + 1 < len(related) else None)
        waited = operation.start - related[number - 1].end if number else 0.0
        about = subject(operation.call)
        step = replace(step, waited=round(waited, 3), alone=latest.get(about, -inf) < operation.start)
        if task := task_of(operation):
            latest[about] = max(latest.get(about, -inf), index.ends.get(task.value, inf))
        if number and operation.cell == related[number - 1].cell:
            blocks[-1].append(step)
        else:
            blocks.append([step])
    return blocks


def _without_strangers(related: list[Operation]) -> list[Operation]:
    """Leave out the sessions that made none of the calls, and what became of the others before the first call."""
    actors = {operation.call.actor for operation in related if operation.call.method not in SESSIONS}
    kept = [operation for operation in related if operation.call.actor in actors]
    first = next(number for number, operation in enumerate(kept) if operation.call.method not in SESSIONS)
    last = {operation.call.actor: operation for operation in kept[:first]}
    return [*last.values(), *kept[first:]]


def ground_of(steps: Sequence[ReplayStep], root: str, vm: str) -> str:
    """Name the VM for which another stands in when the steps are sent again: the root if they clone the VM from it."""
    return root if any(step.gave[1] == vm for step in steps) else vm


def since_fresh(blocks: Sequence[Sequence[ReplayStep]]) -> list[ReplayStep]:
    """Give the steps since the VM was last as one that nothing was done to: it ran, with Tools, on a connected host.

    The last `KEPT` of them at most: where no guest tells of Tools, a VM is never as a fresh one.
    """
    begin = next((place for place in reversed(range(len(blocks))) if _as_fresh(blocks[place][0])), 0)
    return [step for block in latest(blocks[begin:], KEPT) for step in block]


def latest(blocks: Sequence[Sequence[ReplayStep]], most: int) -> Sequence[Sequence[ReplayStep]]:
    """Give the last cells of a history that have so many steps together, at least the very last one, which has the finding."""
    begin, steps = len(blocks) - 1, len(blocks[-1]) if blocks else 0
    while begin > 0 and steps + len(blocks[begin - 1]) <= most:
        begin -= 1
        steps += len(blocks[begin])
    return blocks[max(begin, 0) :]


def _as_fresh(step: ReplayStep) -> bool:
    return bool(step.seen) and all(step.seen.get(name) == value for name, value in _FRESH.items())


def _concerns(call: Call, ours: set[str], tasks: Mapping[str, str], hosts: set[str]) -> bool:
    if call.object.type == "HostSystem":
        return call.object.value in hosts
    return subject(call) in ours or (call.object.type == "Task" and tasks.get(call.object.value) in ours)


class _HistoryIndex:
    """What the operations of a history told, indexed in one pass: a history may be long, and each step asks of it.

    `tasks` maps tasks to their VMs, `ends` to the moment at which they were first read final, `infos` to what was read of
    them; `hosts` maps VMs to the hosts on which they were seen.
    """

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.tasks: dict[str, str] = {}
        self.ends: dict[str, float] = {}
        self.infos: dict[str, list[tuple[Operation, Mapping[str, Json]]]] = {}
        self.hosts: dict[str, set[str]] = {}
        self._vms: dict[str, tuple[list[float], list[Mapping[str, Json]]]] = {}
        for operation in operations:
            if task := task_of(operation):
                self.tasks[task.value] = subject(operation.call)
            read = read_of(operation)
            if read is not None and read[1] is not None:
                self._read(operation, read[0].value, read[1])

    def _read(self, operation: Operation, moid: str, values: Mapping[str, Json]) -> None:
        info = values.get("info")
        if isinstance(info, Mapping):
            self.infos.setdefault(moid, []).append((operation, info))
            if info.get("state") in {"success", "error"}:
                self.ends.setdefault(moid, operation.end)
        if _POWER in values:  # a read of something else, as of marks, tells nothing of the state
            times, readings = self._vms.setdefault(moid, ([], []))
            times.append(operation.end)
            readings.append(values)
        host = as_ref(values.get("runtime.host"))
        if host is not None:
            self.hosts.setdefault(moid, set()).add(host.value)

    def made(self, operation: Operation) -> list[str]:
        """Name what a call's task made."""
        task = task_of(operation)
        infos = self.infos.get(task.value, []) if task else []
        return [made.value for _, info in infos if (made := as_ref(info.get("result")))]

    def seen(self, moid: str, moment: float) -> dict[str, str]:
        """Give what was last read of a VM before a moment."""
        times, readings = self._vms.get(moid, ([], []))
        last = bisect_right(times, moment)
        if not last:
            return {}
        state = observe(State(), readings[last - 1])
        return {name: str(getattr(state, name)) for name in _SEEN}

    def step(self, operation: Operation, following: Operation | None) -> ReplayStep:
        """Make a step of a call; `following` is the next one."""
        task, made = task_of(operation), self.made(operation)
        ended = self.ends.get(task.value, inf) if task else -inf
        return ReplayStep(
            operation.call,
            operation.purpose,
            following is None or ended <= following.start,
            self.seen(subject(operation.call), operation.start),
            (task.value if task else "", made[-1] if made else ""),
        )


class Performer:
    """Sends programs to a target and tells which findings they show; `times` counts these, by this label.

    `begun` has, for each step of the last one, how many requests had been sent before.
    """

    def __init__(self, driver: Driver, label: str, times: int = 0) -> None:
        self.driver = driver
        self.times = times
        self._label = label
        self.begun: list[int] = []
        self._asked = False
        self._in_vain: set[str] = set()

    def perform(self, steps: Sequence[ReplayStep], root: str, vm: Ref, until: float = inf) -> list[Sighting]:
        """Send a program about the VM in place of its root; gives the violations that it showed.

        From `until` on (of the recorder) no recorded state is waited for.
        """
        self.times += 1
        label = f"{self._label}:{self.times}"
        renamed = {root: vm.value}
        known = self.driver.facts.vms.get(vm.value)
        if known is not None:  # what is done to a host is done to this one's
            renamed |= {step.call.object.value: known.host for step in steps if step.call.object.type == "HostSystem"}
        self.perform_as(label, steps, renamed, vm, until)
        return sightings(self.driver.judge, label)

    def perform_as(
        self, label: str, steps: Sequence[ReplayStep], renamed: dict[str, str], vm: Ref | None, until: float = inf
    ) -> None:
        """Send a program under a label, with other moIds in the place of some, and have it judged.

        `vm` stands in for its root (None: nothing does). From `until` on no recorded state is waited for.
        """
        self.driver.enter(label)
        self._in_vain.clear()
        self.begun = []
        for step in steps:
            self.begun.append(self.driver.target.recorder.last)
            try:
                self._send(step, renamed, until)
            except NotArrangedError:
                continue  # a step that is refused now shows nothing, the next may still
        self._see(steps, renamed, vm)
        self.driver.judge.close()

    def _see(self, steps: Sequence[ReplayStep], renamed: Mapping[str, str], vm: Ref | None) -> None:
        """See what the steps must show by now: settings of a customization, and what became of the parent of a clone."""
        subjects = {subject(step.call) for step in steps if step.call.method in _SHOWING}
        with suppress(NotArrangedError):
            for moid in sorted({renamed.get(moid, moid) for moid in subjects} & self.driver.facts.vms.keys()):
                see_settings(self.driver, Ref("VirtualMachine", moid))
            if vm is not None and any(step.gave[1] for step in steps):
                self.driver.look(vm)

    def _send(self, step: ReplayStep, renamed: dict[str, str], until: float) -> None:
        call = self._marked(rebound(step.call, renamed))
        if call.method == _LOG_IN:
            self.driver.log_in(call.actor)
            return
        vm = Ref("VirtualMachine", subject(call)) if subject(call) in self.driver.facts.vms else None
        if vm is not None and step.seen:
            self._wait(vm, step, until)
        if step.alone:
            for open_task in unfinished(self.driver, vm):
                self.driver.tasks.follow(open_task)
        beside = still_running(self.driver, unfinished(self.driver, vm))
        if step.purpose == "judge":
            task = judged_call(self.driver, call, vm, beside, settle=step.settled, retry=False)
        else:
            self.driver.permits.check(call.method)
            done = self.driver.send(call)
            self._asked = call.method in _ASKING
            task = as_ref(done.outcome.value) if isinstance(done.outcome, Returned) else None
        if task is None or task.type != "Task":
            return
        renamed[step.gave[0]] = task.value
        if not step.settled:
            self.driver.wait.until("the running task", lambda: self.driver.tasks.running(task))
        elif step.purpose != "judge":
            self.driver.tasks.follow(task)
        made = as_ref(self.driver.tasks.read(task).get("result")) if step.settled else None
        if made is not None:
            renamed[step.gave[1]] = made.value

    def _marked(self, call: Call) -> Call:
        """Give what a call makes the marks of this run instead of those of the run that recorded it."""
        spec = call.arguments.get("spec")
        if call.method != _MAKES or not isinstance(spec, Mapping):
            return call
        return replace(call, payload=Arguments({**call.arguments, "spec": {**spec, "config": self.driver.marks}}))

    def _wait(self, vm: Ref, step: ReplayStep, until: float) -> None:
        """Wait until the VM looks as it did when the call was recorded, but not for ever: it may never again."""
        least, times, most = PATIENCE
        self._see_come(vm, step.seen, until)
        waits = min(least + times * step.waited, most, max(least, until - self.driver.target.recorder.now()))
        if self._hopeless(vm, step.seen):  # but what is read may be of before
            waits = max(0.0, self.driver.tracker.settles(vm.value) - self.driver.target.recorder.now())
        with suppress(NotArrangedError):
            self.driver.wait.until("the recorded state", lambda: self._looks(vm, step.seen), patience=waits)
        if step.purpose == "judge" and step.seen.get("tools") != "starting":
            self.driver.let_settle(vm)

    def _see_come(self, vm: Ref, seen: Mapping[str, str], until: float) -> None:
        """Give what comes of itself the time that it takes here, as a run does: in the recorded run it may have been quick.

        What did not come in that time is given no more of it by this program.
        """
        if vm.value in self._in_vain or self._looks(vm, seen) or not self._coming(vm, seen):
            return
        wait = self.driver.wait
        patience = min(wait.patience.of(_COMES), until - self.driver.target.recorder.now())
        try:
            wait.until(_COMES, lambda: self._looks(vm, seen) or not self._coming(vm, seen), patience=max(0.0, patience))
        except NotArrangedError:
            self._in_vain.add(vm.value)

    def _coming(self, vm: Ref, seen: Mapping[str, str]) -> bool:
        """Whether the VM, as it was last read, is on its way to a recorded state: Tools come up, or a guest does as asked."""
        now = next(iter(self.driver.states(vm)))
        if now.connection != seen.get("connection"):
            return False
        if now.power == seen.get("power"):
            return now.tools in {"stopped", "starting"} and seen.get("tools") in {"starting", "ready", "old"}
        return self._asked and now.power == ON

    def _hopeless(self, vm: Ref, seen: Mapping[str, str]) -> bool:
        """Whether nothing is under way that could bring the recorded state about."""
        return not (self._asked or self._looks(vm, seen) or unfinished(self.driver, vm) or self._coming(vm, seen))

    def other_than_seen(
        self, steps: Sequence[ReplayStep], renamed: Mapping[str, str] = MappingProxyType({})
    ) -> set[str]:
        """Name the VMs (moIds) of a program that do not look as they did before its first call about them.

        `renamed` are VMs that stand in for others.
        """
        first: dict[str, ReplayStep] = {}
        for step in steps:
            first.setdefault(renamed.get(subject(step.call), subject(step.call)), step)
        known = self.driver.facts.vms
        return {moid for moid, step in first.items() if moid in known and not self._looks(known[moid].ref, step.seen)}

    def _looks(self, vm: Ref, seen: Mapping[str, str]) -> bool:
        self.driver.look(vm)
        now = next(iter(self.driver.states(vm)))
        return all(str(getattr(now, name)) == value for name, value in seen.items())


def rebound(call: Call, renamed: Mapping[str, str]) -> Call:
    """Put other moIds into a call: its object, its arguments, and the bytes of an edited envelope."""
    ref = Ref(call.object.type, renamed.get(call.object.value, call.object.value))
    payload = call.payload
    if isinstance(payload, Envelope):
        body = payload.body
        for old, new in renamed.items():
            body = body.replace(b">" + old.encode() + b"<", b">" + new.encode() + b"<")
        return replace(call, object=ref, payload=replace(payload, body=body, origin=_renamed(payload.origin, renamed)))
    return replace(call, object=ref, payload=Arguments(_renamed(payload.values, renamed)))


def _renamed(value: Json, renamed: Mapping[str, str]) -> Json:
    if isinstance(value, dict):
        if value.get("_typeName") == "ManagedObjectReference":
            return {**value, "value": renamed.get(value["value"], value["value"])}
        return {name: _renamed(inner, renamed) for name, inner in value.items()}
    return [_renamed(inner, renamed) for inner in value] if isinstance(value, list) else value
