"""Knows how old the reports of a VM may be, and what it may therefore be beside what was read last (oracle rules A5, A11).

A report may be late, but none comes after one that is younger. So what was reported before a call that could change it, and
differs from what is reported after it, is over: the new value was *seen to change*, and has settled. Only what is reported as
before may still be an old report, until d after the call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from math import inf

from msgspec.structs import replace

from vcontract._model.facts import Facts
from vcontract._model.moves import BY_METHOD, LEVER_CALLS, MOVES, Move, On
from vcontract._model.observe import observe, tools_shown
from vcontract._model.state import CONNECTED, ON, State, settle
from vcontract._terms import Call, Json, subject

RUNTIME = ("power", "connection", "template", "question", "pending", "frozen")
"""The fields of a state that the server itself reports: `runtime.*` and `config.*`."""
TOOLS, INSIDE = "tools", "inside"
"""What Tools report; and the engine and the lock of a guest, of which no report tells: what a program does there takes time."""
_IN_GUEST = ("engine", "orphaned")
_UP, _DOWN = frozenset({"ready", "old"}), frozenset({"stopped", "starting"})
_ONCE, _BOOT = "once", "boot"
_SURELY, _UNSURE = 1, 2
_ASKED, _WENT_DOWN = "asked", "down"
Reading = Mapping[str, Json] | None
Past = Sequence[tuple[float, frozenset[State]]]
"""What a VM was believed to be, each with the moment until which."""


class _Field:
    """What is known of the reports of one field of a VM; moments in seconds.

    `shown` is the value that was read last. `calls` counts those that may have changed the field and of which no report surely
    tells: none, one (_SURELY), or more (_UNSURE), for then a change may be that of the first. `at` is the latest moment at
    which they may have changed it, unless one of their tasks (`tasks`) goes on. No report tells of a time before `settled`.
    `boots`: Tools go down and come up again; `down`: they were seen down. `fresh`: a clone's, that were not seen up yet.
    """

    __slots__ = ("at", "boots", "calls", "down", "fresh", "settled", "shown", "tasks")

    def __init__(self) -> None:
        self.shown: Json = None
        self.calls = 0
        self.at = self.settled = -inf
        self.tasks: set[str] = set()
        self.boots = self.down = self.fresh = False

    @property
    def until(self) -> float:
        """The moment from which on d counts."""
        return inf if self.tasks else self.at

    def touch(self, at: float, task: str, *, boots: bool) -> None:
        """Note a call that may change the field, at a moment or by the end of its task."""
        again = boots and not self.boots  # Tools that were stopped, and then boot, go down and come up but once
        self.calls = _SURELY if self.calls == 0 or (again and self.calls == _SURELY) else _UNSURE
        self.boots, self.down, self.fresh = boots, boots and self.shown == "stopped", False
        self.at = max(self.at, at)
        self.tasks |= {task} if task else set()

    def born(self, at: float, shown: Json) -> None:
        """Note that a clone was made by a moment, of a parent of which this was shown last."""
        self.shown, self.calls, self.at = shown, _SURELY, at
        self.boots = self.fresh = True

    def ended(self, task: str, end: float) -> None:
        """Note that a task was read ended."""
        if task in self.tasks:
            self.tasks.discard(task)
            self.at = max(self.at, end)

    def saw(self, value: Json, start: float, end: float, late: float) -> None:
        """Take a report that was asked for at `start` and was there at `end`, and may be so `late`."""
        changed, self.shown = value != self.shown, value
        up, down = value in _UP, value in _DOWN
        if self.calls != _UNSURE and changed and (self.calls or self.boots):
            self.settled, self.down = end, self.down or down
            if not self.boots or (self.down and up):
                self.settle(end)
        elif self.calls == 0 and changed:  # nobody knows by whom, nor when
            self.calls, self.at = _UNSURE, end
        if self.fresh and up:
            self.fresh, self.at = False, start
        elif self.calls and not self.fresh and start >= self.until + late:
            boots = self.boots and down  # and still has to come up
            self.settle(end)
            self.boots = self.down = boots

    def settle(self, end: float) -> None:
        """Note that no report tells of a time before a moment."""
        self.calls, self.settled = 0, end
        self.boots = self.down = self.fresh = False
        self.tasks.clear()

    def young(self, start: float, late: float) -> bool:
        """Whether Tools that are reported up may be those of before a boot (oracle row T3)."""
        return self.boots and self.calls > 0 and (self.fresh or start < self.until + late)


class Boots:
    """Follows the boots of VMs, from the call that began one to the read that shows Tools up again."""

    def __init__(self) -> None:
        self._phase: dict[str, str] = {}

    def began(self, vm: str, *, asked: bool) -> None:
        """Note a boot; `asked`: the guest was only asked for it, so Tools go down first."""
        self._phase[vm] = _ASKED if asked else _WENT_DOWN

    def saw(self, vm: str, state: State) -> None:
        """Note how a VM was read."""
        up = state.tools in {"ready", "old"}
        if vm in self._phase and not up:
            self._phase[vm] = _WENT_DOWN
        elif self._phase.get(vm) == _WENT_DOWN:
            del self._phase[vm]

    def stopped(self, vm: str) -> None:
        """Note that Tools were stopped for good, until the next boot."""
        self._phase.pop(vm, None)

    def possible(self, vm: str, states: frozenset[State]) -> frozenset[State]:
        """Add to the states of a VM that boots those in which its Tools come up."""
        if vm not in self._phase:
            return states
        down = (state for state in states if state.power == ON and state.tools == "stopped")
        return states | {replace(state, tools="starting") for state in down}


class Reports:
    """Follows, by VM and field, the calls that may change what is reported, and the reports since.

    `d` is `runtime_staleness` of the facts for the fields RUNTIME and what is in the guest, `staleness` for Tools.
    """

    def __init__(self) -> None:
        self._fields: dict[str, dict[str, _Field]] = {}
        self._under_way: dict[str, list[_Field]] = {}
        self._parents: dict[str, frozenset[str]] = {}
        self._host: dict[str, object] = {}

    def called(self, call: Call, facts: Facts, end: float, task: str = "") -> None:
        """Note a call that was obeyed, or may have been: at `end`, or by the end of its task."""
        fields = _touched(call.method, _lever(call, facts))
        for vm in _vms(call, facts) if fields else ():
            self._touch(vm, fields, end, task)

    def anything(self, vm: str, at: float) -> None:
        """Note that nobody watched a VM until a moment: everything may have been done to it, twice."""
        for _ in range(2):
            self._touch(vm, dict.fromkeys(RUNTIME, _ONCE) | {TOOLS: _BOOT}, at, "")

    def cloned(self, child: str, parent: str, reading: Reading, at: float) -> None:
        """Note a clone: what is reported of it may be its parent's until its own Tools surely speak."""
        shown = self._of(parent, TOOLS).shown
        if shown != "never":
            self._of(child, TOOLS).born(at, shown)
            self._parents[child] = _macs(reading)

    def ended(self, task: str, end: float) -> None:
        """Note that a task was read ended."""
        for field in self._under_way.pop(task, ()):
            field.ended(task, end)

    def saw(self, vm: str, reading: Reading, facts: Facts, start: float, end: float) -> None:
        """Take a read of a VM; of one whose host is away nothing else is known to be young."""
        if reading is None:
            self._fields.pop(vm, None)
            return
        seen = observe(State(), reading)
        for name in RUNTIME if seen.connection == CONNECTED else ("connection",):
            self._of(vm, name).saw(getattr(seen, name), start, end, facts.runtime_staleness)
        if seen.connection != CONNECTED:
            return
        host, before = reading.get("runtime.host"), self._host.get(vm)
        self._host[vm] = host
        if before is not None and host is not None and str(host) != str(before):  # it moved, whoever asked for it
            self._touch(vm, {TOOLS: _BOOT}, end, "")
        self._of(vm, TOOLS).saw(tools_shown(reading), start, end, facts.staleness)
        if vm in self._parents and _macs(reading) - self._parents[vm]:
            del self._parents[vm]
            self._of(vm, TOOLS).settle(end)

    def settles(self, vm: str, facts: Facts, states: Iterable[State]) -> float:
        """Give the moment from which on no report of the VM can be older than the last call that could change it."""
        up = any(state.power == ON for state in states)  # of what is off Tools are asked nothing
        known = self._fields.get(vm, {})
        late = dict.fromkeys((*RUNTIME, INSIDE), facts.runtime_staleness) | ({TOOLS: facts.staleness} if up else {})
        return max(
            (known[name].at + d for name, d in late.items() if name in known and known[name].calls), default=-inf
        )

    def met(self, vm: str, start: float, now: frozenset[State], past: Past, facts: Facts) -> frozenset[State]:
        """Give every state that the VM may have been in when a call began, if `now` is what it is believed to be.

        Of each older belief those fields count whose reports may still tell of that time.
        """
        met = set(now).union(*(states for until, states in past if until > start))
        if facts.runtime_staleness:
            for until, states in past:
                if until > start - facts.runtime_staleness:
                    fields = self._open(vm, until, start, facts)
                    met |= {_older(state, old, fields) for state in now for old in states}
        tools = self._fields.get(vm, {}).get(TOOLS)
        if facts.staleness and tools is not None:
            since = max(start - facts.staleness, tools.settled)
            known = {old.tools for until, states in past if until > since for old in states if old.exists}
            met |= {settle(replace(state, tools=value)) for state in met if state.exists for value in known}
            up = _UP if tools.young(start, facts.staleness) else frozenset()
            coming = up | ({"stopped"} if tools.boots else frozenset())
            met |= {replace(state, tools="starting") for state in met if state.reachable and state.tools in coming}
        return frozenset(met)

    def _open(self, vm: str, until: float, start: float, facts: Facts) -> list[str]:
        """Name the fields of which a report may still tell of what was so until a moment."""
        open_ = [name for name in RUNTIME if until > self._settled(vm, name)]
        inside = self._fields.get(vm, {}).get(INSIDE)
        if inside is not None and start < inside.at + facts.runtime_staleness:
            open_ += _IN_GUEST
        return open_

    def _settled(self, vm: str, name: str) -> float:
        field = self._fields.get(vm, {}).get(name)
        return field.settled if field is not None else -inf

    def _of(self, vm: str, name: str) -> _Field:
        return self._fields.setdefault(vm, {}).setdefault(name, _Field())

    def _touch(self, vm: str, fields: Mapping[str, str], at: float, task: str) -> None:
        for name, how in fields.items():
            field = self._of(vm, name)
            idle = name == "pending" and how == _BOOT and not field.shown
            if not idle and field.shown != "never":  # what is not there does not come or go by itself
                field.touch(at, task, boots=how == _BOOT and name == TOOLS)
                if task:
                    self._under_way.setdefault(task, []).append(field)


