"""A listener for servers of tests that speak bytes: each connection is served by a function, in a thread of its own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable


class ByteListener:
    """Listens at a free port of 127.0.0.1 (`port`, `url`) and gives each connection to `serve`."""

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        self._serve = serve
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/sdk"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop listening; a second call does nothing."""
        if self._listener.fileno() >= 0:
            self._listener.shutdown(socket.SHUT_RDWR)  # a thread that waits in accept does not see a mere close
            self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()
