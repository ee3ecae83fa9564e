"""Small WSDLs from a few lines of text, for pairs that differ in one thing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vcontract._schema import Schema, load

if TYPE_CHECKING:
    from pathlib import Path

BASE = """
MethodFault:
Busy(MethodFault):
Broken(Busy):
Locked(MethodFault):
In: a:int b:string? c:Part d:Mode? e:string[]?
Part: p:int
FinePart(Part): q:int? r:int?
Mode = fast slow
Out: a:int b:string? c:Piece d:State? e:string[]?
Piece: p:int
FinePiece(Piece): q:int? r:int?
State = on off
op Do(in:In n:int?) Out ! Busy
op Stop() void
"""
"""`Type(Base): field:type[]?`, `Enum = value`, `Simple ~ int`, `op Method(parameter:type) result ! Fault`."""

_XSD = {"string", "int", "long", "short", "double", "anyType", "dateTime", "boolean"}


def edited(text: str, *lines: str) -> str:
    """Replace the lines that define the same names, add those that are new; `-Name` takes one away."""
    kept = {_name(each): each for each in text.split("\n") if each.strip()}
    for each in lines:
        if each.startswith("-"):
            del kept[each[1:]]
        else:
            kept[_name(each)] = each
    return "\n".join(kept.values())


def small_wsdl(
    folder: Path, text: str = BASE, *, namespace: str = "urn:x", action: str = "urn:x/1", prefix: str = "x"
) -> Schema:
    """Write a WSDL into a folder of its own and load it."""
    folder.mkdir(parents=True)
    (folder / "vimService.wsdl").write_text(small_document(text, namespace=namespace, action=action, prefix=prefix))
    return load(folder)


def small_document(text: str, *, namespace: str = "urn:x", action: str = "urn:x/1", prefix: str = "x") -> str:
    """Write a WSDL."""
    lines = [each for each in text.split("\n") if each.strip()]
    methods = [_method(each, action) for each in lines if each.startswith("op ")]
    types = [_type(each) for each in lines if not each.startswith("op ")]
    elements, messages, port, binding = ("\n".join(each[part] for each in methods) for part in range(4))
    faults = [_name(each) for each in lines if "(MethodFault)" in each or "(Busy)" in each]
    elements += "".join(f'<xsd:element name="{each}Fault" type="x:{each}"/>' for each in faults)
    messages += "".join(f'<message name="{each}"><part name="f" element="x:{each}Fault"/></message>' for each in faults)
    document = f"""<definitions targetNamespace="{namespace}" xmlns="http://schemas.xmlsoap.org/wsdl/"
 xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:x="{namespace}" xmlns:xsd="http://www.w3.org/2001/XMLSchema">
<types><xsd:schema targetNamespace="{namespace}" elementFormDefault="qualified">
{"".join(types)}
{elements}</xsd:schema></types>
{messages}<portType name="P">{port}</portType>
<binding name="B" type="x:P"><soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>{binding}
</binding><service name="S"><port name="p" binding="x:B"><soap:address location="http://localhost/"/></port></service>
</definitions>"""
    return document.replace("xmlns:x=", f"xmlns:{prefix}=").replace('"x:', f'"{prefix}:')


def _name(line: str) -> str:
    return line.removeprefix("op ").split("(")[0].split(":")[0].split()[0]


def _type(line: str) -> str:
    name = _name(line)
    if " = " in line:
        values = "".join(f'<xsd:enumeration value="{each}"/>' for each in line.partition(" = ")[2].split())
        return f'<xsd:simpleType name="{name}"><xsd:restriction base="xsd:string">{values}</xsd:restriction></xsd:simpleType>\n'
    if " ~ " in line:
        base = line.partition(" ~ ")[2]
        return f'<xsd:simpleType name="{name}"><xsd:restriction base="xsd:{base}"/></xsd:simpleType>\n'
    head, _, fields = line.partition(":")
    inner = f"<xsd:sequence>{_fields(fields)}</xsd:sequence>"
    if "(" in head:
        base = head.partition("(")[2].rstrip(")")
        inner = f'<xsd:complexContent><xsd:extension base="x:{base}">{inner}</xsd:extension></xsd:complexContent>'
    return f'<xsd:complexType name="{name}">{inner}</xsd:complexType>\n'


def _fields(text: str) -> str:
    found = ""
    for each in text.split():
        name, _, kind = each.partition(":")
        bare = kind.rstrip("?").removesuffix("[]")
        wire = f"xsd:{bare}" if bare in _XSD else f"x:{bare}"
        occurs = ' minOccurs="0"' * kind.endswith("?") + ' maxOccurs="unbounded"' * ("[]" in kind)
        found += f'<xsd:element name="{name}" type="{wire}"{occurs}/>'
    return found


def _method(line: str, action: str) -> tuple[str, str, str, str]:
    """Give a method's elements, messages, operation of the port type and of the binding."""
    name = _name(line)
    parameters, _, rest = line.partition("(")[2].partition(")")
    result, _, faults = rest.partition("!")
    returned = "" if result.strip() == "void" else _fields(f"returnval:{result.strip()}")
    elements = "".join(
        f'<xsd:element name="{name}{suffix}"><xsd:complexType><xsd:sequence>{fields}</xsd:sequence></xsd:complexType>'
        "</xsd:element>"
        for suffix, fields in (("", _fields(parameters)), ("Response", returned))
    )
    messages = "".join(
        f'<message name="{name}{suffix}"><part name="parameters" element="x:{name}{suffix}"/></message>'
        for suffix in ("", "Response")
    )
    thrown = "".join(f'<fault name="{each}" message="x:{each}"/>' for each in faults.split())
    port = f'<input message="x:{name}"/><output message="x:{name}Response"/>{thrown}'
    bound = "".join(
        f'<fault name="{each}"><soap:fault name="{each}" use="literal"/></fault>' for each in faults.split()
    )
    body = '<input><soap:body use="literal"/></input><output><soap:body use="literal"/></output>'
    operation = f'<soap:operation soapAction="{action}" style="document"/>{body}{bound}'
    return (
        elements,
        messages,
        f'<operation name="{name}">{port}</operation>',
        f'<operation name="{name}">{operation}</operation>',
    )