def follow(call: Call, facts: Facts, states: Callable[[str], frozenset[State]]) -> dict[str, frozenset[State]]:
    """Give the states to which a call leads the VMs that it changes, by the catalogue: reports may be of before."""
    lever = _lever(call, facts)
    move = MOVES.get(lever) or BY_METHOD.get(call.method)
    if move is None or not {*RUNTIME, TOOLS} & set(move.sets) or bool(move.lever) != bool(lever):
        return {}

    def after(state: State) -> State:
        led = move.follows(state)
        return settle(replace(led, tools="starting") if move.begins_boot and led.tools != "never" else led)

    return {vm: frozenset(after(state) for state in states(vm) if state.exists) for vm in _vms(call, facts)}


def _lever(call: Call, facts: Facts) -> str:
    return facts.lever(call.arguments) if call.method in LEVER_CALLS else ""


def _vms(call: Call, facts: Facts) -> list[str]:
    """List the VMs that a call changes: all of a host, or the one that it is about."""
    if call.method not in _HOSTS:
        return [subject(call)]
    return [vm.ref.value for vm in facts.vms.values() if vm.host == call.object.value]


_HOSTS = frozenset(move.method for move in MOVES.values() if move.on is On.HOST)


@cache
def _touched(method: str, lever: str) -> Mapping[str, str]:
    """Give the fields that a call may change, and how; `lever` is what it does in the guest."""
    moves = [MOVES[lever]] if lever in MOVES else [move for move in MOVES.values() if move.method == method]
    return {name: how for move in moves if bool(lever) == bool(move.lever) for name, how in _changes(move).items()}


def _changes(move: Move) -> dict[str, str]:
    sets = {*move.sets, *(("power", "template", "pending") if move.reverts else ())}
    fields = {name: _ONCE for name in RUNTIME if name in sets}
    if move.begins_boot or move.reverts or "moved" in move.mid or move.sets.get("tools") == "starting":
        fields |= {TOOLS: _BOOT} | ({"pending": _BOOT} if move.begins_boot else {})
    elif "power" in sets or TOOLS in sets:
        fields[TOOLS] = _ONCE
    elif move.lever:
        fields[INSIDE] = _ONCE
    return fields


def _older(state: State, old: State, fields: Iterable[str]) -> State:
    """Give a state with some fields as they were; Tools that run in it are those of the time at which it was on."""
    if state.exists != old.exists:
        return old
    changes = {name: getattr(old, name) for name in fields}
    if changes.get("power", state.power) != state.power:
        changes[TOOLS] = old.tools
    return settle(replace(state, **changes))


def _macs(reading: Reading) -> frozenset[str]:
    nics = (reading or {}).get("guest.net") or ()
    return frozenset(str(nic["macAddress"]) for nic in nics if nic.get("macAddress"))
