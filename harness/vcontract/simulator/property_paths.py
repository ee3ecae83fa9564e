"""Property paths: checked against the vendor's type metadata, read from living objects, typed for the wire."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pyVmomi import VmomiSupport, vim, vmodl

from vcontract.simulator.data_objects import Composite
from vcontract.simulator.versions import known_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from vcontract.simulator.objects import Invocation, ManagedObject

_STEP = re.compile(r'([A-Za-z_]\w*)((?:\["[^"\]]*"\]|\[[^"\]]*\])?)(?:\.|$)')
_ANONYMOUS = "System.Anonymous"
_NUMBERS = (VmomiSupport.long, VmomiSupport.short, VmomiSupport.byte, VmomiSupport.double)

# A path as (name, key or None, type of the value there) for each of its steps.
Steps = tuple[tuple[str, str | None, Any], ...]


def no_permission(entity: Any, privilege: str) -> vim.fault.NoPermission:
    """Make the fault for a privilege that the caller lacks on an object."""
    missing = vim.fault.NoPermission.EntityPrivileges(entity=entity, privilegeIds=[privilege])
    return vim.fault.NoPermission(object=entity, privilegeId=privilege, missingPrivileges=[missing])


def property_names(kind: Any, version: str) -> list[str]:
    """List the properties of a managed object type that a client of `version` knows."""
    return [p.name for p in kind._GetPropertyList() if known_at(version, p.version)]  # noqa: SLF001 - pyVmomi's metadata


def read_property(target: ManagedObject, path: str, call: Invocation, read: dict[str, Any] | None = None) -> Any:
    """Read a path as the caller may see it, typed for an anyType; None if unset.

    `read` keeps what was read of the same object for the same request, since many paths share their first step.
    Raises InvalidProperty{name} for a path that the type does not have, NotAuthenticated, NoPermission.
    """
    steps = check_path(target.vmodl_type, path, call.version)
    name, key, _ = steps[0]
    privilege = VmomiSupport.GetPropertyInfo(target.vmodl_type, name).privId
    if call.session is None and privilege != _ANONYMOUS:
        raise vim.fault.NotAuthenticated(object=target.ref, privilegeId=privilege or "System.View")
    if call.session is not None and privilege and not call.session.account.holds(privilege):
        raise no_permission(target.ref, privilege)
    if len(steps) > 1 and name in target.composites and target.vcenter.decisions.shows_what_is:
        return _part(target, target.composites[name], steps)
    known = {} if read is None else read
    if name not in known:
        value = target.property_for(name, call.session)
        known[name] = target.vcenter.decisions.shown(target, name, value, call)
    return _follow(_item(known[name], key), steps, 1)


def _part(target: ManagedObject, made: Callable[[Any], Any], steps: Steps) -> Any:
    """Read a path without what lies beside it."""
    position = 1
    while position < len(steps) and isinstance(made, Composite):
        made = made.field(steps[position][0])
        position += 1
    return _follow(_item(made(target), steps[position - 1][1]), steps, position)


def _follow(value: Any, steps: Steps, position: int) -> Any:
    """Go the rest of the way from the value at a step; what is there is typed."""
    for name, key, _ in steps[position:]:
        value = _item(getattr(value, name, None), key)
    return typed(value, steps[-1][2])


@lru_cache(maxsize=4096)
def check_path(kind: Any, path: str, version: str) -> Steps:
    """Split a path into its steps, by the declared types; raises InvalidProperty{name}."""
    steps: list[tuple[str, str | None, Any]] = []
    position = 0
    while position < len(path) or not steps:
        match = _STEP.match(path, position)
        crossing = bool(steps) and kind is not object and issubclass(kind, VmomiSupport.ManagedObject)
        info = _declared(kind, match[1]) if match and not crossing else None  # no path leads into another object
        if match is None or (kind is not object and (info is None or not known_at(version, info.version))):
            raise vmodl.query.InvalidProperty(name=path)
        kind = object if info is None else info.type
        key = match[2][1:-1].strip('"') if match[2] else None
        if key is not None and kind is not object:
            if not issubclass(kind, list):
                raise vmodl.query.InvalidProperty(name=path)
            kind = kind.Item
        steps.append((match[1], key, kind))
        position = match.end()
    if path.endswith("."):
        raise vmodl.query.InvalidProperty(name=path)
    return tuple(steps)


def _declared(kind: Any, name: str) -> Any:
    """Find a property by name in a type, or in a subtype that a value of it may have; None if there is none."""
    if kind is object or not issubclass(kind, (VmomiSupport.DataObject, VmomiSupport.ManagedObject)):
        return None
    try:
        return VmomiSupport.GetPropertyInfo(kind, name)
    except AttributeError:
        if issubclass(kind, VmomiSupport.ManagedObject):
            return None
        return next((declared for sub in kind.__subclasses__() if (declared := _declared(sub, name)) is not None), None)


def _item(value: Any, key: str | None) -> Any:
    if key is None or value is None:
        return value
    return next((item for item in value if str(getattr(item, "key", None)) == key), None)


def typed(value: Any, kind: Any) -> Any:
    """Convert a value to the exact pyVmomi type of its declaration, which Python's lists, strings and numbers do not carry."""
    if isinstance(value, list):
        array: Any = kind if isinstance(kind, type) and issubclass(kind, list) else type(value)
        return array(typed(item, array.Item) for item in value)
    if isinstance(value, str) and isinstance(kind, type) and issubclass(kind, VmomiSupport.Enum):
        return kind(value)
    if kind in _NUMBERS and value is not None:
        return kind(value)
    return value
