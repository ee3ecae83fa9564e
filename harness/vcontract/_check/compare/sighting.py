"""What one judged call met, and what a client saw of it, in words that hold on any target: no moId, name, value or date."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

import msgspec
from msgspec.structs import replace

from vcontract._check.grade import Assessment
from vcontract._check.judge import Judge
from vcontract._check.judgement import Pending, expired
from vcontract._check.tasklife import error_of
from vcontract._check.verdicts import SHRINKING
from vcontract._contract import OK, Contract
from vcontract._model import DEVIATIONS, Asked, Expectation, Facts, State, TaskLife
from vcontract._terms import Call, Envelope, Fault, Faulted, Json, Lost, Operation, Verdict, subject

CALL, TASK, LOST = "call", "task", "Lost"
_ASIDE = frozenset({"task", "network", "vapp", "guest"})
"""Fields of a state on which no answer to a call depends."""
_SAID = {"tools": "tools {}", "engine": "engine {}", "running": "{} runs", "connection": "host {}"}


class Sighting(msgspec.Struct, frozen=True):
    """One judged call: the circumstance that it met (empty: not certain), and what its client saw.

    `outcome` is `OK`, a fault's type, `Lost`, or empty if its task's end was not seen; `channel` is `call` or `task`;
    `allowed` are the outcomes that the contract allows. `fields` are the paths of a fault that were set, `values` what those
    hold that are plain texts; `life` the fields of TaskInfo that were set at the end. `answer` and `lasted` are the seconds
    of the call and, by the server's own clock, of its task (None: it had none, or does not say). `op` is its operation in the
    history number `history` of its run.
    """

    op: int
    method: str
    circumstance: str
    outcome: str = ""
    channel: str = CALL
    allowed: frozenset[str] = frozenset()
    fields: frozenset[str] = frozenset()
    values: dict[str, str] = {}
    life: frozenset[str] = frozenset()
    answer: float = 0.0
    lasted: float | None = None
    history: int = 0

    @property
    def text(self) -> str:
        """The outcome with its channel, as differences tell it."""
        return self.outcome if self.outcome in {OK, LOST} else f"{self.outcome} ({self.channel})"


class Witness(Judge):
    """A judge that also keeps what each judged call met and got.

    `begun` maps the operations that are no reads to whether their VM was, before them, as a fresh clone of it is: ready,
    and with nothing done to it that would not be undone by cloning.
    """

    def __init__(self, facts: Facts, contract: Contract, bases: dict[str, str], number: int = 0) -> None:
        super().__init__(facts, contract, bases)
        self.number = number
        self.sightings: list[Sighting] = []
        self.begun: dict[int, bool] = {}

    def feed(self, operation: Operation) -> None:
        """Take one operation, noting how its VM was before it."""
        if operation.purpose != "read":
            self.begun[operation.op] = self._plain(subject(operation.call))
        super().feed(operation)

    def _plain(self, vm: str) -> bool:
        known = self.tracker.facts.vms.get(vm)
        if known is None:
            return True
        if any(not life.over for life in self.tracker.lives(vm)):
            return False
        kept = {replace(state, engine="ok") for state in self.tracker.states(vm) if state.engine == known.engine}
        return bool(kept) and all(not set(_shown(state)) - {"orphaned"} for state in kept)

    def _assess(
        self, pending: Pending, life: TaskLife | None, states: frozenset[State], expectation: Expectation
    ) -> tuple[Assessment, Verdict]:
        circumstance = ""
        if not expired(pending, self._block):
            circumstance = circumstance_of(pending.operation.call, pending.asked, states, self.tracker.facts)
        if not pending.operation.cell.startswith(SHRINKING):
            seen, allowed = sighting(pending.operation, life), frozenset(expectation.allowed)
            self.sightings.append(replace(seen, circumstance=circumstance, allowed=allowed, history=self.number))
        return super()._assess(pending, life, states, expectation)


def circumstance_of(call: Call, asked: Asked, states: frozenset[State], facts: Facts) -> str:
    """Name the circumstance of a call, `Method:what is unusual`; empty if it is not certain or passes by itself.

    No property shows a guest's lock, so "lock unknown" is a circumstance of its own. If the class of an input covers several
    values of which a run draws one, a digest in the name identifies the value.
    """
    locks = {state.orphaned for state in states}
    named = {_shown(replace(state, orphaned=False) if len(locks) > 1 else state) for state in states}
    if len(named) != 1 or any(state.tools == "starting" or state.mid for state in states):
        return ""
    parts = [*["lock unknown"] * (len(locks) > 1), *named.pop()]
    parts += [deviation.name for deviation in DEVIATIONS if deviation.asked and _is(deviation.asked, asked)]
    arguments, vm = call.arguments, facts.vms.get(subject(call))
    parts += [f"on {vm.family}"] if vm is not None and vm.family != "linux" else []
    parts += [_kinds(call, facts)] if "otherType" in {asked.vm, asked.this, asked.argument} else []
    parts += [f"({fault})" for fault in asked.rule_faults]
    if "inferred" in asked.spec or len(asked.rule_faults) > 1:
        parts.append(_digest([arguments.get("spec"), arguments.get("configParams")]))
    parts += [_digest(arguments.get("auth"))] if asked.login == "unsettled" else []
    parts += [call.payload.breaks] if isinstance(call.payload, Envelope) else []
    return f"{call.method}:{'+'.join(parts) or 'valid'}"


def _shown(state: State) -> tuple[str, ...]:
    """List what is unusual about a state, without what the power state implies."""
    usual = State()
    parts = []
    for name in State.__struct_fields__:
        value = getattr(state, name)
        if (
            name in _ASIDE
            or value == getattr(usual, name)
            or (name, value, state.reachable) == ("tools", "stopped", False)
        ):
            continue
        parts.append(name if value is True else "gone" if value is False else _SAID.get(name, "{}").format(value))
    return tuple(parts)


def _is(want: Mapping[str, object], asked: Asked) -> bool:
    return all(
        bool(value & getattr(asked, name)) if isinstance(value, frozenset) else getattr(asked, name) == value
        for name, value in want.items()
        if name != "rule_faults"
    )


def _kinds(call: Call, facts: Facts) -> str:
    """Write the claimed and the actual type of each reference of a call, since a run draws the foreign object that it names."""
    named = {"this": call.object.json(), **call.arguments}
    refs = {name: value for name, value in named.items() if isinstance(value, Mapping) and "value" in value}
    known = facts.others | dict.fromkeys(facts.vms, "VirtualMachine")
    return ",".join(f"{name} {ref.get('type')}/{known.get(str(ref['value']), '')}" for name, ref in refs.items())


def _digest(value: Json) -> str:
    return hashlib.sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()[:6]


def sighting(operation: Operation, life: TaskLife | None) -> Sighting:
    """Tell what a client saw of a call and of its task."""
    outcome = operation.outcome
    seen = Sighting(operation.op, operation.call.method, "", answer=operation.end - operation.start)
    if isinstance(outcome, Lost):
        return replace(seen, outcome=LOST)
    if isinstance(outcome, Faulted):
        return _faulted(seen, outcome.fault)
    if life is None:
        return replace(seen, outcome=OK)
    seen = replace(seen, channel=TASK)
    if life.final is None:
        return seen
    info = life.final[1]
    seen = replace(seen, life=frozenset(name for name in info if name != "_typeName"), lasted=_lasted(info))
    return replace(seen, outcome=OK) if info.get("state") == "success" else _faulted(seen, error_of(info))


def _faulted(seen: Sighting, fault: Fault) -> Sighting:
    plain = {name: value for name, value in fault.fields.items() if isinstance(value, str)}
    return replace(seen, outcome=fault.type, fields=frozenset(_paths(fault.fields)), values=plain)


def _paths(value: Json, at: str = "") -> set[str]:
    """List the paths that are set; items of a list share one."""
    if isinstance(value, list):
        return {path for item in value for path in _paths(item, f"{at}[]")} | ({at} if at else set())
    paths = {at} if at else set()
    if isinstance(value, Mapping) and value.get("_typeName") != "ManagedObjectReference":
        for name, item in value.items():
            if not name.startswith("_"):
                paths |= _paths(item, f"{at}.{name}" if at else name)
    return paths


def _lasted(info: Mapping[str, Json]) -> float | None:
    try:
        start, end = (datetime.fromisoformat(str(info[name])) for name in ("startTime", "completeTime"))
    except (KeyError, ValueError):
        return None
    return (end - start).total_seconds()
