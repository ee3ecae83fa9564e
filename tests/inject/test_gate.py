"""The gate itself: every byte that no rule names goes through as it came, and nothing is sent twice."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from tests.byte_listener import ByteListener
from tests.inject.conftest import Open
from vcontract._client.wire import parse_url
from vcontract._errors import UsageError
from vcontract._inject.rules import Rule, Rules
from vcontract._inject.serving import opened as gate_opened

_CALL = (
    b'<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body><CustomizeGuest_Task xmlns="urn:vim25">'
    b'<_this type="VirtualMachineGuestCustomizationManager">m</_this><vm type="VirtualMachine">vm-7</vm>'
    b"</CustomizeGuest_Task></Body></Envelope>"
)
_TASK = (
    b'<Envelope><Body><CustomizeGuest_TaskResponse xmlns="urn:vim25"><returnval type="Task">task-5</returnval>'
    b"</CustomizeGuest_TaskResponse></Body></Envelope>"
)


def _message(first: bytes, body: bytes, *headers: bytes) -> bytes:
    return b"\r\n".join((first, *headers, b"Content-Length: %d" % len(body), b"", body))


REQUEST = _message(b"POST /sdk HTTP/1.1", _CALL, b"hOsT:  x", b'SOAPAction: "urn:vim25/8.0.3.0"', b"X-Odd:\tz ")
REPLY = _message(b"HTTP/1.1 200 Very Well", _TASK, b"Server: odd", b"X-Twice: 1", b"X-Twice: 2")
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\n<a/>\n\r\n0\r\nX-Trailer: t\r\n\r\n"
TO_THE_END = b"HTTP/1.1 200 OK\r\n\r\nno length at all"


class Server:
    """Answers every connection's requests with the bytes of `reply`; `got` has all that came, by connection."""

    def __init__(self) -> None:
        self.reply, self.ends, self.got = REPLY, False, list[bytearray]()
        self._listener = ByteListener(self._serve)
        self.url = self._listener.url

    def close(self) -> None:
        """Stop listening; a second call does nothing."""
        self._listener.close()

    def _serve(self, sock: socket.socket) -> None:
        got = bytearray()
        self.got.append(got)
        with sock:
            while data := sock.recv(1 << 16):
                got += data
                if got.endswith(REQUEST[-20:]):
                    sock.sendall(self.reply)
                    if self.ends:
                        return


@pytest.fixture
def server() -> Iterator[Server]:
    """Give a server that says what a test wants."""
    with closing(Server()) as made:
        yield made


def _told(url: str, *parts: bytes, ends: bool = False) -> bytes:
    """Send bytes to a gate and give what comes back, to its end or until a whole reply is there."""
    place, got = urlsplit(url), b""
    with socket.create_connection((place.hostname, place.port or 0), 20) as sock:
        for part in parts:
            sock.sendall(part)
        while data := sock.recv(1 << 16):
            got += data
            if not ends and got in {REPLY, CHUNKED}:
                break
    return got


@pytest.mark.parametrize(("reply", "ends"), [(REPLY, False), (CHUNKED, False), (TO_THE_END, True)])
def test_what_no_rule_names_goes_through_byte_for_byte(gate: Open, server: Server, reply: bytes, ends: bool) -> None:  # noqa: FBT001 - of the table
    """Request and reply are as they came, whatever their headers, their order and their framing."""
    server.reply, server.ends = reply, ends
    assert _told(gate(server=server.url).url, REQUEST[:40], REQUEST[40:], ends=ends) == reply
    assert [bytes(each) for each in server.got] == [REQUEST]


