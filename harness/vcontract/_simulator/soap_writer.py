"""Writes replies and faults by the vendor's type metadata, to the byte as the vendor's own serialiser (vendor_writer.py).

For each API version it keeps what it found out about a type: its fields, their order, what a client of that version knows.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from pyVmomi import Iso8601, VmomiSupport, vmodl

from vcontract._simulator.messages import describe
from vcontract._simulator.vendor_writer import UNPUBLISHED, array_tag, escaped, vendor_text
from vcontract._simulator.versions import known_at

_OPEN = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<soapenv:Envelope xmlns:soapenc="http://schemas.xmlsoap.org/soap/encoding/"\n'
    ' xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"\n'
    ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"\n'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n'
    "<soapenv:Body>\n"
)
_CLOSE = "\n</soapenv:Body>\n</soapenv:Envelope>"
_VIM = "urn:vim25"


def _moment(value: datetime) -> str:
    if value.tzinfo is not UTC:
        return str(Iso8601.ISO8601Format(value))
    text = value.isoformat()[: -len("+00:00")]
    return f"{text.rstrip('0') if value.microsecond else text}Z"


_TEXTS: dict[type, tuple[str, Callable[[Any], str]]] = {
    str: ("string", escaped),
    VmomiSupport.PropertyPath: ("string", escaped),
    VmomiSupport.URI: ("anyURI", escaped),
    bool: ("boolean", lambda value: "true" if value else "false"),
    int: ("int", str),
    VmomiSupport.long: ("long", str),
    VmomiSupport.short: ("short", str),
    VmomiSupport.byte: ("byte", str),
    float: ("float", str),
    VmomiSupport.double: ("double", str),
    datetime: ("dateTime", _moment),
    VmomiSupport.ManagedMethod: ("string", lambda value: str(value.info.wsdlName)),
}
"""Of types whose values are text: their name in XML Schema, and what makes the text."""


class _Slot(NamedTuple):
    """What is declared where a value stands: its type (object: anyType), and whether it may be unset."""

    kind: Any
    optional: bool


# Writes a value of one Python type: given out, the element's name, what is declared, the value.
_Form = Callable[[list[str], str, _Slot, Any], None]


class _Writer:
    """Writes values for clients of one version."""

    def __init__(self, version: str) -> None:
        self._version = version
        self._forms: dict[type, _Form] = {type(None): _unset}
        self._fields: dict[type, list[tuple[str, _Slot]]] = {}

    def write(self, out: list[str], name: str, slot: _Slot, value: Any) -> None:
        """Write a value as the element `name`; TypeError if it lacks and may not."""
        (self._forms.get(type(value)) or self._new_form(type(value)))(out, name, slot, value)

    def members(self, out: list[str], known: type, value: Any) -> None:
        """Write the fields that a type has, and the client knows, of a data object."""
        forms = self._forms
        for name, slot in self._fields.get(known) or self._known_fields(known):
            member = getattr(value, name)
            if member is not None or not slot.optional:
                (forms.get(type(member)) or self._new_form(type(member)))(out, name, slot, member)

    def _known_fields(self, known: Any) -> list[tuple[str, _Slot]]:
        fields = self._fields[known] = [
            (field.name, _Slot(field.type, bool(field.flags & VmomiSupport.F_OPTIONAL)))
            for field in known._GetPropertyList()  # noqa: SLF001 - pyVmomi's metadata
            if field.name not in UNPUBLISHED and known_at(self._version, field.version)
        ]
        return fields

    def _new_form(self, kind: Any) -> _Form:
        form = self._forms[kind] = self._form_for(kind)
        return form

    def _form_for(self, kind: Any) -> _Form:
        if kind in _TEXTS:
            word, text = _TEXTS[kind]
            return _text_form(f"xsd:{word}", text)
        if issubclass(kind, VmomiSupport.ManagedObject):
            return _reference_form(kind)
        if issubclass(kind, VmomiSupport.Enum) and _is_of_vim(kind):
            return _text_form(kind._wsdlName, str)  # noqa: SLF001 - pyVmomi's metadata
        return self._compound_form(kind)

    def _compound_form(self, kind: Any) -> _Form:
        if issubclass(kind, list):
            return self._list
        if kind is vmodl.LocalizedMethodFault or not issubclass(kind, VmomiSupport.DataObject) or not _is_of_vim(kind):
            return self._vendor
        return self._fault if issubclass(kind, vmodl.MethodFault) else self._object_form(kind)

    def _object_form(self, kind: Any) -> _Form:
        known, told = self._known(kind)

        def form(out: list[str], name: str, slot: _Slot, value: Any) -> None:
            out.append(f"<{name}>" if slot.kind is known else f"<{name}{told}>")
            self.members(out, known, value)
            out.append(f"</{name}>")

        return form

    def _known(self, kind: Any) -> tuple[Any, str]:
        """Give the nearest ancestor of a type that the client knows, and the attribute that tells it."""
        known = VmomiSupport.GetCompatibleType(kind, self._version)
        return known, f' xsi:type="{known._wsdlName}"'  # noqa: SLF001 - pyVmomi's metadata

    def _fault(self, out: list[str], name: str, slot: _Slot, value: Any) -> None:
        known, told = self._known(type(value))
        out.append(f'<{name} xsi:type="LocalizedMethodFault">' if slot.kind is object else f"<{name}>")
        out.append("<fault>" if known is vmodl.MethodFault else f"<fault{told}>")
        self.members(out, known, value)
        out.append("</fault>")
        text = describe(value)
        if text:
            out.append(f"<localizedMessage>{escaped(text)}</localizedMessage>")
        out.append(f"</{name}>")

    def _list(self, out: list[str], name: str, slot: _Slot, value: Any) -> None:
        if slot.kind is object:
            tag = array_tag(value.Item)
            out.append(f'<{name} xsi:type="ArrayOf{VmomiSupport.Capitalize(tag)}">')
            for item in value:
                self.write(out, tag, _ANYTHING, item)
            out.append(f"</{name}>")
        elif value:
            inner = _Slot(slot.kind.Item, slot.optional)
            for item in value:
                self.write(out, name, inner, item)
        else:
            _unset(out, name, slot, value)

    def _vendor(self, out: list[str], name: str, slot: _Slot, value: Any) -> None:
        out.append(vendor_text(name, slot.kind, value, self._version, optional=slot.optional))


_ANYTHING = _Slot(object, optional=False)


def _unset(_: list[str], name: str, slot: _Slot, __: Any) -> None:
    if not slot.optional:
        raise TypeError(f'Field "{name}" is not optional')


def _text_form(word: str, text: Callable[[Any], str]) -> _Form:
    told = f' xsi:type="{word}"'

    def form(out: list[str], name: str, slot: _Slot, value: Any) -> None:
        out.append(f"<{name}{told if slot.kind is object else ''}>{text(value)}</{name}>")

    return form


def _reference_form(kind: Any) -> _Form:
    wsdl = kind._wsdlName  # noqa: SLF001 - pyVmomi's metadata

    def form(out: list[str], name: str, slot: _Slot, value: Any) -> None:
        told = ' xsi:type="ManagedObjectReference"' if slot.kind is object else ""
        out.append(f'<{name} type="{wsdl}"{told}>{escaped(value._moId)}</{name}>')  # noqa: SLF001 - pyVmomi's only name for the moId

    return form


def _is_of_vim(kind: Any) -> bool:
    """Whether a type and all its fields are of vSphere's own name space, in which the form of a reply needs no other."""
    versions = {getattr(kind, "_version", VmomiSupport.BASE_VERSION)}
    if issubclass(kind, VmomiSupport.DataObject):
        versions.update(field.version for field in kind._GetPropertyList())  # noqa: SLF001 - pyVmomi's metadata
    return all(VmomiSupport.GetWsdlNamespace(version) == _VIM for version in versions)


