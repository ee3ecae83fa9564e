"""Reading properties through the PropertyCollector, few by path, in a compact shape.

Methods and types: PropertyCollector.RetrievePropertiesEx, ViewManager.CreateContainerView (vendor WSDL).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from harness.errors import TargetError
from harness.terms import Arguments, Call, Faulted, Json, Operation, Ref, Returned, as_ref

if TYPE_CHECKING:
    from harness.target.session import Target

MISSING = "_missing"
_PAGE = 100


def read(
    target: Target, actor: str, ref: Ref, paths: Sequence[str], compact: Callable[[dict[str, Json]], Json] | None = None
) -> Operation:
    """Read properties of one object; `compact` may leave out of the values what nobody needs.

    The operation's value is `{path: value}` without the unset ones; a path that the server refused to read stands
    under `_missing` with its fault (a wire value). A dead object is Faulted(ManagedObjectNotFound).
    """
    selected = {"_typeName": "ObjectSpec", "obj": ref.json(), "skip": False}
    call = _retrieve(target, actor, ref.type, paths, selected)
    return target.send(call, shape=_one_object if compact is None else lambda result: compact(_one_object(result)))


def list_vms(
    target: Target, actor: str, paths: Sequence[str], compact: Callable[[dict[str, Json]], Json] | None = None
) -> dict[Ref, dict[str, Json]]:
    """Read properties of every VirtualMachine that the actor can see, page by page; shapes and `compact` as in `read`.

    Raises TargetError if the server does not let us.
    """
    arguments = Arguments({"container": target.content["rootFolder"], "type": ["VirtualMachine"], "recursive": True})
    manager = target.manager("viewManager")
    view = as_ref(_value(target, target.send(Call(manager, "CreateContainerView", arguments, actor))))
    if view is None:
        raise TargetError(f"{target.url} cannot list its VMs: CreateContainerView gave no view")
    through = {"_typeName": "TraversalSpec", "name": "view", "type": "ContainerView", "path": "view", "skip": False}
    selected = {"_typeName": "ObjectSpec", "obj": view.json(), "skip": True, "selectSet": [through]}
    found: dict[Ref, dict[str, Json]] = {}

    def shape(result: Json) -> Json:
        page = _objects(result)
        for each in page["objects"]:
            each["properties"] = compact(each["properties"]) if compact is not None else each["properties"]
        return page

    try:
        call = _retrieve(target, actor, "VirtualMachine", paths, selected)
        page = _value(target, target.send(call, shape=shape))
        while True:
            found |= {ref: each["properties"] for each in page["objects"] if (ref := as_ref(each["obj"]))}
            if not page.get("token"):
                return found
            collector, token = target.manager("propertyCollector"), Arguments({"token": page["token"]})
            call = Call(collector, "ContinueRetrievePropertiesEx", token, actor)
            page = _value(target, target.send(call, shape=shape))
    finally:
        target.send(Call(view, "DestroyView", Arguments({}), actor))


def _retrieve(target: Target, actor: str, kind: str, paths: Sequence[str], selected: dict[str, Json]) -> Call:
    wanted = {"_typeName": "PropertySpec", "type": kind, "all": False, "pathSet": list(paths)}
    specification = {"_typeName": "PropertyFilterSpec", "propSet": [wanted], "objectSet": [selected]}
    options = {"_typeName": "RetrieveOptions", "maxObjects": _PAGE}
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
    objects = [{"obj": each.get("obj"), "properties": _flat(each)} for each in result.get("objects") or []]
    return {"objects": objects} | ({"token": result["token"]} if result.get("token") else {})


def _one_object(result: Json) -> dict[str, Json]:
    objects: list[dict[str, dict[str, Json]]] = _objects(result)["objects"]
    return objects[0]["properties"] if objects else {}


def _flat(content: Mapping[str, Json]) -> dict[str, Json]:
    flat = {each["name"]: _plain(each.get("val")) for each in content.get("propSet") or []}
    missing = {each["path"]: each["fault"].get("fault") for each in content.get("missingSet") or []}
    return flat | ({MISSING: missing} if missing else {})


def _plain(value: Json) -> Json:
    """Take a simple value or an array out of its anyType wrapping."""
    return value["_value"] if isinstance(value, Mapping) and "_value" in value else value
