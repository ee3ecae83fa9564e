"""Follows a history operation by operation and maintains, for each VM, the set of states that it may be in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import takewhile

import msgspec
from msgspec.structs import replace

from vcontract._contract import Contract
from vcontract._model.effects import EFFECTS, LATER, LOCKS, left_behind
from vcontract._model.effects.unsettled import (
    aborted,
    any_engine,
    anything,
    initial,
    rebooted,
    same,
    succeeded,
    unwatched,
)
from vcontract._model.facts import Facts, VmFacts
from vcontract._model.followed_task import DRIVEN, KINDS, TaskLife
from vcontract._model.moves import LEVER_CALLS, methods_where, pulled
from vcontract._model.observe import asks_session, observe, read_of
from vcontract._model.reports import Boots, Reports, follow
from vcontract._model.state import ABORT, CUSTOMIZE, NETWORK, State
from vcontract._terms import (
    UNSENT,
    Call,
    Json,
    Lost,
    Operation,
    Ref,
    Returned,
    as_ref,
    session_key,
    shows_session,
    subject,
    unauthenticated,
)

REBOOTS = methods_where(lambda move: move.ends_boot)
BOOTS = methods_where(lambda move: move.begins_boot)
REVERTS = methods_where(lambda move: move.reverts)
KEPT = 16
"""How many tasks of a VM are kept in view after their end."""
BELIEFS = 64
"""How many of the states are kept that a VM was believed to be in before: reports may be of that time."""
SETTLED = 64
"""Of how many tasks at least everything is kept."""


class Tracker:
    """Everything known so far; feed it the operations of one history in the order of their ends.

    `readings` are the last reads of the VMs; `was_template` and `was_power` say what each was when it was first read; `keys`
    are those of the sessions that began, by actor.
    `configured` is by VM the last task that configured its guest and is known to have ended: the number of its call, and
    the specification; that is empty after the guest went back to a snapshot.
    """

    def __init__(self, facts: Facts, contract: Contract) -> None:
        self.facts = facts
        self.contract = contract
        self.tasks: dict[str, TaskLife] = {}
        self.configured: dict[str, tuple[int, Mapping[str, Json]]] = {}
        self._whole: list[TaskLife] = []
        self._settled = SETTLED
        self._past: dict[str, list[tuple[float, frozenset[State]]]] = {}
        self._now = 0.0
        self._lives: dict[str, list[TaskLife]] = {}
        self._boots, self._reports = Boots(), Reports()
        self.keys: dict[str, str] = {}
        self.was_template: dict[str, bool] = {}
        self.was_power: dict[str, str] = {}
        self._ghosts: list[TaskLife] = []
        self._doubted: dict[str, tuple[Operation, Ref]] = {}
        self._snapshots: dict[str, frozenset[State]] = {}
        self.readings: dict[str, Mapping[str, Json] | None] = {}
        self.read_at: dict[str, float] = {}
        effects = DRIVEN | {method.name: method.effect for method in contract.methods}
        self._effects = {method: EFFECTS[name] for method, name in effects.items()}
        self._instant = {method.name for method in contract.methods if not method.has_task}
        self._later = {method.name for method in contract.methods if method.effect in LATER}
        self._states = {moid: initial(vm) for moid, vm in facts.vms.items()}

    @property
    def latest(self) -> float:
        """The moment at which the last operation ended."""
        return self._now

    def states_at(self, vm: str, start: float) -> frozenset[State]:
        """Give every state that the VM may have been in when a call began: what was read of it may be old (oracle rule A5)."""
        oldest = start - max(self.facts.staleness, self.facts.runtime_staleness)
        past = list(takewhile(lambda belief: belief[0] > oldest, reversed(self._past.get(vm, []))))
        return self._boots.possible(vm, self._reports.met(vm, start, self.states(vm), past, self.facts))

    def settles(self, vm: str) -> float:
        """Give the moment from which on no report of the VM is older than its last change, often a past one (oracle rule A11).

        A value that was seen to change to another after the call that could change it has settled.
        """
        return self._reports.settles(vm, self.facts, self.states(vm))

    def lives(self, vm: str) -> list[TaskLife]:
        """List the tasks on a VM that are not over, and the last ones that are: enough for what is happening now."""
        return self._lives.get(vm, [])

    def states(self, vm: str) -> frozenset[State]:
        """Give every state that the VM may be in, without the work that runs on it; an unknown VM is gone."""
        return self._states.get(vm, frozenset({State(exists=False)}))

    def running(self, vm: str, start: float, end: float, but: str = "") -> list[tuple[TaskLife, bool]]:
        """List the tasks on the VM that ran (True) or may have run (False) during the interval, without the task `but`."""
        lives = (
            (life, life.running_during(start, end, self.facts.publish))
            for life in (*self.lives(vm), *self._ghosts)
            if life.vm == vm and life.ref.value != but
        )
        return [(life, certain is True) for life, certain in lives if certain is not False]

    def during(self, vm: str, start: float, end: float, states: frozenset[State], but: str = "") -> frozenset[State]:
        """Give the states with what ran on the VM in the interval filled in."""
        work = self.running(vm, start, end, but)
        if not work:
            return states
        filled = {replace(state, running=life.kind, task=life.ref.value) for life, _ in work for state in states}
        return frozenset(filled if any(certain for _, certain in work) else filled | states)

    def resume(self) -> None:
        """Continue after an interruption of the run: widen the states by everything that may have happened meanwhile.

        The tasks that the run left have ended. A lock may have been left or freed, a guest be half customized, an engine
        repaired; the sessions are gone.
        """
        self._ghosts.clear()
        self._snapshots.clear()
        self._lives = {vm: [life for life in lives if life.over] for vm, lives in self._lives.items()}
        self.facts = replace(self.facts, sessions={})
        for vm in self._states:
            self._boots.began(vm, asked=False)  # it may have been
            self._reports.anything(vm, self._now)
            self._each(vm, partial(unwatched, engine=self.facts.vms[vm].engine))

    def add_vm(self, vm: VmFacts, states: frozenset[State] | None = None) -> None:
        """Add a VM that was found or made after the run began."""
        self.facts = replace(self.facts, vms={**self.facts.vms, vm.ref.value: vm})
        self._states[vm.ref.value] = states or initial(vm)

    def settle(self) -> None:
        """Let go of what was sent and read in tasks that were over before all that is still under way began.

        To be called where no judgement is pending.
        """
        if len(self._whole) < self._settled:
            return
        under_way = (life for lives in self._lives.values() for life in lives if not life.over)
        oldest = min((life.accepted.start for life in under_way), default=self._now)
        done = [life for life in self._whole if life.over and life.reads[-1][0].end < oldest]
        for life in done:
            life.shorten()
        gone = set(map(id, done))
        self._whole = [life for life in self._whole if id(life) not in gone]
        self._settled = SETTLED + 2 * len(self._whole)

    def recent(self) -> list[TaskLife]:
        """List the tasks that are still known whole, in the order of their acceptance."""
        return self._whole

    def feed(self, operation: Operation) -> None:
        """Learn from one operation."""
        self._now = operation.end
        doubted = self._doubted.pop(operation.call.actor, None)
        read = read_of(operation)
        if doubted is not None and not (asks_session(operation) and not shows_session(operation.outcome)):
            self._read(*doubted, None)  # the session was alive, so the task could really not be read
        if read is not None and read[0].type == "Task" and unauthenticated(operation.outcome):
            self._doubted[operation.call.actor] = operation, read[0]  # the next operation decides whether it counts
        elif read is not None:
            self._read(operation, *read)
        elif isinstance(operation.outcome, Lost):
            self._lost(operation)
        elif isinstance(operation.outcome, Returned):
            self._returned(operation, operation.outcome.value)

    def _read(self, operation: Operation, ref: Ref, values: Mapping[str, Json] | None) -> None:
        if ref.type == "Task" and ref.value in self.tasks:
            life = self.tasks[ref.value]
            ended = life.over
            life.reads.append((operation, None if values is None else values.get("info")))
            if life.final is not None and life.final[0] is operation:
                self._configures(life)
            if not ended and life.over:
                self._reports.ended(ref.value, operation.end)
            if not ended and life.final is not None:
                self._ended(life, life.final[1])
            elif not ended and life.over and life.accepted.call.method in self._effects:
                ends = [self._ending(life, success=won) for won in (True, False)]
                self._each(life.vm, lambda state: {after for end in ends for after in end(state)})
        elif ref.value in self.facts.vms and (values is None or "runtime.powerState" in values):
            self.readings[ref.value], self.read_at[ref.value] = values, operation.start
            self._change(ref.value, frozenset(observe(state, values) for state in self.states(ref.value)))
            if values is not None:
                self.was_template.setdefault(ref.value, bool(values.get("config.template")))
                self.was_power.setdefault(ref.value, str(values["runtime.powerState"]))
            self._boots.saw(ref.value, next(iter(self.states(ref.value))))
            self._reports.saw(ref.value, values, self.facts, operation.start, operation.end)

    def _returned(self, operation: Operation, value: Json) -> None:
        call = operation.call
        ref = as_ref(value)
        task = ref.value if ref is not None and ref.type == "Task" else ""
        self._reports.called(call, self.facts, operation.end, task)
        if not task:
            self._believe(call)
        if ref is not None and task:
            self._accepted(TaskLife(ref, operation, subject(call)))
        elif call.method == "Login":
            account = str(call.arguments.get("userName", ""))
            self.facts = replace(self.facts, sessions={**self.facts.sessions, call.actor: account})
            self.keys[call.actor] = session_key(operation.outcome)
        elif call.method == "Logout":
            left = {actor: account for actor, account in self.facts.sessions.items() if actor != call.actor}
            self.facts = replace(self.facts, sessions=left)
        elif call.method in LEVER_CALLS:
            self._pulled(call)
        else:
            self._done(call.method, subject(call))

    def _lever(self, call: Call) -> str:
        """Name the lever that a call pulls, whichever call that is; empty if it pulls none."""
        return self.facts.lever(call.arguments) if call.method in LEVER_CALLS else ""

    def _pulled(self, call: Call) -> None:
        """Apply a lever that was pulled."""
        lever = self._lever(call)
        self._each(subject(call), lambda state: pulled(state, lever))
        if lever == "stopTools":
            self._boots.stopped(subject(call))

    def _done(self, method: str, vm: str) -> None:
        """Apply a call without a task; what it asks of a guest may happen later."""
        if method in REBOOTS:
            self._each(vm, rebooted)
        if method in BOOTS:
            self._boots.began(vm, asked=True)
        if method in self._effects:
            changed = self._effects[method]
            later = method in self._later
            self._each(vm, lambda state: {state, changed(state)} if later else {changed(state)})

    def _ended(self, life: TaskLife, info: Mapping[str, Json]) -> None:
        method, success = life.accepted.call.method, info.get("state") == "success"
        if success:
            self._believe(life.accepted.call)
        if success and method in REBOOTS:
            self._each(life.vm, rebooted)
        if success and method in BOOTS:
            self._boots.began(life.vm, asked=False)
        if method in self._effects:
            self._each(life.vm, self._ending(life, success=success))
        elif success and method in LEVER_CALLS:
            self._pulled(life.accepted.call)
        elif success and method == "CreateSnapshot_Task":
            self._snapshots[life.vm] = self._kept(life)
        elif success and method == "RemoveSnapshot_Task":
            self._snapshots.clear()  # which snapshot of which VM is current now is not followed
        elif success and method in REVERTS:
            kept = self._snapshots.get(life.vm) if method == "RevertToCurrentSnapshot_Task" else None
            self._each(life.vm, any_engine if kept is None else lambda _: kept)
        elif success and method == "InstantClone_Task":
            self._cloned(life, as_ref(info.get("result")))

    def _configures(self, life: TaskLife) -> None:
        """Note a task whose end says what the guest is configured by, unless one that was accepted later has ended before."""
        method, op = life.accepted.call.method, life.accepted.op
        if (life.kind == CUSTOMIZE or method in REVERTS) and op > self.configured.get(life.vm, (0, {}))[0]:
            spec = (life.accepted.call.arguments.get("spec") or {}) if life.kind == CUSTOMIZE else {}
            self.configured[life.vm] = op, spec

    def _kept(self, life: TaskLife) -> frozenset[State]:
        """Give the states that a snapshot may hold: as the VM was, if memory is kept and no task may have held the lock."""
        memory = life.accepted.call.arguments.get("memory") is True
        held = self.running(life.vm, life.accepted.start, life.final[0].end if life.final else 0.0, life.ref.value)
        states = self.states(life.vm)
        return (
            states if memory and not held else frozenset(possible for known in states for possible in anything(known))
        )

    def _ending(self, life: TaskLife, *, success: bool) -> Callable[[State], frozenset[State]]:
        """Give the effect of a success; after an error of what holds the lock that may be left behind (oracle promise F3)."""
        method = life.accepted.call.method
        if success:
            start, end = life.accepted.start, life.accepted.end
            cut = method in KINDS and any(
                other.kind == CUSTOMIZE and other.running_during(start, end) is not False
                for other in reversed(self.lives(life.vm))
            )
            return partial(succeeded, self._effects[method], CUSTOMIZE if cut else None)
        effect = DRIVEN.get(method, "")
        if effect in LOCKS and self._cut(life):  # the abort that cut it removed its lock (oracle promise F4)
            return aborted if life.kind == CUSTOMIZE else same
        return left_behind(effect, life.fault)

    def _cut(self, life: TaskLife) -> bool:
        """Whether an abort that succeeded began while the customization was known to run."""
        ran = [op.end for op, info in life.reads if info and info.get("state") == "running"]
        aborts = (life_ for life_ in self.lives(life.vm) if life_.kind == ABORT and life_.final is not None)
        return any(
            abort.accepted.start >= ran[0] and abort.final is not None and abort.final[1].get("state") == "success"
            for abort in aborts
            if ran
        )

    def _cloned(self, life: TaskLife, child: Ref | None) -> None:
        """Add a clone with every state that its parent may have had; a lock that was held is orphaned in the clone."""
        parent = self.facts.vms.get(life.vm)
        if child is None or parent is None:
            return
        name = str(life.accepted.call.arguments.get("spec", {}).get("name", child.value))
        held = self.running(life.vm, life.accepted.start, life.accepted.end, life.ref.value)
        states = self.states(life.vm)
        if any(other.kind in {CUSTOMIZE, NETWORK} for other, _ in held):  # each holds the lock at some time
            orphaned = frozenset(replace(state, orphaned=True) for state in states)
            certain = any(known for other, known in held if other.kind == CUSTOMIZE)
            states = orphaned if certain else states | orphaned
        self.add_vm(replace(parent, ref=child, name=name), states)
        self._reports.cloned(child.value, life.vm, self.readings.get(life.vm), self._now)

    def _accepted(self, life: TaskLife) -> None:
        self.tasks.pop(life.ref.value, None)  # a server that began anew counts anew: the order is that of acceptance
        self.tasks[life.ref.value] = life
        self._whole.append(life)
        known = self._lives.get(life.vm, [])
        old = {id(life_) for life_ in [life_ for life_ in known if life_.over][:-KEPT]}
        self._lives[life.vm] = [life_ for life_ in known if id(life_) not in old] + [life]

    def _lost(self, operation: Operation) -> None:
        if isinstance(operation.outcome, Lost) and operation.outcome.reason.startswith(UNSENT):
            return  # the call was never sent, so nothing happened
        method, vm = operation.call.method, subject(operation.call)
        self._reports.called(operation.call, self.facts, operation.end)
        self._believe(operation.call)
        if method in self._effects:
            if method not in self._instant:
                # it may have been accepted, and then its task may run unseen for any time
                self._ghosts.append(TaskLife(Ref("Task", f"lost-{operation.op}"), operation, vm))
            ends = left_behind(DRIVEN.get(method, ""), "")
            self._each(vm, lambda state: {*ends(state), self._effects[method](state)})
        if method in REBOOTS:
            self._each(vm, rebooted)
        elif lever := self._lever(operation.call):
            self._each(vm, lambda state: {state} | pulled(state, lever))

    def _each(self, vm: str, change: object) -> None:
        if vm in self._states and callable(change):
            self._change(vm, frozenset(new for state in self._states[vm] for new in change(state)))

    def _believe(self, call: Call) -> None:
        """Note what a call makes of its VMs, beside what is read of them, which may be of before."""
        if self.facts.staleness or self.facts.runtime_staleness:
            for vm, states in follow(call, self.facts, self.states).items():
                self._past[vm] = [*self._past.get(vm, [])[-BELIEFS:], (self._now, states)]

    def _change(self, vm: str, states: frozenset[State]) -> None:
        old = self._states[vm]
        if states != old:
            self._past[vm] = [*self._past.get(vm, [])[-BELIEFS:], (self._now, old)]
            self._states[vm] = states


def facts_of(value: dict[str, Json]) -> Facts:
    """Read facts as a history carries them; one of before there were two kinds of lateness means both."""
    return msgspec.convert({"runtime_staleness": value.get("staleness", 0.0)} | value, Facts)
