"""Measures what the project promises to be quick, each beside a floor or a peer of the same run; writes RESULTS.md.

Run it by `make bench` on a machine that does nothing else. The ratios travel from machine to machine, the times do not.
"""

from __future__ import annotations

import contextlib
import gc
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
from msgspec.structs import replace
from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim, vmodl

from vcontract._client import Recorder, Secrets, Target
from vcontract._client.properties import read
from vcontract._contract import load as load_contract
from vcontract._model import cells, expect
from vcontract._schema import Schema
from vcontract._schema.source import read_document
from vcontract._shipped import shipped
from vcontract._simulator import SimulatorServer
from vcontract._strategies.customization import SMALLEST
from vcontract._terms import Ref

RESULTS = Path(__file__).with_name("RESULTS.md")
MANAGER = "VirtualMachineGuestCustomizationManager"
USER, PASSWORD = "administrator@vsphere.local", "vcontract"
RUN = (sys.executable, "-m", "vcontract", "run", "--seed", "1")
PATH = "runtime.powerState"


class Line(msgspec.Struct, frozen=True):
    """One measurement: `ours` and `theirs` in seconds, what `theirs` is, and the goal for `ours` (0: none)."""

    what: str
    ours: float
    peer: str
    theirs: float
    goal: float = 0.0

    def row(self) -> str:
        """Give the line of the table."""
        goal = f"< {_time(self.goal)}: {'met' if self.ours < self.goal else '**missed**'}" if self.goal else ""
        ratio = f"{self.ours / self.theirs:.2f}"
        return f"| {' | '.join((self.what, _time(self.ours), self.peer, _time(self.theirs), ratio, goal))} |"


def _time(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1e3:.0f} ms" if seconds >= 0.01 else f"{seconds * 1e6:.0f} µs"


def best(action: Callable[[], object], count: int = 5) -> float:
    """Give the shortest of some times."""
    return min(_timed(action) for _ in range(count))


def each(action: Callable[[], object], count: int = 400, rounds: int = 7) -> float:
    """Give the time of one action: the median of some rounds of many."""
    action()
    return statistics.median(_timed(lambda: [action() for _ in range(count)]) / count for _ in range(rounds))


def _timed(action: Callable[[], object]) -> float:
    gc.collect()
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def start_up() -> Iterator[Line]:
    """From the start of the process to the first SOAP request and to the verdict, beside the imports that both need."""
    imports = (sys.executable, "-c", "import zeep, lxml.etree, hypothesis, httptools, pyVmomi.VmomiSupport")
    peer = best(lambda: subprocess.run(imports, check=True), 3)  # noqa: S603 - our own code
    firsts, whole = [], 0.0
    for last in (False, False, False, True):
        with tempfile.TemporaryDirectory() as place:
            first, ended = _run(Path(place), whole=last)
        firsts.append(first)
        whole = ended
    yield Line("start of the process to the first SOAP request", min(firsts), "the imports alone", peer, 1.2)
    yield Line("start of the process to the verdict", whole, "the imports alone", peer, 30)