@lru_cache(maxsize=64)
def _writer(version: str) -> _Writer:
    return _Writer(version)


def value_text(name: str, kind: Any, value: Any, version: str) -> str:
    """Write one value as the element `name` of static type `kind` (object: anyType); TypeError if a field lacks."""
    out: list[str] = []
    _writer(version).write(out, name, _Slot(kind, optional=True), value)
    return "".join(out)


def write_reply(method: str, kind: Any, value: Any, version: str) -> bytes:
    """Write the reply to a call: `kind` is the declared result type, a `value` of None leaves the response empty."""
    inner = "" if value is None else value_text("returnval", kind, value, version)
    return f'{_OPEN}<{method}Response xmlns="{_namespace(version)}">{inner}</{method}Response>{_CLOSE}'.encode()


def write_fault(fault: vmodl.MethodFault, version: str) -> bytes:
    """Write a SOAP fault whose detail is a vSphere fault."""
    known = VmomiSupport.GetCompatibleType(type(fault), version)
    wsdl = known._wsdlName  # noqa: SLF001 - pyVmomi's metadata
    members: list[str] = []
    _writer(version).members(members, known, fault)
    return (
        f"{_OPEN}<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>{escaped(describe(fault))}</faultstring>"
        f'<detail><{wsdl}Fault xmlns="{_namespace(version)}" xsi:type="{wsdl}">{"".join(members)}</{wsdl}Fault></detail>'
        f"</soapenv:Fault>{_CLOSE}"
    ).encode()


def write_version_mismatch(action: str, *, detail: bool) -> bytes:
    """Write the SOAP fault of a server that refuses the version that a SOAPAction names, with a detail or without."""
    told = '<detail><InvalidRequestFault xmlns="urn:vim25" xsi:type="InvalidRequest"></InvalidRequestFault></detail>'
    return (
        f"{_OPEN}<soapenv:Fault><faultcode>ns0:VersionMismatchFaultCode</faultcode>"
        f"<faultstring>Unsupported version URI {escaped(action.strip())}</faultstring>{told if detail else ''}"
        f"</soapenv:Fault>{_CLOSE}"
    ).encode()


def _namespace(version: str) -> str:
    return f"urn:{VmomiSupport.nsMap[version]}"
