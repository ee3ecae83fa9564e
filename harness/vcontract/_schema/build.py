"""Builds a WSDL and its XSD files for an API release from the vendor's metadata, named and laid out as his."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from vcontract._errors import SchemaError
from vcontract._schema.closure import closure, roots
from vcontract._schema.metadata import ApiVersion, Data, Enumeration, Member, Metadata, Method, versions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["ApiVersion", "build", "versions", "write_set"]

_HEAD = """<?xml version="1.0" encoding="UTF-8" ?>
<!--
   Built from the type metadata of pyVmomi for API {wire}; do not edit.
-->
"""
_LISTS = (
    *("string", "anyType", "anyURI", "base64Binary", "ManagedObjectReference", "boolean"),
    *("byte", "double", "int", "long", "short"),
)
_ALWAYS = ("DynamicArray", "DynamicProperty", "RuntimeFault")
"""What no operation names: the rest of the core file, and the fault that each operation may raise."""

_REFERENCE = """   <complexType name="ManagedObjectReference">
      <simpleContent>
         <extension base="xsd:string">
            <attribute name="type" type="xsd:string" />
         </extension>
      </simpleContent>
   </complexType>
"""


def build(api: str, wanted: Sequence[str]) -> dict[str, bytes]:
    """Build the set for a release (wire name, from 4.0 on) and roots `OBJECT` or `OBJECT:METHOD,…`.

    Gives file name → content, the same bytes each time. SchemaError: unknown release, object or method. Source of the
    facts: pyVmomi's metadata (vcontract._schema.metadata); of the layout: the vendor's SDK for 6.7.3.
    """
    metadata = Metadata(api)
    operations, properties = roots(metadata, wanted)
    needed = closure(metadata, operations, properties, _ALWAYS)
    types = {name: definition for name, definition in metadata.types.items() if name in needed}
    faults = [name for name in types if metadata.is_fault(name)]
    files = {
        "vimService.wsdl": _service(),
        "vim.wsdl": _wsdl(metadata, operations, faults),
        "vim-messagetypes.xsd": _messages(operations, query=False),
        "query-messagetypes.xsd": _messages(operations, query=True),
        "reflect-messagetypes.xsd": _schema("reflect", [], ["core-types.xsd", "reflect-types.xsd"]),
        "vim-types.xsd": _types(metadata, types, "vim.", ["query-types.xsd", "core-types.xsd"]),
        "query-types.xsd": _types(metadata, types, "vmodl.query.", ["core-types.xsd"]),
        "reflect-types.xsd": _schema("reflect", [], ["core-types.xsd"]),
        "core-types.xsd": _types(metadata, types, "vmodl.", []),
    }
    return {name: (_HEAD.format(wire=api) + text).encode() for name, text in files.items()}


def write_set(files: Mapping[str, bytes], out_dir: Path) -> None:
    """Write a set into a folder, made if missing: each file appears whole, the entry vimService.wsdl last.

    SchemaError if the folder cannot be written.
    """
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out_dir, prefix=".building-") as building:
            for name, content in files.items():
                (Path(building) / name).write_bytes(content)
            for name in sorted(files, key="vimService.wsdl".__eq__):
                os.replace(Path(building) / name, out_dir / name)  # noqa: PTH105 - Path.replace says less about its atomicity
    except OSError as error:
        raise SchemaError(f"cannot write the WSDL set to {out_dir}: {error.strerror}") from error


def _is_query(operation: Method) -> bool:
    return operation.since.startswith("vmodl.query.")


def _element(member: Member, *, name: str = "") -> str:
    occurs = ' minOccurs="0"' * member.optional + ' maxOccurs="unbounded"' * member.array
    return f'<element name="{name or member.name}" type="{member.type}"{occurs} />'


def _schema(namespace: str, body: Iterable[str], files: Iterable[str]) -> str:
    """Wrap definitions; a file of the same name space is included, one of the other imported."""
    lines = [
        "<schema",
        f'   targetNamespace="urn:{namespace}"',
        '   xmlns="http://www.w3.org/2001/XMLSchema"',
        '   xmlns:vim25="urn:vim25"',
        '   xmlns:xsd="http://www.w3.org/2001/XMLSchema"',
        '   xmlns:reflect="urn:reflect"',
        '   elementFormDefault="qualified"',
        ">",
    ]
    for name in files:
        other = "reflect" if name.startswith("reflect-") else "vim25"
        link = "include" if other == namespace else f'import namespace="urn:{other}"'
        lines.append(f'   <{link} schemaLocation="{name}" />')
    return "\n".join([*lines, *body, "</schema>", ""])


def _types(metadata: Metadata, types: Mapping[str, object], prefix: str, files: list[str]) -> str:
    core = prefix == "vmodl."
    body: list[str] = []
    for name, definition in types.items():
        if not isinstance(definition, Data | Enumeration) or _home(definition.vmodl) != prefix:
            continue
        body += _enumeration(definition) if isinstance(definition, Enumeration) else _data(definition)
        if name in metadata.listed:
            body += _list_of(name, f"vim25:{name}")
    if core:
        body.append(_REFERENCE.rstrip("\n"))
        for name in _LISTS:
            body += _list_of(name, f"vim25:{name}" if name[0] == "M" else f"xsd:{name}")
    return _schema("vim25", body, [*files, "reflect-types.xsd"] if prefix == "vim." else files)


def _home(vmodl: str) -> str:
    return next(prefix for prefix in ("vim.", "vmodl.query.", "vmodl.") if vmodl.startswith(prefix))


def _list_of(name: str, wire: str) -> list[str]:
    return [
        f'   <complexType name="ArrayOf{name[0].upper()}{name[1:]}">',
        "      <sequence>",
        f'         <element name="{name}" type="{wire}" minOccurs="0" maxOccurs="unbounded" />',
        "      </sequence>",
        "   </complexType>",
    ]


def _enumeration(enumeration: Enumeration) -> list[str]:
    values = [f'         <enumeration value="{value}" />' for value in enumeration.values]
    head = [f'   <simpleType name="{enumeration.name}">', '      <restriction base="xsd:string">']
    return [*head, *values, "      </restriction>", "   </simpleType>"]


def _data(data: Data) -> list[str]:
    indent = "            " if data.base else "      "
    fields = [f"{indent}   {_element(member)}" for member in data.members]
    sequence = [f"{indent}<sequence>", *fields, f"{indent}</sequence>"]
    if data.base:
        head = ["      <complexContent>", f'         <extension base="vim25:{data.base}">']
        sequence = [*head, *sequence, "         </extension>", "      </complexContent>"]
    return [f'   <complexType name="{data.name}">', *sequence, "   </complexType>"]


def _request_type(operation: Method) -> str:
    return operation.name.removesuffix("_Task") + "RequestType"


def _messages(operations: Iterable[Method], *, query: bool) -> str:
    body: list[str] = []
    for operation in operations:
        if _is_query(operation) == query:
            this = '         <element name="_this" type="vim25:ManagedObjectReference" />'
            fields = [f"         {_element(member)}" for member in operation.parameters]
            head = [f'   <complexType name="{_request_type(operation)}">', "      <sequence>", this]
            body += [*head, *fields, "      </sequence>", "   </complexType>"]
    files = ["query-types.xsd", "core-types.xsd"] + ([] if query else ["reflect-types.xsd", "vim-types.xsd"])
    return _schema("vim25", body, files)


def _service() -> str:
    return """<definitions targetNamespace="urn:vim25Service"
   xmlns="http://schemas.xmlsoap.org/wsdl/"
   xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
   xmlns:interface="urn:vim25"
