"""The vendor's type metadata, as one API release sees it; the only module of this room that reads pyVmomi."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from pyVmomi import VmomiSupport

from vcontract._errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

# pyVmomi offers no public walk over its definitions; loading 3,700 classes to reach the same facts is slower.
_DEFINITIONS: Mapping[tuple[str, str], Sequence[Any]] = VmomiSupport._wsdlDefMap  # noqa: SLF001 - see the line above
_NAMESPACE = "urn:vim25"
_PREFIX = "vim.version."
_OLDEST = "vim.version.version5"
_BASELINE = "vim.version.version2"
"""API 2.5 opened the name space urn:vim25; what it already had is required wherever the metadata says so."""

_SIMPLE = {
    "vmodl.DateTime": "dateTime",
    "vmodl.Binary": "base64Binary",
    "vmodl.URI": "anyURI",
    "vmodl.TypeName": "string",
    "vmodl.MethodName": "string",
    "vmodl.PropertyPath": "string",
} | {name: name for name in ("string", "boolean", "byte", "short", "int", "long", "float", "double", "anyType")}


@dataclass(frozen=True)
class Undated:
    """Changes that the metadata does not date: how things were up to and including the wire version `last`."""

    last: str
    required: frozenset[str]
    absent: frozenset[str]
    source: str


UNDATED = (
    Undated(
        last="6.7.3",
        required=frozenset({"NoPermission.object", "NoPermission.privilegeId"}),
        absent=frozenset({"InvalidToken"}),
        source="The vendor's own WSDL of API 6.7.3 (vSphere SDK), compared with pyVmomi 9.1.1.0, which lists both "
        "fields as optional and the fault as old as MethodFault. Nobody published when that changed.",
    ),
)


@dataclass(frozen=True)
class ApiVersion:
    """An API release: its VMODL name, the name on the wire (`8.0.3.0`), and the VMODL name of its predecessor."""

    vmodl: str
    wire: str
    parent: str | None


@dataclass(frozen=True)
class Member:
    """A field, parameter or property: its type is `xsd:…` or `vim25:…`, its age the VMODL name of a version."""

    name: str
    type: str
    optional: bool
    array: bool
    since: str
    vmodl: str
    privilege: str = ""


@dataclass(frozen=True)
class Data:
    """A data object type or fault with its own fields, in declared order."""

    name: str
    vmodl: str
    base: str | None
    since: str
    members: tuple[Member, ...]


@dataclass(frozen=True)
class Enumeration:
    """An enumerated type; the metadata does not date its single values."""

    name: str
    vmodl: str
    since: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Method:
    """An operation by its WSDL name; `result` is None for void, `task_result` is what the task of a `_Task` gives."""

    name: str
    vmodl: str
    since: str
    parameters: tuple[Member, ...]
    result: Member | None
    task_result: str
    privilege: str
    faults: tuple[str, ...]


@dataclass(frozen=True)
class Managed:
    """A managed object type with its own properties and methods."""

    name: str
    vmodl: str
    base: str | None
    since: str
    properties: tuple[Member, ...]
    methods: tuple[Method, ...]


@cache
def versions() -> tuple[ApiVersion, ...]:
    """Give every API release that pyVmomi knows, oldest first."""
    names = [name for name in VmomiSupport.parentMap if name.startswith(_PREFIX)]
    names.sort(key=lambda name: len(_ancestors(name)))
    wires = [VmomiSupport.versionIdMap[name] for name in names]
    parents = [None, *names[:-1]]
    return tuple(ApiVersion(*facts) for facts in zip(names, wires, parents, strict=True))


def _ancestors(version: str) -> frozenset[str]:
    return frozenset(VmomiSupport.parentMap[version]) | {version}


def wire_name(version: str) -> str:
    """Give the wire name of the first release that holds a VMODL version; empty if none does."""
    return next((version_.wire for version_ in versions() if version in _ancestors(version_.vmodl)), "")


def known_versions() -> tuple[str, ...]:
    """Give the wire names of the releases for which a set can be built, oldest first: from 4.0 on."""
    every = versions()
    start = next(index for index, version in enumerate(every) if version.vmodl == _OLDEST)
    return tuple(version.wire for version in every[start:])


def find_version(wire: str) -> ApiVersion:
    """Find a release by its wire name; SchemaError says what exists if there is none from 4.0 on."""
    known = {version.wire: version for version in versions() if version.wire in known_versions()}
    if wire not in known:
        near = difflib.get_close_matches(wire, known, n=1, cutoff=0.0)[0]
        raise SchemaError(
            f"no API version {wire!r} in the vendor's metadata; nearest: {near}; known: {', '.join(known)}"
        )
    return known[wire]


class Metadata:
    """What one API release holds: every type, field, property and method that is not newer than it.

    Types are keyed by WSDL name and come in the vendor's order. Source: pyVmomi's `_typeinfo_*` modules, and UNDATED
    for what they do not date.
    """

    def __init__(self, wire: str) -> None:
        self.version = find_version(wire)
        self._visible = _ancestors(self.version.vmodl)
        self._undated = [
            undated
            for undated in UNDATED
            if find_version(undated.last).vmodl not in self._visible - {self.version.vmodl}
        ]
        wire_names = {
            key[1]: entry for key, entry in _DEFINITIONS.items() if key[0] == _NAMESPACE and self._holds(key[1], entry)
        }
        wire_names = {entry[1]: entry for entry in sorted(wire_names.values(), key=_vendor_order(wire_names.values()))}
        self._wsdl = {entry[0]: name for name, entry in wire_names.items()}
        self._managed_names = {entry[0] for entry in wire_names.values() if len(entry) == 6}
        self._fault_names = _descendants("vmodl.MethodFault", wire_names.values())
        self.types: dict[str, Data | Enumeration | Managed] = {
            name: self._read(entry) for name, entry in wire_names.items()
        }

    @cached_property
    def data(self) -> dict[str, Data]:
        """The data object types and faults."""
        return {name: definition for name, definition in self.types.items() if isinstance(definition, Data)}

    @cached_property
    def managed(self) -> dict[str, Managed]:
        """The managed object types."""
        return {name: definition for name, definition in self.types.items() if isinstance(definition, Managed)}

    @cached_property
    def children(self) -> dict[str, list[str]]:
        """The direct subtypes of each data object type."""
        children: dict[str, list[str]] = {}
        for data in self.data.values():
            if data.base:
                children.setdefault(data.base, []).append(data.name)
        return children

    @cached_property
    def listed(self) -> set[str]:
        """The WSDL names of the types that this release has lists of; each has an ArrayOf type."""
        return {self._wsdl.get(member.vmodl, "") for member in self._every_member() if member.array}

    def is_fault(self, name: str) -> bool:
        """Whether a WSDL name is MethodFault or a descendant."""
        return name in self.types and self.types[name].vmodl in self._fault_names

    def lineage(self, name: str) -> list[Managed]:
        """Give a managed object type and its ancestors, root first; SchemaError if this release has no such type."""
        if name not in self.managed:
            raise SchemaError(self._no_object(name))
        chain: list[Managed] = []
        at: str | None = name
        while at is not None:
            chain.insert(0, self.managed[at])
            at = self.managed[at].base
        return chain

    def _no_object(self, name: str) -> str:
        entry = _DEFINITIONS.get((_NAMESPACE, name))
        if entry is not None and len(entry) == 6 and wire_name(entry[3]):
            return f"managed object {name} is newer than API {self.version.wire}: it came with {wire_name(entry[3])}"
        near = difflib.get_close_matches(name, self.managed, n=1, cutoff=0.0)
        return f"no managed object {name!r} in API {self.version.wire}; nearest: {', '.join(near)}"

    def _every_member(self) -> Iterator[Member]:
        for definition in self.types.values():
            if isinstance(definition, Data):
                yield from definition.members
            elif isinstance(definition, Managed):
                yield from definition.properties
                for method in definition.methods:
                    yield from method.parameters
                    if method.result:
                        yield method.result

    def _holds(self, name: str, entry: Sequence[Any]) -> bool:
        since = entry[2] if len(entry) == 4 else entry[3]
        return (
            since in self._visible
            and name != "DataObject"
            and not any(name in undated.absent for undated in self._undated)
        )

    def _read(self, entry: Sequence[Any]) -> Data | Enumeration | Managed:
        if len(entry) == 4:
            vmodl, name, since, values = entry
            return Enumeration(name, vmodl, since, tuple(values))
        vmodl, name, parent, since = entry[:4]
        base = self._wsdl.get(parent)
        if len(entry) == 6:
            return Managed(
                name, vmodl, base, since, self._members(entry[4] or (), since, name), self._methods(entry[5] or ())
            )
        return self._read_data(entry, base)

    def _read_data(self, entry: Sequence[Any], base: str | None) -> Data:
        """Read a data object type; four core types are published differently from what pyVmomi says of them."""
        vmodl, name, _, since, properties = entry
        fields = self._members(properties or (), since, name)
        if name == "DynamicData":  # published empty: a client neither sends nor sees dynamicType and dynamicProperty
            return Data(name, vmodl, None, since, ())
        if name in {"DynamicArray", "MethodFault"}:  # without dynamicType; without `msg`, which is pyVmomi's own
            return Data(name, vmodl, None, since, fields[1:])
        if name == "LocalizedMethodFault":  # pyVmomi makes it a fault; on the wire it is data that holds one
            return Data(name, vmodl, "DynamicData", since, (_as_fault(fields[0]), *fields[1:]))
        return Data(name, vmodl, base, since, fields)

    def _members(self, raw: Sequence[Any], owner_since: str, owner: str) -> tuple[Member, ...]:
        return tuple(
            self._member(definition, owner_since, owner) for definition in raw if definition[2] in self._visible
        )

    def _member(self, raw: Sequence[Any], owner_since: str, owner: str) -> Member:
        name, vmodl, since, flags = raw[:4]
        item = vmodl.removesuffix("[]")
        younger = since not in _ancestors(owner_since) | _ancestors(_BASELINE)
        required = any(f"{owner}.{name}" in undated.required for undated in self._undated)
        optional = not required and (bool(flags & VmomiSupport.F_OPTIONAL) or younger)
        privilege = (raw[4] if len(raw) > 4 else "") or ""
        return Member(name, self._wire_type(item, flags), optional, vmodl != item, since, item, privilege)

    def _wire_type(self, vmodl: str, flags: int) -> str:
        if flags & VmomiSupport.F_LINK:  # a link is the key of the object it points to
            return "xsd:string"
        if vmodl in _SIMPLE:
            return f"xsd:{_SIMPLE[vmodl]}"
        if vmodl in self._managed_names or vmodl == "vmodl.ManagedObject":
            return "vim25:ManagedObjectReference"
        if vmodl in self._fault_names:
            return "vim25:LocalizedMethodFault"
        return f"vim25:{self._wsdl[vmodl]}"

    def _methods(self, raw: Sequence[Any]) -> tuple[Method, ...]:
        return tuple(self._method(definition) for definition in raw if definition[2] in self._visible)

    def _method(self, raw: Sequence[Any]) -> Method:
        vmodl, name, since, parameters, (flags, result, task_result), privilege, faults = raw
        returned = None if result == "void" else self._member(("returnval", result, since, flags), since, name)
        declared = tuple(self._wsdl[fault] for fault in faults or () if fault in self._wsdl)
        members = self._members(parameters, since, name)
        return Method(name, vmodl, since, members, returned, task_result, privilege or "", declared)


def _vendor_order(entries: Iterable[Sequence[Any]]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    """Build the sort key of the vendor's order: vim, query, core; by package, then outer type, its nested types first."""
    place = {entry[0]: index for index, entry in enumerate(entries)}

    def key(entry: Sequence[Any]) -> tuple[Any, ...]:
        parts = entry[0].split(".")
        outer = next((index for index, part in enumerate(parts) if part[:1].isupper()), len(parts) - 1)
        package = parts[:outer]
        nested = [place.get(".".join(parts[: index + 1]), 0) for index in range(outer + 1, len(parts))]
        group = 1 if package[:2] == ["vmodl", "query"] else 2 * (package[:1] != ["vim"])
        return group, package, parts[outer], [*nested, len(place)]

    return key


def _as_fault(field: Member) -> Member:
    return Member(field.name, "vim25:MethodFault", field.optional, field.array, field.since, field.vmodl)


def _descendants(root: str, entries: Iterable[Sequence[Any]]) -> set[str]:
    parents = {entry[0]: entry[2] for entry in entries if len(entry) == 5 and entry[1] != "LocalizedMethodFault"}
    reached = {root}
    for name in parents:
        chain: list[str] = []
        at: str | None = name
        while at is not None and at in parents and at not in reached:
            chain.append(at)
            at = parents.get(at)
        if at in reached:
            reached.update(chain)
    return reached
