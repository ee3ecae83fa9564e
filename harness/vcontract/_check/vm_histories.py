"""Splits a history into the histories of its VMs: the calls on each with the ends of their tasks, and its reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from msgspec.structs import replace

from vcontract._check.call_spans import UNJUDGED, CallSpan
from vcontract._check.grade import ENVIRONMENT, POLICY, excusable
from vcontract._check.tasklife import slow
from vcontract._check.vm_history import HOSTS, VmHistory
from vcontract._check.vm_steps import READ, Step
from vcontract._contract import OK, Contract
from vcontract._model import Asked, Facts, State, classify, observe, read_of
from vcontract._model.moves import LEVER_CALLS, MOVES
from vcontract._model.observe import FROZEN_PATHS
from vcontract._model.state import ON
from vcontract._terms import Call, Faulted, Json, Operation, Ref, Returned, as_ref, subject

_SICK = frozenset({*ENVIRONMENT, *POLICY, "HostNotConnected", "HostNotReachable", "RuntimeFault"})
"""Faults that concern the server and not the VM's state; they are judged elsewhere."""
_PATHS = {
    "power": {"runtime.powerState"},
    "connection": {"runtime.connectionState"},
    "template": {"config.template"},
    "question": {"runtime.question"},
    "pending": {"config.tools.pendingCustomization"},
    "frozen": {*FROZEN_PATHS},
    "tools": {"guest.toolsRunningStatus", "guest.toolsVersionStatus2", "guest.guestOperationsReady"},
}
_SEEN = (*sorted({path for paths in _PATHS.values() for path in paths}), "_missing")
_RETRIEVALS = {"RetrievePropertiesEx", "RetrieveProperties"}
_KEPT = 1 << 16
_Seen = tuple[tuple[str, Json], ...]
_CANCEL, _LOG_OUT, _CLONE = (MOVES[name].method for name in ("cancel", "logOut", "fork"))


class _Known(msgspec.Struct):
    """What is computed once per call: its VM, the call as the oracle sees it, and what it reads."""

    call: Call
    vm: str = ""
    asked: Asked | None = None
    does: str = ""
    lever: str = ""
    reads: str = ""
    fields: tuple[str, ...] = ()


