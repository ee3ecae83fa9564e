"""What real vCenters said goes through the gate byte for byte, also while it has tasks of its own."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.byte_listener import ByteListener
from tests.inject.conftest import Open
from vcontract._inject.rules import Rule

FOLDER = Path(__file__).parent.parent / "recordings"
RECORDED = sorted(each for each in FOLDER.glob("*.xml") if not each.name.endswith(".request.xml"))
_CALL = (
    b'<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body><CustomizeGuest_Task xmlns="urn:vim25">'
    b'<_this type="VirtualMachineGuestCustomizationManager">m</_this><vm type="VirtualMachine">vm-7</vm>'
    b"</CustomizeGuest_Task></Body></Envelope>"
)


def _request(body: bytes) -> bytes:
    head = b'POST /sdk HTTP/1.1\r\nHost: vc\r\nSOAPAction: "urn:vim25/8.0.2.0"\r\nCookie: vmware_soap_session="abc"; Path=/\r\n'
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def _replies(file: Path) -> list[bytes]:
    """Give a recorded reply in both forms in which servers send it: with its length, and in chunks."""
    body = file.read_bytes()
    status = b"500 Internal Server Error" if "fault" in file.stem else b"200 OK"
    head = (
        b"HTTP/1.1 " + status + b"\r\ndate: Thu, 14 Dec 2023 06:58:27 GMT\r\ncontent-type: text/xml; charset=utf-8\r\n"
    )
    parts = [body[at : at + 1500] for at in range(0, len(body), 1500)]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in (*parts, b""))
    return [
        head + b"content-length: %d\r\n\r\n" % len(body) + body,
        head + b"transfer-encoding: chunked\r\nx-envoy-upstream-service-time: 4\r\n\r\n" + chunks,
    ]


class Recorded:
    """Answers one request, byte for byte the one that is awaited, with one reply; anything else ends the connection."""

    def __init__(self) -> None:
        self.awaited, self.reply, self.served = b"", b"", 0
        self._listener = ByteListener(self._serve)
        self.url = self._listener.url

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()

    def _serve(self, sock: socket.socket) -> None:
        got = b""
        with sock:
            while data := sock.recv(1 << 16):
                got += data
                if got == self.awaited:
                    self.served, got = self.served + 1, b""
                    sock.sendall(self.reply)
                elif not self.awaited.startswith(got):
                    return


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    """Give a server that plays a recording."""
    with closing(Recorded()) as server:
        yield server


def _told(url: str, request: bytes, length: int) -> bytes:
    """Send a request in two pieces, and give so many bytes of what comes back, or what comes before the end."""
    place, got = urlsplit(url), b""
    with socket.create_connection((place.hostname, place.port or 0), 60) as sock:
        sock.sendall(request[:99])
        sock.sendall(request[99:])
        while len(got) < length and (data := sock.recv(1 << 16)):
            got += data
    return got


@pytest.mark.parametrize("file", RECORDED, ids=[each.stem for each in RECORDED])
def test_a_recorded_exchange_goes_through_byte_for_byte(gate: Open, recorded: Recorded, file: Path) -> None:
    """With its length and in chunks; without a rule, with one for another method, and beside a task that is injected."""
    assert len(RECORDED) >= 17
    opened = gate(server=recorded.url)
    recorded.awaited = _request(file.with_name(f"{file.stem}.request.xml").read_bytes())
    for rules in (0, 1):
        for reply in _replies(file):
            recorded.reply = reply
            assert _told(opened.url, recorded.awaited, len(reply)) == reply
        if not rules:
            opened.injector.chooser.add(Rule("CustomizeGuest_Task", "stuck-task"))
            assert b'type="Task"' in _told(opened.url, _request(_CALL), 300)
    assert recorded.served == 4
