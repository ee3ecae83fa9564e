"""Measures what a call costs the client, beside pyVmomi with the same stored replies: processor time of its thread alone.

The replies come from a process of its own, which answers with the bytes that the simulator gave once. The two clients take
turns, so that the ratios hold on a busy machine too. Run it by `make bench`.
"""

from __future__ import annotations

import gc
import importlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

from msgspec.structs import replace
from pyVmomi import SoapStubAdapter, vim, vmodl

from vcontract._check import Judge
from vcontract._client import Recorder, Secrets, Target
from vcontract._client.marks import Marks
from vcontract._client.properties import list_vms, read
from vcontract._client.tasks import follow
from vcontract._client.wire import Connection, HttpReply
from vcontract._contract import load as load_contract
from vcontract._model import STATE_PATHS, Facts, GuestAccount, VmFacts, compact
from vcontract._schema import bases_of
from vcontract._simulator import SimulatorServer
from vcontract._strategies.customization import SMALLEST
from vcontract._terms import Arguments, Call, Operation, Ref, Returned, Verdict, as_ref

write_section = importlib.import_module("sections").write_section  # the files beside this one
full = importlib.import_module("full_specification")
SERVER = Path(__file__).with_name("canned_server.py")
METHOD, NAME = "CustomizeGuest_Task", "linux-1"
STORED = "replies.json"
USER = "administrator@vsphere.local"
API, VENDORS_API = "8.0.3.0", "vim.version.v8_0_3_0"
MARKS = Marks("benchmark")
PATHS = (*STATE_PATHS, *MARKS.paths)
ABOUT = "Processor time of one call, without that of the server, which answers both clients with the same stored bytes."
GOAL, ROUNDS, CALLS = 0.5, 25, 80
SECRETS = {"account.full": "vcontract", "guest.root": "guest"}
"""The passwords that the simulator takes."""
OTHERS = {
    "account.full": "Xk7-zebra-plain",
    "guest.root": "Wq9!staple",
    "guest.user": "guest",
    "canary": "cAn4ry-of-a-run",
}
"""Those of a real run: what answers with stored bytes takes any."""


class Ours:
    """Our client: every call is recorded in a file, and judged if it is one of the contract."""

    def __init__(self, url: str, history: Path, passwords: dict[str, str], vm: Ref | None = None) -> None:
        self._recorder = Recorder(history, keep=False)
        secrets = Secrets(passwords, made_up=[name for name in passwords if name == "canary"])
        self.target = Target.open(url, wsdl=API, recorder=self._recorder, secrets=secrets)
        self.target.login("full", USER, "account.full")
        self.vm = vm or next(ref for ref, vm in list_vms(self.target, "full", ["name"]).items() if vm["name"] == NAME)
        self.manager = self.target.manager("guestCustomizationManager")
        self._given = {"vm": self.vm.json(), "auth": full.login("secret:guest.root")}
        whole = self._given | {"configParams": full.CONFIG_PARAMS}
        arguments = [Arguments(whole | {"spec": full.specification(number)}) for number in range(CALLS)]
        self._calls = cycle([Call(self.manager, METHOD, each, "full") for each in arguments])

    def read(self) -> Operation:
        """Read a VM as a run does."""
        return read(self.target, "full", self.vm, PATHS, lambda values: MARKS.only(compact(values)))

    def customize(self) -> Operation:
        """Customize it, by another specification each time."""
        return self.target.send(next(self._calls), "judge", "cell")

    def customize_simply(self) -> Operation:
        """Customize it by a specification that the simulator carries out."""
        return self.target.send(
            Call(self.manager, METHOD, Arguments(self._given | {"spec": SMALLEST}), "full"), "judge"
        )

    def close(self) -> None:
        """Close what is open."""
        self.target.close()
        self._recorder.close()


class Judged:
    """The customization, heard by a judge as in a run: a read of the VM before it, its task that has ended after it."""

    def __init__(self, ours: Ours, told: tuple[Operation, Operation]) -> None:
        self._ours, self._task = ours, told[1]
        root = GuestAccount("root", "secret:guest.root", may_customize=True)
        kind, vms = ours.manager.type, {ours.vm.value: VmFacts(ours.vm, NAME, 1)}
        facts = Facts(kind, ours.manager, API, sessions={"full": USER}, guests=(root,), vms=vms)
        self.judge = Judge(facts, load_contract(kind), bases_of(ours.target.schema))
        self.judge.feed(told[0])

    def customize(self) -> None:
        """Customize, and let the judge hear that and how the task ended; then the cell is over."""
        done = self._ours.customize()
        self.judge.feed(done)
        self.judge.feed(replace(self._task, start=done.end, end=done.end))
        self.judge.close()


