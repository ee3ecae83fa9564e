"""Writes replies and faults with the vendor's own serialiser, without what real servers do not send.

Against pyVmomi's serialiser a real reply has no `versionId` attribute, no `msg` among a fault's fields, apostrophes as
entities, and a type newer than the client's version written throughout as its nearest known ancestor.
"""

from __future__ import annotations

from io import StringIO
from typing import Any

from pyVmomi import SoapAdapter, VmomiSupport, vmodl

from vcontract.simulator.messages import describe

_OPEN = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<soapenv:Envelope xmlns:soapenc="http://schemas.xmlsoap.org/soap/encoding/"\n'
    ' xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"\n'
    ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"\n'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n'
    "<soapenv:Body>\n"
)
_CLOSE = "\n</soapenv:Body>\n</soapenv:Envelope>"
_UNPUBLISHED = frozenset({"dynamicType", "dynamicProperty", "msg"})
_PLAIN = (str, VmomiSupport.PropertyPath, VmomiSupport.URI)


class _Serializer(SoapAdapter.SoapSerializer):  # type: ignore[misc] # pyVmomi's serialiser is untyped
    """pyVmomi's serialiser for one reply to a client of one version."""

    def __init__(self, writer: StringIO, version: str) -> None:
        names = {**SoapAdapter.SOAP_NSMAP, "urn:vim25": ""}
        super().__init__(writer, version, names)
        self.outermostAttrs = ""

    def _Serialize(self, val: Any, info: Any, defNS: str) -> None:
        anything = info.type is object
        if not VmomiSupport.IsChildVersion(self.version, info.version):
            return
        if type(val) in _PLAIN:
            typed = f' xsi:type="xsd:{_xsd(val)}"' if anything else ""
            self.writer.write(f"<{info.name}{typed}>{_escaped(val)}</{info.name}>")
        elif isinstance(val, VmomiSupport.ManagedObject):
            typed = ' xsi:type="ManagedObjectReference"' if anything else ""
            self.writer.write(f'<{info.name} type="{type(val)._wsdlName}"{typed}>{_escaped(val._moId)}</{info.name}>')  # noqa: SLF001 - pyVmomi's only names
        elif anything and isinstance(val, list):
            self._array(val, info)
        else:
            super()._Serialize(val, info, defNS)

    def write_detail(self, fault: vmodl.MethodFault, info: Any, namespace: str) -> None:
        """Write a fault in the form of a SOAP fault's detail; pyVmomi's own way cannot set the name space."""
        self._SerializeDataObject(fault, info, f' xmlns="{namespace}"', "urn:vim25")

    def _array(self, val: Any, info: Any) -> None:
        """Write an array where anyType is declared: each item carries its type too."""
        item = val.Item
        if issubclass(item, VmomiSupport.ManagedObject):
            tag = "ManagedObjectReference"
        elif SoapAdapter.isDynamicType(item):
            tag = "string"
        else:
            tag = VmomiSupport.GetWsdlName(item)
        self.writer.write(f'<{info.name} xsi:type="ArrayOf{VmomiSupport.Capitalize(tag)}">')
        for element in val:
            self._Serialize(element, _field(tag, object), "urn:vim25")
        self.writer.write(f"</{info.name}>")

    def _SerializeDataObject(self, val: Any, info: Any, attr: str, currDefNS: str) -> None:
        kind = VmomiSupport.GetCompatibleType(type(val), self.version)
        if kind is not info.type:
            attr += f' xsi:type="{kind._wsdlName}"'  # noqa: SLF001 - pyVmomi's metadata
        self.writer.write(f"<{info.name}{attr}>")
        if kind is vmodl.LocalizedMethodFault:
            self._SerializeDataObject(val.fault, kind._GetPropertyInfo("fault"), "", currDefNS)  # noqa: SLF001 - same
            text = describe(val.fault)
            if text:
                self._Serialize(text, kind._GetPropertyInfo("localizedMessage"), currDefNS)  # noqa: SLF001 - same
        else:
            for field in kind._GetPropertyList():  # noqa: SLF001 - same
                value = getattr(val, field.name)
                if field.name not in _UNPUBLISHED:
                    self._Serialize(value, field, currDefNS)
        self.writer.write(f"</{info.name}>")


def _xsd(value: str) -> str:
    return "anyURI" if isinstance(value, VmomiSupport.URI) else "string"


def _escaped(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace("'", "&apos;").replace('"', "&quot;")


def _field(name: str, kind: Any, flags: int = 0) -> Any:
    return VmomiSupport.Object(name=name, type=kind, version=VmomiSupport.BASE_VERSION, flags=flags)


def value_text(name: str, kind: Any, value: Any, version: str) -> str:
    """Write one value as the element `name` of static type `kind` (object: anyType); TypeError if a field lacks."""
    writer = StringIO()
    _Serializer(writer, version).Serialize(value, _field(name, kind, VmomiSupport.F_OPTIONAL))
    return writer.getvalue()


def write_reply(method: str, kind: Any, value: Any, version: str) -> bytes:
    """Write the reply to a call: `kind` is the declared result type, a `value` of None leaves the response empty."""
    inner = "" if value is None else value_text("returnval", kind, value, version)
    return f'{_OPEN}<{method}Response xmlns="{_namespace(version)}">{inner}</{method}Response>{_CLOSE}'.encode()


def write_fault(fault: vmodl.MethodFault, version: str) -> bytes:
    """Write a SOAP fault whose detail is a vSphere fault."""
    kind = VmomiSupport.GetCompatibleType(type(fault), version)
    writer = StringIO()
    name = f"{kind._wsdlName}Fault"  # noqa: SLF001 - pyVmomi's metadata
    _Serializer(writer, version).write_detail(fault, _field(name, object), _namespace(version))
    return (
        f"{_OPEN}<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>{_escaped(describe(fault))}</faultstring>"
        f"<detail>{writer.getvalue()}</detail></soapenv:Fault>{_CLOSE}"
    ).encode()


def _namespace(version: str) -> str:
    return f"urn:{VmomiSupport.nsMap[version]}"
