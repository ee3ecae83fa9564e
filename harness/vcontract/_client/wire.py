"""HTTP/1.1 over one blocking keep-alive connection, with limits of time and size that no server can exceed.

It replaces http.client, whose time-outs are per read: a server that sends single bytes would block it for ever.
"""

from __future__ import annotations

import math
import socket
import ssl
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import httptools
import msgspec

from vcontract._client.proxy import Proxy, split_url, tunnel
from vcontract._client.trust import Trust, check, digest_of, tls_context, words_of
from vcontract._errors import UsageError
from vcontract._redaction import without_userinfo
from vcontract._terms import HUNG, UNSENT, Lost

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_CHUNK = 65536
_HEADS = 64
_OWN = frozenset({"host", "content-length", "transfer-encoding", "connection"})
"""Fields of a request that say where the next one begins, or whose it is."""
_PAUSE = 0.1
"""Seconds between two tries to reach a server that was there."""
_NAP, _GRACE = 0.25, 1.5
"""Seconds after which a wait looks whether it must end, and those that an exchange then still gets for its reply."""


class Endpoint(msgspec.Struct, frozen=True):
    """Where a target listens, taken from its URL; `path` is that of the SOAP service."""

    host: str
    port: int
    path: str
    secure: bool

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL again, in its normal form."""
        return f"{'https' if self.secure else 'http'}://{self.authority}{self.path}"


class Limits(msgspec.Struct, frozen=True):
    """Seconds for connecting (TLS included) and for a whole exchange; bytes for the head and the body of a reply.

    A server that was there and refuses connections is tried again for `back` seconds.
    """

    connect: float = 10.0
    exchange: float = 60.0
    back: float = 3.0
    head: int = 65536
    body: int = 64 * 1024 * 1024


class HttpReply(msgspec.Struct, frozen=True):
    """A whole reply; header names are in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """Give the first header of that name, or an empty text."""
        return next((value for field, value in self.headers if field == name), "")


class _UnusableError(Exception):
    """A reply that is no HTTP or beyond a limit; its text is the reason of the Lost."""


def parse_url(url: str) -> Endpoint:
    """Read the URL of a target; the path is `/sdk` if it has none. Raises UsageError."""
    try:
        parts, port = split_url(url)
    except ValueError as error:
        raise UsageError(f"{without_userinfo(url)!r} is no URL: {error}") from error
    if "@" in url:
        raise UsageError("the URL of the target holds a user name; give --username and --password-file instead")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(f"{url!r} is no URL of a target; expected http(s)://HOST[:PORT]/sdk")
    secure = parts.scheme == "https"
    path = parts.path.rstrip("/") or "/sdk"
    return Endpoint(parts.hostname, (443 if secure else 80) if port is None else port, path, secure)


