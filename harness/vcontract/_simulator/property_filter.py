"""A PropertyCollector.Filter: it keeps what it showed last, and gives the changes since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyVmomi import VmomiSupport, vmodl

from vcontract._simulator.data_objects import make
from vcontract._simulator.objects import Invocation, ManagedObject
from vcontract._simulator.property_paths import typed
from vcontract._simulator.property_selection import read_wanted, select
from vcontract._simulator.soap_writer import value_text
from vcontract._simulator.versions import known_at

if TYPE_CHECKING:
    from vcontract._simulator.property_collector import PropertyCollector
    from vcontract._simulator.vcenter import VCenter

_PC = vmodl.query.PropertyCollector
# Bound once, as the vendor looks a nested type up at each mention.
_UPDATE, _CHANGE = _PC.ObjectUpdate, _PC.Change
_Seen = dict[str, tuple[str, Any]]  # path to what the value looks like on the wire, and the value


class PropertyFilter(ManagedObject):
    """One filter of one session's collector."""

    vmodl_type = _PC.Filter

    def __init__(self, vcenter: VCenter, moid: str, collector: PropertyCollector, request: tuple[Any, bool]) -> None:
        super().__init__(vcenter, moid)
        self.collector = collector
        self.spec, self.partial = request
        self._shown: dict[str, tuple[Any, _Seen]] = {}
        self._over: set[str] = set()

    def get_spec(self) -> Any:
        """Give the FilterSpec it was made with."""
        return self.spec

    def get_partialUpdates(self) -> bool:
        """Give whether changes inside a property are sent by their own paths."""
        return self.partial

    def DestroyPropertyFilter(self, call: Invocation) -> None:
        """End the filter."""
        self.vcenter.sessions.release(call, self)

    def forget(self) -> None:
        """Show everything again next time."""
        self._shown.clear()

    def updates(self, call: Invocation) -> list[Any]:
        """Give an ObjectUpdate for each object that entered, changed or left since the last time."""
        result: list[Any] = []
        now: dict[str, tuple[Any, _Seen]] = {}
        for moid, selected in self._selected(call).items():
            if moid in self._over and moid in self._shown:
                now[moid] = self._shown[moid]
                continue
            values, missing = read_wanted(selected, self.spec, call)
            seen = {path: (value_text("v", object, value, call.version), value) for path, value in values.items()}
            now[moid] = (selected.ref, seen)
            (self._over.add if selected.over else self._over.discard)(moid)
            before = self._shown.get(moid)
            changes = self._changes(before[1] if before else {}, seen, call.version)
            if before is None or changes:
                kind = "enter" if before is None else "modify"
                result.append(make(_UPDATE, kind=kind, obj=selected.ref, changeSet=changes, missingSet=missing))
        for moid, (ref, _) in self._shown.items():
            if moid not in now:
                result.append(make(_UPDATE, kind="leave", obj=ref))
        self._shown = now
        self._over &= now.keys()
        return result

    def _selected(self, call: Invocation) -> dict[str, ManagedObject]:
        try:
            return select(self.spec, self.vcenter.registry, call)
        except vmodl.fault.ManagedObjectNotFound:
            if self._shown:  # the object is gone since: it leaves
                return {}
            raise

    def _changes(self, before: _Seen, now: _Seen, version: str) -> list[Any]:
        changes: list[Any] = []
        for path in [*now, *(gone for gone in before if gone not in now)]:
            old, new = before.get(path), now.get(path)
            if old is None or new is None:
                changes.append(_assign(path, new[1] if new else None))
            elif old[0] != new[0]:
                inner = _inner(path, old[1], new[1], version) if self.partial else []
                changes += inner or [_assign(path, new[1])]
        return changes


def _assign(path: str, value: Any) -> Any:
    return make(_CHANGE, name=path, op="assign", val=value)


def _look(value: Any, version: str) -> str:
    return "" if value is None else value_text("v", object, value, version)


def _inner(path: str, old: Any, new: Any, version: str) -> list[Any]:
    """Give the changes inside a data object by their own paths; none if it has to be sent whole."""
    if not isinstance(new, VmomiSupport.DataObject) or isinstance(new, vmodl.MethodFault) or type(old) is not type(new):
        return []
    changes: list[Any] = []
    for field in new._GetPropertyList():  # noqa: SLF001 - pyVmomi's metadata
        was, now = (typed(getattr(side, field.name), field.type) for side in (old, new))
        if known_at(version, field.version) and _look(was, version) != _look(now, version):
            inside = f"{path}.{field.name}"
            changes += _inner(inside, was, now, version) or [_assign(inside, now)]
    return changes