def _run(place: Path, *, whole: bool) -> tuple[float, float]:
    start = time.perf_counter()
    with subprocess.Popen((*RUN, "--report-dir", place), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:  # noqa: S603 - ours
        # a call is written to the history before its first byte leaves
        while not any(file.stat().st_size for file in place.glob("*/history.jsonl")):
            time.sleep(0.001)
        first = time.perf_counter() - start
        if not whole:
            run.kill()
        run.wait()
    return first, time.perf_counter() - start


def loading() -> Iterator[Line]:
    """Load the largest shipped WSDL set, as it is done and with the garbage collector left on."""
    location = str(shipped("wsdl") / "9.1.0.0" / "vimService.wsdl")

    def collecting() -> None:
        with mock.patch("gc.disable"):
            Schema(*read_document(location), location)

    ours = best(lambda: Schema(*read_document(location), location))
    yield Line("load a shipped WSDL set", ours, "with the garbage collector on", best(collecting), 0.3)


def round_trip(server: SimulatorServer) -> tuple[list[Line], float]:
    """Read one property of one VM: recorded and decoded here, by pyVmomi, and as bytes; gives the bytes' time too.

    Writing a whole request, which all that is sent pays for, stays far below such a read by the stock client.
    """
    with tempfile.TemporaryDirectory() as place, _target(server, Path(place) / "history.jsonl") as (target, vm):
        ours = each(lambda: read(target, "full", vm, [PATH]))
        raw = _raw(server, target, vm)
        theirs = _pyvmomi(server, vm)
        written = _written(target.schema, vm)
    what = "one read, recorded and decoded"
    lines = [Line(what, ours, "the same bytes on a bare socket", raw), Line(what, ours, "pyVmomi", theirs)]
    return [*lines, Line("one customization as bytes", written, "one read by pyVmomi", theirs, 0.0012)], raw


def _written(schema: Schema, vm: Ref) -> float:
    """Write a request of CustomizeGuest_Task."""
    auth = {"_typeName": "NamePasswordAuthentication", "interactiveSession": False, "username": "root", "password": "x"}
    values = {"vm": vm.json(), "auth": auth, "spec": SMALLEST}
    manager = Ref(MANAGER, "GuestCustomizationManager")
    return each(lambda: schema.request("CustomizeGuest_Task", manager, values))


@contextlib.contextmanager
def _target(server: SimulatorServer, history: Path) -> Iterator[tuple[Target, Ref]]:
    recorder = Recorder(history, keep=False)
    target = Target.open(server.url, recorder=recorder, secrets=Secrets({"account.full": PASSWORD}))
    target.login("full", USER, "account.full")
    try:
        yield target, Ref("VirtualMachine", server_vm(server))
    finally:
        target.close()
        recorder.close()


def server_vm(server: SimulatorServer) -> str:
    """Find the moId of the first VM, with the vendor's client."""
    with _client(server) as instance:
        found = instance.content.searchIndex.FindByInventoryPath("dc-1/vm/vcontract/linux-1")
        return str(found._moId)


@contextlib.contextmanager
def _client(server: SimulatorServer) -> Iterator[Any]:
    port = int(server.url.rpartition(":")[2].partition("/")[0])
    instance = SmartConnect(protocol="http", host="127.0.0.1", port=port, user=USER, pwd=PASSWORD)
    yield instance
    Disconnect(instance)


def _raw(server: SimulatorServer, target: Target, vm: Ref) -> float:
    """Time the bytes of the same read, sent and received as they are."""
    sent: list[bytes] = []
    with mock.patch.object(target._session("full").connection, "_exchange", side_effect=_spy(target, sent)):
        read(target, "full", vm, [PATH])
    host, _, port = server.url.removeprefix("http://").partition("/")[0].partition(":")
    with socket.create_connection((host, int(port))) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.sendall(sent[0])
        length = len(sock.recv(1 << 20))

        def exchange() -> None:
            sock.sendall(sent[0])
            got = 0
            while got < length:
                got += len(sock.recv(1 << 20))

        return each(exchange)


def _spy(target: Target, sent: list[bytes]) -> Callable[..., Any]:
    connection: Any = target._session("full").connection
    real = connection._exchange

    def exchange(head: bytes, body: bytes, *rest: Any, **named: Any) -> Any:
        sent.append(head + body)
        return real(head, body, *rest, **named)

    return exchange


def _pyvmomi(server: SimulatorServer, vm: Ref) -> float:
    collector = vmodl.query.PropertyCollector
    with _client(server) as instance:
        machine = vim.VirtualMachine(vm.value, instance._stub)
        chosen = collector.PropertySpec(type=vim.VirtualMachine, pathSet=[PATH], all=False)
        spec = collector.FilterSpec(objectSet=[collector.ObjectSpec(obj=machine)], propSet=[chosen])
        found = instance.content.propertyCollector
        return each(lambda: found.RetrievePropertiesEx([spec], collector.RetrieveOptions()))


def predictions(raw: float) -> Iterator[Line]:
    """Predict every cell of the contract, beside the bare round trip of a call."""
    contract = load_contract(MANAGER)
    every = tuple(cells(contract))
    assert len(every) > 1000
    unasked = iter([replace(contract) for _ in range(3)])  # what a contract was asked once is remembered

    def predict() -> None:
        asked = next(unasked)
        for cell in every:
            expect([cell.state], cell.asked, asked)

    spent = best(predict, 3) / len(every)
    yield Line(f"one prediction ({1 / spent:,.0f} a second)", spent, "the bare round trip of a read", raw)


def main() -> None:
    """Measure, print, and write RESULTS.md."""
    lines = [*start_up(), *loading()]
    with SimulatorServer() as server:
        trips, raw = round_trip(server)
    lines += [*trips, *predictions(raw)]
    head = "| what | ours | beside | theirs | ratio | goal |\n|---|---|---|---|---|---|"
    table = "\n".join((head, *(line.row() for line in lines)))
    about = f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}"
    RESULTS.write_text(
        f"# Measurements\n\nWritten by `make bench`. {about}. A ratio is ours / theirs.\n\n{table}\n", "utf-8"
    )
    sys.stdout.write(table + "\n")


if __name__ == "__main__":
    main()