class VmHistories:
    """Takes the operations of one history in the order of their ends; `machines` is then what is known, by moId.

    The first contract is judged. The methods of all have their effects, whether they are judged or not. A VM that a
    clone made begins its history with the answer that names it.
    """

    def __init__(self, facts: Facts, judged: Contract, *others: Contract) -> None:
        self.facts = facts
        self.machines = {moid: VmHistory(vm.engine) for moid, vm in facts.vms.items()}
        self.logouts: dict[str, list[float]] = {}
        self.operations = 0
        self.effects = {method.name: method.effect for contract in (*others, judged) for method in contract.methods}
        self._methods = {method.name: method for method in judged.methods}
        self._judged, self._patient = judged, _given_up(judged)
        self._elsewhere = _elsewhere(judged)
        self._tasks: dict[str, tuple[CallSpan, tuple[str, ...]]] = {}
        self._known: dict[int, _Known] = {}
        self._views: dict[tuple[Json, ...], _Seen] = {}

    def feed(self, operation: Operation) -> None:
        """Take one operation."""
        self.operations += 1
        known = self._known.get(id(operation.call))
        if known is None or known.call is not operation.call:
            known = self._sort(operation.call)
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[id(operation.call)] = known
        if known.reads:
            self._read(operation, known)
        elif known.vm in self.machines:
            self._called(operation, known, (known.vm,))
        elif operation.call.method in HOSTS:
            host = operation.call.object.value
            here = tuple(moid for moid, vm in self.facts.vms.items() if vm.host == host)
            self._called(operation, known, here)
        elif operation.call.method == _CANCEL:
            self._cancelled(operation)
        elif operation.call.method == _LOG_OUT and not isinstance(operation.outcome, Faulted):
            self.logouts.setdefault(operation.call.actor, []).append(operation.start)

    def _sort(self, call: Call) -> _Known:
        if call.method in _RETRIEVALS:
            spec = (call.arguments.get("specSet") or [{}])[0]
            ref = as_ref((spec.get("objectSet") or [{}])[0].get("obj"))
            paths = {path for properties in spec.get("propSet") or () for path in properties.get("pathSet") or ()}
            fields = tuple(name for name, needed in _PATHS.items() if needed <= paths)
            return _Known(call, ref.value if ref else "", reads=ref.type if ref else "nothing", fields=fields)
        vm = subject(call)
        known = _Known(call, vm, does=self.effects.get(call.method, ""))
        if call.method in self._methods and vm in self.machines:
            asked = classify(call, self._methods[call.method], self.facts)
            # session and privilege are judged in the session's own history (guarantees/own_sessions.py)
            known.asked = replace(asked, session="valid", privilege="held")
        elif call.method in LEVER_CALLS:
            known.lever = self.facts.lever(call.arguments)
        return known

    def _called(self, operation: Operation, known: _Known, machines: tuple[str, ...]) -> None:
        outcome = operation.outcome
        span = CallSpan(operation.op, operation.start, operation.end, operation.call.method, known.asked)
        span.actor, span.does, span.lever = operation.call.actor, known.does, known.lever
        if isinstance(outcome, Faulted):
            if known.asked is None or outcome.fault.type in _SICK or outcome.fault.type in self._elsewhere:
                return
            span.refused, span.outcome, span.until = True, outcome.fault.type, operation.end
        elif isinstance(outcome, Returned):
            ref = as_ref(outcome.value)
            if ref is not None and ref.type == "Task":
                span.task = ref.value
                self._tasks[ref.value] = span, machines
            elif known.does not in {"guestShutDown", "guestRebooted", "guestStoodBy"}:
                span.outcome, span.until = OK, operation.end
        for moid in machines:
            self.machines[moid].spans.append(span)

    def _cancelled(self, operation: Operation) -> None:
        task = operation.call.object.value
        if task in self._tasks and not isinstance(operation.outcome, Faulted):
            for moid in self._tasks[task][1]:
                self.machines[moid].cancelled.setdefault(task, operation.start)

    def _read(self, operation: Operation, known: _Known) -> None:
        if known.reads == "Task":
            if known.vm in self._tasks:
                self._task_read(operation, known.vm)
        elif known.reads == "VirtualMachine" and known.vm in self.machines and known.fields:
            read = read_of(operation)
            if read is not None:
                self._vm_read(operation, known, read[1])

    def _task_read(self, operation: Operation, task: str) -> None:
        outcome = operation.outcome
        info = outcome.value.get("info") if isinstance(outcome, Returned) and isinstance(outcome.value, dict) else None
        if not isinstance(info, Mapping):
            return
        span, _ = self._tasks[task]
        state = str(info.get("state"))
        fault = ((info.get("error") or {}).get("fault") or {}).get("_typeName", "none") if state == "error" else ""
        given_up = slow(info) and span.method in self._patient and excusable(fault, self._judged)
        if fault in _SICK or fault in self._elsewhere or given_up:
            fault = UNJUDGED
        if span.read(operation.start, operation.end, state, fault, self.facts.publish):
            del self._tasks[task]
            if span.method == _CLONE and span.outcome == OK:
                self._cloned(span, as_ref(info.get("result")))

    def _cloned(self, span: CallSpan, child: Ref | None) -> None:
        parent = next((moid for moid, machine in self.machines.items() if machine.spans and span in machine.spans), "")
        if child is not None and parent:
            facts = replace(self.facts.vms[parent], ref=child, name=child.value)
            self.facts = replace(self.facts, vms={**self.facts.vms, child.value: facts})
            self.machines[child.value] = made = VmHistory(facts.engine)
            made.parent, made.born = parent, (span.start, span.until)
            self._known.clear()

    def _vm_read(self, operation: Operation, known: _Known, values: Mapping[str, Json] | None) -> None:
        machine = self.machines[known.vm]
        seen = (("exists", False),) if values is None else self._view(known.fields, values)
        if machine.seen is None:
            machine.seen = dict(seen)
        for late, shown in self._by_lateness(seen):
            machine.reads.append((operation.op, operation.start - late, operation.end, Step(READ, seen=shown)))

    def _by_lateness(self, seen: _Seen) -> Iterable[tuple[float, _Seen]]:
        """Divide what a read showed by how late it may be: of what is off Tools tell nothing more."""
        late, tools = self.facts.runtime_staleness, self.facts.staleness
        if late == tools:
            return ((late, seen),)
        server = tuple(each for each in seen if each[0] != "tools")
        told = dict(seen)
        if "tools" not in told or told.get("power", ON) != ON:
            return ((late, server),)
        return ((late, server), (tools, (("exists", True), ("tools", told["tools"]))))

    def _view(self, fields: tuple[str, ...], values: Mapping[str, Json]) -> _Seen:
        key = (fields, *[str(value) if isinstance(value := values.get(path), dict) else value for path in _SEEN])
        seen = self._views.get(key)
        if seen is None:
            state = observe(State(), values)
            refused = values.get("_missing") or {}
            shown = [name for name in fields if not _PATHS[name] & set(refused)]
            if state.connection != State().connection:
                shown = [
                    name for name in shown if name == "connection"
                ]  # the other fields may be long out of date then
            seen = (("exists", True), *((name, getattr(state, name)) for name in shown))
            self._views[key] = seen
        return seen


def _given_up(contract: Contract) -> frozenset[str]:
    """List the methods whose tasks a server may give up (oracle row S1): their faults then say nothing of the VM."""
    late = [situation for situation in contract.situations if "ended.slowly" in situation.when]
    return frozenset(method.name for method in contract.methods if any(each.permitted(method.name) for each in late))


def _elsewhere(contract: Contract) -> frozenset[str]:
    """Collect the faults by which a call is turned away for its session or its privilege (oracle rows Q1, V1, V2)."""
    return frozenset(
        permit.outcome
        for situation in contract.situations
        if all(name.startswith(("session.", "privilege.")) for name in situation.when)
        for permit in situation.permitted("")
        if permit.outcome != OK
    )
