"""A server that answers each call with stored bytes, by the name of its method; a process of its own."""

from __future__ import annotations

import json
import re
import socket
import sys
import threading
from pathlib import Path

_METHOD = re.compile(rb"Body[^>]*>\s*<(?:\w+:)?(\w+)")
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def answer(sock: socket.socket, replies: dict[bytes, bytes]) -> None:
    """Answer the requests of one connection until it is closed."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    data = b""
    while more := sock.recv(1 << 20):
        data += more
        end = data.find(b"\r\n\r\n") + 4
        length = _LENGTH.search(data, 0, end) if end > 4 else None
        if length is not None and len(data) >= end + int(length[1]):
            method = _METHOD.search(data, end)
            sock.sendall(replies[method[1] if method else b""])
            data = b""


def main(stored: Path) -> None:
    """Listen on loopback, print the port, and serve until the process is ended; the file is a JSON object, method to reply."""
    kept = json.loads(stored.read_text("utf-8"))
    replies = {method.encode(): reply.encode() for method, reply in kept.items()}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=answer, args=(sock, replies), daemon=True).start()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
