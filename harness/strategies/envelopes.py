"""Broken envelopes, made by editing a valid one that zeep serialised; each is labelled with the one thing that it breaks."""

from __future__ import annotations

from lxml import etree

from harness.terms import Envelope, Json

VIM = "urn:vim25"


def without(body: bytes, parameter: str, origin: dict[str, Json]) -> Envelope:
    """Leave out a required parameter."""
    root = etree.fromstring(body)
    for element in _arguments(root).findall(f"{{{VIM}}}{parameter}"):
        _arguments(root).remove(element)
    return Envelope(_bytes(root), f"schema:missing:{parameter}", origin=origin)


def doubled(body: bytes, parameter: str, origin: dict[str, Json]) -> Envelope:
    """Give a single parameter twice."""
    root = etree.fromstring(body)
    for element in _arguments(root).findall(f"{{{VIM}}}{parameter}")[:1]:
        element.addnext(etree.fromstring(etree.tostring(element)))
    return Envelope(_bytes(root), f"schema:doubled:{parameter}", origin=origin)


def unknown_element(body: bytes, origin: dict[str, Json]) -> Envelope:
    """Add an element that the schema does not know."""
    root = etree.fromstring(body)
    etree.SubElement(_arguments(root), f"{{{VIM}}}noSuchParameter").text = "x"
    return Envelope(_bytes(root), "schema:unknown:noSuchParameter", origin=origin)


def truncated(body: bytes, origin: dict[str, Json]) -> Envelope:
    """Cut the document in two: no longer well-formed."""
    return Envelope(body[: len(body) // 2], "schema:truncated", origin=origin)


def bad_boolean(body: bytes, origin: dict[str, Json]) -> Envelope:
    """Put a word where the schema wants a boolean."""
    root = etree.fromstring(body)
    element = root.find(f".//{{{VIM}}}interactiveSession")
    if element is None:
        raise LookupError("the call has no interactiveSession to break")
    element.text = "perhaps"
    return Envelope(_bytes(root), "value:boolean:auth.interactiveSession", origin=origin)


def other_version(body: bytes, version: str, origin: dict[str, Json]) -> Envelope:
    """Ask with the API version of an older client."""
    return Envelope(body, f"version:{version}", {"SOAPAction": f'"urn:vim25/{version}"'}, origin)


def _arguments(root: etree._Element) -> etree._Element:
    return root[-1][0]


def _bytes(root: etree._Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")
