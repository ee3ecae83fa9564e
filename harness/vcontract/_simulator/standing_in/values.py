"""Faults by the name of their type and plain fields, as a file says them: to the vendor's own data objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyVmomi import VmomiSupport, vim, vmodl

from vcontract._errors import UsageError

_VIM = "urn:vim25"
_OF_EVERY_FAULT = {"msg", "faultCause", "faultMessage", "dynamicType", "dynamicProperty"}


def is_fault(name: str) -> bool:
    """Whether the vendor's metadata know a fault of this WSDL name."""
    return _kind(name) is not None


def is_method(name: str) -> bool:
    """Whether the vendor's metadata know a method of this WSDL name."""
    try:
        VmomiSupport.GetWsdlMethod(_VIM, name)
    except KeyError:
        return False
    return True


def check_fields(name: str, fields: Mapping[str, Any]) -> None:
    """Refuse a field that a fault does not have, or a value that does not fit it. Raises UsageError."""
    make_fault(name, fields, {})


def make_fault(name: str, fields: Mapping[str, Any], known: Mapping[str, Any]) -> vmodl.MethodFault:
    """Make a fault: `fields` are what a file says, `known` what is true of the call; the file's word counts.

    A reference is written as its moId, or as `Type:moId` where the field takes several types. A field that every such fault
    has, and of which nothing is known, gets the plainest value of its type. Raises UsageError.
    """
    kind = _kind(name)
    if kind is None:
        raise UsageError(f"{name} is no fault of the API")
    made = kind()
    infos = {info.name: info for info in made._GetPropertyList() if info.name not in _OF_EVERY_FAULT}  # noqa: SLF001 - pyVmomi's metadata
    if unknown := sorted(fields.keys() - infos.keys()):
        raise UsageError(f"{name} has no field {unknown[0]}; it has {', '.join(infos) or 'none'}")
    for field, info in infos.items():
        if field in fields:
            setattr(made, field, _value(info.type, fields[field], f"{name}.{field}"))
        elif (true := _fitting(info.type, known.get(field))) is not None:
            setattr(made, field, true)
        elif not info.flags & VmomiSupport.F_OPTIONAL:
            setattr(made, field, _plainest(info.type, known))
    return made


def _fitting(kind: Any, value: Any) -> Any:
    """Turn what is known of a call into one of the vendor's values; None for what a client sent and the API has not."""
    try:
        return None if value is None else _value(kind, value, "")
    except UsageError:
        return None


def _kind(name: str) -> Any:
    try:
        kind = VmomiSupport.GetWsdlType(_VIM, name)
    except KeyError:
        return None
    return kind if issubclass(kind, vmodl.MethodFault) else None


def _value(kind: Any, value: Any, where: str) -> Any:
    """Turn a plain value into one of the vendor's. Raises UsageError."""
    if issubclass(kind, list):
        items = value if isinstance(value, list) else [value]
        return kind([_value(kind.Item, each, where) for each in items])
    if issubclass(kind, VmomiSupport.ManagedObject):
        return _reference(kind, value, where)
    if issubclass(kind, VmomiSupport.Enum):
        if value not in kind.values:
            raise UsageError(f"{where}: {value!r} is none of {', '.join(kind.values)}")
        return value
    wanted = bool if kind is bool else int if issubclass(kind, int) else float if issubclass(kind, float) else str
    if issubclass(kind, VmomiSupport.DataObject) or not isinstance(value, wanted) or (wanted is int and value is True):
        raise UsageError(f"{where}: {value!r} is no {kind.__name__}")
    return kind(value)


def _reference(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, str) or not value:
        raise UsageError(f"{where}: {value!r} is no moId")
    named, colon, moid = value.partition(":")
    if not colon:
        return kind(value)
    try:
        typed = VmomiSupport.GetWsdlType(_VIM, named)
    except KeyError:
        raise UsageError(f"{where}: {named} is no type of managed objects") from None
    return typed(moid)


def _plainest(kind: Any, known: Mapping[str, Any]) -> Any:
    """Give a value for a field that must be there: the VM or the entity where one is meant, else nothing in particular."""
    if issubclass(kind, list):
        return kind()
    if issubclass(kind, VmomiSupport.ManagedObject):
        moid = str(known.get("vm", "") or "vm-0")
        return vim.VirtualMachine(moid) if issubclass(vim.VirtualMachine, kind) else kind(moid)
    if issubclass(kind, VmomiSupport.Enum):
        return kind.values[0]
    if issubclass(kind, bool):
        return False
    if kind is object or issubclass(kind, str):
        return ""
    return kind() if issubclass(kind, VmomiSupport.DataObject) else kind(0)
