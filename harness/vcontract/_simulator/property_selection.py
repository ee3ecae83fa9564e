"""Evaluates a FilterSpec: walks along its TraversalSpecs, and reads the properties that its PropertySpecs name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyVmomi import vim, vmodl

from vcontract._simulator.objects import Invocation, ManagedObject, Registry
from vcontract._simulator.property_paths import check_path, property_names, read_property

if TYPE_CHECKING:
    from collections.abc import Iterator

_PC = vmodl.query.PropertyCollector


def check_spec(spec: Any, call: Invocation) -> None:
    """Refuse a FilterSpec that no object could satisfy: InvalidProperty for a path, InvalidArgument for a name."""
    for wanted in spec.propSet:
        for path in wanted.pathSet:
            check_path(wanted.type, path, call.version)
    for root in spec.objectSet:
        named = _named(root.selectSet)
        for selection in _all(root.selectSet):
            if isinstance(selection, _PC.TraversalSpec):
                check_path(selection.type, selection.path, call.version)
            elif selection.name not in named:
                raise vmodl.fault.InvalidArgument(invalidProperty="specSet.objectSet.selectSet.name")


def select(spec: Any, registry: Registry, call: Invocation) -> dict[str, ManagedObject]:
    """Give the selected objects by moId, in the order of the walk; ManagedObjectNotFound for a dead starting point."""
    chosen: dict[str, ManagedObject] = {}
    for root in spec.objectSet:
        try:
            start = registry.resolve(root.obj)
        except vmodl.fault.ManagedObjectNotFound:
            if spec.reportMissingObjectsInResults:
                continue
            raise
        if not root.skip:
            chosen[start.moid] = start
        _walk(start, root.selectSet, _named(root.selectSet), (registry, call, chosen, set()))
    return {
        moid: selected
        for moid, selected in chosen.items()
        if any(_matches(selected, wanted) for wanted in spec.propSet)
    }


_Walk = tuple[Registry, Invocation, dict[str, ManagedObject], set[tuple[str, int]]]


def _walk(here: ManagedObject, selections: Any, named: dict[str, Any], walk: _Walk) -> None:
    registry, call, chosen, seen = walk
    for selection in selections:
        spec = selection if isinstance(selection, _PC.TraversalSpec) else named[selection.name]
        if not issubclass(here.vmodl_type, spec.type) or (here.moid, id(spec)) in seen:
            continue
        seen.add((here.moid, id(spec)))
        for child in _children(here, spec.path, registry, call):
            if not spec.skip:
                chosen[child.moid] = child
            _walk(child, spec.selectSet, named, walk)


def _children(here: ManagedObject, path: str, registry: Registry, call: Invocation) -> Iterator[ManagedObject]:
    try:
        value = read_property(here, path, call)
    except vim.fault.NoPermission:
        return
    for ref in value if isinstance(value, list) else [value]:
        living = registry.find(getattr(ref, "_moId", ""))
        if living is not None:
            yield living


def _all(selections: Any) -> Iterator[Any]:
    for selection in selections:
        yield selection
        if isinstance(selection, _PC.TraversalSpec):
            yield from _all(selection.selectSet)


def _named(selections: Any) -> dict[str, Any]:
    return {
        selection.name: selection
        for selection in _all(selections)
        if isinstance(selection, _PC.TraversalSpec) and selection.name
    }


def _matches(candidate: ManagedObject, wanted: Any) -> bool:
    return issubclass(candidate.vmodl_type, wanted.type)


def wanted_paths(selected: ManagedObject, spec: Any, call: Invocation) -> list[str]:
    """List the paths that the PropertySpecs of a FilterSpec ask of an object."""
    paths: dict[str, None] = {}
    for wanted in spec.propSet:
        if _matches(selected, wanted):
            paths.update(
                dict.fromkeys(property_names(selected.vmodl_type, call.version) if wanted.all else wanted.pathSet)
            )
    return list(paths)


def read_wanted(selected: ManagedObject, spec: Any, call: Invocation) -> tuple[dict[str, Any], list[Any]]:
    """Read what a FilterSpec asks of an object: the set values by path, a MissingProperty for each refused one."""
    values: dict[str, Any] = {}
    missing: list[Any] = []
    read: dict[str, Any] = {}
    for path in wanted_paths(selected, spec, call):
        try:
            value = read_property(selected, path, call, read)
        except vim.fault.NoPermission as fault:  # NotAuthenticated is one too
            missing.append(_PC.MissingProperty(path=path, fault=fault))
            continue
        if value is not None:
            values[path] = value
    return values, missing
