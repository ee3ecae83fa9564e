"""A relay that carries bytes between clients and a server, and keeps what went each way on each connection."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from urllib.parse import urlsplit


class Relay:
    """Listens on loopback before a server; `streams` are what clients sent and what they got, a pair for each connection."""

    def __init__(self, behind: str) -> None:
        self.streams: list[tuple[bytearray, bytearray]] = []
        place = urlsplit(behind)
        self._behind = place.hostname or "", place.port or 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/sdk"
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop listening, and cut every connection."""
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._behind, 60)
                server.settimeout(None)
                kept = bytearray(), bytearray()
                self.streams.append(kept)
                self._open += [client, server]
                for source, sink, into in ((client, server, kept[0]), (server, client, kept[1])):
                    source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    threading.Thread(target=_carry, args=(source, sink, into), daemon=True).start()


def _carry(source: socket.socket, sink: socket.socket, into: bytearray) -> None:
    """Carry bytes one way until either side ends."""
    with suppress(OSError):
        while data := source.recv(1 << 16):
            into += data
            sink.sendall(data)
    for each in (source, sink):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
