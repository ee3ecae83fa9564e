"""The fields of a fault: each rule names the field path that is wrong, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from vcontract.contract import Contract, Method
from vcontract.model import EFFECTS, Asked, Facts, State, cell_of
from vcontract.terms import Call, Fault, Json, as_ref, subject


class Scene(msgspec.Struct, frozen=True):
    """What a fault's fields are held against: the call, the states it met, the tasks that ran or had ended by then.

    `entities` maps the task that a TaskInProgress named to the VM that its info names, if it was read. `requested` are the
    power states that the method may be said to ask for.
    """

    call: Call
    asked: Asked
    method: Method
    facts: Facts
    states: frozenset[State]
    ended: frozenset[str] = frozenset()
    entities: dict[str, str] = {}
    cancelled: Json = None
    requested: frozenset[str] = frozenset({"poweredOn"})


Rule = Callable[[Fault, Scene], str]


def requested(contract: Contract, name: str) -> frozenset[str]:
    """Give the power states that a method may be said to ask for: the one that it needs, and the one that it makes.

    No source says which of them InvalidPowerState.requestedState is.
    """
    needed = cell_of(contract, name).state
    return frozenset({needed.power, EFFECTS[contract.method(name).effect](needed).power})


def _existing_state(fault: Fault, scene: Scene) -> str:
    if fault.fields.get("existingState") not in {state.power for state in scene.states}:
        return "existingState"
    asked = fault.fields.get("requestedState")
    return "" if asked is None or asked in scene.requested else "requestedState"


def _task(fault: Fault, scene: Scene) -> str:
    """Wrong only if it is no task, one that had ended before the call, or one of another VM (oracle rule A12)."""
    named = as_ref(fault.fields.get("task"))
    if named is None or named.type != "Task" or named.value in scene.ended:
        return "task"
    entity, vm = scene.entities.get(named.value), subject(scene.call)
    return "task" if entity is not None and vm and entity != vm else ""


def _counts(fault: Fault, scene: Scene) -> str:
    facts = scene.facts.vms.get(subject(scene.call))
    if fault.fields.get("numberOfNicsInSpec") != len(scene.call.arguments.get("spec", {}).get("nicSettingMap", ())):
        return "numberOfNicsInSpec"
    return "numberOfNicsInVM" if facts and fault.fields.get("numberOfNicsInVM") != facts.nics else ""


def _obj(fault: Fault, scene: Scene) -> str:
    named, vm = as_ref(fault.fields.get("obj")), subject(scene.call)
    missing = set()
    if scene.asked.this != "ok":
        missing.add(scene.call.object.value)
    if vm and (scene.asked.vm != "ok" or not all(state.exists for state in scene.states)):
        missing.add(vm)
    return "" if named is not None and named.value in missing else "obj"


def _method(fault: Fault, scene: Scene) -> str:
    # a server may name the method as the WSDL does or as the VMODL does
    known = {scene.method.name.lower(), scene.method.vmodl.lower(), scene.method.name.removesuffix("_Task").lower()}
    return "" if str(fault.fields.get("method", "")).lower() in known else "method"


def _privilege(fault: Fault, scene: Scene) -> str:
    named = {fault.fields.get("privilegeId")}
    for entry in fault.fields.get("missingPrivileges") or ():
        named.update(entry.get("privilegeIds") or ())
    return "" if named & set(scene.method.privileges) else "privilegeId"


def _cancelled(_: Fault, scene: Scene) -> str:
    return "" if scene.cancelled is True else "info.cancelled"


RULES: dict[str, Rule] = {
    "existingState": _existing_state,
    "task": _task,
    "counts": _counts,
    "obj": _obj,
    "method": _method,
    "privilege": _privilege,
    "cancelled": _cancelled,
}
"""The rules by the names that permits carry in braces."""


def wrong_field(fault: Fault, rules: Iterable[str], scene: Scene) -> str:
    """Name the first field that is wrong by any of the rules; empty if none is."""
    return next((path for path in (RULES[name](fault, scene) for name in rules) if path), "")