@pytest.mark.parametrize(
    ("answer", "reached", "begins"),
    [
        ("lost-before", False, b""),
        ("lost-after", True, b""),
        ("half-reply", True, REPLY[: len(REPLY) // 2]),
        ("reset", False, b""),
        ("http-503", False, b"HTTP/1.1 503 Service Unavailable\r\n"),
        ("html", False, b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"),
        ("TaskInProgress", False, b"HTTP/1.1 500 Internal Server Error\r\n"),
        ("stuck-task", False, b"HTTP/1.1 200 OK\r\n"),
    ],
)
def test_an_answer_reaches_the_server_once_or_never(
    gate: Open,
    server: Server,
    answer: str,
    reached: bool,  # noqa: FBT001 - of the table
    begins: bytes,
) -> None:
    """What is withheld or refused is never sent; what is lost behind the server was sent once."""
    opened = gate(Rule("CustomizeGuest_Task", answer), server=server.url)
    place = urlsplit(opened.url)
    with socket.create_connection((place.hostname, place.port or 0), 20) as sock:
        sock.sendall(REQUEST)
        try:
            got = sock.recv(1 << 16)
        except ConnectionResetError:
            got = b""
            assert answer == "reset"
    assert got.startswith(begins)
    assert bool(got) is bool(begins)
    assert b"".join(bytes(each) for each in server.got) == (REQUEST if reached else b"")


def test_two_hundred_connections_at_once(gate: Open, server: Server) -> None:
    """Each gets its own reply, and none waits for another to close."""
    place = urlsplit(gate(server=server.url).url)
    socks = [socket.create_connection((place.hostname, place.port or 0), 20) for _ in range(200)]
    try:
        for sock in socks:
            sock.sendall(REQUEST)
        assert all(_whole(sock) == REPLY for sock in socks)
        assert len(server.got) == 200
    finally:
        for sock in socks:
            sock.close()


def _whole(sock: socket.socket) -> bytes:
    got = b""
    while len(got) < len(REPLY) and (data := sock.recv(1 << 16)):
        got += data
    return got


def test_a_client_that_waits_to_go_on_is_told_to(gate: Open, server: Server) -> None:
    """`Expect: 100-continue`, as PowerCLI sends it, is answered before the body comes."""
    head, _, body = REQUEST.partition(b"\r\n\r\n")
    head += b"\r\nExpect: 100-continue\r\n\r\n"
    place = urlsplit(gate(server=server.url).url)
    with socket.create_connection((place.hostname, place.port or 0), 20) as sock:
        sock.sendall(head)
        assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(body)
        assert _whole(sock) == REPLY


def test_tls_to_the_plain_port_is_said_once(gate: Open, server: Server) -> None:
    """The connection is closed, and one line says which URL to use."""
    said = list[str]()
    tell: Callable[[str], None] = said.append
    opened = gate(server=server.url, tell=tell)
    for _ in range(2):
        assert _told(opened.url, b"\x16\x03\x01\x02\x00\x01\x00", ends=True) == b""
    assert len(said) == 1
    assert opened.url in said[0]
    assert "plain http" in said[0]


def test_a_server_that_is_gone_ends_the_connection(gate: Open, server: Server) -> None:
    """A client of a server that is gone sees a connection that ends, as it would without the gate."""
    opened = gate(server=server.url)
    server.close()
    assert _told(opened.url, REQUEST, ends=True) == b""


@pytest.mark.parametrize(
    ("listen", "said"),
    [
        ("0.0.0.0:0", "only this machine itself may reach it"),
        ("192.0.2.1:80", "only this machine itself may reach it"),
        ("localhost:80", "expected 127.0.0.1:PORT"),
        ("127.0.0.1", "expected 127.0.0.1:PORT"),
        ("127.0.0.1:99999", "is no port"),
    ],
)
def test_it_listens_on_loopback_alone(listen: str, said: str) -> None:
    """Any other address is refused in one line."""
    with pytest.raises(UsageError, match=said), gate_opened(listen, parse_url("http://127.0.0.1:9/sdk"), Rules()):
        pass


def test_a_port_that_is_taken_is_one_line(gate: Open, server: Server) -> None:
    """It says so, and what to do."""
    taken = urlsplit(gate(server=server.url).url).netloc
    with pytest.raises(UsageError, match="the port is taken"), gate_opened(taken, parse_url(server.url), Rules()):
        pass
