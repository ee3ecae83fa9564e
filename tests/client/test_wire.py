"""The connection: keep-alive, limits, and what a hostile server may do to it."""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import chain, repeat
from typing import Any

import pytest
import trustme
from msgspec.structs import replace

from vcontract._client.trust import Trust
from vcontract._client.wire import Connection, HttpReply, Limits, parse_url
from vcontract._errors import UsageError
from vcontract._terms import Lost

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 2\r\n\r\nok"
PATIENT = Limits(connect=60, exchange=60, head=2000, body=5000)
HASTY = replace(PATIENT, exchange=0.3)
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
Scripted = Callable[..., Any]


def connect(server: Any, limits: Limits = PATIENT, trust: Trust | None = None) -> Connection:
    """Make a connection to a scripted server."""
    return Connection(parse_url(server.url), trust, limits)


def drip(sock: socket.socket) -> None:
    """Send a head byte by byte for as long as somebody listens, each well within any time-out per read."""
    with suppress(OSError):
        for byte in chain(b"HTTP/1.1 200 OK\r\nX: ", repeat(ord("x"))):
            sock.sendall(bytes([byte]))
            time.sleep(0.02)


def flood(start: bytes, piece: bytes) -> Callable[[socket.socket], None]:
    """Give a step that sends a start and then a piece for ever."""

    def act(sock: socket.socket) -> None:
        with suppress(OSError):
            sock.sendall(start)
            while True:
                sock.sendall(piece * 1000)

    return act


