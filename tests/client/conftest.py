"""A server on loopback that plays a script; it shares nothing with what it tests."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import pytest

Step = bytes | Callable[[socket.socket], None]


class ScriptedServer:
    """Plays one script a connection: for each step it reads a request, then sends the bytes or lets the function act.

    After its last step a connection is closed. `requests` holds the raw requests in the order of their arrival.
    """

    def __init__(self, *scripts: Sequence[Step], host: str = "127.0.0.1", tls: Any = None) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self._scripts = scripts
        self._tls = tls
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        self.port = self._listener.getsockname()[1]
        self.url = f"http{'s' if tls else ''}://{f'[{host}]' if ':' in host else host}:{self.port}/sdk"
        self._open: list[socket.socket] = []
        self._players: list[threading.Thread] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening, and end what is still open."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for sock in self._open:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in (self._thread, *self._players):
            thread.join(60)

    def _run(self) -> None:
        for script in self._scripts:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                break
            self.connections += 1
            self._open.append(plain)
            player = threading.Thread(target=self._play, args=(script, plain), daemon=True)
            self._players.append(player)
            player.start()
        self._listener.close()

    def _play(self, script: Sequence[Step], plain: socket.socket) -> None:
        secured = self._tls.wrap_socket if self._tls else lambda sock, **_: sock
        with suppress(OSError), plain, secured(plain, server_side=True) as sock:
            for step in script:
                request = _read_request(sock)
                if not request:
                    return
                self.requests.append(request)
                if isinstance(step, bytes):
                    sock.sendall(step)
                else:
                    step(sock)


def _read_request(sock: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        more = sock.recv(65536)
        if not more:
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    while len(body) < int(fields.get(b"content-length", b"0")):
        more = sock.recv(65536)
        if not more:
            break
        body += more
    return head + b"\r\n\r\n" + body


@pytest.fixture
def scripted() -> Iterator[Callable[..., ScriptedServer]]:
    """Start scripted servers, and stop them after the test."""
    started: list[ScriptedServer] = []

    def start(*scripts: Sequence[Step], **options: Any) -> ScriptedServer:
        started.append(ScriptedServer(*scripts, **options))
        return started[-1]

    yield start
    for each in started:
        each.close()
