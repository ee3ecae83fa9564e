"""The socket: HTTP as clients send it, well and badly; start, stop, TLS."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import signal
import socket
import ssl
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from vcontract._errors import UsageError
from vcontract._simulator import Settings, SimulatorServer
from vcontract._simulator.http1 import MAX_BODY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BODY = (
    b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
    b'<RetrieveServiceContent xmlns="urn:vim25"><_this type="ServiceInstance">ServiceInstance</_this>'
    b"</RetrieveServiceContent></e:Body></e:Envelope>"
)
HEAD = b'POST /sdk HTTP/1.1\r\nHost: x\r\nSOAPAction: "urn:vim25/8.0.3.0"\r\n'
POST = HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY


@pytest.fixture(scope="module")
def server() -> Iterator[SimulatorServer]:
    """Serve one simulator for this file."""
    with SimulatorServer(Settings()) as running:
        yield running


@pytest.fixture
def client(server: SimulatorServer) -> Iterator[socket.socket]:
    """Connect to it."""
    with socket.create_connection(("127.0.0.1", port_of(server.url)), timeout=60) as connected:
        yield connected


def port_of(url: str) -> int:
    """Take the port from a URL."""
    return int(url.rpartition(":")[2].partition("/")[0])


def replies(client: socket.socket, count: int) -> list[tuple[int, bytes]]:
    """Read so many replies: status and body."""
    found = []
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(client.makefile("rb"))
        for _ in range(count):
            status = int(file.readline().split()[1])
            headers = dict(line.decode().rstrip().lower().split(": ", 1) for line in iter(file.readline, b"\r\n"))
            found.append((status, file.read(int(headers.get("content-length", "0")))))
    return found


def test_a_reply_has_the_headers_of_real_ones(server: SimulatorServer) -> None:
    """Content type, cache control and length are as recorded; the connection stays open."""
    connection = http.client.HTTPConnection("127.0.0.1", port_of(server.url), timeout=60)
    for _ in range(2):
        connection.request("POST", "/sdk", BODY, {"SOAPAction": "urn:vim25/8.0.3.0"})
        reply = connection.getresponse()
        assert reply.status == 200
        assert reply.getheader("content-type") == "text/xml; charset=utf-8"
        assert reply.getheader("cache-control") == "no-cache"
        assert b"RetrieveServiceContentResponse" in reply.read()
    connection.close()


def test_pipelined_requests_are_answered_in_order(client: socket.socket) -> None:
    """Several requests in one packet, and one in many, are all answered."""
    broken = POST.replace(b"</e:Body>", b"</e:Bodi>")
    client.sendall(POST + broken + POST)
    assert [status for status, _ in replies(client, 3)] == [200, 500, 200]
    for part in (POST[:20], POST[20:100], POST[100:]):
        client.sendall(part)
    assert replies(client, 1)[0][0] == 200


def test_a_chunked_body_is_taken(client: socket.socket) -> None:
    """Transfer coding chunked makes the same request."""
    halves = (BODY[:50], BODY[50:])
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(half), half) for half in halves)
    client.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")
    assert replies(client, 1)[0][0] == 200


def test_a_client_that_expects_to_continue_is_told_so(client: socket.socket) -> None:
    """100 Continue comes before the body is sent."""
    client.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(BODY))
    assert client.recv(100).startswith(b"HTTP/1.1 100 ")
    client.sendall(BODY)
    assert replies(client, 1)[0][0] == 200


BAD = {
    b"nonsense\r\n\r\n": 400,
    b"POST /sdk HTTP/1.1\r\nContent-Length: x\r\n\r\n": 400,
    HEAD + b"Content-Length: %d\r\n\r\n" % (MAX_BODY + 1): 413,
    HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n": 400,
    b"POST /sdk HTTP/1.1\r\nX: " + b"a" * 70_000: 431,
    b"GET /nowhere HTTP/1.1\r\nConnection: close\r\n\r\n": 404,
    b"GET /sdk/../secret HTTP/1.1\r\nConnection: close\r\n\r\n": 404,
    b"POST /elsewhere HTTP/1.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n": 404,
    b"DELETE /sdk HTTP/1.1\r\nConnection: close\r\n\r\n": 405,
    b"POST /sdk HTTP/1.0\r\nContent-Length: 0\r\n\r\n": 500,
}


@pytest.mark.parametrize(("sent", "status"), BAD.items())
def test_what_is_no_good_request_is_answered_and_the_connection_ends(
    client: socket.socket, sent: bytes, status: int
) -> None:
    """Every refusal is a status, never a silent drop; behind it the connection is closed."""
    client.sendall(sent)
    assert replies(client, 1)[0][0] == status
    assert client.recv(1) == b""


def test_the_version_document_and_the_wsdl_are_served(
    server: SimulatorServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They lie under /sdk/; HEAD gives the length only, and nothing else of the folder can be reached."""
    (tmp_path / "8.0.3.0").mkdir()
    (tmp_path / "8.0.3.0" / "vim-types.xsd").write_text("<schema/>")
    (tmp_path / "8.0.3.0" / "notes.txt").write_text("no")
    monkeypatch.setattr("vcontract._simulator.dispatch.shipped", lambda kind: tmp_path if kind == "wsdl" else None)
    connection = http.client.HTTPConnection("127.0.0.1", port_of(server.url), timeout=60)

    def get(path: str, method: str = "GET") -> tuple[int, bytes]:
        connection.request(method, path)
        reply = connection.getresponse()
        return reply.status, reply.read()

    assert get("/sdk/vimServiceVersions.xml")[1].count(b"urn:vim25") == 1
    assert get("/sdk/vim-types.xsd") == (200, b"<schema/>")
    assert get("/sdk/vim-types.xsd", "HEAD") == (200, b"")
    assert [get(f"/sdk/{name}")[0] for name in ("notes.txt", "none.xsd", "", "a/vim-types.xsd")] == [404] * 4
    connection.close()


