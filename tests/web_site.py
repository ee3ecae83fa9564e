"""Web servers of this process on loopback, which answer as a test says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import pytest


class Page(NamedTuple):
    """What a server answers: status, content, and headers beside the content's length."""

    status: int = 200
    content: bytes = b""
    headers: Mapping[str, str] = {}


Answer = Callable[[str], Page]
"""Gives the page for a path."""


class WebSite:
    """A web server that answers each GET; `asked` are the paths in the order of the requests."""

    def __init__(self, answer: Answer) -> None:
        self.asked: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                site.asked.append(self.path)
                page = answer(self.path)
                self.send_response(page.status)
                for name, value in page.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(page.content)))
                self.end_headers()
                self.wfile.write(page.content)

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        self.url = f"{self.origin}/sdk"
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()


Serves = Callable[[Answer], WebSite]


@pytest.fixture
def serves() -> Iterator[Serves]:
    """Give a function that starts a server."""
    started: list[WebSite] = []

    def start(answer: Answer) -> WebSite:
        started.append(WebSite(answer))
        return started[-1]

    yield start
    for site in started:
        site.close()
