"""The gate: it listens on loopback, carries whole requests to a server and whole replies back, byte for byte."""

from __future__ import annotations

import contextlib
import errno
import select
import socket
import struct
import threading
from collections.abc import Callable
from ipaddress import ip_address

import msgspec

from vcontract._client import Trust
from vcontract._client.offered import advice
from vcontract._client.trust import check, digest_of, tls_context, words_of
from vcontract._client.wire import Endpoint
from vcontract._disturbances.network.framing import Replies, Request, Requests
from vcontract._errors import TargetError, UsageError
from vcontract._inject.messages import ends

_CHUNK = 1 << 16
_CONNECT = 10.0
_TLS = 0x16
"""The first byte of a TLS connection."""
_RESET = struct.pack("ii", 1, 0)


class Sent(msgspec.Struct, frozen=True):
    """What a client gets: bytes, whether the connection ends behind them, and whether with a reset."""

    raw: bytes
    close: bool = False
    reset: bool = False


def passed_on(raw: bytes) -> Sent:
    """Give a server's reply as it is; the connection ends behind one that the server ended."""
    return Sent(raw, close=ends(raw))


Ask = Callable[[bytes], bytes]
"""Sends a request to the server, once, and gives its whole reply; empty: there was none."""
Gone = Callable[[], bool]
"""Whether the client has closed its connection."""
Act = Callable[[Request, Ask, Gone], Sent]
"""Says what a client gets for a request."""


class Line:
    """A connection to the server behind; opened when it is needed, and again if the server closed it in between.

    What is under way ends when the `client` is gone; without one it is waited for.
    """

    def __init__(self, server: Endpoint, trust: Trust, client: socket.socket | None = None) -> None:
        self._server, self._trust, self._client = server, trust, client
        self._tls = tls_context(trust) if server.secure else None
        self._sock: socket.socket | None = None
        self._replies = Replies()

    def ask(self, raw: bytes, verb: str) -> bytes:
        """Send a request and give the whole reply; empty if the server gives none, or nobody waits for it any more."""
        try:
            sock = self._ready()
            sock.sendall(raw)
            return self._reply(sock, verb)
        except OSError:
            self.close()
            return b""

    def cut(self) -> None:
        """End what is under way; by another thread than the one that asks."""
        if self._sock is not None:
            with contextlib.suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection."""
        if self._sock is not None:
            self._sock.close()
        self._sock, self._replies = None, Replies()

    def _ready(self) -> socket.socket:
        if self._sock is not None and _readable(self._sock):
            self.close()  # the server closed it, or speaks unasked: nothing is sent on it
        if self._sock is None:
            self._sock = connect(self._server, self._trust, self._tls)
        return self._sock

    def _reply(self, sock: socket.socket, verb: str) -> bytes:
        while True:
            if not _pending(sock):
                ready = _wait(sock) if self._client is None else _wait(sock, self._client)
                if sock.fileno() not in ready:
                    if self._client is not None and _ended(self._client):
                        self.close()
                        return b""
                    _wait(sock)  # the client sends its next request before it has this one's reply
            data = sock.recv(_CHUNK)
            if not data:
                rest = self._replies.partial
                self.close()
                return rest
            whole = self._replies.feed(data, verb)
            if whole is not None:
                return whole
            if self._replies.odd:
                rest = self._replies.partial
                self.close()
                return rest


def connect(server: Endpoint, trust: Trust, tls: object = None) -> socket.socket:
    """Connect to a server. Raises OSError."""
    sock = socket.create_connection((server.host, server.port), _CONNECT)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if server.secure:
        context = tls_context(trust) if tls is None else tls
        sock = context.wrap_socket(sock, server_hostname=server.host)  # type: ignore[attr-defined] # an SSLContext
        check(sock, digest_of(trust.thumbprint))
    sock.settimeout(None)
    return sock


def check_reached(server: Endpoint, trust: Trust) -> None:
    """Connect once, and send nothing. Raises TargetError."""
    try:
        connect(server, trust).close()
    except OSError as error:
        why = words_of(error)
        raise TargetError(f"{server.url}: {why}{advice(why)}") from error


class Gate:
    """Listens, and serves each connection in a thread of its own until `close`.

    `tell` gets a line for people, about what no client can be told. UsageError: it may not or cannot listen there.
    """

    def __init__(self, place: str, server: Endpoint, trust: Trust, act: Act, tell: Callable[[str], None]) -> None:
        self._server, self._trust, self._act, self._tell = server, trust, act, tell
        self._listener = _listening(place)
        host, port = self._listener.getsockname()[:2]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{port}{server.path}"
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._said_tls = False
        self._thread = threading.Thread(target=self._accept, name="vcontract-gate", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening, and cut every connection."""
        with self._lock:
            for each in (self._listener, *self._open):
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError as error:
                if error.errno in {errno.EMFILE, errno.ENFILE, errno.ECONNABORTED}:
                    continue
                return
            with self._lock:
                self._open.add(sock)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        line = Line(self._server, self._trust, sock)
        with contextlib.suppress(OSError), sock, contextlib.closing(line):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._talk(sock, line)
        with self._lock:
            self._open.discard(sock)

    def _talk(self, sock: socket.socket, line: Line) -> None:
        requests, first = Requests(continues=True), True
        while data := sock.recv(_CHUNK):
            if first and data[0] == _TLS:
                self._spoke_tls()
                return
            first = False
            request = requests.feed(data)
            if requests.odd:
                sock.sendall(_BAD)
                return
            if request is None:
                if requests.waits:
                    sock.sendall(_CONTINUE)
                    requests.waits = False
                continue
            requests.waits = False
            verb = request.verb

            def ask(raw: bytes, verb: str = verb) -> bytes:
                return line.ask(raw, verb)

            sent = self._act(request, ask, lambda: _ended(sock))
            sock.sendall(sent.raw)
            if sent.reset:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            if sent.close:
                return

    def _spoke_tls(self) -> None:
        if not self._said_tls:
            self._said_tls = True
            self._tell(f"a client speaks TLS to {self.url}, which is plain http: give it this URL as it stands")