def test_clients_at_once_are_served(server: SimulatorServer) -> None:
    """Connections that are slow or break off in the middle hold up nobody."""
    port = port_of(server.url)
    slow = [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(5)]
    for each in slow:
        each.sendall(POST[:100])
    with socket.create_connection(("127.0.0.1", port), timeout=60) as quick:
        quick.sendall(POST)
        assert replies(quick, 1)[0][0] == 200
    slow[0].close()
    for each in slow[1:]:
        each.sendall(POST[100:])
        assert replies(each, 1)[0][0] == 200
        each.close()


def test_tls_is_verified_with_the_simulators_authority() -> None:
    """A client that trusts `ca_file` connects; one that does not refuses; the file goes with the server."""
    with SimulatorServer(Settings(tls=True)) as running:
        assert running.url.startswith("https://127.0.0.1:")
        assert running.ca_file is not None
        trusting = ssl.create_default_context(cafile=running.ca_file)
        connection = http.client.HTTPSConnection("127.0.0.1", port_of(running.url), context=trusting, timeout=60)
        connection.request("GET", "/sdk/vimServiceVersions.xml")
        assert connection.getresponse().status == 200
        connection.close()
        doubting = http.client.HTTPSConnection("127.0.0.1", port_of(running.url), timeout=60)
        with pytest.raises(ssl.SSLCertVerificationError):
            doubting.request("GET", "/sdk/vimServiceVersions.xml")
        doubting.close()
    assert not running.ca_file.exists()


def test_bad_settings_are_the_users_mistake(server: SimulatorServer) -> None:
    """A taken port and an unknown version are told in one line, by the thread that asked."""
    with pytest.raises(UsageError, match="cannot listen on port"):
        SimulatorServer(Settings(port=port_of(server.url))).start()
    with pytest.raises(UsageError, match=r"API version 1\.2 is unknown"):
        SimulatorServer(Settings(api="1.2")).start()


def test_stopping_ends_the_waiting_and_is_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stopped server waits for nobody, even while clients hold connections; stopping twice does no harm."""
    running = SimulatorServer(Settings()).start()
    held = socket.create_connection(("127.0.0.1", port_of(running.url)), timeout=60)
    held.sendall(POST)
    assert replies(held, 1)[0][0] == 200
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def remembered(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(seconds)

    monkeypatch.setattr(asyncio, "sleep", remembered)
    running.stop()
    running.stop()
    assert not any(pauses)
    with contextlib.suppress(ConnectionResetError):
        assert held.recv(1) == b""
    held.close()
    assert not any(
        thread.name == "vcontract-simulator" and thread is running._thread for thread in threading.enumerate()
    )


FOREGROUND = (
    "from vcontract._simulator import Settings, serve_forever\n"
    "serve_forever(Settings(), on_ready=lambda url: print(url, flush=True))\n"
)


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_the_foreground_stops_cleanly_on_a_signal(name: Any) -> None:
    """It prints where it listens, and leaves with 0 and without a traceback."""
    command = [sys.executable, "-c", FOREGROUND]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:  # noqa: S603 - our own text
        assert process.stdout is not None
        assert process.stderr is not None
        url = process.stdout.readline().decode().strip()
        with socket.create_connection(("127.0.0.1", port_of(url)), timeout=60) as connected:
            connected.sendall(POST)
            assert replies(connected, 1)[0][0] == 200
            process.send_signal(name)
            assert process.wait(10) == 0
        assert process.stderr.read() == b""
