"""Splits the bytes of a connection into whole requests and whole replies, byte for byte."""

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
    """The base of requests and replies; `odd` says that the bytes cannot be split from here on."""

    def __init__(self) -> None:
        self.odd = False
        self._raw = b""
        self._whole = 0

    @property
    def partial(self) -> bytes:
        """The bytes so far of a message that is not whole yet."""
        return self._raw

    def take(self) -> bytes:
        """Give the bytes so far of a message, and begin the next."""
        raw, self._raw, self._whole = self._raw, b"", 0
        return raw

    def _feed(self, parser: object, data: bytes) -> bool:
        """Take bytes; whether a message is whole now. More bytes behind it are odd."""
        self._raw += data
        try:
            parser.feed_data(data)  # type: ignore[attr-defined] # httptools has no types
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.odd = True
        return self._whole > 0

    def on_message_begin(self) -> None:
        """Note that a message follows a whole one, which is odd."""
        self.odd = self.odd or self._whole > 0


class Requests(_Framing):
    """Splits the requests of one connection.

    One with `Expect: 100-continue` is odd, for only the server may answer that, unless whoever splits them `continues`; then
    `waits` says that the client of a request wants to be told to go on.
    """

    def __init__(self, *, continues: bool = False) -> None:
        super().__init__()
        self.waits, self._continues = False, continues
        self._parser = httptools.HttpRequestParser(self)

    def feed(self, data: bytes) -> Request | None:
        """Take bytes; gives the request that they complete, else None."""
        if not self._feed(self._parser, data) or self.odd:
            return None
        raw, verb = self.take(), self._parser.get_method().decode("latin-1")
        method, vm = _METHOD.search(raw), _VM.search(raw)
        return Request(
            raw, verb, time.monotonic(), method[1].decode() if method else "", vm[1].decode("latin-1") if vm else ""
        )

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note a header `Expect`, which is odd or waits."""
        del value
        if name.lower() == b"expect":
            self.odd, self.waits = self.odd or not self._continues, self._continues

    def on_message_complete(self) -> None:
        """Note the end of a message."""
        self._whole += 1


class Replies(_Framing):
    """Splits the replies on one connection; interim replies (1xx) are part of the final one behind them."""

    def __init__(self) -> None:
        super().__init__()
        self._parser = httptools.HttpResponseParser(self)
        self._bodiless = False

    def feed(self, data: bytes, verb: str) -> bytes | None:
        """Take bytes that answer a request of an HTTP verb; gives the reply that they complete, else None."""
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
        """Note the end of a reply that has no body."""
        self._whole += self._bodiless

    def on_message_complete(self) -> None:
        """Note the end of a message."""
        self._whole += not self._bodiless and self._parser.get_status_code() >= 200
