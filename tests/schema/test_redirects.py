"""A WSDL at a URL: whatever its server answers, no other server hears of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.web_site import Page, Serves, WebSite, serves
from vcontract._errors import SchemaError
from vcontract._schema import load
from vcontract._shipped import shipped

__all__ = ["serves"]
API = "8.0.3.0"
Pages = dict[str, tuple[int, str]]
Serve = Callable[[Pages], WebSite]


@pytest.fixture
def serve(serves: Serves) -> Serve:
    """Give a function that starts a server of a shipped set below /sdk, but for pages that are a status with a place."""

    def start(pages: Pages) -> WebSite:
        def answer(path: str) -> Page:
            if path in pages:
                status, place = pages[path]
                return Page(status, headers={"Location": place})
            return Page(content=(shipped("wsdl") / API / path.rpartition("/")[2]).read_bytes())

        return serves(answer)

    return start


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
