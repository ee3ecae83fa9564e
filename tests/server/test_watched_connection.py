"""What was lost on a connection: the end of the server, its silence, or the connection alone."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from functools import partial
from types import SimpleNamespace
from typing import cast

import pytest

from vcontract._client import Limits
from vcontract._client.wire import Connection, HttpReply, parse_url
from vcontract._server import StartedServer, WatchedConnection
from vcontract._terms import CRASHED, HUNG, SILENT, Lost

LIMITS = Limits(connect=60, exchange=0.3, back=0.0)
ANSWER = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
Answers = Callable[[int, socket.socket], None]


@pytest.fixture
def watched() -> Iterator[Callable[[Answers, str], WatchedConnection]]:
    """Give a function that connects to a server which answers connections by their number; it has ended, or not (empty)."""
    opened = list[socket.socket]()

    def connect(answers: Answers, ended: str) -> WatchedConnection:
        listener = socket.create_server(("127.0.0.1", 0))
        opened.append(listener)

        def serve() -> None:
            for number in range(10):
                try:
                    sock, _ = listener.accept()
                except OSError:
                    return
                opened.append(sock)  # one that is let go of would be closed
                answers(number, sock)

        threading.Thread(target=serve, daemon=True).start()
        endpoint = parse_url(f"http://127.0.0.1:{listener.getsockname()[1]}/sdk")
        server = SimpleNamespace(ended=lambda: ended, said=lambda: "last words")
        return WatchedConnection(partial(Connection, endpoint, None, LIMITS), cast("StartedServer", server))

    yield connect
    for each in opened:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)  # who waits at a listener that is only closed waits on
        each.close()


def cut(_: int, sock: socket.socket) -> None:
    """Close every connection."""
    sock.recv(1)
    sock.close()


def silent(_: int, __: socket.socket) -> None:
    """Say nothing on any."""


def once_silent(number: int, sock: socket.socket) -> None:
    """Say nothing on the first one alone."""
    if number:
        sock.recv(65536)
        sock.sendall(ANSWER)


@pytest.mark.parametrize(
    ("answers", "ended", "begins", "holds"),
    [
        (cut, "its process ended with status 2", f"{CRASHED}its process ended with status 2", "last words"),
        (cut, "", "", ""),
        (silent, "", f"{SILENT}{HUNG}", "last words"),
        (once_silent, "", HUNG, ""),
    ],
)
def test_what_was_lost_is_told(
    watched: Callable[[Answers, str], WatchedConnection], answers: Answers, ended: str, begins: str, holds: str
) -> None:
    """Only a process that ended has died, only a server that is silent on a fresh connection too hangs."""
    with closing(watched(answers, ended)) as connection:
        lost = connection.get("/sdk")
    assert isinstance(lost, Lost)
    assert lost.reason.startswith(begins)
    assert holds in lost.reason
    assert not (lost.reason.startswith((CRASHED, SILENT)) and not holds)


def test_what_is_answered_is_handed_on(watched: Callable[[Answers, str], WatchedConnection]) -> None:
    """With what the connection tells of itself; one that is to end asks nobody."""
    with closing(watched(lambda number, sock: once_silent(number + 1, sock), "ended")) as connection:
        assert isinstance(connection.get("/sdk"), HttpReply)
        assert connection.met
        connection.stopped = lambda: True
        assert connection.stopped()
    with closing(watched(cut, "ended")) as ending:
        ending.stopped = lambda: True
        lost = ending.get("/sdk")
    assert isinstance(lost, Lost)
    assert not lost.reason.startswith(CRASHED)
