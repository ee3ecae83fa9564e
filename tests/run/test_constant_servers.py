"""Judged by a foreign hand: servers that are a vCenter in all but the three methods, which they always answer the same."""

from __future__ import annotations

import http.client
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from msgspec.structs import replace

from vcontract._commands.run import execute
from vcontract._config.request import Budget, RunRequest
from vcontract._simulator import SimulatorServer
from vcontract._terms import Grade, Verdict

MANAGER = "VirtualMachineGuestCustomizationManager"
METHOD = re.compile(rb"<(?:\w+:)?(CustomizeGuest_Task|StartGuestNetwork_Task|AbortCustomization_Task)[\s>]")
TASK_READ = re.compile(rb">(forged-\d+)<")
SOAP = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>{}</soapenv:Body></soapenv:Envelope>'
)
Answer = tuple[int, str]


def fault(kind: str, fields: str = "") -> Callable[[str, int], Answer]:
    """Give an answer that always refuses, with one fault."""
    detail = f'<{kind}Fault xmlns="urn:vim25" xsi:type="{kind}">{fields}</{kind}Fault>'
    head = "<faultcode>ServerFaultCode</faultcode><faultstring>no</faultstring>"
    text = f"<soapenv:Fault>{head}<detail>{detail}</detail></soapenv:Fault>"
    return lambda _method, _number: (500, text)


def task(method: str, number: int) -> Answer:
    """Give an answer that always accepts, with a task that is none of the server's."""
    return (
        200,
        f'<{method}Response xmlns="urn:vim25"><returnval type="Task">forged-{number}</returnval></{method}Response>',
    )


def succeeded(name: str) -> str:
    """Write the TaskInfo of a task that did nothing, and says that it succeeded."""
    info = (
        f'<key>{name}</key><task type="Task">{name}</task><descriptionId>x</descriptionId><state>success</state>'
        "<cancelled>false</cancelled><cancelable>false</cancelable>"
        '<reason xsi:type="TaskReasonUser"><userName>x</userName></reason><queueTime>2026-01-01T00:00:00Z</queueTime>'
        "<startTime>2026-01-01T00:00:00Z</startTime><completeTime>2026-01-01T00:00:01Z</completeTime>"
        "<eventChainId>1</eventChainId>"
    )
    return (
        '<RetrievePropertiesExResponse xmlns="urn:vim25"><returnval><objects>'
        f'<obj type="Task">{name}</obj><propSet><name>info</name><val xsi:type="TaskInfo">{info}</val></propSet>'
        "</objects></returnval></RetrievePropertiesExResponse>"
    )


class Proxy(ThreadingHTTPServer):
    """Hands everything on to a server, except the three methods and reads of tasks that it made up."""

    daemon_threads = True
    answer: Callable[[str, int], Answer]

    def __init__(self, behind: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind = urlsplit(behind).netloc
        self.forged = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}/sdk"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one segment for head and body: two would wait for each other
    server: Any

    def setup(self) -> None:
        super().setup()
        self.behind = http.client.HTTPConnection(self.server.behind)

    def finish(self) -> None:
        self.behind.close()
        super().finish()

    def do_GET(self) -> None:
        self._pass_on(b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        method, forged = METHOD.search(body), TASK_READ.search(body)
        if method:
            self.server.forged += 1
            status, text = self.server.answer(method[1].decode(), self.server.forged)
            self._reply(status, SOAP.format(text).encode(), [("Content-Type", "text/xml; charset=utf-8")])
        elif forged:
            self._reply(200, SOAP.format(succeeded(forged[1].decode())).encode(), [("Content-Type", "text/xml")])
        else:
            self._pass_on(body)

    def _pass_on(self, body: bytes) -> None:
        kept = {name: value for name, value in self.headers.items() if name.lower() not in {"host", "content-length"}}
        self.behind.request(self.command, self.path, body or None, kept)
        reply = self.behind.getresponse()
        headers = [(k, v) for k, v in reply.getheaders() if k.lower() in {"content-type", "set-cookie"}]
        self._reply(reply.status, reply.read(), headers)

    def _reply(self, status: int, body: bytes, headers: list[tuple[str, str]]) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def proxy(simulator: SimulatorServer) -> Iterator[Proxy]:
    """Give a proxy before the simulator; the test says what it always answers."""
    server = Proxy(simulator.url)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(60)


ANSWERS = {
    "SystemError": fault("SystemError", "<reason>sick</reason>"),
    "SystemError of the guest": fault("SystemError", "<reason>vix error codes = (3016, 0).</reason>"),
    "InvalidState": fault("InvalidState"),
    "RuntimeFault": fault("RuntimeFault"),
    "success": task,
}


@pytest.mark.parametrize(("always", "grades"), [
    ("SystemError", {Grade.SPURIOUS}),
    ("SystemError of the guest", {Grade.SPURIOUS}),
    ("InvalidState", {Grade.WRONG}),
    ("RuntimeFault", {Grade.WRONG}),
    ("success", {Grade.MISSING}),
])  # fmt: skip
def test_a_server_that_always_answers_the_same_violates(
    always: str, grades: set[Grade], proxy: Proxy, tmp_path: Path
) -> None:
    """Exit 1, with findings for each method, each with the grade that it earns."""
    proxy.answer = ANSWERS[always]
    options = RunRequest(seed=3, max_calls=150, shrink=Budget(attempts=0, seconds=0.0))
    result = execute(replace(options, target=proxy.url, report_dir=tmp_path, output="json"))
    assert result.exit_code == 1
    assert result.verdict is Verdict.VIOLATES
    assert grades <= {each.grade for each in result.findings}
    broken = {each.id for each in result.rows if each.verdict is Verdict.VIOLATES}
    assert len(broken) >= 2, broken
    if always == "success":
        assert "EveryMethod/NotAuthenticated" in broken
