"""The WSDL set of a live server, as files that refer to each other by name alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlparse

from lxml import etree

from vcontract._errors import SchemaError
from vcontract._schema.source import LINKS, read_files
from vcontract._schema.wsdl import load

if TYPE_CHECKING:
    from pathlib import Path

    from vcontract._schema.source import Fetch
    from vcontract._schema.wsdl import Schema

ENTRY = "vimService.wsdl"
_UNFIT = re.compile(r"[^\w.-]+")


def fetch_set(entry: str, fetch: Fetch) -> dict[str, bytes]:
    """Read a WSDL (URL) and all that it refers to at the same place; gives the files by name, the entry as `vimService.wsdl`.

    A file stays as it was served unless it refers to another by more than its name here. SchemaError: it loops, refers to
    another place, to too many files or too large ones, or is no WSDL.
    """
    files = read_files(entry, fetch)
    names = _names(entry, files)
    return {names[url]: _linked(url, body, names) for url, body in files.items()}


def check_set(folder: Path) -> Schema:
    """Check a set by loading it. Raises SchemaError if that fails, as a run would."""
    return load(folder)


def _names(entry: str, files: Mapping[str, bytes]) -> dict[str, str]:
    """Give each file a name of its own, its last part where that is free."""
    names = {entry: ENTRY}
    for url in files:
        if url in names:
            continue
        path = urlparse(url).path
        plain = _UNFIT.sub("_", path.rpartition("/")[2]).lstrip(".") or "schema.xsd"
        taken = {name.lower() for name in names.values()}
        name, number = plain, 1
        while name.lower() in taken:
            number += 1
            name = f"{number}-{plain}"
        names[url] = name
    return names


def _linked(url: str, body: bytes, names: Mapping[str, str]) -> bytes:
    """Let a file refer to the others by their names."""
    root: Any = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    changed = False
    for tag, attribute in LINKS.items():
        for link in root.iter(tag):
            target = link.get(attribute)
            if not target:
                continue
            name = names.get(urljoin(url, target))
            if name is None:
                raise SchemaError(f"{url} refers to {target}, which was not fetched")
            if name != target:
                link.set(attribute, name)
                changed = True
    return etree.tostring(root, xml_declaration=True, encoding="utf-8") if changed else body
