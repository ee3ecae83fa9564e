"""XML: vCenter's own (CustomizationSpecItemToXml), PowerShell's Export-Clixml, and what is sent over the wire."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from lxml import etree

from vcontract._api.reading.loose import DEEPEST, Loose, SpecificationError
from vcontract._schema.shapes import SIMPLE
from vcontract._terms import Json

_CLIXML = "http://schemas.microsoft.com/powershell/2004/04"
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_ROOTS = ("spec", "customization", "customizationspec", "customizationspecitem", "object", "returnval", "item")
"""Names of elements that hold a specification, without regard to case: parameters, results, and pyVmomi's own."""
_TEXTS = {"S", "DT", "C", "Db", "Sg", "D"}
_NUMBERS = {"I16", "I32", "I64", "By", "SB", "U16", "U32", "U64"}


def read_xml(text: str) -> Loose:
    """Read a document. Raises SpecificationError: not XML, with a DTD, or in no form that is known."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True
    )
    try:
        root = etree.fromstring(
            text.encode("utf-16"), parser
        )  # so that what the document says of its encoding is no matter
    except (etree.XMLSyntaxError, ValueError) as cause:
        line = getattr(cause, "lineno", 0)
        said = " ".join(str(getattr(cause, "msg", cause)).split())
        raise SpecificationError(f"line {line}: not XML: {said}") from cause
    info: Any = root.getroottree().docinfo
    if info.doctype:
        raise SpecificationError("it has a DTD, which is not read")
    name = etree.QName(root)
    if name.namespace == _CLIXML:
        return Loose(_clixml(root), "XML of Export-Clixml (PowerCLI)")
    if name.localname == "ConfigRoot":
        return Loose(_object(_configured(root, 0)), "XML of CustomizationSpecItemToXml", lexical=True)
    found = next((each for each in root.iter(etree.Element) if _holds(each)), None)
    if found is None:
        raise SpecificationError(f"XML with the root {name.localname}: none of the forms that are read")
    return Loose(_object(_sent(found, 0)), "XML of a request", lexical=True)


def _holds(element: etree._Element) -> bool:  # the one name that lxml has for it
    stated = (element.get(f"{_XSI}type") or "").rpartition(":")[2]
    named = etree.QName(element).localname.lower() in _ROOTS and len(element) > 0
    return stated in {"CustomizationSpec", "CustomizationSpecItem", "VirtualMachineCloneSpec"} or named


def _object(value: Json) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise SpecificationError("it holds a text alone, so no specification")
    return value


def _deep(depth: int, element: etree._Element) -> None:
    if depth > DEEPEST:
        raise SpecificationError(
            f"line {element.sourceline}: more than {DEEPEST} levels in each other, and no specification has"
        )


def _configured(element: etree._Element, depth: int) -> Json:
    """Read vCenter's own form: `_type` says the type, a list has `_length` and elements `e`, an empty element is a text."""
    _deep(depth, element)
    children = {etree.QName(each).localname: each for each in element}
    kind = (children["_type"].text or "").strip() if "_type" in children else ""
    if "_length" in children or kind.endswith("[]"):
        return [_configured(each, depth + 1) for each in element if etree.QName(each).localname == "e"]
    if not children:
        return element.text or ""
    read = {name: _configured(each, depth + 1) for name, each in children.items() if name != "_type"}
    return read | ({"_typeName": kind} if kind else {})


def _sent(element: etree._Element, depth: int) -> Json:
    """Read what is sent: an element for each field, several for a list, `xsi:type` for the type."""
    _deep(depth, element)
    kind = (element.get(f"{_XSI}type") or "").rpartition(":")[2]
    if len(element) == 0:
        text = element.text or ""
        if kind in SIMPLE:
            return {"_typeName": kind, "_value": text}
        return {"_typeName": kind} if kind and not text else text
    read: dict[str, Json] = {}
    for each in element:
        read.setdefault(etree.QName(each).localname, []).append(_sent(each, depth + 1))
    made: dict[str, Json] = {name: values[0] if len(values) == 1 else values for name, values in read.items()}
    return made | ({"_typeName": kind} if kind else {})


def _clixml(root: etree._Element) -> dict[str, Json]:
    objects = [each for each in root if etree.QName(each).localname == "Obj"]
    if len(objects) != 1:
        raise SpecificationError(f"it holds {len(objects)} objects; export one specification")
    names: dict[str, str] = {}
    return _object(_exported(objects[0], names, 0))


def _exported(element: etree._Element, names: dict[str, str], depth: int) -> Json:
    """Read an element of Export-Clixml: `names` has the type names by their RefId, which later objects refer to."""
    _deep(depth, element)
    tag = etree.QName(element).localname
    if tag == "Obj":
        return _exported_object(element, names, depth)
    if tag == "BA":
        return _bytes(element)
    text = element.text or ""
    read = {"Nil": None, "B": text == "true"}
    if tag in _TEXTS | _NUMBERS:
        return text if tag in _TEXTS else int(text or 0)
    if tag not in read:
        raise SpecificationError(
            f"line {element.sourceline}: Export-Clixml's {tag} is nothing that a specification has"
        )
    return read[tag]


def _exported_object(element: etree._Element, names: dict[str, str], depth: int) -> Json:
    parts = {etree.QName(each).localname: each for each in element}
    kind = _kind(parts, names)
    listed = next((parts[name] for name in ("LST", "IE", "STK", "QUE") if name in parts), None)
    if listed is not None:
        return [_exported(each, names, depth + 1) for each in listed]
    if "ToString" in parts and any(name in parts for name in ("I32", "By")):
        return parts["ToString"].text or ""  # an enumerated value: its name, and beside it its number
    holder = next((parts[name] for name in ("Props", "MS") if name in parts), None)
    read = {} if holder is None else dict(_properties(holder, names, depth))
    return read | ({"_typeName": kind} if kind else {})


def _kind(parts: dict[str, etree._Element], names: dict[str, str]) -> str:
    """Give the type of an object: the first of its TN, which it has itself or by reference."""
    if "TN" in parts:
        first = next((each.text or "" for each in parts["TN"]), "")
        names[parts["TN"].get("RefId") or ""] = first
        return first
    return names.get(parts["TNRef"].get("RefId") or "", "") if "TNRef" in parts else ""


def _properties(holder: etree._Element, names: dict[str, str], depth: int) -> Iterator[tuple[str, Json]]:
    for each in holder:
        yield each.get("N") or "", _exported(each, names, depth + 1)


def _bytes(element: etree._Element) -> list[int]:
    try:
        return list(base64.b64decode(element.text or "", validate=True))
    except binascii.Error as cause:
        raise SpecificationError(f"line {element.sourceline}: no base64: {cause}") from cause
