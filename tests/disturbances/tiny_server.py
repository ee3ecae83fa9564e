"""A tiny server that speaks HTTP and remembers what reached it, and raw clients of it."""

from __future__ import annotations

import socket
import threading
import time

from tests.byte_listener import ByteListener

BODY = b'<Body><%s><_this type="VirtualMachine">vm-7</_this></%s></Body>'


class TinyServer:
    """Answers each request with its number and its body; `seen` are the bodies in the order in which they came, with times."""

    def __init__(self, *, padding: int = 0) -> None:
        self.seen: list[tuple[float, bytes]] = []
        self.connections = 0
        self.pauses: list[float] = []
        self._padding = b"." * padding
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._listener = ByteListener(self._serve)
        self.port, self.url = self._listener.port, self._listener.url

    @property
    def bodies(self) -> list[bytes]:
        """What reached it."""
        return [each for _, each in self.seen]

    def close(self) -> None:
        """Stop."""
        self._listener.close()
        for each in self._open:
            each.close()

    def _serve(self, sock: socket.socket) -> None:
        with self._lock:
            self.connections += 1
            self._open.append(sock)
        with sock:
            while True:
                try:
                    body = receive(sock, self.pauses)
                    if body is None:
                        return
                    self.seen.append((time.monotonic(), body))
                    told = b"%d %s%s" % (len(self.seen), body, self._padding)
                    sock.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(told), told))
                except OSError:
                    return


def receive(sock: socket.socket, pauses: list[float] | None = None) -> bytes | None:
    """Read one message with a length; gives its body, None if there is none. Notes the pauses between its pieces."""
    data = b""
    while b"\r\n\r\n" not in data or len(data) < _whole(data):
        before = time.monotonic()
        more = sock.recv(65536)
        if not more:
            return None
        if data and pauses is not None:
            pauses.append(time.monotonic() - before)
        data += more
    return data.partition(b"\r\n\r\n")[2]


def _whole(data: bytes) -> int:
    head = data.partition(b"\r\n\r\n")[0].lower()
    length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
    return len(head) + 4 + length


class RawClient:
    """A client with one connection, made of a socket and bytes."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), 60)

    def ask(self, body: bytes) -> bytes | None:
        """Send a request and give the body of the reply; None if the connection was closed. OSError if it was reset."""
        self.sock.sendall(b"POST /sdk HTTP/1.1\r\nHost: x\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
        return receive(self.sock)

    def call(self, method: str) -> bytes | None:
        """Send a request that looks like a call of a method on a VM."""
        name = method.encode()
        return self.ask(BODY % (name, name))

    def close(self) -> None:
        """Close it."""
        self.sock.close()
