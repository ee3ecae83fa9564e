"""Runs against simulators of this process, and against one behind a proxy that does to replies what a test says."""

from __future__ import annotations

import http.client
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from dataclasses import replace as with_
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.windows import fitted, stretch
from vcontract._client import Limits, Recorder, Target
from vcontract._config.config import LOOPBACK, Config
from vcontract._config.request import Budget, RunRequest
from vcontract._contract import load
from vcontract._report.result import RunResult
from vcontract._run.conformance import run_conformance
from vcontract._run.start import StartedRun
from vcontract._simulator import SimulatorServer
from vcontract._terms import Operation
from vcontract._testbed.survey import secrets_of
from vcontract._testbed.testbed import Site

_BODY = re.compile(rb"<(?:[\w.-]+:)?Body[^>]*>\s*<(?:[\w.-]+:)?([\w.-]+)")
_VM = re.compile(rb'type="VirtualMachine"[^>]*>([^<]+)<')


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorServer]:
    """Give a simulator that hurries."""
    server = SimulatorServer(fitted(task_time=0.02, boot_time=0.02))
    server.start()
    yield server
    server.stop()


@dataclass(frozen=True)
class Reply:
    """A reply on its way to the client; `raw` gives its bytes."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "text/xml; charset=utf-8"),)

    def with_body(self, change: Callable[[bytes], bytes]) -> Reply:
        """Give the reply with another body."""
        return with_(self, body=change(self.body))

    def raw(self) -> bytes:
        """Give the bytes, with their length."""
        lines = [
            f"HTTP/1.1 {self.status} X",
            *(f"{k}: {v}" for k, v in self.headers),
            f"Content-Length: {len(self.body)}",
        ]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


@dataclass
class Exchange:
    """A request as it came: the method, the VM that it names (empty: none), and how to have it answered by the server.

    Another `body` is what the server is asked.
    """

    method: str
    vm: str
    body: bytes
    number: int
    line: Callable[[], Reply]
    gone: threading.Event = field(repr=False)

    def ask(self) -> Reply:
        """Hand the request on, and give the server's reply."""
        return self.line()

    def reply(self, status: int, body: bytes, headers: tuple[tuple[str, str], ...]) -> Reply:
        """Give a reply without asking the server."""
        return Reply(status, body, headers)

    def hang(self) -> bytes:
        """Say nothing until the proxy ends."""
        self.gone.wait()
        return b""


Act = Callable[[Exchange], bytes | Reply]


class Mangler:
    """A proxy before a server: `act` says what comes back to each request; bytes that are no whole reply end the connection.

    `seen` counts the requests by method. `leave` is what a process does that exits.
    """

    def __init__(self, behind: str, act: Act, host: str = "127.0.0.1") -> None:
        self.act, self.seen = act, dict[str, int]()
        self._behind = urlsplit(behind).netloc
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._host, self._family = host, family
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._gone = threading.Event()
        self._lock = threading.Lock()
        self._listen(0)

    def _listen(self, port: int) -> None:
        self._listener = socket.create_server((self._host, port), family=self._family)
        self.port = self._listener.getsockname()[1]
        self.url = f"http://{f'[{self._host}]' if ':' in self._host else self._host}:{self.port}/sdk"
        self._start(self._accept, self._listener)

    def _start(self, does: Callable[[socket.socket], None], sock: socket.socket) -> None:
        self._threads.append(threading.Thread(target=does, args=(sock,), daemon=True))
        self._threads[-1].start()

    def leave(self) -> None:
        """Stop listening, and cut every connection."""
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def come_back(self) -> None:
        """Listen again, where it did before."""
        self._listen(self.port)

    def close(self) -> None:
        """End for good, with what hangs."""
        self._gone.set()
        self.leave()
        for each in self._threads:
            each.join(60)

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                sock, _ = listener.accept()
                self._open.append(sock)
                self._start(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        with suppress(OSError), sock, sock.makefile("rb") as file:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            behind = http.client.HTTPConnection(self._behind)
            with closing(behind), suppress(http.client.HTTPException):
                while request := _request(file):
                    told = self._answer(request, behind)
                    sock.sendall(told.raw() if isinstance(told, Reply) else told)
                    if not isinstance(told, Reply):
                        sock.shutdown(socket.SHUT_RDWR)
                        break

    def _answer(self, request: tuple[str, str, dict[str, str], bytes], behind: Any) -> bytes | Reply:
        verb, path, headers, body = request

        def line() -> Reply:
            behind.request(verb, path, exchange.body or None, headers)
            got = behind.getresponse()
            kept = tuple((k, v) for k, v in got.getheaders() if k.lower() in {"content-type", "set-cookie"})
            return Reply(got.status, got.read(), kept)

        method, vm = _BODY.search(body), _VM.search(body)
        name = method[1].decode() if method else ""
        with self._lock:
            number = self.seen[name] = self.seen.get(name, 0) + 1
        exchange = Exchange(name, vm[1].decode() if vm else "", body, number, line, self._gone)
        return self.act(exchange)


def _request(file: Any) -> tuple[str, str, dict[str, str], bytes] | None:
    first = file.readline().decode("latin-1").split()
    if len(first) < 2:
        return None
    headers: dict[str, str] = {}
    while line := file.readline().decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = file.read(int(headers.pop("content-length", "0")))
    if headers.pop("transfer-encoding", "") == "chunked":
        while size := int(file.readline(), 16):
            body += file.read(size)
            file.readline()
        file.readline()
    headers.pop("host", None)
    return first[0], first[1], headers, body


Mangled = Callable[..., Mangler]


@pytest.fixture
def mangled(simulator: SimulatorServer) -> Iterator[Mangled]:
    """Give a function that puts a proxy before the simulator, or before another server."""
    started: list[Mangler] = []

    def start(act: Act, behind: str = "", host: str = "127.0.0.1") -> Mangler:
        started.append(Mangler(behind or simulator.url, act, host))
        return started[-1]

    yield start
    for each in started:
        each.close()


MANAGER = "VirtualMachineGuestCustomizationManager"
Run = Callable[..., tuple[RunResult, list[Operation]]]


@pytest.fixture
def ran() -> Run:
    """Give a function that runs against a server, with little patience; it gives the result, and what was said."""

    def run(
        url: str, *methods: str, calls: int = 30, exchange: float = 1.0, back: float = 1.0, config: Config = LOOPBACK
    ) -> tuple[RunResult, list[Operation]]:
        limits = Limits(connect=60, exchange=exchange * stretch(), back=back)
        target = Target.open(url, recorder=Recorder(), secrets=secrets_of(config), limits=limits)
        options = RunRequest(seed=3, methods=methods, max_calls=calls, shrink=Budget(attempts=0, seconds=0.0))
        with closing(target):
            result = run_conformance(StartedRun(Site(target, load(MANAGER), config, options)))
        return result, target.recorder.operations

    return run
