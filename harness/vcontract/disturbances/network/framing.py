"""Cuts the bytes of a connection into whole requests and whole replies, as they came: nothing is changed on the way."""

from __future__ import annotations

import re
import time

import httptools
import msgspec

_METHOD = re.compile(rb"<(?:[\w.-]+:)?Body[^>]*>\s*<(?:[\w.-]+:)?([\w.-]{1,128})")
_VM = re.compile(rb'type\s*=\s*["\']VirtualMachine["\'][^>]*>\s*([^<>\s]{1,128})\s*<')


class Request(msgspec.Struct, frozen=True):
    """A whole request: bytes, HTTP verb, when it was whole (monotonic seconds), SOAP method, the first VM that it names."""

    raw: bytes
    verb: str
    received: float
    method: str = ""
    vm: str = ""


class _Framing:
    """What requests and replies have in common: `odd` says that the bytes are not to be understood, from now on."""

    def __init__(self) -> None:
        self.odd = False
        self._raw = b""
        self._whole = 0

    @property
    def partial(self) -> bytes:
        """What came of a message that is not whole yet."""
        return self._raw

    def take(self) -> bytes:
        """Give what came of a message, and begin the next."""
        raw, self._raw, self._whole = self._raw, b"", 0
        return raw

    def _feed(self, parser: object, data: bytes) -> bool:
        """Whether a message is whole now; what follows it in the same bytes is odd."""
        self._raw += data
        try:
            parser.feed_data(data)  # type: ignore[attr-defined] # httptools has no types
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.odd = True
        return self._whole > 0

    def on_message_begin(self) -> None:
        """Notice a message behind a whole one."""
        self.odd = self.odd or self._whole > 0


class Requests(_Framing):
    """The requests of one connection. One that waits to be told to go on is odd: it is not this side that tells it."""

    def __init__(self) -> None:
        super().__init__()
        self._parser = httptools.HttpRequestParser(self)

    def feed(self, data: bytes) -> Request | None:
        """Take bytes; gives the request that they make whole."""
        if not self._feed(self._parser, data) or self.odd:
            return None
        raw, verb = self.take(), self._parser.get_method().decode("latin-1")
        method, vm = _METHOD.search(raw), _VM.search(raw)
        return Request(
            raw, verb, time.monotonic(), method[1].decode() if method else "", vm[1].decode("latin-1") if vm else ""
        )

    def on_header(self, name: bytes, value: bytes) -> None:
        """Notice a request that waits."""
        del value
        self.odd = self.odd or name.lower() == b"expect"

    def on_message_complete(self) -> None:
        """Notice the end."""
        self._whole += 1


class Replies(_Framing):
    """The replies on one connection; those that only say that the request may go on belong to the one behind them."""

    def __init__(self) -> None:
        super().__init__()
        self._parser = httptools.HttpResponseParser(self)
        self._bodiless = False

    def feed(self, data: bytes, verb: str) -> bytes | None:
        """Take bytes that answer a request of an HTTP verb; gives the reply that they make whole."""
        self._bodiless = verb == "HEAD"
        whole = self._feed(self._parser, data)
        if whole and self._bodiless:
            self._parser = httptools.HttpResponseParser(self)  # this one still waits for the body
        return self.take() if whole and not self.odd else None

    @property
    def status(self) -> int:
        """The HTTP status of the last reply."""
        return int(self._parser.get_status_code())

    def on_headers_complete(self) -> None:
        """Notice the end of a reply that has a head alone."""
        self._whole += self._bodiless

    def on_message_complete(self) -> None:
        """Notice the end."""
        self._whole += not self._bodiless and self._parser.get_status_code() >= 200
