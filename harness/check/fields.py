"""The fields of a fault: each rule names the field path that is wrong, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from harness.contract import Method
from harness.model import Asked, Facts, State
from harness.terms import Call, Fault, Json, as_ref


class Scene(msgspec.Struct, frozen=True):
    """What a fault's fields are held against: the call, the states it met, the tasks that ran or had ended by then.

    `entities` maps the task that a TaskInProgress named to the VM that its info names, if it was read.
    """

    call: Call
    asked: Asked
    method: Method
    facts: Facts
    states: frozenset[State]
    ended: frozenset[str] = frozenset()
    entities: dict[str, str] = {}
    cancelled: Json = None


Rule = Callable[[Fault, Scene], str]


def _existing_state(fault: Fault, scene: Scene) -> str:
    if fault.fields.get("existingState") not in {each.power for each in scene.states}:
        return "existingState"
    return "" if fault.fields.get("requestedState", "poweredOn") == "poweredOn" else "requestedState"


def _task(fault: Fault, scene: Scene) -> str:
    """Wrong only if it is no task, one that had ended before the call, or one of another VM (oracle rule A12)."""
    named = as_ref(fault.fields.get("task"))
    if named is None or named.type != "Task" or named.value in scene.ended:
        return "task"
    vm = as_ref(scene.call.arguments.get("vm"))
    entity = scene.entities.get(named.value)
    return "task" if entity is not None and vm is not None and entity != vm.value else ""


def _counts(fault: Fault, scene: Scene) -> str:
    vm = as_ref(scene.call.arguments.get("vm"))
    facts = scene.facts.vms.get(vm.value) if vm else None
    if fault.fields.get("numberOfNicsInSpec") != len(scene.call.arguments.get("spec", {}).get("nicSettingMap", ())):
        return "numberOfNicsInSpec"
    return "numberOfNicsInVM" if facts and fault.fields.get("numberOfNicsInVM") != facts.nics else ""


def _obj(fault: Fault, scene: Scene) -> str:
    named, vm = as_ref(fault.fields.get("obj")), as_ref(scene.call.arguments.get("vm"))
    missing = set()
    if scene.asked.this != "ok":
        missing.add(scene.call.object.value)
    if vm and (scene.asked.vm != "ok" or not all(each.exists for each in scene.states)):
        missing.add(vm.value)
    return "" if named is not None and named.value in missing else "obj"


def _method(fault: Fault, scene: Scene) -> str:
    # a server may name the method as the WSDL does or as the VMODL does
    known = {scene.method.name.lower(), scene.method.vmodl.lower(), scene.method.name.removesuffix("_Task").lower()}
    return "" if str(fault.fields.get("method", "")).lower() in known else "method"


def _privilege(fault: Fault, scene: Scene) -> str:
    named = {fault.fields.get("privilegeId")}
    for each in fault.fields.get("missingPrivileges") or ():
        named.update(each.get("privilegeIds") or ())
    return "" if scene.method.privilege in named else "privilegeId"


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