>
   <import location="vim.wsdl" namespace="urn:vim25" />
   <service name="VimService">
      <port binding="interface:VimBinding" name="VimPort">
         <soap:address location="https://localhost/sdk/vimService" />
      </port>
   </service>
</definitions>
"""


def _wsdl(metadata: Metadata, operations: list[Method], faults: list[str]) -> str:
    messages = ["query-messagetypes.xsd", "core-types.xsd", "reflect-messagetypes.xsd", "vim-messagetypes.xsd"]
    schema = _schema("vim25", _elements(metadata, operations, faults), messages).rstrip("\n")
    lines = [
        '<definitions targetNamespace="urn:vim25"',
        '   xmlns="http://schemas.xmlsoap.org/wsdl/"',
        '   xmlns:mime="http://schemas.xmlsoap.org/wsdl/mime/"',
        '   xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"',
        '   xmlns:vim25="urn:vim25"',
        '   xmlns:xsd="http://www.w3.org/2001/XMLSchema"',
        ">",
        "   <types>",
        *("      " + line for line in schema.split("\n")),
        "   </types>",
    ]
    for operation in operations:
        lines += _message(f"{operation.name}RequestMsg", "parameters", operation.name)
        lines += _message(f"{operation.name}ResponseMsg", "parameters", f"{operation.name}Response")
    for fault in sorted(faults):
        lines += _message(f"{fault}FaultMsg", "fault", f"{fault}Fault")
    lines.append('   <portType name="VimPortType">')
    for operation in operations:
        lines += _port_operation(operation)
    lines += ["   </portType>", '   <binding name="VimBinding" type="vim25:VimPortType">']
    lines.append('      <soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http" />')
    for operation in operations:
        lines += _binding_operation(operation, metadata.version.wire)
    return "\n".join([*lines, "   </binding>", "</definitions>", ""])


def _elements(metadata: Metadata, operations: Iterable[Method], faults: Iterable[str]) -> list[str]:
    """List the elements of the messages: methods and faults in the order of the types that own them."""
    wanted = {operation.name for operation in operations}
    lines = ['   <element name="versionURI" type="xsd:string" />']
    some = set(faults)
    for name in metadata.types:
        if name in some:
            lines.append(f'   <element name="{name}Fault" type="vim25:{name}" />')
        if name in metadata.managed:
            for method in metadata.managed[name].methods:
                if method.name in wanted:
                    lines += _method_elements(method)
    return lines


def _method_elements(method: Method) -> list[str]:
    request = f'   <element name="{method.name}" type="vim25:{_request_type(method)}" />'
    response = f'   <element name="{method.name}Response">'
    if method.result is None:
        return [request, response, "      <complexType />", "   </element>"]
    inner = ["         <sequence>", f"            {_element(method.result)}", "         </sequence>"]
    return [request, response, "      <complexType>", *inner, "      </complexType>", "   </element>"]


def _message(name: str, part: str, element: str) -> list[str]:
    return [f'   <message name="{name}">', f'      <part name="{part}" element="vim25:{element}" />', "   </message>"]


def _faults(method: Method) -> list[tuple[str, str]]:
    """Name an operation's faults and their messages; the one that is implied is named plainly."""
    return [*((f"{name}Fault", f"{name}FaultMsg") for name in method.faults), ("RuntimeFault", "RuntimeFaultFaultMsg")]


def _port_operation(method: Method) -> list[str]:
    faults = [f'         <fault name="{name}" message="vim25:{message}" />' for name, message in _faults(method)]
    return [
        f'      <operation name="{method.name}">',
        f'         <input message="vim25:{method.name}RequestMsg" />',
        f'         <output message="vim25:{method.name}ResponseMsg" />',
        *faults,
        "      </operation>",
    ]


def _binding_operation(method: Method, wire: str) -> list[str]:
    lines = [
        f'      <operation name="{method.name}">',
        f'         <soap:operation soapAction="urn:vim25/{wire}" style="document" />',
    ]
    for direction in ("input", "output"):
        lines += [f"         <{direction}>", '            <soap:body use="literal" />', f"         </{direction}>"]
    for name, _ in _faults(method):
        soap = f'            <soap:fault name="{name}" use="literal" />'
        lines += [f'         <fault name="{name}">', soap, "         </fault>"]
    return [*lines, "      </operation>"]
