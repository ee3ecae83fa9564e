"""The XML and SOAP tier: what breaks the document or the envelope, and what looks odd and must be accepted.

Sources: XML 1.0; SOAP 1.1 (a message has no document type declaration and one body); SOAPAction and versionId as recorded
from real clients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy

from lxml import etree

from vcontract._schema import Schema
from vcontract._strategies.case import (
    AS_IS,
    MALFORMED,
    SOAP,
    TYPE,
    VIM,
    XSD,
    XSI,
    Case,
    Element,
    call_element,
    envelope,
    mark,
    tree,
    written,
)
from vcontract._terms import SECRET, Call, Json, Ref

Change = Callable[[bytes], bytes]
DEEP = 2000
MEGABYTES = 2 << 20
_NOWHERE = Ref("VirtualMachine", "vm-0")
_SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
_DECLARATION = b"<?xml version='1.0' encoding='UTF-8'?>\n"
_ENTITIES = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>\n'


def cases(schema: Schema, method: str, base: dict[str, Json]) -> Iterator[Case]:
    """Give every case of the tier that a valid call of a method has room for; `base` are its arguments."""
    body = schema.request(method, _NOWHERE, base)
    for kind, changes, expects in (("xml", XML, MALFORMED), ("soap", SOAPS, MALFORMED), ("legal", LEGAL, AS_IS)):
        for name, change in changes.items():
            if _fits(change, body):
                yield _case(schema, method, kind, name, expects, change)


def _fits(change: Change, body: bytes) -> bool:
    try:
        return change(body) != body
    except LookupError:
        return False


def _case(schema: Schema, method: str, kind: str, name: str, expects: str, change: Change) -> Case:
    def turn(call: Call) -> Call:
        body = change(schema.request(call.method, call.object, call.arguments))
        return envelope(call, body, mark(expects, kind, name))

    return Case(method, "xml", kind, name, expects, turn)


def _edited(edit: Callable[[Element], None]) -> Change:
    def change(body: bytes) -> bytes:
        root = tree(body)
        edit(root)
        return written(root)

    return change


def _swapped(old: bytes, new: bytes) -> Change:
    def change(body: bytes) -> bytes:
        if old not in body:
            raise LookupError(f"the request has no {old.decode()}")
        return body.replace(old, new, 1)

    return change


def _first_text(text: bytes) -> Change:
    """Put bytes in front of the moId of the first reference to a VM."""
    return _swapped(b'type="VirtualMachine">', b'type="VirtualMachine">' + text)


def _undeclared(body: bytes) -> bytes:
    return body.replace(b"vim25:_this ", b"nobody:_this ").replace(b"</vim25:_this>", b"</nobody:_this>")


def _undeclared_type(body: bytes) -> bytes:
    return _swapped(b'xsi:type="vim25:', b'xsi:type="nobody:')(body)


def _mismatched(body: bytes) -> bytes:
    return body.replace(b"</vim25:_this>", b"</vim25:_that>")


def _own_namespace(name: str) -> Callable[[Element], None]:
    def edit(root: Element) -> None:
        element = call_element(root) if not name else call_element(root).find(f"{{{VIM}}}{name}")
        assert element is not None  # every method has a _this
        element.tag = f"{{urn:vcontract}}{etree.QName(element).localname}"

    return edit


def _second_body(root: Element) -> None:
    root.append(deepcopy(root[-1]))


def _second_call(root: Element) -> None:
    root[-1].append(deepcopy(root[-1][0]))


def _empty_body(root: Element) -> None:
    root[-1].remove(root[-1][0])


def _no_body(root: Element) -> None:
    root.remove(root[-1])


def _text_in_call(root: Element) -> None:
    call_element(root).text = "x"


def _element_in_text(root: Element) -> None:
    etree.SubElement(call_element(root)[0], f"{{{VIM}}}x")


def _deep(root: Element) -> None:
    element = call_element(root)
    for _ in range(DEEP):
        element = etree.SubElement(element, f"{{{VIM}}}deep")


def _megabytes(root: Element) -> None:
    etree.SubElement(call_element(root), f"{{{VIM}}}noSuchField").text = "x" * MEGABYTES


def _bare(body: bytes) -> bytes:
    return etree.tostring(call_element(tree(body)), xml_declaration=True, encoding="UTF-8")


def _remade(names: dict[str, str], *, types: str, simple: str) -> Change:
    """Write the same infoset with other prefixes; `types` and `simple` are those of vim and XSD types in xsi:type."""

    def change(body: bytes) -> bytes:
        old = call_element(tree(body))
        root = etree.Element(f"{{{SOAP}}}Envelope", nsmap=names)
        etree.SubElement(root, f"{{{SOAP}}}Body").append(old)
        for element in root.iter(etree.Element):
            if stated := element.get(TYPE):
                element.set(TYPE, (simple if stated.startswith("xsd:") else types) + stated.rpartition(":")[2])
        if types == "":  # a plain name in xsi:type is in the default name space
            return written(root).replace(b"vim25:", b"").replace(b"xmlns:vim25=", b"xmlns=")
        etree.cleanup_namespaces(root, keep_ns_prefixes=[*names])
        return written(root)

    return change


def _commented(root: Element) -> None:
    for child in list(call_element(root)):
        child.addprevious(etree.Comment(" vm-0 "))
        child.addprevious(etree.ProcessingInstruction("vcontract", "x"))


def _in_cdata(root: Element) -> None:
    for element in call_element(root).iter(etree.Element):
        if element.text and not element.text.startswith(
            SECRET
        ):  # what is put in for a secret is escaped, and here would stay so
            element.text = etree.CDATA(element.text)


def _spread(root: Element) -> None:
    etree.indent(root, space="\t")


def _header(root: Element) -> None:
    root.insert(0, etree.Element(f"{{{SOAP}}}Header"))


def _version_ids(root: Element) -> None:
    for element in call_element(root):
        if not element.tag.endswith("}configParams"):  # the vendor's client writes none on what repeats
            element.set("versionId", "8.0.3.0")


def _references(body: bytes) -> bytes:
    return body.replace(b"vm-", b"&#118;&#x6D;-")


XML: dict[str, Change] = {
    "truncated": lambda body: body[: len(body) // 2],
    "truncated.end": lambda body: body[:-1],
    "empty": lambda _: b"",
    "encoding.unknown": _swapped(b"UTF-8", b"x-no-such"),
    "encoding.utf16": _swapped(b"UTF-8", b"UTF-16"),
    "bytes.invalid": _first_text(b"\xff\xfe"),
    "character.control": _first_text(b"\x01"),
    "character.null": _first_text(b"&#0;"),
    "entity.undefined": _first_text(b"&nobody;"),
    "entity.expansion": lambda body: _first_text(b"&c;")(body.replace(_DECLARATION, _DECLARATION + _ENTITIES)),
    "doctype": lambda body: body.replace(_DECLARATION, _DECLARATION + b"<!DOCTYPE x>\n"),
    "prefix.undeclared": _undeclared,
    "prefix.undeclaredType": _undeclared_type,
    "tag.mismatched": _mismatched,
    "attribute.doubled": _swapped(b'type="VirtualMachine"', b'type="VirtualMachine" type="VirtualMachine"'),
    "root.second": lambda body: body + b"<x/>",
    "text.afterRoot": lambda body: body + b"x",
    "declaration.late": lambda body: b"\n" + body,
    "ampersand.bare": _first_text(b"a & b "),
}
"""Each breaks a rule of XML 1.0 or of its name spaces, but the two with a DTD, which SOAP 1.1 does not allow."""

SOAPS: dict[str, Change] = {
    "envelope.none": _bare,
    "envelope.soap12": lambda body: body.replace(SOAP.encode(), _SOAP12.encode()),
    "envelope.noNamespace": lambda body: body.replace(b' xmlns:soap-env="' + SOAP.encode() + b'"', b"").replace(
        b"soap-env:", b""
    ),
    "body.none": _edited(_no_body),
    "body.empty": _edited(_empty_body),
    "body.second": _edited(_second_body),
    "call.second": _edited(_second_call),
    "call.namespace": _edited(_own_namespace("")),
    "parameter.namespace": _edited(_own_namespace("_this")),
    "text.inCall": _edited(_text_in_call),
    "element.inText": _edited(_element_in_text),
    "nesting.deep": _edited(_deep),
    "text.megabytes": _edited(_megabytes),
}

LEGAL: dict[str, Change] = {
    "declaration.none": lambda body: body.removeprefix(_DECLARATION),
    "declaration.none.leadingSpace": lambda body: b" \r\n\t" + body.removeprefix(_DECLARATION),
    "byteOrderMark": lambda body: b"\xef\xbb\xbf" + body,
    "comments": _edited(_commented),
    "cdata": _edited(_in_cdata),
    "whitespace": _edited(_spread),
    "trailingSpace": lambda body: body + b"\r\n \n",
    "characterReferences": _references,
    "prefixes.default": _remade({"soapenv": SOAP, "xsi": XSI, "xsd": XSD}, types="", simple="xsd:"),
    "prefixes.other": _remade({"s": SOAP, "ns0": VIM, "v": VIM, "i": XSI, "x": XSD}, types="v:", simple="x:"),
    "header.empty": _edited(_header),
    "versionId": _edited(_version_ids),
    "quotes.single": lambda body: body.replace(b'"', b"'"),
}
"""The same request to any reader of XML and of SOAP 1.1; versionId is what the vendor's own client writes."""
