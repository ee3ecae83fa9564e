"""`wsdl fetch`: what a server serves is taken as it is, becomes a set that a run can use, and nothing else is asked for."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from tests.web_site import Page, Serves, WebSite, serves
from vcontract._commands.wsdl_fetch import fetch_wsdl
from vcontract._errors import HarnessError, SchemaError, TargetError
from vcontract._schema import load
from vcontract._shipped import shipped

__all__ = ["serves"]
API = "8.0.3.0"
SERVICE = "/sdk/vimService.wsdl"
IMPORT = b'<definitions xmlns="http://schemas.xmlsoap.org/wsdl/"><import location="%s"/></definitions>'
Serve = Callable[[dict[str, bytes]], WebSite]


@pytest.fixture
def serve(serves: Serves) -> Serve:
    """Give a function that starts a server of some documents; it lacks all others."""

    def start(documents: dict[str, bytes]) -> WebSite:
        return serves(lambda path: Page(content=documents[path]) if path in documents else Page(404))

    return start


def whole_set(folder: str = "/sdk/") -> dict[str, bytes]:
    """Give a shipped set as a server would serve it."""
    return {folder + each.name: each.read_bytes() for each in (shipped("wsdl") / API).iterdir()}


@pytest.mark.parametrize("path", ["", "/vimService.wsdl"])
def test_a_set_is_taken_as_it_is_served(path: str, serve: Serve, tmp_path: Path) -> None:
    """Every file, byte for byte, each asked for once or, the first, twice; a run can use it."""
    site = serve(whole_set())
    out = tmp_path / "new" / "set"
    assert fetch_wsdl(site.url + path, out) == (API, 9)
    assert {f"/sdk/{each.name}": each.read_bytes() for each in out.iterdir()} == whole_set()
    assert sorted(set(site.asked)) == sorted(whole_set())
    assert len(site.asked) == 10
    assert load(out).operations.keys() == load(API).operations.keys()


def test_files_refer_to_each_other_by_name_afterwards(serve: Serve, tmp_path: Path) -> None:
    """Folders, whole URLs and names that two files share become plain names of files beside each other."""
    documents = whole_set()
    types = documents.pop("/sdk/vim-types.xsd")
    site = serve(documents)
    documents |= {"/sdk/types/core-types.xsd": types.replace(b'schemaLocation="', b'schemaLocation="../')}
    whole = f"http://127.0.0.1:{site.server.server_port}/sdk/types/core-types.xsd".encode()
    for name, text in documents.items():
        documents[name] = text.replace(b'"vim-types.xsd"', b'"' + whole + b'"')
    assert fetch_wsdl(site.url, tmp_path) == (API, 9)
    assert {"core-types.xsd", "2-core-types.xsd"} <= {each.name for each in tmp_path.iterdir()}
    assert set(load(tmp_path).types) == set(load(API).types)
    assert whole not in b"".join(each.read_bytes() for each in tmp_path.iterdir())


@pytest.mark.parametrize(
    ("documents", "kind", "said"),
    [
        ({}, TargetError, "serves no WSDL: vimService.wsdl has status 404, vim.wsdl has status 404"),
        ({SERVICE: b"<html>Welcome!</html>"}, TargetError, "serves no WSDL: vimService.wsdl is something else"),
        ({SERVICE: IMPORT % b"vim.wsdl"}, TargetError, "/sdk/vim.wsdl cannot be fetched: status 404"),
        ({SERVICE: IMPORT % b"http://elsewhere.invalid/vim.wsdl"}, SchemaError, "outside the place the WSDL came from"),
        ({SERVICE: IMPORT % b"file:///etc/passwd"}, SchemaError, "outside the place the WSDL came from"),
        ({SERVICE: IMPORT % b"//elsewhere.invalid/x"}, SchemaError, "outside the place the WSDL came from"),
        ({SERVICE: IMPORT % b"vimService.wsdl"}, SchemaError, "import loop"),
        (
            {SERVICE: IMPORT % b"a b&#13;&#10;GET /owned HTTP/1.1&#13;&#10;&#13;&#10;"},
            TargetError,
            "cannot be fetched: status 4",
        ),
        ({SERVICE: b"<definitions>"}, SchemaError, "is not XML"),
        ({SERVICE: b"<!DOCTYPE definitions [<!ENTITY a 'b'>]>" + IMPORT % b"&a;"}, SchemaError, "declares a DTD"),
        ({SERVICE: (IMPORT % b"x").replace(b'<import location="x"/>', b"")}, SchemaError, "cannot be used"),
        (
            {
                f"/sdk/{name}": IMPORT % f"{number + 1}.wsdl".encode()
                for number in range(80)
                for name in (f"{number}.wsdl",)
            }
            | {SERVICE: IMPORT % b"0.wsdl"},
            SchemaError,
            "refers to more than 64 files",
        ),
    ],
)
def test_what_is_no_set_is_said_in_one_line_and_leaves_nothing(
    documents: dict[str, bytes], kind: type[HarnessError], said: str, serve: Serve, tmp_path: Path
) -> None:
    """Nothing outside the place is asked for, and no folder is made."""
    site = serve(documents)
    with pytest.raises(kind) as raised:
        fetch_wsdl(site.url, tmp_path / "out")
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "out").exists()
    assert all(each.startswith("/sdk/") for each in site.asked)


def test_a_certificate_is_verified_unless_told_otherwise(serve: Serve, tmp_path: Path) -> None:
    """As everywhere: a CA file, or `insecure`."""
    authority = trustme.CA()
    site = serve(whole_set())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    site.server.socket = context.wrap_socket(site.server.socket, server_side=True)
    url, known = site.url.replace("http:", "https:"), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(known)
    with pytest.raises(TargetError, match="certificate not trusted"):
        fetch_wsdl(url, tmp_path / "out")
    assert fetch_wsdl(url, tmp_path / "one", ca_file=known) == (API, 9)
    assert fetch_wsdl(url, tmp_path / "two", insecure=True) == (API, 9)


def test_nobody_listens(tmp_path: Path, serve: Serve) -> None:
    """Exit code 3, as for every target that is not there."""
    site = serve({})
    site.server.server_close()
    with pytest.raises(TargetError, match="cannot be reached: ") as raised:
        fetch_wsdl(site.url, tmp_path)
    assert raised.value.exit_code == 3