class Theirs:
    """The vendor's client with the same replies."""

    def __init__(self, port: int, ours: Ours) -> None:
        stub = SoapStubAdapter("127.0.0.1", -port, version=VENDORS_API, path="/sdk")
        content: Any = vim.ServiceInstance("ServiceInstance", stub).RetrieveContent()
        content.sessionManager.Login(USER, OTHERS["account.full"])
        collector = vmodl.query.PropertyCollector
        vm = vim.VirtualMachine(ours.vm.value, stub)
        chosen = collector.PropertySpec(type=vim.VirtualMachine, pathSet=list(PATHS), all=False)
        asked = collector.FilterSpec(objectSet=[collector.ObjectSpec(obj=vm, skip=False)], propSet=[chosen])
        options = collector.RetrieveOptions(maxObjects=100)
        self.read: Callable[[], Any] = lambda: content.propertyCollector.RetrievePropertiesEx([asked], options)
        login, params = full.vendors(full.login(OTHERS["guest.root"])), full.vendors(full.CONFIG_PARAMS)
        specs = cycle([full.vendors(full.specification(number)) for number in range(CALLS)])
        manager = content.guestCustomizationManager
        self.customize: Callable[[], Any] = lambda: manager.CustomizeGuest_Task(vm, login, next(specs), params)


def recorded(place: Path) -> tuple[Ref, tuple[Operation, Operation]]:
    """Have the simulator answer each call, and store its replies in a file.

    Gives the VM, and what is read of it before and of the task that has ended.
    """
    replies: dict[str, str] = {}
    exchange = Connection._exchange

    def spy(connection: Connection, head: bytes, body: bytes, *rest: Any, **named: Any) -> Any:
        reply = exchange(connection, head, body, *rest, **named)
        name = body.partition(b"Body>")[2].partition(b":")[2].replace(b">", b" ").split(b" ", 1)[0].decode()
        replies[name] = _whole(reply) if isinstance(reply, HttpReply) else ""
        return reply

    with SimulatorServer() as server, mock.patch.object(Connection, "_exchange", spy):
        ours = Ours(server.url, place / "first.jsonl", SECRETS)
        before, accepted = ours.read(), ours.customize_simply()
        task = as_ref(accepted.outcome.value) if isinstance(accepted.outcome, Returned) else None
        assert task is not None, accepted
        ended = follow(ours.target, "full", task, deadline_seconds=60)[-1]
        ours.read()
        ours.close()
    (place / STORED).write_text(json.dumps(replies), "utf-8")
    return ours.vm, (before, replace(ended, cell="cell"))


def _whole(reply: HttpReply) -> str:
    fields = "".join(f"{name}: {value}\r\n" for name, value in reply.headers)
    return f"HTTP/1.1 {reply.status} OK\r\n{fields}\r\n{reply.body.decode()}"


@contextmanager
def canned(stored: Path) -> Iterator[int]:
    """Start the process that answers with what is stored; gives its port."""
    with subprocess.Popen((sys.executable, str(SERVER), str(stored)), stdout=subprocess.PIPE) as process:  # noqa: S603 - ours
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def spent(action: Callable[[], object]) -> float:
    """Give the processor time of this thread for one call, in seconds: the mean of some."""
    gc.collect()
    start = time.thread_time()
    for _ in range(CALLS):
        action()
    return (time.thread_time() - start) / CALLS


def turns(ours: Callable[[], object], theirs: Callable[[], object]) -> tuple[float, ...]:
    """Let both clients take turns; gives the median of each, and of the ratios."""
    pairs = [(spent(ours), spent(theirs)) for _ in range(ROUNDS)]
    return (*(median(side) for side in zip(*pairs, strict=True)), median(mine / other for mine, other in pairs))


def lines(place: Path) -> list[str]:
    """Measure; gives the lines of the section."""
    vm, told = recorded(place)
    with canned(place / STORED) as port:
        ours = Ours(f"http://127.0.0.1:{port}/sdk", place / "history.jsonl", OTHERS, vm)
        theirs, judged = Theirs(port, ours), Judged(ours, told)
        assert not ours.read().problems
        reads = turns(ours.read, theirs.read)
        calls = turns(judged.customize, theirs.customize)
        assert {each.verdict for each in judged.judge.judgements} == {Verdict.CONFORMS}, judged.judge.judgements[-1]
        ours.close()
    head = ("| | ours, µs | pyVmomi, µs | ratio | goal |", "|---|---|---|---|---|")
    rows = [
        _row(f"one read of {len(PATHS)} properties of a VM, recorded and decoded", *reads),
        _row("one CustomizeGuest_Task with every optional element, recorded and judged", *calls),
    ]
    return ["## Client", "", ABOUT, "", *head, *rows]


def _row(what: str, ours: float, theirs: float, ratio: float) -> str:
    met = "met" if ratio <= GOAL else "**missed**"
    return f"| {what} | {ours * 1e6:.0f} | {theirs * 1e6:.0f} | {ratio:.2f} | {GOAL}: {met} |"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        write_section("client", lines(Path(folder)))
