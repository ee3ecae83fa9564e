"""A proxy on the way: only the one that is configured, by CONNECT, and whatever it says is one line."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
import trustme

from vcontract._client.proxy import Proxy, parse_proxy
from vcontract._client.trust import Trust
from vcontract._client.wire import Connection, HttpReply, Limits, parse_url
from vcontract._errors import UsageError
from vcontract._terms import Lost

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 2\r\n\r\nok"
PATIENT = Limits(connect=60, exchange=60)
HASTY = Limits(connect=1, exchange=60)
UNANSWERED = "did not answer connect"
Scripted = Callable[..., Any]


class Relay:
    """A proxy that knows CONNECT alone; `asked` are the heads that it was sent. With an `answer` it refuses everything."""

    def __init__(self, answer: bytes = b"") -> None:
        self.asked: list[bytes] = []
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.proxy = Proxy("127.0.0.1", self._listener.getsockname()[1])
        self._open = [self._listener]
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def _start(self, does: Callable[..., None], *arguments: Any) -> None:
        self._threads.append(threading.Thread(target=does, args=arguments, daemon=True))
        self._threads[-1].start()

    def close(self) -> None:
        """End it."""
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join(60)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._open.append(client)
                self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError):
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += client.recv(1)
            self.asked.append(head)
            if self._answer:
                client.sendall(self._answer)
                client.shutdown(socket.SHUT_RDWR)
                return
            host, _, port = head.split()[1].decode().rpartition(":")
            behind = socket.create_connection((host.strip("[]"), int(port)))
            self._open.append(behind)
            client.sendall(b"HTTP/1.1 200 Connection established\r\nVia: relay\r\n\r\n")
            self._start(_pass_on, behind, client)
            _pass_on(client, behind)


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def relay() -> Iterator[Callable[..., Relay]]:
    """Start proxies, and end them after the test."""
    started: list[Relay] = []

    def start(answer: bytes = b"") -> Relay:
        started.append(Relay(answer))
        return started[-1]

    yield start
    for each in started:
        each.close()


def test_what_is_said_goes_through_the_tunnel(scripted: Scripted, relay: Callable[..., Relay]) -> None:
    """Plain HTTP: one CONNECT, then a connection like any other, kept alive."""
    server, through = scripted([OK, OK]), relay()
    line = Connection(parse_url(server.url), None, PATIENT, through.proxy)
    for _ in range(2):
        reply = line.post("/sdk", b"<a/>", {})
        assert isinstance(reply, HttpReply)
        assert reply.body == b"ok"
    place = f"127.0.0.1:{server.port}".encode()
    assert through.asked == [b"CONNECT " + place + b" HTTP/1.1\r\nHost: " + place + b"\r\n\r\n"]
    assert server.requests[0].startswith(b"POST /sdk HTTP/1.1\r\nhost: " + place)
    line.close()


def test_tls_is_the_targets_not_the_proxys(scripted: Scripted, relay: Callable[..., Relay]) -> None:
    """The certificate that is verified is the one at the end of the tunnel."""
    ca, server_tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(server_tls)
    server, through = scripted([OK], [], tls=server_tls), relay()
    with ca.cert_pem.tempfile() as file:
        line = Connection(parse_url(server.url), Trust(ca_file=file), PATIENT, through.proxy)
    assert isinstance(line.get("/"), HttpReply)
    line.close()
    refused = Connection(parse_url(server.url), Trust(), PATIENT, through.proxy).get("/")
    assert isinstance(refused, Lost)
    assert refused.reason.startswith("not sent: certificate not trusted")


@pytest.mark.parametrize(("answer", "reason"), [
    (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "refuses: 407 proxy authentication required"),
    (b"HTTP/1.1 403 Forbidden\r\n\r\n", "refuses: 403 forbidden"),
    (b"SSH-2.0\r\n\r\n", "refuses: "),
    (b"HTTP/1.1 200", UNANSWERED),
])  # fmt: skip
def test_a_proxy_that_refuses_is_said_in_one_line(
    answer: bytes, reason: str, scripted: Scripted, relay: Callable[..., Relay]
) -> None:
    """Nothing was sent to the target, and the line names the proxy."""
    server, through = scripted([OK]), relay(answer)
    limits = HASTY if reason == UNANSWERED else PATIENT
    lost = Connection(parse_url(server.url), None, limits, through.proxy).get("/")
    assert isinstance(lost, Lost)
    assert lost.reason.startswith(f"not sent: the proxy 127.0.0.1:{through.proxy.port} {reason}")
    assert server.connections == 0


def test_a_proxy_of_the_environment_is_not_used(scripted: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dead one would be noticed."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    line = Connection(parse_url(scripted([OK]).url), None, PATIENT)
    assert isinstance(line.get("/"), HttpReply)
    line.close()


def test_urls_of_proxies() -> None:
    """A port has a default; credentials, another scheme and a path are the user's mistakes, and no secret is repeated."""
    assert parse_proxy("") is None
    assert parse_proxy("http://proxy.example") == Proxy("proxy.example", 3128)
    assert parse_proxy("http://[::1]:8080/") == Proxy("::1", 8080)
    for wrong in (
        "proxy:8080",
        "socks5://proxy",
        "https://proxy",
        "http://proxy/x",
        "http://me:word@proxy",
        "http://p:x",
    ):
        with pytest.raises(UsageError) as error:
            parse_proxy(wrong)
        assert str(error.value).startswith("proxy")
        assert "word" not in str(error.value)
