"""Reads properties through the PropertyCollector, by path, in a compact shape.

Methods and types: PropertyCollector.RetrievePropertiesEx, ViewManager.CreateContainerView (vendor WSDL).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from vcontract._client.offered import refused_version
from vcontract._errors import TargetError
from vcontract._terms import MISSING, Arguments, Call, Faulted, Json, Operation, Ref, Returned, as_ref

if TYPE_CHECKING:
    from vcontract._client.session import Target
    from vcontract._schema import Schema

_PAGE, _MANY = 100, 1000
_RUNTIME, _NEWER = "VirtualMachineRuntimeInfo", ("paused", "instantCloneFrozen")
"""What is read of a VM although it came with API 6.0 and 6.7 only [M]."""
_PLAIN = re.compile(r"[A-Za-z0-9-]+")


def read(
    target: Target, actor: str, ref: Ref, paths: Sequence[str], compact: Callable[[dict[str, Json]], Json] | None = None
) -> Operation:
    """Read properties of one object; `compact` may leave out values that are not needed.

    The operation's value is `{path: value}` without the unset ones; a path that the server refused to read stands
    under `_missing` with its fault (a wire value). A dead object is Faulted(ManagedObjectNotFound). A path that the API that is
    spoken has not yet is left out, since it would spoil the whole read.
    """
    selected = {"_typeName": "ObjectSpec", "obj": ref.json(), "skip": False}
    absent = _absent(target.schema)
    call = _retrieve(target, actor, ref.type, [path for path in paths if path not in absent], selected)
    shape = _one_object if compact is None else lambda result: compact(_one_object(result))
    return target.send(call, shape=shape, varies=(ref.value,) if _PLAIN.fullmatch(ref.value) else ())


@lru_cache(maxsize=16)
def _absent(schema: Schema) -> frozenset[str]:
    """List those of the newer paths that a schema lacks; the type of a property stands in no WSDL, but that of `runtime`."""
    known = schema.types.get(_RUNTIME)
    fields = {field.name for field in known.fields} if known is not None else set()
    return frozenset(f"runtime.{name}" for name in _NEWER if name not in fields)


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

    view = view_of_vms(target, actor)
    try:
        return _paged(target, _retrieve(target, actor, "VirtualMachine", paths, _all_in(view), page), few)
    finally:
        target.send(Call(view, "DestroyView", Arguments({}), actor))


def view_of_vms(target: Target, actor: str) -> Ref:
    """Make a view of every VM that the actor can see; it lasts as long as the session. Raises TargetError."""
    arguments = Arguments(
        {"container": target.manager("rootFolder").json(), "type": ["VirtualMachine"], "recursive": True}
    )
    manager = target.manager("viewManager")
    view = as_ref(_value(target, target.send(Call(manager, "CreateContainerView", arguments, actor))))
    if view is None:
        raise TargetError(f"{target.url} cannot list its VMs: CreateContainerView gave no view")
    return view


def read_around(target: Target, actor: str, host: Ref, view: Ref) -> dict[Ref, dict[str, Json]]:
    """Read by one request a host's name and `vm`, and `runtime.host` of the VMs in a view; shapes as in `read`.

    VMs that are known to be elsewhere are left out. Raises TargetError if the server refuses it.
    """
    wanted = [
        {"_typeName": "PropertySpec", "type": "HostSystem", "all": False, "pathSet": ["name", "vm"]},
        {"_typeName": "PropertySpec", "type": "VirtualMachine", "all": False, "pathSet": ["runtime.host"]},
    ]
    itself = {"_typeName": "ObjectSpec", "obj": host.json(), "skip": False}
    specification = {"_typeName": "PropertyFilterSpec", "propSet": wanted, "objectSet": [itself, _all_in(view)]}
    options = {"_typeName": "RetrieveOptions", "maxObjects": _MANY}
    arguments = Arguments({"specSet": [specification], "options": options})

    def near(result: Json) -> Json:
        listed = _objects(result)
        kept = [each for each in listed["objects"] if as_ref(each["obj"]) == host or _may_be_on(each, host)]
        return listed | {"objects": kept}

    return _paged(target, Call(target.manager("propertyCollector"), "RetrievePropertiesEx", arguments, actor), near)


def _may_be_on(vm: Mapping[str, Json], host: Ref) -> bool:
    return MISSING in vm["properties"] or as_ref(vm["properties"].get("runtime.host")) == host


def _all_in(view: Ref) -> dict[str, Json]:
    through = {"_typeName": "TraversalSpec", "name": "view", "type": "ContainerView", "path": "view", "skip": False}
    return {"_typeName": "ObjectSpec", "obj": view.json(), "skip": True, "selectSet": [through]}


def _paged(target: Target, call: Call, shape: Callable[[Json], Json]) -> dict[Ref, dict[str, Json]]:
    """Make a call and those that go on with it; gives the properties of each object. Raises TargetError."""
    found: dict[Ref, dict[str, Json]] = {}
    while True:
        page = _value(target, target.send(call, shape=shape))
        found |= {ref: each["properties"] for each in page["objects"] if (ref := as_ref(each["obj"]))}
        if not page.get("token"):
            return found
        collector, token = target.manager("propertyCollector"), Arguments({"token": page["token"]})
        call = Call(collector, "ContinueRetrievePropertiesEx", token, call.actor)


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
    method, outcome = done.call.method, done.outcome
    why = f"{method} gave {outcome.fault.type if isinstance(outcome, Faulted) else outcome.reason}"
    why = refused_version(outcome, method, target.api_version) or why
    raise TargetError(f"{target.url} cannot list its VMs: {why}")


def _objects(result: Json) -> Json:
    """Shape a RetrieveResult as `{"objects": [{"obj", "properties"}], "token"}`."""
    result = result if isinstance(result, Mapping) else {}
    objects = [{"obj": content.get("obj"), "properties": _flat(content)} for content in result.get("objects") or []]
    return {"objects": objects} | ({"token": result["token"]} if result.get("token") else {})


def _one_object(result: Json) -> dict[str, Json]:
    objects: list[dict[str, dict[str, Json]]] = _objects(result)["objects"]
    return objects[0]["properties"] if objects else {}


def _flat(content: Mapping[str, Json]) -> dict[str, Json]:
    flat = {property_["name"]: plain(property_.get("val")) for property_ in content.get("propSet") or []}
    missing = {refused["path"]: refused["fault"].get("fault") for refused in content.get("missingSet") or []}
    return flat | ({MISSING: missing} if missing else {})


def plain(value: Json) -> Json:
    """Take a simple value or an array out of its anyType wrapping."""
    return value["_value"] if isinstance(value, Mapping) and "_value" in value else value
