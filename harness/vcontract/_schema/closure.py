"""Computes which operations and types a set of roots needs."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from vcontract._errors import SchemaError
from vcontract._schema.metadata import Data, Member, Metadata, Method

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def roots(metadata: Metadata, wanted: Sequence[str]) -> tuple[list[Method], list[Member]]:
    """Read roots: `OBJECT` is all its methods and properties; `:METHOD,…` picks methods, `.PROPERTY,…` properties.

    What an object inherits counts as its own. Gives the operations in the vendor's order, and the properties;
    SchemaError names an unknown object, method or property.
    """
    if not wanted:
        raise SchemaError("a WSDL needs at least one root: give OBJECT or OBJECT:METHOD,…")
    names: set[str] = set()
    members: list[Member] = []
    for root in wanted:
        head, only_methods, methods = root.partition(":")
        owner, only_properties, properties = head.partition(".")
        lineage = metadata.lineage(owner.strip())
        offered = {method.name: method for managed in lineage for method in managed.methods}
        held = {member.name: member for managed in lineage for member in managed.properties}
        what = f"in {owner} at API {metadata.version.wire}"
        names.update(_picked(methods, offered, f"method {what}") if only_methods else offered)
        picked = _picked(properties, held, f"property {what}") if only_properties else held
        members += [held[name] for name in picked]
    return [
        method for managed in metadata.managed.values() for method in managed.methods if method.name in names
    ], members


def present(metadata: Metadata, wanted: Sequence[str]) -> list[str]:
    """Reduce roots to what a release has: drop missing objects, and missing methods and properties picked by name."""
    kept_roots = []
    for root in wanted:
        head, only_methods, methods = root.partition(":")
        owner, only_properties, properties = head.partition(".")
        if owner.strip() not in metadata.managed:
            continue
        lineage = metadata.lineage(owner.strip())
        offered = {method.name for managed in lineage for method in managed.methods}
        members = {member.name for managed in lineage for member in managed.properties}
        held = [name.strip() for name in methods.split(",") if name.strip() in offered]
        kept = [name.strip() for name in properties.split(",") if name.strip() in members]
        if not only_methods or held or not methods:
            kept_roots.append(owner.strip() + only_properties + ",".join(kept) + only_methods + ",".join(held))
    return kept_roots


def _picked(listed: str, offered: Iterable[str], what: str) -> list[str]:
    picked = [name.strip() for name in listed.split(",") if name.strip()]
    for name in picked:
        if name not in offered:
            near = difflib.get_close_matches(name, offered, n=1, cutoff=0.0)
            raise SchemaError(f"no {what} is named {name!r}" + "".join(f"; nearest: {name}" for name in near))
    return picked


def closure(
    metadata: Metadata, operations: Iterable[Method], members: Iterable[Member], types: Iterable[str] = ()
) -> set[str]:
    """Name every data object type, fault and enumeration that can occur on the wire.

    A type in a field's place brings its subtypes, since xsi:type may name them; a mere ancestor does not. References
    and anyType are not followed.
    """
    walk = _Walk(metadata)
    for name in types:
        walk.reach("vim25:" + name)
    for member in members:
        walk.reach(member.type)
    for operation in operations:
        for member in (*operation.parameters, *((operation.result,) if operation.result else ())):
            walk.reach(member.type)
        for fault in operation.faults:
            walk.reach("vim25:" + fault)
    return walk.run()


class _Walk:
    """A work list over types; iterative, because the fault tree is deep and cyclic."""

    def __init__(self, metadata: Metadata) -> None:
        self._metadata = metadata
        self._todo: list[str] = []
        self._found: set[str] = set()

    def reach(self, wire: str) -> None:
        """Add a static type, `xsd:…` or `vim25:…`, to the work list."""
        prefix, _, name = wire.partition(":")
        if prefix == "vim25" and name in self._metadata.types:
            self._todo.append(name)

    def run(self) -> set[str]:
        """Follow the work list to its end; return the names of all types that it reached."""
        reached: set[str] = set()
        while self._todo:
            name = self._todo.pop()
            if name not in reached:
                reached.add(name)
                self._add(name)
                self._todo += self._metadata.children.get(name, ())
        return self._found

    def _add(self, name: str) -> None:
        current: str | None = name
        while current is not None and current not in self._found:
            self._found.add(current)
            definition = self._metadata.types[current]
            current = None
            if isinstance(definition, Data):
                for member in definition.members:
                    self.reach(member.type)
                current = definition.base
