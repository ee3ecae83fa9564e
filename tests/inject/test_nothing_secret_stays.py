"""What passes the gate stays there: no password, cookie, ticket or argument in what it writes or says."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.inject.conftest import Open
from vcontract._inject.report import text_of
from vcontract._inject.rules import Rule, When

SECRETS = ("Xk7-of-the-login", "Wq9-of-the-guest", "c00kie-of-the-session", "t1cket-of-a-clone", "h0st-of-the-spec")
LOGIN, GUEST, COOKIE, TICKET, NAME = SECRETS
_ENVELOPE = '<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body>%s</Body></Envelope>'
_SESSION = f"<LoginResponse><returnval><key>{COOKIE}</key><userName>admin</userName></returnval></LoginResponse>"


def _message(first: str, body: str, *headers: str) -> bytes:
    whole = _ENVELOPE % body
    return "\r\n".join((first, *headers, f"Content-Length: {len(whole)}", "", whole)).encode()


def _call(method: str, inside: str) -> bytes:
    cookie = f'Cookie: vmware_soap_session="{COOKIE}"'
    return _message("POST /sdk HTTP/1.1", f'<{method} xmlns="urn:vim25">{inside}</{method}>', "Host: x", cookie)


CALLS = (
    _call("Login", f'<_this type="SessionManager">s</_this><userName>admin</userName><password>{LOGIN}</password>'),
    _call("CloneSession", f'<_this type="SessionManager">s</_this><cloneTicket>{TICKET}</cloneTicket>'),
    *(
        _call(
            method,
            f'<_this type="NoSuchType">m</_this><vm type="VirtualMachine">vm-7</vm><auth><password>{GUEST}</password></auth>'
            f"<spec><hostName>{NAME}</hostName></spec>",
        )
        for method in ("CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task")
        for _ in range(2)
    ),
    b"NONSENSE " + LOGIN.encode() + b"\r\n\r\n",
    b"\x16\x03\x01" + LOGIN.encode(),
)


@pytest.fixture
def server() -> Iterator[str]:
    """Give the URL of a server that answers whatever comes with a new session."""
    reply = _message("HTTP/1.1 200 OK", _SESSION, f'Set-Cookie: vmware_soap_session="{COOKIE}"; Path=/')

    def serve(sock: socket.socket) -> None:
        with sock, suppress(OSError):
            while sock.recv(1 << 16):
                sock.sendall(reply)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/sdk"
        listener.shutdown(socket.SHUT_RDWR)


def test_no_secret_is_written_or_said(
    gate: Open, server: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whatever the rules do to the calls that carry one; also of what is no HTTP, and of TLS to the plain port."""
    said = list[str]()
    opened = gate(
        Rule("CustomizeGuest_Task", "InvalidGuestLogin", when=When(nth=1)),
        Rule("CustomizeGuest_Task", "half-reply"),
        Rule("StartGuestNetwork_Task", "InvalidState", channel="task", when=When(nth=1)),
        Rule("StartGuestNetwork_Task", "late-properties", seconds=0.0),
        Rule("AbortCustomization_Task", "expired-session"),
        server=server,
        tell=said.append,
    )
    place = urlsplit(opened.url)
    for call in CALLS:
        with socket.create_connection((place.hostname, place.port or 0), 60) as sock, suppress(ConnectionResetError):
            sock.sendall(call)
            sock.recv(1 << 16)
    told = opened.report(tmp_path / "seen")
    written = [each.read_text("utf-8") for each in (tmp_path / "seen").iterdir()]
    shown = capfd.readouterr()
    everything = "\n".join([*written, *said, text_of(told), shown.out, shown.err, repr(opened.injector.journal.passed)])
    assert len(opened.injector.journal.passed) == len(CALLS) - 2
    assert len(told.lines) == 5
    assert len(said) == 1
    assert [each for each in SECRETS if each in everything] == []
