"""Which API releases a target lists, and which shipped WSDL set fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lxml import etree

from vcontract._errors import SchemaError
from vcontract._schema.metadata import known_versions

if TYPE_CHECKING:
    from collections.abc import Iterable

SHIPPED = ("6.7.3", "6.8.7", "7.0.3.2", "8.0.3.0", "9.0.0.0", "9.1.0.0")
_LARGEST = 1 << 20


def parse_versions_document(body: bytes) -> tuple[str, ...]:
    """Read `/sdk/vimServiceVersions.xml`: the wire versions of name space urn:vim25, in the order of the server.

    Raises SchemaError as `parse_name_spaces` does.
    """
    return parse_name_spaces(body).get("urn:vim25", ())


def parse_name_spaces(body: bytes) -> dict[str, tuple[str, ...]]:
    """Read `/sdk/vimServiceVersions.xml`: the versions of each name space that it names, in the order of the server.

    SchemaError if the body is no such document, is larger than 1 MiB, or declares a DTD.
    """
    if len(body) > _LARGEST:
        raise SchemaError(f"vimServiceVersions.xml is {len(body)} bytes long; at most {_LARGEST} are read")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise SchemaError(f"vimServiceVersions.xml is not XML: {error.msg}") from error
    info: Any = root.getroottree().docinfo
    if info.doctype or etree.QName(root).localname != "namespaces":
        raise SchemaError(f"vimServiceVersions.xml is no list of name spaces: its root is {root.tag}")
    listed: dict[str, tuple[str, ...]] = {}
    for space in root.iterfind("{*}namespace"):
        name = (space.findtext("{*}name") or "").strip()
        elements = [*space.iterfind("{*}version"), *space.iterfind("{*}priorVersions/{*}version")]
        versions = (*listed.get(name, ()), *((element.text or "").strip() for element in elements))
        listed[name] = tuple(dict.fromkeys(version for version in versions if version))
    return listed


def newest_shipped(versions: Iterable[str]) -> str | None:
    """Pick the newest shipped set among the wire versions that a target lists; None if it lists none of them."""
    listed = set(versions)
    return next((release for release in reversed(SHIPPED) if release in listed), None)


def newest_usable(versions: Iterable[str]) -> str | None:
    """Pick the wire version to speak with a target: of a shipped set, else the newest for which one can be built."""
    listed = set(versions)
    return newest_shipped(listed) or next(
        (version for version in reversed(known_versions()) if version in listed), None
    )
