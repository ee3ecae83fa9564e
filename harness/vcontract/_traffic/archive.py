"""Reads an HTTP archive (HAR 1.2), as browsers, mitmproxy and `run --output har=` write it, entry by entry.

What an entry holds is taken as it is: nothing is fetched, nothing of it is executed, and no text of it names a file.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from vcontract._client.wire import HttpReply
from vcontract._errors import UsageError

LARGEST = 1 << 28
"""Bytes of a file, and of a body, at most, once they are unpacked."""
_GZIP = b"\x1f\x8b"
_MAGIC_BITS = 47
"""What zlib calls a stream of gzip or zlib, by its own header."""


class Exchange(msgspec.Struct, frozen=True):
    """A request and its reply (None: there is none), by the number of the entry, from 1; times in seconds since the first."""

    entry: int
    start: float
    end: float
    headers: tuple[tuple[str, str], ...]
    request: bytes
    reply: HttpReply | None


class Archive(msgspec.Struct, frozen=True):
    """What a file holds: the exchanges that were POSTs, by time; `other` entries, and for each that is damaged a line."""

    exchanges: tuple[Exchange, ...]
    entries: int
    damaged: tuple[str, ...] = ()


class _Pair(msgspec.Struct):
    name: str = ""
    value: str = ""


class _Posted(msgspec.Struct):
    text: str = ""
    encoding: str = ""


class _Request(msgspec.Struct):
    method: str = ""
    headers: list[_Pair] = []
    posted: _Posted | None = msgspec.field(name="postData", default=None)


class _Content(msgspec.Struct):
    text: str | None = None
    encoding: str = ""
    kind: str = msgspec.field(name="mimeType", default="")


class _Response(msgspec.Struct):
    status: int = 0
    headers: list[_Pair] = []
    content: _Content = msgspec.field(default_factory=_Content)


class _Entry(msgspec.Struct):
    started: str = msgspec.field(name="startedDateTime", default="")
    time: float | None = None
    request: _Request = msgspec.field(default_factory=_Request)
    response: _Response | None = None


class _Log(msgspec.Struct):
    entries: list[msgspec.Raw]


class _Har(msgspec.Struct):
    log: _Log


def read_archive(file: Path) -> Archive:
    """Read a file, which may be packed by gzip. Raises UsageError, in one line, if it is none; not for a damaged entry."""
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST + 1)
    except OSError as error:
        raise UsageError(f"--calls {file}: cannot be read: {error.strerror}") from error
    try:
        content = _unpacked(content)
        entries = msgspec.json.decode(content, type=_Har).log.entries
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--calls {file}: no HTTP archive (HAR): {_short(error)}") from error
    found: list[tuple[datetime, float, Exchange]] = []
    damaged: list[str] = []
    for number, raw in enumerate(entries, 1):
        try:
            entry = msgspec.json.decode(raw, type=_Entry)
            if entry.request.method.upper() == "POST" and entry.request.posted is not None:
                found.append(_exchange(number, entry))
        except (ValueError, RecursionError) as error:
            damaged.append(f"entry {number} cannot be read: {_short(error)}")
    return Archive(_by_time(found), len(entries), tuple(damaged))


def _by_time(found: list[tuple[datetime, float, Exchange]]) -> tuple[Exchange, ...]:
    """Put exchanges in the order of their beginnings, with times since the first."""
    ordered = sorted(found, key=lambda each: (each[0], each[2].entry))
    placed = []
    for began, took, exchange in ordered:
        start = (began - ordered[0][0]).total_seconds()
        placed.append(msgspec.structs.replace(exchange, start=start, end=start + took))
    return tuple(placed)


def _exchange(number: int, entry: _Entry) -> tuple[datetime, float, Exchange]:
    """Give when an entry began, how long it took, and its exchange, whose times are not set yet. Raises ValueError."""
    began = datetime.fromisoformat(entry.started)
    began = began if began.tzinfo is not None else began.replace(tzinfo=UTC)
    posted = entry.request.posted
    assert posted is not None
    headers = tuple((pair.name.lower(), pair.value) for pair in entry.request.headers)
    body = _body(posted.text, posted.encoding)
    return began, max(entry.time or 0.0, 0.0) / 1000, Exchange(number, 0.0, 0.0, headers, body, _reply(entry.response))


def _reply(response: _Response | None) -> HttpReply | None:
    if response is None or not response.status or response.content.text is None:
        return None  # it was cut, or its body was not kept
    headers = tuple((pair.name.lower(), pair.value) for pair in response.headers)
    if "content-type" not in dict(headers):  # many tools keep the type beside the body alone
        headers = (*headers, ("content-type", response.content.kind or "text/xml"))
    return HttpReply(response.status, headers, _body(response.content.text, response.content.encoding))


def _body(text: str, encoding: str) -> bytes:
    """Give the bytes of a body. Raises ValueError."""
    if encoding.lower() != "base64":
        return text.encode("utf-8", "surrogatepass")
    return _unpacked(base64.b64decode(text, validate=True))


def _unpacked(content: bytes) -> bytes:
    """Unpack bytes if they are packed by gzip. Raises ValueError."""
    if content.startswith(_GZIP):
        unpacking = zlib.decompressobj(_MAGIC_BITS)
        try:
            content = unpacking.decompress(content, LARGEST + 1)
        except zlib.error as error:
            raise ValueError(f"packed by gzip, and damaged: {error}") from error
        if not unpacking.eof and len(content) <= LARGEST:
            raise ValueError("packed by gzip, and cut")
    if len(content) > LARGEST:
        raise ValueError(f"larger than {LARGEST >> 20} MiB")
    return content


def _short(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deep"
    if isinstance(error, binascii.Error):
        return f"no base64: {error}"
    return " ".join(str(error).split())[:200]
