"""A lean client, started by bench_simulator.py: sends requests that are ready as bytes, on many connections at once.

It gets its orders as JSON on its standard input: `port`, `seconds`, and for each connection the list of its requests, of
which it sends one after the other, each when the one before is answered, again and again. It reads of a reply no more than
its status and where it ends. It prints how many were answered, and how long that took; with `--once` the first reply's body.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time
from itertools import cycle


class Connection:
    """One keep-alive connection: what it sends, and how much of a reply it has."""

    def __init__(self, port: int, requests: list[str]) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._requests = cycle([request.encode() for request in requests])
        self._reply = b""
        self._whole = 0

    def send(self) -> None:
        """Send the next request."""
        self._reply, self._whole = b"", 0
        self.sock.sendall(next(self._requests))

    def receive(self) -> bool:
        """Take what has come; whether that ends a reply. ValueError for a reply that is no success."""
        data = self.sock.recv(1 << 18)
        if not data:
            raise ValueError("the server hung up")
        self._reply = self._reply + data if self._reply else data
        if self._whole == 0:
            self._whole = _length(self._reply)
        return len(self._reply) >= self._whole if self._whole > 0 else self._reply.endswith(b"\r\n0\r\n\r\n")

    @property
    def body(self) -> str:
        """The body of the reply, as it came."""
        return self._reply.partition(b"\r\n\r\n")[2].decode()


def _length(reply: bytes) -> int:
    """Give the length of a whole reply by its head; 0 if the head is not all there, -1 if it comes in chunks."""
    end = reply.find(b"\r\n\r\n")
    if end < 0:
        return 0
    if not reply.startswith(b"HTTP/1.1 200 "):
        raise ValueError(reply.decode("utf-8", "replace"))
    head = reply[:end].lower()
    place = head.find(b"\r\ncontent-length:")
    return -1 if place < 0 else end + 4 + int(head[place + 17 :].split(b"\r\n", 1)[0])


def _only_reply(connection: Connection) -> str:
    connection.send()
    while not connection.receive():
        pass
    return connection.body


def main() -> None:
    """Send for so many seconds, and tell what came of it."""
    orders = json.load(sys.stdin)
    poller = select.epoll()
    connections: dict[int, Connection] = {}
    for requests in orders["connections"]:
        connection = Connection(orders["port"], requests)
        connections[connection.sock.fileno()] = connection
        poller.register(connection.sock, select.EPOLLIN)
    if "--once" in sys.argv:
        sys.stdout.write(_only_reply(connection))
        return
    begun = time.perf_counter()
    end = begun + orders["seconds"]
    for connection in connections.values():
        connection.send()
    answered = 0
    while (now := time.perf_counter()) < end:
        for descriptor, _ in poller.poll():
            connection = connections[descriptor]
            if connection.receive():
                answered += 1
                connection.send()
    sys.stdout.write(json.dumps({"answered": answered, "seconds": now - begun, "processor": time.process_time()}))


if __name__ == "__main__":
    main()
