"""Compares two WSDLs by what they mean on the wire: order of definitions, prefixes and annotations do not count."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator

from vcontract._schema.diff.change import RECEIVED, SENT, Change, Kind
from vcontract._schema.diff.members import member_changes, order_changes, retyped
from vcontract._schema.diff.reach import Reach, is_list, lineage, reach
from vcontract._schema.diff.rules import judge
from vcontract._schema.shapes import SIMPLE, DataType, Operation
from vcontract._schema.wsdl import Schema
from vcontract._terms import Difference


def differences(old: Schema, new: Schema, elsewhere: Collection[str] = ()) -> tuple[Difference, ...]:
    """Give every difference, classified for a client of `old` that meets `new`; the worst first, then by path.

    `elsewhere` are names of operations and types that a side has outside what was compared: a side that seems to lack
    one does not. What came with a new type or a new operation, or went with one, is not told one by one.
    """
    found_by_key: dict[str, Difference] = {}
    for change in _Comparison(old, new, elsewhere).changes():
        made = _judged(change)
        found_by_key.setdefault(made.fingerprint, made)
    return tuple(
        sorted(
            found_by_key.values(),
            key=lambda difference: (
                difference.impact.rank,
                difference.path,
                difference.kind,
                difference.new,
                difference.old,
            ),
        )
    )


def _judged(change: Change) -> Difference:
    position, rule = judge(change.kind, change.positions)
    parts = (change.kind.value, change.path, change.old, change.new)
    fingerprint = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
    return Difference(fingerprint, rule.impact, *parts, reason=rule.reason, position=position)


class _Comparison:
    """Two WSDLs, and where a client of the first meets its types."""

    def __init__(self, old: Schema, new: Schema, elsewhere: Collection[str]) -> None:
        self._old, self._new, self._elsewhere = old, new, elsewhere
        self._reach: Reach = reach(old)

    def changes(self) -> Iterator[Change]:
        """List every change."""
        yield from self._envelope()
        yield from self._operations()
        yield from self._types()

    def _envelope(self) -> Iterator[Change]:
        if self._old.namespace != self._new.namespace:
            yield Change(Kind.NAMESPACE, "namespace", self._old.namespace, self._new.namespace)
        # behind the last slash stands the release, which a client is free to choose
        before, after = (schema.soap_action.rpartition("/")[0] for schema in (self._old, self._new))
        if before != after:
            yield Change(Kind.ACTION, "SOAPAction", before, after)

    def _operations(self) -> Iterator[Change]:
        old, new = self._old.operations, self._new.operations
        for name in old:
            if name in new:
                yield from self._operation(old[name], new[name])
            elif name not in self._elsewhere:
                yield Change(Kind.OPERATION_REMOVED, name, name, "")
        for name in new:
            if name not in old and name not in self._elsewhere:
                yield Change(Kind.OPERATION_ADDED, name, "", name)

    def _operation(self, old: Operation, new: Operation) -> Iterator[Change]:
        schemas = self._old, self._new
        yield from member_changes(old.name, old.parameters, new.parameters, schemas, SENT)
        yield from order_changes(old.name, old.parameters, new.parameters, SENT)
        before, after = ((operation.result,) if operation.result else () for operation in (old, new))
        yield from member_changes(old.name, before, after, schemas, RECEIVED)
        for fault in sorted({*new.faults} - {*old.faults}):
            finer = any(self._new.is_subtype(fault, declared) for declared in old.faults)
            yield Change(Kind.FAULT_REFINED if finer else Kind.FAULT_DECLARED, f"{old.name}/{fault}", "", fault)
        for fault in sorted({*old.faults} - {*new.faults}):
            yield Change(Kind.FAULT_UNDECLARED, f"{old.name}/{fault}", fault, "")

    def _types(self) -> Iterator[Change]:
        old, new = self._old.types, self._new.types
        for name in old:
            if name in new:
                yield from self._type(old[name], new[name])
            elif name not in self._elsewhere:
                yield Change(Kind.TYPE_REMOVED, name, _form(old[name]), "", self._reach.positions(name))
        for name in new:
            if name not in old and name not in self._elsewhere:
                yield self._added(name)

    def _added(self, name: str) -> Change:
        ancestors = lineage(self._new, name)[1:]
        positions = self._reach.places(ancestors)
        if not positions or is_list(name):
            return Change(Kind.TYPE_ADDED, name, "", _form(self._new.types[name]))
        raised = not self._reach.raised.isdisjoint(ancestors)
        kind = Kind.FAULT_ADDED if raised else Kind.SUBTYPE_ADDED
        return Change(kind, name, "", _form(self._new.types[name]), positions)

    def _type(self, old: DataType, new: DataType) -> Iterator[Change]:
        name, positions = old.name, self._reach.positions(old.name)
        if _is_simple(old) != _is_simple(new) or bool(old.enum) != bool(new.enum):
            yield Change(Kind.FORM_CHANGED, name, _form(old), _form(new), positions)
            return
        yield from (
            Change(Kind.VALUE_REMOVED, name, value, "", positions) for value in old.enum if value not in new.enum
        )
        yield from (Change(Kind.VALUE_ADDED, name, "", value, positions) for value in new.enum if value not in old.enum)
        if old.base != new.base:
            yield Change(self._rebased(old, new), name, _form(old), _form(new), positions)
        yield from self._fields(old, new)

    def _rebased(self, old: DataType, new: DataType) -> Kind:
        if old.base is None or old.base in lineage(self._new, old.name):
            return Kind.BASE_INSERTED
        if old.base in SIMPLE and new.base in SIMPLE:
            return retyped(old.base, new.base, (self._old, self._new))
        return Kind.BASE_CHANGED

    def _fields(self, old: DataType, new: DataType) -> Iterator[Change]:
        """Compare what stands below the nearest ancestor that a type has in both; that one is compared by itself.

        A field that went to an ancestor or came from one is on the wire as it was.
        """
        name, positions, schemas = old.name, self._reach.positions(old.name), (self._old, self._new)
        shared = self._shared_ancestor(name)
        above, over = (schema.types[shared].fields if shared else () for schema in schemas)
        before, after = old.fields[len(above) :], new.fields[len(over) :]
        own = {field.name for field in (*before, *after)}
        gone, come = (tuple(field for field in some if field.name in own) for some in (above, over))
        yield from member_changes(name, (*gone, *before), (*come, *after), schemas, positions)
        order = [*order_changes(name, before, after, positions)]
        if not order and not [*order_changes(name, above, over, positions)]:
            order = [*order_changes(name, old.fields, new.fields, positions)]
        yield from order

    def _shared_ancestor(self, name: str) -> str:
        after = lineage(self._new, name)[1:]
        return next((ancestor for ancestor in lineage(self._old, name)[1:] if ancestor in after), "")


def _is_simple(kind: DataType) -> bool:
    return not kind.enum and kind.base in SIMPLE


def _form(kind: DataType) -> str:
    return "enumeration" if kind.enum else kind.base or "object"