_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_BAD = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def _listening(place: str) -> socket.socket:
    """Listen at `127.0.0.1:PORT` or `[::1]:PORT`. Raises UsageError."""
    host, _, port = place.rpartition(":")
    bare = host.strip("[]")
    try:
        loopback = ip_address(bare).is_loopback
        number = int(port)
    except ValueError:
        raise UsageError(f"--listen {place}: expected 127.0.0.1:PORT, or [::1]:PORT") from None
    if not loopback:
        raise UsageError(f"--listen {place}: only this machine itself may reach it; use 127.0.0.1:{number}")
    if not 0 <= number <= 65535:
        raise UsageError(f"--listen {place}: {number} is no port")
    family = socket.AF_INET6 if ":" in bare else socket.AF_INET
    try:
        return socket.create_server((bare, number), family=family, backlog=256)
    except OSError as error:
        why = "the port is taken; use another one, or 0 for any" if error.errno == errno.EADDRINUSE else error.strerror
        raise UsageError(f"--listen {place}: {why}") from error


def _pending(sock: socket.socket) -> bool:
    """Whether TLS has bytes that were received and not read."""
    return bool(getattr(sock, "pending", lambda: 0)())


def _readable(sock: socket.socket) -> bool:
    return bool(_wait(sock, most=0))


def _wait(*socks: socket.socket, most: int | None = None) -> set[int]:
    """Wait until one of some sockets can be read, `most` milliseconds at most; gives the numbers of those."""
    poll = select.poll()  # select itself knows no descriptor beyond 1,024
    for each in socks:
        poll.register(each, select.POLLIN)
    return {number for number, _ in poll.poll(most)}


def _ended(sock: socket.socket) -> bool:
    """Whether the other side has closed a connection; takes nothing from it."""
    try:
        return not sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