@pytest.mark.parametrize("head", [b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n", b"HTTP/1.0 200 OK\r\n"])
def test_an_older_http_is_read(head: bytes, scripted: Scripted) -> None:
    """As old proxies speak it: the reply ends with its connection, and the next request opens another."""
    server = scripted([head + b"\r\nok"], [OK])
    connection = connect(server)
    for _ in range(2):
        reply = connection.post("/sdk", b"x", {})
        assert isinstance(reply, HttpReply)
        assert (reply.status, reply.body) == (200, b"ok")
    connection.close()


def test_one_connection_serves_many_requests(scripted: Scripted) -> None:
    """A keep-alive connection is used again; headers and body arrive as given, repeated headers are kept."""
    double = b"HTTP/1.1 500 X\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n" + CHUNKED + b"2\r\nno\r\n0\r\n\r\n"
    server = scripted([OK, double])
    line = connect(server)
    assert line.get("/sdk/x") == HttpReply(200, (("content-type", "text/xml"), ("content-length", "2")), b"ok")
    reply = line.post("/sdk", b"<a/>", {"SOAPAction": '"urn:vim25/8.0"'})
    assert isinstance(reply, HttpReply)
    assert (reply.status, reply.body, reply.header("set-cookie")) == (500, b"no", "a=1")
    assert [value for name, value in reply.headers if name == "set-cookie"] == ["a=1", "b=2"]
    assert server.connections == 1
    assert server.requests[0].startswith(b"GET /sdk/x HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b'\r\nSOAPAction: "urn:vim25/8.0"\r\n' in server.requests[1]
    assert server.requests[1].endswith(b"\r\n\r\n<a/>")
    assert b"accept-encoding" not in server.requests[1].lower()
    line.close()


def test_an_idle_connection_that_was_closed_is_opened_again(scripted: Scripted) -> None:
    """Closed in between by the server, or spoken to unasked: a new connection, and no Lost."""
    unasked = OK + b"HTTP/1.1 408 Timeout\r\nContent-Length: 0\r\n\r\n"
    server = scripted([OK], [unasked, OK], [OK], [OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")], [OK])
    line = connect(server)
    for _ in range(5):
        reply = line.post("/sdk", b"x", {})
        assert isinstance(reply, HttpReply)
        assert reply.body == b"ok"
        assert line._socket is None or select.select([line._socket], [], [], 60)[0], "the server's close did not arrive"
    assert server.connections == 5
    line.close()


def test_nothing_is_sent_twice(scripted: Scripted) -> None:
    """A connection that dies after the bytes have left gives Lost, and only the next call opens another."""
    server = scripted([OK, lambda sock: sock.shutdown(socket.SHUT_RDWR)], [OK])
    line = connect(server)
    assert isinstance(line.post("/sdk", b"1", {}), HttpReply)
    assert line.post("/sdk", b"2", {}) == Lost("closed without a reply")
    assert isinstance(line.post("/sdk", b"3", {}), HttpReply)
    assert [each[-1:] for each in server.requests] == [b"1", b"2", b"3"]
    line.close()


def test_a_dead_port_is_not_sent() -> None:
    """Nobody listens: Lost at once, and its reason says that nothing left."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/sdk"
    assert Connection(parse_url(url), None, PATIENT).get("/") == Lost("not sent: connection refused")


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (b"", "closed without a reply"),
        (b"HTTP/1.1 200 OK\r\nContent-Len", "closed before the reply was whole"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", "closed before the reply was whole"),
        (b"HTTP/1.1 200 OK\r\n" + CHUNKED + b"zz\r\n", "not HTTP/1.1: Invalid character in chunk size"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nhello", "not HTTP/1.1: "),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", "not HTTP/1.1: Invalid character in Content-Length"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999999\r\n\r\n", "not HTTP/1.1: "),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5001\r\n\r\n", "the body of the reply exceeds 5000 bytes"),
        (b"HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", "the server switches protocols"),
        (b"<html>HTTP/0.9</html>", "not HTTP/1.1: "),
        (b"SSH-2.0-OpenSSH_9\r\n", "not HTTP/1.1: "),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 3000 + b"\r\n\r\n", "the head of the reply exceeds 2000 bytes"),
        (flood(b"HTTP/1.1 200 ", b"x"), "the head of the reply exceeds 2000 bytes"),
        (flood(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"), "the head of the reply exceeds 2000 bytes"),
        (flood(b"HTTP/1.1 200 OK\r\n\r\n", b"y"), "the body of the reply exceeds 5000 bytes"),
        (flood(b"HTTP/1.1 200 OK\r\n" + CHUNKED, b"1\r\ny\r\n"), "the body of the reply exceeds"),
        (flood(b"HTTP/1.1 200 OK\r\n" + CHUNKED + b"1;", b"e"), "the body of the reply exceeds"),
        (flood(b"HTTP/1.1 200 OK\r\n" + CHUNKED + b"0\r\n", b"T: y\r\n"), "the "),
        (flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), "the "),
    ],
)
def test_hostile_replies_are_lost_within_the_limits(scripted: Scripted, step: Any, reason: str) -> None:
    """Every reply that is no HTTP, or too much of it, is Lost long before its time is over, with one line that says why."""
    line = connect(scripted([step]))
    lost = line.post("/sdk", b"x", {})
    assert isinstance(lost, Lost)
    assert lost.reason.startswith(reason), lost
    assert "\n" not in lost.reason
    line.close()


@pytest.mark.parametrize("step", [drip, lambda sock: sock.recv(1)], ids=["dripping", "silent"])
def test_a_reply_that_does_not_end_is_lost_when_its_time_is_over(scripted: Scripted, step: Any) -> None:
    """However little comes, and however steadily: the time of the whole exchange counts, for the server does not end it."""
    line = connect(scripted([step]), HASTY)
    assert line.post("/sdk", b"x", {}) == Lost("no whole reply within 0.3 s")
    line.close()


@pytest.mark.parametrize("step", [drip, lambda sock: sock.recv(1)], ids=["dripping", "silent"])
def test_a_reply_that_does_not_end_is_not_waited_for_once_stopped(scripted: Scripted, step: Any) -> None:
    """However long the exchange may last otherwise: it gets a little more time, and no more."""
    line = connect(scripted([step]), Limits(exchange=3600.0))
    line.stopped = lambda: True
    lost = line.post("/sdk", b"x", {})
    assert isinstance(lost, Lost)
    assert lost.reason.startswith("no whole reply within ")
    assert float(lost.reason.split()[-2]) <= 2
    line.close()


def test_what_is_odd_but_legal_is_read(scripted: Scripted) -> None:
    """A body until close, 100 Continue before the reply, 204 without a body, a redirect that is not followed."""
    server = scripted(
        [b"HTTP/1.1 100 Continue\r\n\r\n" + OK, b"HTTP/1.1 204 No\r\nConnection: close\r\n\r\n"],
        [b"HTTP/1.1 301 X\r\nLocation: https://x/\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\nto the end"],
        [OK],
    )
    line = connect(server)
    replies = [line.post("/sdk", b"x", {}) for _ in range(4)]
    assert [(each.status, each.body) for each in replies if isinstance(each, HttpReply)] == [
        (200, b"ok"),
        (204, b""),
        (301, b""),
        (200, b"to the end"),
    ]
    line.close()


def test_headers_replace_and_remove_and_never_split(scripted: Scripted) -> None:
    """Own headers can be replaced or removed in any case of letters; a line feed in a value makes no new header."""
    server = scripted([OK], [OK])
    line = connect(server)
    line.post("/sdk", b"xyz", {"HOST": "other", "content-length": "3", "X": "a\r\nInjected: b", "Gone": ""})
    head = server.requests[0].partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert head[1:] == [b"HOST: other", b"content-length: 3", b"X: a  Injected: b"]
    assert isinstance(line.post("/sdk", b"xyz", {"Host": ""}), HttpReply)
    assert b"host" not in server.requests[1].lower()
    assert server.connections == 2  # after a made-up length the connection is not trusted any more
    line.close()


def test_pacing_pauses_between_equal_parts(scripted: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two pauses make three parts, which arrive as one body."""
    server = scripted([OK])
    line = connect(server)
    pauses: list[float] = []
    monkeypatch.setattr("vcontract._client.wire.time.sleep", pauses.append)
    assert isinstance(line.post("/sdk", b"abcdefg", {}, (0.03, 0.04)), HttpReply)
    assert pauses == [0.03, 0.04]
    assert server.requests[0].endswith(b"\r\n\r\nabcdefg")
    line.close()


def test_an_answer_before_the_request_is_whole_is_heard(scripted: Scripted) -> None:
    """A server that answers and closes while the body is still on its way has answered."""

    def refuse(plain: socket.socket) -> None:
        plain.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        plain.shutdown(socket.SHUT_WR)
        while plain.recv(65536):
            pass

    server = scripted([refuse])
    line = connect(server)
    reply = line.post("/sdk", b"x" * 10, {"Content-Length": "0"}, (0.02, 0.02))
    assert isinstance(reply, HttpReply)
    assert reply.status == 413
    line.close()


def test_tls_is_verified_unless_told_otherwise(scripted: Scripted) -> None:
    """A certificate of an unknown CA is refused; with its CA, or with insecure, it is accepted."""
    ca = trustme.CA()
    server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(server_tls)
    server = scripted([], [OK, OK], [OK], tls=server_tls)
    refused = connect(server).get("/")
    assert isinstance(refused, Lost)
    assert refused.reason.startswith("not sent: certificate not trusted: ")
    with ca.cert_pem.tempfile() as file:
        trusting = connect(server, trust=Trust(ca_file=file))
    assert isinstance(trusting.get("/"), HttpReply)
    assert isinstance(trusting.get("/"), HttpReply)
    assert server.connections == 2
    trusting.close()
    careless = connect(server, trust=Trust(insecure=True))
    assert isinstance(careless.get("/"), HttpReply)
    careless.close()


def test_urls(scripted: Scripted) -> None:
    """Ports and paths have defaults, IPv6 literals keep their brackets, anything odd is the user's mistake."""
    assert parse_url("https://vc").url == "https://vc/sdk"
    assert parse_url("http://[::1]:8989/sdk/").authority == "[::1]:8989"
    assert parse_url("https://vc:443/sdk").authority == "vc"
    for wrong in ("vc.example", "ftp://vc/sdk", "http://vc:port/", "http://[::1/sdk", "https://u:p@vc/sdk", "http://"):
        with pytest.raises(UsageError) as error:
            parse_url(wrong)
        assert "u:p" not in str(error.value)
    with pytest.raises(UsageError, match="no usable file"):
        Connection(parse_url("https://vc"), Trust(ca_file="/nonexistent.pem"))
    if socket.has_ipv6:
        line = connect(scripted([OK], host="::1"))
        assert isinstance(line.get("/"), HttpReply)
        line.close()
