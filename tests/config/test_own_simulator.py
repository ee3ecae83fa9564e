"""Only vcontract's own simulator, at an address of this machine, gets the built-in configuration."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from vcontract._client import Limits, Trust
from vcontract._config import own_simulator
from vcontract._config.config import LOOPBACK, Config, config_for, is_built_in
from vcontract._config.own_simulator import is_loopback_address, is_our_simulator, way_to_accounts
from vcontract._config.request import RunRequest
from vcontract._run.preparation import Preparation
from vcontract._run.start import configured
from vcontract._simulator import Settings, SimulatorServer
from vcontract._simulator.versions import Versions

RECORDED = (Path(__file__).parent.parent / "recordings" / "02_RetrieveServiceContent_vc802_v8020.xml").read_bytes()
MARKED = Versions(Settings.api).document
PLAIN = MARKED.replace(own_simulator.MARK.encode(), b"urn:vim2x")
NAMED = RECORDED.replace(b"</fullName>", b" (vcontract simulator)</fullName>")


class Stranger(ThreadingHTTPServer):
    """A server of somebody else on this machine; `asked` are the requests that it got, with all that came in them."""

    daemon_threads = True

    def __init__(self, document: tuple[int, bytes], content: tuple[int, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.document, self.content = document, content
        self.asked: list[tuple[str, str, str, bytes]] = []
        self.url = f"http://127.0.0.1:{self.server_port}/sdk"

    def handle_error(self, *_: object) -> None:
        """Say nothing when a client hangs up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Stranger

    def do_GET(self) -> None:
        """Give the version document."""
        self._note(b"")
        self._reply(*self.server.document)

    def do_POST(self) -> None:
        """Give one envelope."""
        self._note(self.rfile.read(int(self.headers["Content-Length"])))
        self._reply(*self.server.content)

    def _note(self, body: bytes) -> None:
        self.server.asked.append((self.command, self.path, str(self.headers), body))

    def _reply(self, status: int, body: bytes) -> None:
        self.send_response_only(status)
        if status in {301, 302, 307, 308}:
            self.send_header("Location", body.decode())
            body = b""
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def stranger(document: tuple[int, bytes] = (200, PLAIN), content: tuple[int, bytes] = (200, RECORDED)) -> Iterator[Any]:
    """Start a stranger's server."""
    server = Stranger(document, content)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_only_a_literal_address_counts_as_this_machine() -> None:
    """A name never does, however much it looks like one: who answers for a name is for others to say."""
    for host in ("127.0.0.1", "127.1.2.3", "127.255.255.254", "[::1]", "[0:0:0:0:0:0:0:1]"):
        assert is_loopback_address(f"https://{host}:8989/sdk"), host
    for host in (
        "localhost", "127.evil.example", "127.0.0.1.evil.example", "127.1", "2130706433", "0x7f.0.0.1", "0.0.0.1",
        "10.0.0.1", "[::]", "[::2]", "[::ffff:127.0.0.1]", "[::1%25eth0]", "localhost.", "127.0.0.1.", "vc.example",
    ):  # fmt: skip
        assert not is_loopback_address(f"http://{host}:8989/sdk"), host
    assert not is_loopback_address("no url at all")


def test_our_simulator_gets_the_built_in_configuration(tmp_path: Path) -> None:
    """Over TLS too, if its certificate is accepted; a file wins over it, and so do the options."""
    with SimulatorServer() as server:
        assert config_for(server.url, None) is LOOPBACK
        assert configured(RunRequest(target=server.url)) == LOOPBACK
        own = configured(RunRequest(target=server.url, username="me"), Preparation(password="mine-alone")).account
        assert [account.username for account in own][:1] == ["me"]
        file = tmp_path / "vcontract.toml"
        file.write_text('owner = "me"')
        assert config_for(server.url, file) == Config(owner="me")
    with SimulatorServer(Settings(tls=True)) as server:
        assert config_for(server.url, None) == Config()
        assert config_for(server.url, None, insecure=True) is LOOPBACK
        assert is_our_simulator(server.url, Trust(ca_file=str(server.ca_file)))


