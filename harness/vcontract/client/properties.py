"""Reads properties through the PropertyCollector, by path, in a compact shape.

Methods and types: PropertyCollector.RetrievePropertiesEx, ViewManager.CreateContainerView (vendor WSDL).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from vcontract.errors import TargetError
from vcontract.terms import MISSING, Arguments, Call, Faulted, Json, Operation, Ref, Returned, as_ref

if TYPE_CHECKING:
    from vcontract.client.session import Target

_PAGE = 100
_PLAIN = re.compile(r"[A-Za-z0-9-]+")


def read(
    target: Target, actor: str, ref: Ref, paths: Sequence[str], compact: Callable[[dict[str, Json]], Json] | None = None
) -> Operation:
    """Read properties of one object; `compact` may leave out values that are not needed.

    The operation's value is `{path: value}` without the unset ones; a path that the server refused to read stands
    under `_missing` with its fault (a wire value). A dead object is Faulted(ManagedObjectNotFound).
    """
    selected = {"_typeName": "ObjectSpec", "obj": ref.json(), "skip": False}
    call = _retrieve(target, actor, ref.type, paths, selected)
    shape = _one_object if compact is None else lambda result: compact(_one_object(result))
    return target.send(call, shape=shape, varies=(ref.value,) if _PLAIN.fullmatch(ref.value) else ())


def list_vms(
    target: Target,
    actor: str,
    paths: Sequence[str],
    compact: Callable[[dict[str, Json]], dict[str, Json]] = dict,
    page: int = _PAGE,
) -> dict[Ref, dict[str, Json]]:
    """Read properties of every VirtualMachine that the actor can see, `page` of them at a time; shapes as in `read`.

    `compact` may leave out values of a VM that are not needed; a VM of which it leaves nothing is left out.
    Raises TargetError if the server refuses it.
    """

    def few(result: Json) -> Json:
        listed = _objects(result)
        kept = [{**vm, "properties": compact(vm["properties"])} for vm in listed["objects"]]
        return listed | {"objects": [vm for vm in kept if vm["properties"]]}

    arguments = Arguments(
        {"container": target.manager("rootFolder").json(), "type": ["VirtualMachine"], "recursive": True}
    )
    manager = target.manager("viewManager")
    view = as_ref(_value(target, target.send(Call(manager, "CreateContainerView", arguments, actor))))
    if view is None:
        raise TargetError(f"{target.url} cannot list its VMs: CreateContainerView gave no view")
    through = {"_typeName": "TraversalSpec", "name": "view", "type": "ContainerView", "path": "view", "skip": False}
    selected = {"_typeName": "ObjectSpec", "obj": view.json(), "skip": True, "selectSet": [through]}
    vms: dict[Ref, dict[str, Json]] = {}

    try:
        call = _retrieve(target, actor, "VirtualMachine", paths, selected, page)
        while True:
            page_of_vms = _value(target, target.send(call, shape=few))
            vms |= {ref: vm["properties"] for vm in page_of_vms["objects"] if (ref := as_ref(vm["obj"]))}
            if not page_of_vms.get("token"):
                return vms
            collector, token = target.manager("propertyCollector"), Arguments({"token": page_of_vms["token"]})
            call = Call(collector, "ContinueRetrievePropertiesEx", token, actor)
    finally:
        target.send(Call(view, "DestroyView", Arguments({}), actor))


def _retrieve(
    target: Target, actor: str, kind: str, paths: Sequence[str], selected: dict[str, Json], page: int = _PAGE
) -> Call:
    wanted = {"_typeName": "PropertySpec", "type": kind, "all": False, "pathSet": list(paths)}
    specification = {"_typeName": "PropertyFilterSpec", "propSet": [wanted], "objectSet": [selected]}
    options = {"_typeName": "RetrieveOptions", "maxObjects": page}
    arguments = Arguments({"specSet": [specification], "options": options})
    return Call(target.manager("propertyCollector"), "RetrievePropertiesEx", arguments, actor)


def _value(target: Target, done: Operation) -> Json:
    if isinstance(done.outcome, Returned):
        return done.outcome.value
    why = done.outcome.fault.type if isinstance(done.outcome, Faulted) else done.outcome.reason
    raise TargetError(f"{target.url} cannot list its VMs: {done.call.method} gave {why}")


def _objects(result: Json) -> Json:
    """Shape a RetrieveResult as `{"objects": [{"obj", "properties"}], "token"}`."""
    result = result if isinstance(result, Mapping) else {}
    objects = [{"obj": content.get("obj"), "properties": _flat(content)} for content in result.get("objects") or []]
    return {"objects": objects} | ({"token": result["token"]} if result.get("token") else {})


def _one_object(result: Json) -> dict[str, Json]:
    objects: list[dict[str, dict[str, Json]]] = _objects(result)["objects"]
    return objects[0]["properties"] if objects else {}


def _flat(content: Mapping[str, Json]) -> dict[str, Json]:
    flat = {property_["name"]: _plain(property_.get("val")) for property_ in content.get("propSet") or []}
    missing = {refused["path"]: refused["fault"].get("fault") for refused in content.get("missingSet") or []}
    return flat | ({MISSING: missing} if missing else {})


def _plain(value: Json) -> Json:
    """Take a simple value or an array out of its anyType wrapping."""
    return value["_value"] if isinstance(value, Mapping) and "_value" in value else value
