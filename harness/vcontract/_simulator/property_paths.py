"""Property paths: checked against the vendor's type metadata, read from living objects, typed for the wire."""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from pyVmomi import VmomiSupport, vim, vmodl

from vcontract._simulator.data_objects import Composite
from vcontract._simulator.versions import known_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from vcontract._simulator.objects import Invocation, ManagedObject

_STEP = re.compile(r'([A-Za-z_]\w*)((?:\["[^"\]]*"\]|\[[^"\]]*\])?)(?:\.|$)')
_ANONYMOUS = "System.Anonymous"
_PLAIN = (str, bool, datetime)
_CARRIED = (str, VmomiSupport.ManagedObject, VmomiSupport.DataObject)
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


class _Way(NamedTuple):
    """How a path is gone from objects of one class.

    `part` makes what stands some steps on, without what lies beside it, if that can be made alone; `key` chooses an item of
    it, `rest` are the steps from there. `plain` values are on the wire what they are here.
    """

    steps: Steps
    privilege: str | None
    part: Callable[[Any], Any] | None
    key: str | None
    rest: Steps
    plain: bool


@lru_cache(maxsize=4096)
def _way(owner: Any, path: str, version: str) -> _Way:
    """Find the way; raises InvalidProperty{name}."""
    steps = check_path(owner.vmodl_type, path, version)
    part: Any = owner.composites.get(steps[0][0])
    position = 1
    while position < len(steps) and isinstance(part, Composite):
        part = part.field(steps[position][0])
        position += 1
    return _Way(
        steps=steps,
        privilege=VmomiSupport.GetPropertyInfo(owner.vmodl_type, steps[0][0]).privId,
        part=part if position > 1 else None,
        key=steps[position - 1][1],
        rest=steps[position:],
        plain=steps[-1][2] in _PLAIN,
    )


def read_property(target: ManagedObject, path: str, call: Invocation, read: dict[str, Any] | None = None) -> Any:
    """Read a path as the caller may see it, typed for an anyType; None if unset.

    `read` keeps what was read of the same object for the same request, since many paths share their first step.
    Raises InvalidProperty{name} for a path that the type does not have, NotAuthenticated, NoPermission.
    """
    kind: Any = type(target)  # a class can be hashed, which mypy does not see
    way = _way(kind, path, call.version)
    privilege = way.privilege
    if call.session is None and privilege != _ANONYMOUS:
        raise vim.fault.NotAuthenticated(object=target.ref, privilegeId=privilege or "System.View")
    if call.session is not None and privilege and not call.session.account.holds(privilege):
        raise no_permission(target.ref, privilege)
    if way.part is not None and target.vcenter.decisions.shows_what_is:
        value, rest = _item(way.part(target), way.key), way.rest
    else:
        name, key, _ = way.steps[0]
        known = {} if read is None else read
        if name not in known:
            whole = target.property_for(name, call.session)
            known[name] = target.vcenter.decisions.shown(target, name, whole, call)
        value, rest = _item(known[name], key), way.steps[1:]
    for name, key, _ in rest:
        value = _item(getattr(value, name, None), key)
    return value if way.plain else typed(value, way.steps[-1][2])


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
        return array(typed(item, array.Item) for item in value) if _converts(array.Item) else array(value)
    if isinstance(value, str) and isinstance(kind, type) and issubclass(kind, VmomiSupport.Enum):
        return kind(value)
    if kind in _NUMBERS and value is not None:
        return kind(value)
    return value


@cache
def _converts(item: Any) -> bool:
    """Whether items of an array of that type may have to be converted; texts, references and data objects never are."""
    return not (isinstance(item, type) and issubclass(item, _CARRIED)) or issubclass(item, VmomiSupport.Enum)
