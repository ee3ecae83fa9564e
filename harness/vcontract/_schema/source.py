"""Reads a WSDL and everything it refers to, once, from one place; nothing else is ever fetched."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPMessage
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlparse

import zeep.exceptions
from lxml import etree
from zeep.loader import absolute_location
from zeep.wsdl import Document

from vcontract._collector import uncollected
from vcontract._errors import SchemaError

Fetch = Callable[[str], bytes]

_WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
XSD = "{http://www.w3.org/2001/XMLSchema}"
LINKS = {f"{_WSDL}import": "location", f"{XSD}import": "schemaLocation", f"{XSD}include": "schemaLocation"}
_LARGEST = 64 << 20
_MOST_FILES = 64
_MOST = 128 << 20
"""Bytes of all files together; the vendor's own set has a tenth of them."""
_SECONDS = 30
# What zeep raises on XML that is no sound WSDL: its own errors, and those of code that trusted its input.
_UNSOUND = (
    zeep.exceptions.Error,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    NotImplementedError,
    AssertionError,
)
_open: Any = Document  # zeep annotates its transport as a class
_absolute: Any = absolute_location  # zeep leaves it without annotations


def read_document(entry: str, fetch: Fetch | None = None) -> tuple[Any, dict[str, tuple[str, ...]]]:
    """Load a WSDL (file path or http(s) URL) with zeep; gives its Document and the values of its enumerated types.

    zeep drops the enumeration facets, so they are read from the same files here. `fetch` replaces the plain download of
    a URL (certificates of one's own, a time limit). SchemaError names what cannot be read, loops, or is no WSDL.
    """
    files = _Files(entry, fetch or _download)
    files.follow(entry, ())
    try:
        with uncollected():  # 50,000 objects
            document = _open(entry, files)
    except _UNSOUND as error:
        raise SchemaError(f"{entry} is no usable WSDL: {_one_line(error)}") from error
    return document, files.enumerations


def read_files(entry: str, fetch: Fetch) -> dict[str, bytes]:
    """Read a WSDL and all that it refers to, by location; nothing of it is interpreted but where it points. SchemaError."""
    files = _Files(entry, fetch)
    files.follow(entry, ())
    return files.read


class _Files:
    """Every file of one WSDL, checked while it was read; serves as zeep's transport."""

    def __init__(self, entry: str, fetch: Fetch) -> None:
        self._origin = urlparse(entry)[:2]
        self._fetch = fetch
        self.read: dict[str, bytes] = {}
        self.enumerations: dict[str, tuple[str, ...]] = {}

    def load(self, url: str) -> bytes:
        """Hand zeep a file that was read before."""
        if url not in self.read:
            raise SchemaError(f"{url} is not part of the WSDL that was read")
        return self.read[url]

    def follow(self, location: str, path: tuple[str, ...]) -> None:
        """Read a file and all it refers to, depth first."""
        if location in path:
            raise SchemaError("WSDL import loop: " + " -> ".join(map(_name, (*path[path.index(location) :], location))))
        if location in self.read:
            return
        if urlparse(location)[:2] != self._origin:
            raise SchemaError(f"{_name(path[-1])} refers to {location}, outside the place the WSDL came from")
        if len(self.read) == _MOST_FILES:
            raise SchemaError(f"{path[0]} refers to more than {_MOST_FILES} files")
        self.read[location] = body = self._get(location)
        if sum(map(len, self.read.values())) > _MOST:
            raise SchemaError(f"{(*path, location)[0]} and what it refers to are larger than {_MOST >> 20} MiB")
        root = _parse(location, body, entry=not path)
        for tag, attribute in LINKS.items():
            for link in root.iter(tag):
                target = link.get(attribute)
                if target:
                    self.follow(_absolute(target, location), (*path, location))
        for simple in root.iter(f"{XSD}simpleType"):
            values = tuple(str(element.get("value")) for element in simple.iter(f"{XSD}enumeration"))
            self.enumerations[str(simple.get("name"))] = values

    def _get(self, location: str) -> bytes:
        try:
            if self._origin[0]:
                return self._fetch(location)
            with Path(location).open("rb") as file:
                body = file.read(_LARGEST + 1)
        except (OSError, ValueError) as error:
            raise SchemaError(f"cannot read {location}: {_one_line(error)}") from error
        if len(body) > _LARGEST:
            raise SchemaError(f"{location} is larger than {_LARGEST >> 20} MiB")
        return body


def _parse(location: str, body: bytes, *, entry: bool) -> Any:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise SchemaError(f"{location} is not XML: {error.msg}") from error
    info: Any = root.getroottree().docinfo
    if info.doctype:
        raise SchemaError(f"{location} is no WSDL: it declares a DTD")
    expected = (f"{_WSDL}definitions",) if entry else (f"{_WSDL}definitions", f"{XSD}schema")
    if root.tag not in expected:
        raise SchemaError(f"{location} is no WSDL: its root element is {root.tag}")
    return root


class _SamePlace(urllib.request.HTTPRedirectHandler):
    """Follows a redirect at the place that the user named; any other is refused before anything is sent there."""

    def redirect_request(  # urllib hands all of that over
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        """Make the request of a redirect. Raises SchemaError."""
        if urlparse(newurl)[:2] != urlparse(req.full_url)[:2]:
            fp.close()
            raise SchemaError(f"{req.full_url} was redirected to {newurl}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _download(url: str) -> bytes:
    """Read a URL that the user gave; a redirect to another place is refused."""
    try:
        with urllib.request.build_opener(_SamePlace).open(url, timeout=_SECONDS) as reply:
            body = bytes(reply.read(_LARGEST + 1))
    except urllib.error.HTTPError as error:
        error.close()  # it holds the reply, and with it the connection
        raise
    if len(body) > _LARGEST:
        raise SchemaError(f"{url} is larger than {_LARGEST >> 20} MiB")
    return body


def _name(location: str) -> str:
    return location.rsplit("/", 1)[-1]


def _one_line(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or getattr(error, "reason", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())
