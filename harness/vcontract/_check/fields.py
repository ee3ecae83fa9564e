"""The fields of a fault: each rule names the field path that is wrong, or nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import msgspec

from vcontract._contract import Contract, Method
from vcontract._model import EFFECTS, Asked, Facts, State, cell_of
from vcontract._terms import Call, Fault, Json, as_ref, subject


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
GUEST_ERROR = "vix"
"""The rule that says which fault it is: one that breaks it is not the one that is permitted, whatever its type."""
_VIX = re.compile(r"\bvix error codes? = \(\d+, \d+\)", re.IGNORECASE)
_ANYBODYS = frozenset({"System.View", "System.Read"})
"""The privileges that a server may ask for before any other: without them a caller does not even see the object."""


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
    """Judge each of the two fields that is set; one of them must be (`missingPrivileges` came later, and may stand alone)."""
    needed = _ANYBODYS | set(scene.method.privileges)
    named = fault.fields.get("privilegeId")
    missing = {
        each for entry in fault.fields.get("missingPrivileges") or () for each in entry.get("privilegeIds") or ()
    }
    if (named or not missing) and named not in needed:
        return "privilegeId"
    # a server may ask for more than the page names, so among several one suffices
    return "missingPrivileges" if missing and not missing & needed else ""


def _cancelled(_: Fault, scene: Scene) -> str:
    return "" if scene.cancelled is True else "info.cancelled"


def _vix(fault: Fault, _: Scene) -> str:
    return "" if _VIX.search(str(fault.fields.get("reason") or "")) else "reason"


RULES: dict[str, Rule] = {
    "existingState": _existing_state,
    "task": _task,
    "counts": _counts,
    "obj": _obj,
    "method": _method,
    "privilege": _privilege,
    "cancelled": _cancelled,
    GUEST_ERROR: _vix,
}
"""The rules by the names that permits carry in braces."""


def wrong_field(fault: Fault, rules: Iterable[str], scene: Scene) -> str:
    """Name the first field that is wrong by any of the rules; empty if none is."""
    return next((path for path in (RULES[name](fault, scene) for name in rules) if path), "")


def right_value(field: str, scene: Scene) -> str:
    """Say what a field of a fault must be, as the scene has it; empty if that is more than a value."""
    vm = subject(scene.call)
    facts = scene.facts.vms.get(vm)
    right = {
        "existingState": sorted({state.power for state in scene.states}),
        "requestedState": sorted(scene.requested),
        "numberOfNicsInSpec": [str(len(scene.call.arguments.get("spec", {}).get("nicSettingMap", ())))],
        "numberOfNicsInVM": [str(facts.nics)] if facts else [],
        "method": [scene.method.name],
        "privilegeId": list(scene.method.privileges),
        "missingPrivileges": list(scene.method.privileges),
        "task": [f"a task that works on {vm}"],
        "info.cancelled": ["true"],
    }
    return " or ".join(right.get(field, ()))
