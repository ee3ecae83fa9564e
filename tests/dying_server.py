"""A server that dies: it hands every request on to one that does not, until something kills it; the standard library is enough.

    python dying_server.py PORT BEHIND WHAT ARGUMENT

WHAT is one of these:
    nth:METHOD   at the ARGUMENTth call of that method
    text         at a request that holds ARGUMENT
    two:METHOD   at a call of another session than the one that called it first
    later        once it has answered a request that holds ARGUMENT
    once         at the first abort, unless there is a file named ARGUMENT, which is then made
    hang         never: from a request that holds ARGUMENT on it answers nobody
    cut          never: it cuts each ARGUMENTth request, as a proxy does
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import sys
import threading

COOKIE = re.compile(rb"vmware_soap_session=([^;\r\n]+)")
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Doom:
    """Counts what was asked, and says when it is time."""

    def __init__(self, what: str, argument: str) -> None:
        self.kind, _, method = what.partition(":")
        self.call, self.argument = method.encode(), argument
        self.seen, self.first, self.lock = 0, b"", threading.Lock()
        self.silent = False

    def is_due(self, head: bytes, body: bytes) -> bool:
        """Take a request; whether it is the last one."""
        with self.lock:
            if self.kind == "nth":
                self.seen += self.call in body
                return self.call in body and self.seen == int(self.argument)
            if self.kind == "two" and self.call in body:
                cookie = COOKIE.search(head)
                who = cookie[1] if cookie else b""
                self.first = self.first or who
                return bool(who) and who != self.first
            if self.kind == "once":
                due = b"AbortCustomization_Task" in body and not os.path.exists(self.argument)  # noqa: PTH110 - starts quickly
                if due:
                    os.close(os.open(self.argument, os.O_CREAT))
                return due
            if self.kind == "cut":
                self.seen += 1
                return self.seen % int(self.argument) == 0
            return self.kind != "two" and self.argument.encode() in body


def whole(sock: socket.socket, data: bytes) -> tuple[bytes, bytes, bytes]:
    """Read one message; gives its head, its body, and what came after it."""
    while b"\r\n\r\n" not in data:
        data += received(sock)
    head, _, data = data.partition(b"\r\n\r\n")
    if b"100-continue" in head and not data:
        sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    length = LENGTH.search(head)
    if b"chunked" in head.lower() and not length:
        while not data.endswith(b"0\r\n\r\n"):
            data += received(sock)
        return head, data, b""
    size = int(length[1]) if length else 0
    while len(data) < size:
        data += received(sock)
    return head, data[:size], data[size:]


def received(sock: socket.socket) -> bytes:
    """Receive what comes next; EOFError if nothing does."""
    data = sock.recv(65536)
    if not data:
        raise EOFError
    return data


def serve(sock: socket.socket, behind: tuple[str, int], doom: Doom) -> None:
    """Hand on the requests of one connection."""
    rest = left = b""
    with contextlib.suppress(OSError, EOFError), sock, socket.create_connection(behind) as server:
        while True:
            head, body, rest = whole(sock, rest)
            if b"100-continue" in head:
                head = re.sub(rb"(?i)\r\nexpect:[^\r]*", b"", head)
            due = doom.is_due(head, body)
            doom.silent = doom.silent or (due and doom.kind == "hang")
            if due and doom.kind == "cut":
                return
            if due and doom.kind not in {"later", "hang"}:
                die(body)
            if doom.silent:
                threading.Event().wait()
            server.sendall(head + b"\r\n\r\n" + body)
            answer, content, left = whole(server, left)
            sock.sendall(answer + b"\r\n\r\n" + content)
            if due:
                die(body)


def die(body: bytes) -> None:
    """Print why, as a server does that was not made for it, and end."""
    print("panic: runtime error: invalid memory address", body[-40:], flush=True)  # noqa: T201 - what a server prints is looked at
    os._exit(2)


def main() -> None:
    """Serve until the end."""
    port, (host, _, number) = int(sys.argv[1]), sys.argv[2].rpartition(":")
    doom = Doom(sys.argv[3], sys.argv[4])
    with socket.create_server(("127.0.0.1", port)) as listener:
        print("ready", flush=True)  # noqa: T201 - same
        while True:
            sock, _ = listener.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=serve, args=(sock, (host, int(number)), doom), daemon=True).start()


if __name__ == "__main__":
    main()
