"""A WSDL at a URL: whatever its server answers, no other server hears of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from vcontract.errors import SchemaError
from vcontract.schema import load
from vcontract.shipped import shipped

API = "8.0.3.0"
Pages = dict[str, tuple[int, str]]
Serve = Callable[[Pages], "Site"]


class Site:
    """A web server on loopback that serves a shipped set below /sdk, and `pages` as a status with a place."""

    def __init__(self, pages: Pages) -> None:
        self.asked: list[str] = []
        self.pages = pages
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                status, place = site.pages.get(self.path, (200, ""))
                self.send_response(status)
                if place:
                    self.send_header("Location", place)
                self.end_headers()
                if status == 200:
                    self.wfile.write((shipped("wsdl") / API / self.path.rpartition("/")[2]).read_bytes())

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Give a function that starts a site."""
    started: list[Site] = []

    def start(pages: Pages) -> Site:
        started.append(Site(pages))
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_server_is_not_followed(status: int, serve: Serve) -> None:
    """The error names both; the other server hears nothing, whether the first file or a later one points to it."""
    other = serve({})
    for page in ("/sdk/vimService.wsdl", "/sdk/vim-types.xsd"):
        site = serve({page: (status, f"{other.origin}{page}")})
        with pytest.raises(SchemaError, match=f"was redirected to {other.origin}") as caught:
            load(f"{site.origin}/sdk/vimService.wsdl")
        assert "\n" not in str(caught.value)
    assert other.asked == []


@pytest.mark.parametrize(
    "place", ["file:///etc/passwd", "ftp://127.0.0.1:1/x", "//user:word@127.0.0.1:1/x", "gopher://x"]
)
def test_a_redirect_to_something_else_is_refused(place: str, serve: Serve) -> None:
    """A file, another protocol, the same host by another name or port."""
    site = serve({"/sdk/vimService.wsdl": (302, place)})
    with pytest.raises(SchemaError):
        load(f"{site.origin}/sdk/vimService.wsdl")
    assert site.asked == ["/sdk/vimService.wsdl"]


def test_a_redirect_at_the_same_place_is_followed(serve: Serve) -> None:
    """A server may have moved its files."""
    site = serve({"/sdk/vimService.wsdl": (302, "/new/vimService.wsdl")})
    assert load(f"{site.origin}/sdk/vimService.wsdl").api_version == API
