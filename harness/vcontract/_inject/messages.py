"""Messages of HTTP, as the bytes that they are: what stands in one, and one in the place of another."""

from __future__ import annotations

import contextlib
import gzip
import io
import re
import zlib
from http.client import HTTPException, HTTPResponse
from typing import Any

from lxml import etree

from vcontract._simulator.standing_in import COOKIE

_SESSION = re.compile(rf'\r\n(?:set-)?cookie:[^\r\n]*?(?<=[:;\s]){COOKIE}="?([^";\s]*)'.encode(), re.IGNORECASE)
_FRAMED = re.compile(rb"\r\n(?:content-length|transfer-encoding):", re.IGNORECASE)
_CLOSES = re.compile(rb"\r\nconnection:[ \t]*close[ \t]*\r\n", re.IGNORECASE)
_PACKED = re.compile(rb"\r\n(?:transfer|content)-encoding:", re.IGNORECASE)
_HEADERS = re.compile(rb"\r\n([\w-]+):[ \t]*([^\r\n]*)")
_FAULT = re.compile(rb"<(?:[\w.-]+:)?detail[^>]*>\s*<(?:[\w.-]+:)?(\w+?)Fault[\s/>]")
_LONGEST = 1 << 28


def headers_of(raw: bytes) -> list[tuple[bytes, bytes]]:
    """List the headers of a message, names in lower case."""
    head = raw.partition(b"\r\n\r\n")[0]
    return [(name.lower(), value) for name, value in _HEADERS.findall(head)]


def header_of(raw: bytes, name: bytes) -> str:
    """Give the value of a header of a message; empty if it has none."""
    return next((value.decode("latin-1") for key, value in headers_of(raw) if key == name), "")


def cookie_in(raw: bytes) -> str:
    """Give the session's cookie that a message carries or sets; empty if none."""
    found = _SESSION.search(raw, 0, raw.find(b"\r\n\r\n") + 2)
    return found[1].decode("latin-1") if found else ""


def content(raw: bytes) -> bytes:
    """Give the body of a reply as it was before it was cut in chunks and packed; as much of it as can be read."""
    end = raw.find(b"\r\n\r\n")
    body = raw[end + 4 :] if end >= 0 else b""
    if not _PACKED.search(raw, 0, end + 2):
        return body
    packed = {key: value.strip().lower() for key, value in headers_of(raw)}
    if packed.get(b"transfer-encoding") == b"chunked":
        reply = HTTPResponse(_Bytes(raw))  # type: ignore[arg-type] # of a socket it needs the file alone
        with contextlib.suppress(HTTPException, OSError, ValueError):
            reply.begin()
            body = reply.read(_LONGEST)
    if packed.get(b"content-encoding") in {b"gzip", b"x-gzip"}:
        with contextlib.suppress(OSError, EOFError, zlib.error):
            body = gzip.GzipFile(fileobj=io.BytesIO(body)).read(_LONGEST)
    return body


class _Bytes:
    """What HTTPResponse takes for a socket."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def makefile(self, *_: Any) -> io.BytesIO:
        """Give the bytes as a file."""
        return io.BytesIO(self._raw)


def with_content(raw: bytes, body: bytes) -> bytes:
    """Give a reply with another body, plain and whole."""
    head = raw.partition(b"\r\n\r\n")[0]
    first = head.partition(b"\r\n")[0]
    dropped = {b"content-length", b"transfer-encoding", b"content-encoding"}
    kept = [(name, value) for name, value in _HEADERS.findall(head) if name.lower() not in dropped]
    lines = [first, *(name + b": " + value for name, value in kept), b"Content-Length: %d" % len(body)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def parsed(body: bytes) -> etree._Element | None:
    """Read a document; None if it is none. No entity is resolved."""
    try:
        return etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
    except (etree.XMLSyntaxError, ValueError):
        return None


def page(status: int, phrase: str, body: bytes, kind: str) -> bytes:
    """Write a reply of HTTP that is no SOAP, as of a proxy on the way."""
    head = f"HTTP/1.1 {status} {phrase}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def outcome_of(raw: bytes, body: bytes) -> str:
    """Say what a reply is: `returned`, the type of a fault, an HTTP status, or `lost`."""
    if not raw:
        return "lost"
    status = raw[9:12].decode("latin-1")
    fault = _FAULT.search(body) if b"Fault" in body else None
    if fault is not None:
        return fault[1].decode()
    return "returned" if status == "200" and b"Envelope" in body else f"HTTP {status}"


def ends(raw: bytes) -> bool:
    """Whether a connection ends behind a reply: the server says so, or its length is said by nothing else."""
    end = raw.find(b"\r\n\r\n") + 2
    framed = raw[9:12] in {b"204", b"304"} or _FRAMED.search(raw, 0, end) is not None
    return not framed or _CLOSES.search(raw, 0, end) is not None