@pytest.mark.parametrize(
    ("document", "content"),
    [
        ((200, PLAIN), (200, RECORDED)),
        ((200, PLAIN), (200, NAMED)),
        ((200, MARKED), (200, RECORDED)),
        ((404, MARKED), (200, NAMED)),
        ((200, MARKED), (500, NAMED)),
        ((200, MARKED), (200, b"<x>(vcontract simulator)</x>")),
        ((200, b"<!DOCTYPE namespaces>" + MARKED), (200, NAMED)),
        ((200, b"urn:vcontract-simulator"), (200, NAMED)),
        ((200, b""), (200, b"")),
    ],
)
def test_a_stranger_on_this_machine_gets_nothing_built_in(
    document: tuple[int, bytes], content: tuple[int, bytes]
) -> None:
    """A forwarded vCenter, another simulator: what does not say both is asked without a login, and gets what options say."""
    with stranger(document, content) as server:
        assert configured(RunRequest(target=server.url)) == Config()
        given = configured(RunRequest(target=server.url, username="me"), Preparation(password="mine-alone"))
        assert [(account.username, account.password) for account in given.account] == [("me", "mine-alone")]
        assert (given.guest, given.lever, given.hosts) == ((), (), ())
        everything = repr(server.asked)
    assert not any(word in everything for word in ("Login", "Cookie", "Authorization", "mine-alone", "administrator"))


def test_a_server_that_says_both_is_taken_for_ours() -> None:
    """So the strangers above are told from ours by what they say, and by nothing else."""
    with stranger((200, MARKED), (200, NAMED)) as server:
        assert config_for(server.url, None) is LOOPBACK


def test_no_redirect_is_followed() -> None:
    """Who points to our simulator is not our simulator."""
    with SimulatorServer() as ours, stranger((302, f"{ours.url}/vimServiceVersions.xml".encode())) as server:
        assert config_for(server.url, None) == Config()
        assert [path for _, path, _, _ in server.asked] == ["/sdk/vimServiceVersions.xml"]


def test_the_question_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A document of more than a megabyte is not read, and no server holds the question up for longer than its limit."""
    with stranger((200, MARKED + b" " * (2 << 20)), (200, NAMED)) as server:
        assert config_for(server.url, None) == Config()
    monkeypatch.setattr(own_simulator, "LIMITS", Limits(connect=0.5, exchange=0.5, back=0.0))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        assert config_for(f"http://127.0.0.1:{silent.getsockname()[1]}/sdk", None) == Config()
        assert time.monotonic() - began < 5.0


def test_a_target_elsewhere_is_not_even_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """No name is looked up and no connection is made to find out."""

    def never(*_: object, **__: object) -> None:
        raise AssertionError("asked")

    monkeypatch.setattr(own_simulator, "Connection", never)
    for host in ("localhost", "127.evil.example", "vc.example", "10.0.0.1", "127.0.0.1.evil.example"):
        assert config_for(f"http://{host}:8989/sdk", None) == Config()


def test_who_gets_nothing_is_told_the_way_out() -> None:
    """For a name of this machine that is the address; elsewhere an account."""
    assert "--config" not in way_to_accounts("https://vc.example/sdk")
    assert way_to_accounts("https://vc.example/sdk").startswith("use --username and --password-file, or an [[account]]")
    assert "give its address, http://127.0.0.1:8989/sdk" in way_to_accounts("http://localhost:8989/sdk")
    assert "does not show to be vcontract's own simulator" in way_to_accounts("http://127.0.0.1:8989/sdk")


def test_an_account_that_is_equal_is_not_built_in() -> None:
    """It is a user's, whose password is a secret even if it is the same word."""
    full = LOOPBACK.account[0]
    same = type(full)(full.role, full.username, full.password)
    assert same == full
    assert (is_built_in(full), is_built_in(same)) == (True, False)


def test_what_is_reported_late_is_believed_to_be_so() -> None:
    """The built-in configuration allows for the lateness that the simulator has unless it is told otherwise."""
    assert 0 < Settings().report_time < LOOPBACK.staleness
