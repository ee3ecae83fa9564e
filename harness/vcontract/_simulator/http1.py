"""HTTP/1.1 as the simulator speaks it: the request and reply values, and the parser of one connection's bytes."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

import httptools

MAX_BODY = 16 * 1024 * 1024
MAX_HEAD = 64 * 1024

XML_TYPE = "text/xml; charset=utf-8"
_PHRASES = {int(status): status.phrase for status in HTTPStatus}


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    """Give the value of a Date header, which is the same for a second."""
    return formatdate(second, usegmt=True)


@dataclass(frozen=True)
class Request:
    """The head of a request; header names in lower case, of repeated headers the last."""

    method: str
    target: str
    headers: dict[str, str] = field(default_factory=dict)
    peer: str = "127.0.0.1"
    keep_alive: bool = True


@dataclass(frozen=True)
class Reply:
    """A whole reply; `close` ends the connection behind it, `cut` in its place: nothing of it is sent."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = XML_TYPE
    close: bool = False
    cut: bool = False

    def encode(self, *, close: bool = False) -> bytes:
        """Give the bytes as they go over the wire."""
        further = "".join(f"{name}: {value}\r\n" for name, value in self.headers)
        if close or self.close:
            further += "connection: close\r\n"
        head = (
            f"HTTP/1.1 {self.status} {_PHRASES[self.status]}\r\n"
            f"date: {_date(int(time.time()))}\r\n"
            "cache-control: no-cache\r\n"
            f"content-type: {self.content_type}\r\n"
            f"content-length: {len(self.body)}\r\n"
            f"{further}\r\n"
        )
        return head.encode("latin-1") + self.body


class BadRequest(Exception):  # noqa: N818 - named for what the reply says
    """The bytes are no usable HTTP request; `reply` says so, and the connection ends with it."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.reply = Reply(status, close=True, content_type="text/plain")


class RequestParser:
    """Turns the bytes of one connection into requests, in order; keep-alive, pipelining and chunked bodies included.

    After `feed`, `complete` holds the finished requests and `interim` bytes to send at once (100 Continue).
    """

    def __init__(self, peer: str) -> None:
        self._peer = peer
        self._parser = httptools.HttpRequestParser(self)
        self.complete: list[tuple[Request, bytes]] = []
        self.interim = b""
        self._oversize = False
        self._begin()

    def feed(self, data: bytes) -> None:
        """Take bytes from the wire; raises BadRequest (400 not HTTP, 413 body too big, 431 head too big)."""
        finished = len(self.complete)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            raise BadRequest(501) from None
        except httptools.HttpParserError:
            raise BadRequest(413 if self._oversize else 400) from None
        if (
            not self._in_body and len(self.complete) == finished
        ):  # else the data were a body's, or a new head's beginning
            self._head_size += len(data)
            if self._head_size > MAX_HEAD:
                raise BadRequest(431)

    def _begin(self) -> None:
        self._target = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._size = 0
        self._head_size = 0
        self._in_body = False

    # httptools calls these by name.
    def on_message_begin(self) -> None:
        """Start a request."""
        self._begin()

    def on_url(self, url: bytes) -> None:
        """Take a part of the target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Judge the head: an announced body that is too big is refused unread."""
        self._in_body = True
        announced = self._headers.get("content-length", "0")
        if announced.isdigit() and int(announced) > MAX_BODY:
            self._refuse()
        elif self._headers.get("expect", "").lower() == "100-continue":
            self.interim += b"HTTP/1.1 100 Continue\r\n\r\n"

    def on_body(self, part: bytes) -> None:
        """Take a part of the body."""
        self._size += len(part)
        if self._size > MAX_BODY:
            self._refuse()
        self._body.append(part)

    def on_message_complete(self) -> None:
        """Finish a request."""
        head = Request(
            self._parser.get_method().decode("latin-1"),
            self._target.decode("latin-1"),
            self._headers,
            self._peer,
            self._parser.should_keep_alive(),
        )
        self.complete.append((head, b"".join(self._body)))
        self._in_body = False
        self._head_size = 0

    def _refuse(self) -> None:
        self._oversize = True
        raise BadRequest(413)  # httptools turns it into an error of its own; `feed` tells them apart