class Connection:
    """A keep-alive connection; opened at the first request, and again when the server has closed it in between.

    `tls` are the settings that `trust` makes, if they are at hand. Nothing is ever sent twice: a failure after the first
    byte has left is a Lost. Not for several threads at once.
    `met`: the server has answered before, so that one that refuses to connect may be about to come back; `reused`: the last
    exchange was not the first of its connection, which may have been about to be closed. `stopped` lets one under way end.
    """

    over = ""
    """A server that is gone may come back."""

    def __init__(
        self,
        endpoint: Endpoint,
        trust: Trust | None = None,
        limits: Limits | None = None,
        proxy: Proxy | None = None,
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        trust = trust or Trust()
        self._endpoint = endpoint
        self._proxy = proxy
        self._tls = (tls or tls_context(trust)) if endpoint.secure else None
        self._digest = digest_of(trust.thumbprint)
        self._limits = limits or Limits()
        self._socket: socket.socket | None = None
        self.met = self.reused = False
        self.stopped: Callable[[], bool] = lambda: False
        self._heads: dict[tuple[str, ...], tuple[bytes, bytes]] = {}

    def get(self, path: str) -> HttpReply | Lost:
        """Fetch a document."""
        return self._exchange(_head("GET", path, {"Host": self._endpoint.authority}), b"", (), reusable=True)

    def post(
        self,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        pacing: tuple[float, ...] = (),
        seconds: float = math.inf,
    ) -> HttpReply | Lost:
        """Send a body; `headers` replace the own ones (Host, Content-Length), an empty value removes one.

        The exchange ends after `seconds` if they are fewer than the limit.

        With `Transfer-Encoding: chunked` among them the body goes in chunks, and without a length. `pacing` are pauses in
        seconds between the equal parts in which the body is sent.
        """
        replaced = {field.lower() for field in headers}
        if replaced.isdisjoint(_OWN):
            begin, end = self._usual(path, headers)
            return self._exchange(b"%b%d%b" % (begin, len(body), end), body, pacing, reusable=True, seconds=seconds)
        if {"Transfer-Encoding": "chunked"}.items() <= headers.items():
            body, headers = _chunked(body), {"Content-Length": "", **headers}
            replaced.add("content-length")
        own = {"host": self._endpoint.authority, "content-length": str(len(body))}
        fields = {name: value for name, value in own.items() if name not in replaced}
        fields |= {name: value for name, value in headers.items() if value}
        # With a length that is not the body's, the server cannot find where the next request begins.
        reusable = replaced.isdisjoint({"content-length", "transfer-encoding", "connection"})
        return self._exchange(_head("POST", path, fields), body, pacing, reusable=reusable, seconds=seconds)

    def _usual(self, path: str, headers: Mapping[str, str]) -> tuple[bytes, bytes]:
        """Give what stands before and behind the length in the head of a request; it is the same for many."""
        key = (path, *headers, *headers.values())
        known = self._heads.get(key)
        if known is None:
            if len(self._heads) >= _HEADS:
                self._heads.clear()
            begin = _head("POST", path, {"host": self._endpoint.authority, "content-length": ""})[:-4]
            rest = _head("", "", {name: value for name, value in headers.items() if value}).partition(b"\r\n")[2]
            known = self._heads[key] = (begin, b"\r\n" + rest)
        return known

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _exchange(
        self, head: bytes, body: bytes, pacing: tuple[float, ...], *, reusable: bool, seconds: float = math.inf
    ) -> HttpReply | Lost:
        seconds = min(self._limits.exchange, seconds)
        try:
            sock = self._ready(_Deadline(min(self._limits.back, seconds) if self.met else 0.0, self.stopped))
        except (OSError, ValueError) as error:  # ValueError: a host name that IDNA refuses
            return Lost(UNSENT + words_of(error))
        deadline = _Deadline(seconds, self.stopped)
        keep = False
        try:
            failure = _send(sock, head, body, pacing, deadline)
            reading = _Reading(self._limits)
            reply = reading.read(sock, deadline, failure)
            keep = reusable and reading.keep
        except TimeoutError:
            return Lost(f"{HUNG}{deadline.given:.3g} s")
        except OSError as error:
            return Lost(words_of(error))
        except _UnusableError as error:
            return Lost(str(error))
        else:
            self.met = True
            return reply
        finally:
            if not keep:
                self.close()

    def _ready(self, deadline: _Deadline) -> socket.socket:
        """Give an open connection; one that is refused is tried again as long as the deadline has it."""
        if self._socket is not None and not _idle(self._socket):
            self.close()
        self.reused = self._socket is not None
        while self._socket is None:
            try:
                self._socket = self._connect()
            except ConnectionRefusedError:
                if deadline.left() < _PAUSE:
                    raise
                time.sleep(_PAUSE)
        return self._socket

    def _connect(self) -> socket.socket:
        host, port, seconds = self._endpoint.host, self._endpoint.port, self._limits.connect
        if self._proxy is None:
            sock = socket.create_connection((host, port), seconds)
        else:
            sock = tunnel(self._proxy, host, port, seconds)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is None:
            return sock
        try:
            secured = self._tls.wrap_socket(sock, server_hostname=self._endpoint.host)
            sock = secured
            check(secured, self._digest)
        except BaseException:
            sock.close()
            raise
        return secured


def _idle(sock: socket.socket) -> bool:
    """Whether the server has neither closed the connection nor sent bytes without a request."""
    sock.settimeout(0)
    try:
        sock.recv(1)
    except (BlockingIOError, ssl.SSLWantReadError):
        return True
    except OSError:
        return False
    return False


def _head(method: str, path: str, fields: Mapping[str, str]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    safe = [line.replace("\r", " ").replace("\n", " ") for line in lines]
    return "\r\n".join([*safe, "\r\n"]).encode("latin-1", "replace")


def _chunked(body: bytes) -> bytes:
    """Frame a body as three chunks, the last of them short."""
    size = max(1, len(body) // 2)
    parts = [body[place : place + size] for place in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


class _Deadline:
    """The end of an exchange, `given` seconds from now; once `stopped`, what is left is at most `_GRACE`."""

    def __init__(self, given: float, stopped: Callable[[], bool]) -> None:
        self.given = given
        self._began, self._stopped, self._hurried = time.monotonic(), stopped, False

    def left(self) -> float:
        """Give the seconds that are left, 0 if none are."""
        passed = time.monotonic() - self._began
        if not self._hurried and self._stopped():
            self._hurried, self.given = True, min(self.given, passed + _GRACE)
        return max(0.0, self.given - passed)

    def nap(self) -> float:
        """Give the seconds after which whoever waits looks again. Raises TimeoutError if none are left."""
        if left := self.left():
            return min(left, _NAP)
        raise TimeoutError


def _received(sock: socket.socket, deadline: _Deadline) -> bytes:
    """Receive what comes next; raises OSError, TimeoutError at the deadline."""
    while True:
        sock.settimeout(deadline.nap())
        with suppress(TimeoutError):
            return sock.recv(_CHUNK)


def _send_all(sock: socket.socket, data: bytes, deadline: _Deadline) -> None:
    """Send all of it; raises OSError, TimeoutError at the deadline."""
    left = memoryview(data)
    while left:
        sock.settimeout(deadline.nap())
        with suppress(TimeoutError):
            left = left[sock.send(left) :]


def _send(
    sock: socket.socket, head: bytes, body: bytes, pacing: tuple[float, ...], deadline: _Deadline
) -> OSError | None:
    """Send head and body; returns a failure instead of raising it, as the server may have answered before it closed."""
    size = -(-len(body) // (len(pacing) + 1))
    try:
        _send_all(sock, head + body[: size if pacing else None], deadline)
        for number, pause in enumerate(pacing, 1):
            time.sleep(min(pause, deadline.left()))
            _send_all(sock, body[number * size : (number + 1) * size], deadline)
    except TimeoutError:
        raise
    except OSError as error:
        return error
    return None


class _Reading:
    """One reply as it arrives: the call-backs of httptools' parser, which only note what they saw."""

    def __init__(self, limits: Limits) -> None:
        self.keep = False
        self._limits = limits
        self._parser = httptools.HttpResponseParser(self)
        self._headers: list[tuple[str, str]] = []
        self._body: list[bytes] = []
        self._received = self._declared = self._size = self._status = 0
        self._in_body = self._until_close = self._complete = self._more = self._kept = False

    def read(self, sock: socket.socket, deadline: _Deadline, failure: OSError | None) -> HttpReply:
        """Read one reply; raises TimeoutError, OSError (`failure` if nothing came after it) and _UnusableError."""
        while not self._complete:
            try:
                data = _received(sock, deadline)
            except ConnectionError as error:
                raise failure or error from None
            if data:
                self._feed(data)
            elif self._in_body and self._until_close:
                self._complete = True
            elif failure is not None:
                raise failure
            else:
                raise _UnusableError(f"closed {'before the reply was whole' if self._received else 'without a reply'}")
        self.keep = not self._more and self._kept
        return HttpReply(self._status, tuple(self._headers), b"".join(self._body))

    def _feed(self, data: bytes) -> None:
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            raise _UnusableError("the server switches protocols") from None
        except httptools.HttpParserError as error:
            self._more = True
            if not self._complete:
                raise _UnusableError(f"not HTTP/1.1: {str(error).strip() or type(error).__name__}") from None
        if self._received > self._limits.head:
            head = self._received if not self._in_body else sum(len(name) + len(value) for name, value in self._headers)
            if head > self._limits.head:
                raise _UnusableError(f"the head of the reply exceeds {self._limits.head} bytes")
        # What chunking adds is bounded too, but not as tightly.
        body = max(self._declared, self._size, (self._received - self._limits.head) // 2)
        if body > self._limits.body:
            raise _UnusableError(f"the body of the reply exceeds {self._limits.body} bytes")

    def on_message_begin(self) -> None:
        self._more = self._complete

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._complete:
            self._headers.append((name.decode("latin-1").lower(), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        if self._complete:
            return
        fields = dict(self._headers)
        self._in_body, self._status = True, self._parser.get_status_code()  # a second reply would change the parser's
        self._until_close = "content-length" not in fields and "transfer-encoding" not in fields
        self._declared = int(fields.get("content-length") or 0)  # the parser has refused what is no number

    def on_body(self, body: bytes) -> None:
        if not self._complete:
            self._body.append(body)
            self._size += len(body)

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() < 200:
            self._headers.clear()
            self._in_body = False
        elif not self._complete:
            self._complete = True
            self._kept = self._parser.should_keep_alive()  # the parser has forgotten it afterwards
