"""The vendor's own serialiser, without what real servers do not send: the writer's for rare values, and its yardstick in tests.

Against pyVmomi's serialiser a real reply has no `versionId` attribute, no `msg` among a fault's fields, apostrophes as
entities, and a type newer than the client's version written throughout as its nearest known ancestor.
"""

from __future__ import annotations

from io import StringIO
from typing import Any

from pyVmomi import SoapAdapter, VmomiSupport, vmodl

from vcontract._simulator.messages import describe

UNPUBLISHED = frozenset({"dynamicType", "dynamicProperty", "msg"})
"""Fields that stand in the metadata, but not in the published WSDL."""
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
            self.writer.write(f"<{info.name}{typed}>{escaped(val)}</{info.name}>")
        elif isinstance(val, VmomiSupport.ManagedObject):
            typed = ' xsi:type="ManagedObjectReference"' if anything else ""
            self.writer.write(f'<{info.name} type="{type(val)._wsdlName}"{typed}>{escaped(val._moId)}</{info.name}>')  # noqa: SLF001 - pyVmomi's only names
        elif anything and isinstance(val, list):
            self._array(val, info)
        else:
            super()._Serialize(val, info, defNS)

    def _array(self, val: Any, info: Any) -> None:
        """Write an array where anyType is declared: each item carries its type too."""
        tag = array_tag(val.Item)
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
                if field.name not in UNPUBLISHED:
                    self._Serialize(value, field, currDefNS)
        self.writer.write(f"</{info.name}>")


def vendor_text(name: str, kind: Any, value: Any, version: str, *, optional: bool = True) -> str:
    """Write one value as the element `name` of static type `kind` (object: anyType); TypeError if a field lacks."""
    writer = StringIO()
    flags = VmomiSupport.F_OPTIONAL if optional else 0
    _Serializer(writer, version).Serialize(value, _field(name, kind, flags))
    return writer.getvalue()


def array_tag(item: Any) -> str:
    """Name the elements of an array of such items where anyType is declared; `ArrayOf` and the name is its type."""
    if issubclass(item, VmomiSupport.ManagedObject):
        return "ManagedObjectReference"
    return "string" if SoapAdapter.isDynamicType(item) else str(VmomiSupport.GetWsdlName(item))


def escaped(text: str) -> str:
    """Give a text as it stands in an element."""
    harmless = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return harmless.replace("'", "&apos;").replace('"', "&quot;")


def _xsd(value: str) -> str:
    return "anyURI" if isinstance(value, VmomiSupport.URI) else "string"


def _field(name: str, kind: Any, flags: int = 0) -> Any:
    return VmomiSupport.Object(name=name, type=kind, version=VmomiSupport.BASE_VERSION, flags=flags)
