"""The command line in this process, and a web server that is no vCenter."""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar, NamedTuple

import pytest

from vcontract._cli import main


class Ended(NamedTuple):
    """How a command ended: exit code, and the lines that it wrote."""

    code: int
    out: list[str]
    err: list[str]


Command = Callable[..., Ended]


@pytest.fixture(autouse=True)
def _a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the passwords of earlier tests: a command hides those of its own process."""
    monkeypatch.setattr("vcontract._redaction._redactors", weakref.WeakSet())


@pytest.fixture
def vcontract(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Give a function that runs `vcontract` with some arguments as a shell would."""

    def run(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["vcontract", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        code = ended.value.code
        out, err = (each.splitlines() for each in told)
        # what a slow machine waits for is told, too
        err = [line for line in err if not line.startswith("reaching ")]
        return Ended(code if isinstance(code, int) else int(code is not None), out, err)

    return run


class _WebSite(BaseHTTPRequestHandler):
    """Answers everything with one page."""

    status: ClassVar[int] = 200
    page: ClassVar[bytes] = b"<html><body>Welcome!</body></html>"

    def do_GET(self) -> None:
        """Give the page."""
        self.send_response(self.status)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(self.page)))
        if self.status == 302:
            self.send_header("Location", "https://elsewhere.invalid/ui")
        self.end_headers()
        self.wfile.write(self.page)

    do_POST = do_GET  # noqa: N815 - the name that the base class calls

    def log_message(self, *_: object) -> None:
        """Say nothing."""


WebSite = Callable[..., str]


@pytest.fixture
def web_site() -> Iterator[WebSite]:
    """Give a function that starts a web server with a status and a page; it gives the URL."""
    started: list[tuple[HTTPServer, threading.Thread]] = []

    def start(status: int = 200, page: bytes = _WebSite.page) -> str:
        handler = type("Handler", (_WebSite,), {"status": status, "page": page})
        server = HTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        started.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server, thread in started:
        server.shutdown()
        thread.join()
        server.server_close()
