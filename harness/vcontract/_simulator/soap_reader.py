"""The second half of the strict reader: it decodes the call's arguments by the vendor's type metadata.

pyVmomi's own deserialiser accepts missing, doubled, reordered and foreign elements; a real server refuses each with an
InvalidRequest that names the place, and so does this. Fields, parameters and types newer than the client's version are
unknown to it. `versionId` attributes, which pyVmomi's client writes, are ignored.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pyVmomi import VmomiSupport

from vcontract._simulator.data_objects import make
from vcontract._simulator.lexical import derives, is_simple, parse
from vcontract._simulator.soap_envelope import VIM, XSD, XSI, Malformed, Node
from vcontract._simulator.versions import known_at

if TYPE_CHECKING:
    from collections.abc import Sequence

_TYPE = f"{XSI} type"
_NIL = f"{XSI} nil"
_VIM = "urn:vim25"
_OPTIONAL = VmomiSupport.F_OPTIONAL
_UNPUBLISHED = frozenset({"dynamicType", "dynamicProperty", "msg"})  # in the metadata, but not in the published WSDL


_READS = frozenset({"RetrieveProperties", "RetrievePropertiesEx"})
"""Methods that are called again and again with the same arguments, and do not change them."""


def read_arguments(call: Node, info: Any, version: str) -> dict[str, Any]:
    """Decode a call's parameters but `_this` by its method info; raises Malformed with frames up to the call.

    Those of a read of properties are decoded once for each element that is given, and shared.
    """
    return _kept_arguments(call, info, version) if call.name in _READS else _arguments(call, info, version)


def _arguments(call: Node, info: Any, version: str) -> dict[str, Any]:
    fields = tuple(p for p in info.params if known_at(version, p.version))
    missing = f"Required parameter {{}} is missing from method {call.name}"
    try:
        _only_elements(call)
        return _members(call.children[1:], fields, version, missing)
    except Malformed as bad:
        raise bad.within(f"while parsing call information for method {call.name}\n{call.place}") from None


_kept_arguments = lru_cache(maxsize=512)(_arguments)


def read_this(call: Node, declared: Any, version: str) -> Any:
    """Decode the `_this` of a call, its first element; raises Malformed."""
    try:
        return _reference(_first(call), declared, version)
    except Malformed as bad:
        raise bad.within(f"while parsing call information for method {call.name}\n{call.place}") from None


def _first(call: Node) -> Node:
    if not call.children or call.children[0].name != "_this" or call.children[0].uri not in VIM:
        raise Malformed("Required parameter _this is missing")
    return call.children[0]


def _members(nodes: Sequence[Node], fields: Sequence[Any], version: str, missing: str) -> dict[str, Any]:
    """Decode a sequence of elements against declared fields: order, repetition, presence."""
    members: dict[str, Any] = {}
    position = 0
    for node in nodes:
        start = position
        while position < len(fields) and (fields[position].name != node.name or node.uri not in VIM):
            position += 1
        if position == len(fields):
            raise Malformed(f'Unexpected element tag "{node.tag}" seen', node.place)
        _require(fields[start:position], members, missing)
        field = fields[position]
        repeated = issubclass(field.type, list)
        value = _located(node, field, version)
        if repeated:
            members.setdefault(field.name, field.type()).append(value)
        else:
            members[field.name] = value
            position += 1
    _require(fields[position:], members, missing)
    return members


def _require(fields: Sequence[Any], members: dict[str, Any], missing: str) -> None:
    for field in fields:
        if not field.flags & _OPTIONAL and field.name not in members:
            raise Malformed(missing.format(field.name))


def _located(node: Node, field: Any, version: str) -> Any:
    kind = field.type.Item if issubclass(field.type, list) else field.type
    try:
        return _value(node, kind, version)
    except Malformed as bad:
        raise bad.within(f'while parsing property "{field.name}" of static type {_wsdl(field.type)}') from None


def _value(node: Node, declared: Any, version: str) -> Any:
    if node.attributes.get(_NIL, "false") in {"true", "1"}:
        raise Malformed(f'Element "{node.tag}" may not be nil', node.place)
    if isinstance(declared, type) and issubclass(declared, VmomiSupport.ManagedObject):
        return _reference(node, declared, version)
    kind = _dynamic(node, declared, version)
    if issubclass(kind, VmomiSupport.ManagedObject):
        return _reference(node, VmomiSupport.ManagedObject, version)
    if issubclass(kind, list):
        return _array(node, kind, version)
    if issubclass(kind, VmomiSupport.DataObject):
        return _data_object(node, kind, version)
    return _simple(node, kind)


def _dynamic(node: Node, declared: Any, version: str) -> Any:
    """Give the type that an element claims by xsi:type, else the declared one; Malformed if they do not fit."""
    claimed = node.attributes.get(_TYPE)
    if claimed is None:
        return str if declared is object else declared
    kind = _type_named(node, claimed, version)
    fits = (
        declared is object
        or _simple_name(declared)
        or (derives(kind, declared) if is_simple(declared) and is_simple(kind) else issubclass(kind, declared))
    )
    if not fits:
        raise Malformed(f"Type {claimed} is not compatible with static type {_wsdl(declared)}", node.place)
    return declared if _simple_name(declared) else kind


def _simple_name(declared: Any) -> bool:
    """Whether a declared type is a name of a type or method, which travels as a string."""
    return declared is type or declared is VmomiSupport.ManagedMethod


def _type_named(node: Node, claimed: str, version: str) -> Any:
    resolved = node.qualified(claimed)
    if resolved is not None and resolved[0] in {*VIM, XSD}:
        uri, name = resolved
        if uri in VIM and name == "ManagedObjectReference":
            return VmomiSupport.ManagedObject
        try:
            plain = name.replace("ManagedObjectReference", "ManagedObject")
            kind = VmomiSupport.GetWsdlType(XSD if uri == XSD else _VIM, plain)
        except KeyError:
            kind = None
        item = getattr(kind, "Item", kind)
        known = known_at(version, getattr(item, "_version", version))
        if kind is not None and item not in {object, type(None)} and known:
            return kind
    raise Malformed(f'Unable to resolve type name "{claimed}"', node.place)


def _reference(node: Node, declared: Any, version: str) -> Any:
    """Decode a reference; one without a `type` attribute is taken to be of the declared type."""
    if node.children:
        raise Malformed(f'Unexpected element tag "{node.children[0].tag}" seen', node.children[0].place)
    wire_type = node.attributes.get(_TYPE)
    if wire_type is not None and _type_named(node, wire_type, version) is not VmomiSupport.ManagedObject:
        raise Malformed(f"Type {wire_type} is not compatible with static type ManagedObjectReference", node.place)
    claimed = node.attributes.get("type")
    if claimed is None:
        return declared(node.text.strip())
    kind = _managed_type(claimed.rpartition(":")[2], version)
    if kind is None:
        raise Malformed(f'Unable to resolve managed object type "{claimed}"', node.place)
    if not issubclass(kind, declared):
        raise Malformed(f"Type {claimed} is not compatible with static type {_wsdl(declared)}", node.place)
    return kind(node.text.strip())


@lru_cache(maxsize=4096)
def _managed_type(name: str, version: str) -> Any:
    try:
        kind = VmomiSupport.GetWsdlType(_VIM, name)
    except KeyError:
        return None
    known = issubclass(kind, VmomiSupport.ManagedObject) and known_at(version, kind._version)  # noqa: SLF001 - pyVmomi's metadata
    return kind if known else None


def _array(node: Node, kind: Any, version: str) -> Any:
    """Decode an array where anyType is declared: its elements are named after the item type."""
    item = kind.Item
    named = issubclass(item, VmomiSupport.ManagedObject)
    expected = "ManagedObjectReference" if named else _wsdl(item)
    _only_elements(node)
    for child in node.children:
        if child.name != expected or child.uri not in VIM:
            raise Malformed(f'Unexpected element tag "{child.tag}" seen', child.place)
    return kind(_value(child, item, version) for child in node.children)


@lru_cache(maxsize=4096)
def _fields(kind: Any, version: str) -> tuple[tuple[Any, ...], str]:
    """Give the fields of a type that a client of a version knows, and what to say if one of them lacks."""
    listed = kind._GetPropertyList()  # noqa: SLF001 - pyVmomi's metadata
    missing = f"Required property {{}} is missing from data object of type {_wsdl(kind)}"
    return tuple(p for p in listed if p.name not in _UNPUBLISHED and known_at(version, p.version)), missing


def _data_object(node: Node, kind: Any, version: str) -> Any:
    try:
        _only_elements(node)
        fields, missing = _fields(kind, version)
        members = _members(node.children, fields, version, missing)
    except Malformed as bad:
        raise bad.within(f"while parsing serialized DataObject of type {kind.__name__}\n{node.place}") from None
    return make(kind, **members)  # their types were checked above


def _simple(node: Node, kind: Any) -> Any:
    if node.children:
        raise Malformed(f'Unexpected element tag "{node.children[0].tag}" seen', _frame(node, kind))
    try:
        if kind is type:
            return _type_name(node.text.strip())
        if kind is VmomiSupport.ManagedMethod:
            return VmomiSupport.GetWsdlMethod(_VIM, node.text.strip())
        return parse(kind, node.text)
    except (ValueError, KeyError):
        raise Malformed(f'Invalid value for type {_wsdl(kind)}: "{_shown(node.text)}"', _frame(node, kind)) from None


def _frame(node: Node, kind: Any) -> str:
    return f"while parsing serialized value of type {_wsdl(kind)}\n{node.place}"


def _type_name(text: str) -> Any:
    return VmomiSupport.GetWsdlType(_VIM, text.rpartition(":")[2])


def _shown(text: str) -> str:
    """Shorten a value for a message. It is no secret: only numbers and names can be invalid, strings never are."""
    return text if len(text) <= 64 else text[:64] + "..."


def _only_elements(node: Node) -> None:
    if node.text.strip():
        raise Malformed(f'Unexpected text in element "{node.tag}"', node.place)


def _wsdl(kind: Any) -> str:
    if kind is object:
        return "anyType"
    try:
        return str(VmomiSupport.GetWsdlName(kind))
    except (AttributeError, KeyError):
        return str(getattr(kind, "__name__", kind))
