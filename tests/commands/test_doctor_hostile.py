"""Doctor before servers that answer nonsense at any place of its examination: a line says so, never a traceback."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.windows import fitted
from vcontract._commands.doctor import diagnose
from vcontract._config.request import RunRequest
from vcontract._report.diagnosis import Diagnosis, Standing
from vcontract._run.preparation import Preparation
from vcontract._simulator import SimulatorServer

MANAGER = "VirtualMachineGuestCustomizationManager"
ENVELOPE = (
    '<?xml version="1.0"?><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><e:Body>{}</e:Body></e:Envelope>'
)
FAULT = (
    "<e:Fault><faultcode>S</faultcode><faultstring>&#x9b;no</faultstring><detail><RuntimeFaultFault"
    ' xmlns="urn:vim25" xsi:type="RuntimeFault"/></detail></e:Fault>'
)
OTHER = '<returnval xsi:type="Nope"><objects><obj/><propSet/></objects><key/></returnval>'


def reply(content: str) -> bytes:
    """Make an envelope with a response to whatever was asked."""
    return ENVELOPE.format(f'<METHODResponse xmlns="urn:vim25">{content}</METHODResponse>').encode()


NONSENSE: dict[str, bytes] = {
    "nothing": b"",
    "page": b"<html><body>\x9bhello</body></html>",
    "torn": b"<?xml version='1.0'?><e:Envelope",
    "fault": ENVELOPE.format(FAULT).encode(),
    "empty": reply(""),
    "text": reply("<returnval>x</returnval>"),
    "other": reply(OTHER),
    "swapped": b"",
}
SAMPLE = [(kind, number) for number, kind in zip((2, 3, 5, 8, 12, 17, 22, 30), NONSENSE, strict=True)]
REQUESTS = 60
"""About so many are made in an examination; the last of those here may come after its end."""


class _Liar(ThreadingHTTPServer):
    """Hands everything on to a server, but the reply to one request."""

    daemon_threads = True

    def __init__(self, behind: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind = urlsplit(behind).netloc
        self.seen, self.kind, self.number = 0, "", 0
        self.url = f"http://127.0.0.1:{self.server_port}/sdk"

    def begin(self, kind: str, number: int) -> None:
        """Lie to the request of that number, counted from now on."""
        self.seen, self.kind, self.number = 0, kind, number


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    server: Any

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, body: bytes) -> None:
        self.server.seen += 1
        kept = {name: value for name, value in self.headers.items() if name.lower() not in {"host", "content-length"}}
        behind = http.client.HTTPConnection(self.server.behind)
        behind.request(self.command, self.path, body or None, kept)
        reply = behind.getresponse()
        text, status = reply.read(), reply.status
        behind.close()
        if self.server.seen == self.server.number:
            text, status = self._lie(text), 500 if self.server.kind == "fault" else 200
        self.send_response_only(status)
        for name, value in reply.getheaders():
            if name.lower() in {"content-type", "set-cookie"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _lie(self, text: bytes) -> bytes:
        if self.server.kind == "swapped":  # every reference leads to another kind of object, every value is another
            return (
                text.replace(b'type="', b'type="X')
                .replace(b">true<", b">maybe<")
                .replace(b">poweredOn<", b">\xf0\x9f\x92\xa3<")
            )
        method = text.partition(b"Response")[0].rpartition(b"<")[2] or b"METHOD"
        return NONSENSE[self.server.kind].replace(b"METHOD", method)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def liar() -> Iterator[_Liar]:
    """Give a proxy before a simulator, for all tests of this file."""
    with SimulatorServer(fitted()) as behind:
        server = _Liar(behind.url)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        server.server_close()
        thread.join(60)


def examined(liar: _Liar, kind: str, number: int) -> Diagnosis:
    """Examine a server that lies once, with an account: one whose lie is that it is no simulator gets none."""
    liar.begin(kind, number)
    account = RunRequest(target=liar.url, username="administrator@vsphere.local")
    return diagnose(account, lambda _: None, preparation=Preparation(password="vcontract"))


def faults(found: Diagnosis) -> list[str]:
    """Give the lines that no terminal should show, and those to be mended that the exit code does not tell of."""
    wrong = [each.text for each in found.checks if not each.text.isprintable()]
    wrong += [each.text for each in found.checks if (each.standing is Standing.BAD) != (each.code > 0)]
    return wrong + ([] if found.exit_code in {0, 3, 5} else [f"exit code {found.exit_code}"])


def test_without_a_lie_it_is_fit(liar: _Liar) -> None:
    """The proxy itself does no harm, and the examination is about as long as is assumed here."""
    found = examined(liar, "", 0)
    assert (found.exit_code, [each.text for each in found.checks if each.standing is Standing.BAD]) == (0, [])
    assert REQUESTS / 2 < liar.seen < REQUESTS * 2


@pytest.mark.parametrize(("kind", "number"), SAMPLE)
def test_one_lie(liar: _Liar, kind: str, number: int) -> None:
    """A reply of the examination is nonsense."""
    assert faults(examined(liar, kind, number)) == []


@pytest.mark.long
@pytest.mark.parametrize("kind", NONSENSE)
def test_every_lie(liar: _Liar, kind: str) -> None:
    """Each reply in turn is nonsense."""
    wrong = {number: faults(examined(liar, kind, number)) for number in range(1, REQUESTS + 1)}
    assert {number: each for number, each in wrong.items() if each} == {}
