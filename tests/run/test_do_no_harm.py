"""Seen on the wire by a proxy: no call that disturbs leaves about a VM that is not ours, whenever that comes to be so."""

from __future__ import annotations

import http.client
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from msgspec.structs import replace
from pyVim.connect import Disconnect, SmartConnect
from pyVim.task import WaitForTask
from pyVmomi import vim, vmodl

from tests.windows import time_options
from vcontract._client import Target
from vcontract._client.properties import list_vms
from vcontract._commands.run import execute
from vcontract._config.config import LOOPBACK
from vcontract._config.request import RunRequest
from vcontract._errors import TargetError
from vcontract._findings.smaller import PLAIN_SPEC
from vcontract._report.result import RunResult
from vcontract._run.former_runs import resumed
from vcontract._terms import Arguments, Call, Lost, Ref
from vcontract._testbed.survey import secrets_of
from vcontract._workers.lanes.lanes_run import run_in_lanes
from vcontract._workers.launch import launch

MANAGER = "VirtualMachineGuestCustomizationManager"
READS = {
    *("RetrieveServiceContent", "Login", "Logout", "CurrentTime", "RetrievePropertiesEx", "CreateContainerView"),
    *("ContinueRetrievePropertiesEx", "DestroyView", "HasPrivilegeOnEntities"),
}
"""Methods that disturb nothing, by the vendor's documentation; what is no call at all is none either."""
LOGIN = {
    "_typeName": "NamePasswordAuthentication",
    "interactiveSession": False,
    "username": "root",
    "password": "guest",
}
_METHOD = re.compile(rb"<(?:[\w-]+:)?Body[^>]*>\s*<(?:[\w-]+:)?(\w+)[\s>/]")
_VM = re.compile(rb">\s*(vm-\d+)\s*<")


class Sent(NamedTuple):
    """A request that passed: its method (empty if it is no SOAP), and the VMs that it names."""

    method: str
    vms: frozenset[str]

    @property
    def disturbs(self) -> bool:
        """Whether it could change anything."""
        return bool(self.method) and self.method not in READS


class Wire(ThreadingHTTPServer):
    """Notes every request and hands it on; before request `moment` does what it was given."""

    daemon_threads = False  # closing the server waits for its handlers, so that no socket of theirs outlives the test

    losing: str = ""
    """The method whose next answer is lost."""

    def __init__(self, behind: str, moment: int = -1, act: Callable[[], None] = lambda: None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind, self.moment, self.act = urlsplit(behind).netloc, moment, act
        self.sent: list[Sent] = []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}/sdk"

    @property
    def after(self) -> list[Sent]:
        """The requests after the moment; that which was on the wire by then had left already."""
        return self.sent[self.moment + 1 :]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    timeout = 20  # seconds without a request
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
        found = _METHOD.search(body)
        with self.server.lock:
            self.server.sent.append(
                Sent(found[1].decode() if found else "", frozenset(each.decode() for each in _VM.findall(body)))
            )
            if len(self.server.sent) - 1 == self.server.moment:
                self.server.act()
        if found and found[1].decode() == self.server.losing:
            self.server.losing = ""
            self.behind.request(self.command, self.path, body, dict(self.headers))
            self.behind.getresponse().read()
            self.close_connection = True
            return
        self._pass_on(body)

    def _pass_on(self, body: bytes) -> None:
        kept = {name: value for name, value in self.headers.items() if name.lower() not in {"host", "content-length"}}
        self.behind.request(self.command, self.path, body or None, kept)
        reply = self.behind.getresponse()
        content = reply.read()
        self.send_response_only(reply.status)
        for name, value in reply.getheaders():
            if name.lower() in {"content-type", "set-cookie"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def simulator(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the URL of a simulator of the test's own, in a process of its own; a parameter says how long its tasks last."""
    task_time = getattr(request, "param", 0.02)
    command = [sys.executable, "-m", "vcontract", "simulate", *time_options(task_time, 0.02)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
        process.terminate()


@contextmanager
def operator(url: str) -> Iterator[Any]:
    """Log in with the vendor's client, as the operator; gives the content."""
    port = urlsplit(url).port
    instance = SmartConnect(
        protocol="http", host="127.0.0.1", port=port, user="administrator@vsphere.local", pwd="vcontract"
    )
    yield instance.content
    Disconnect(instance)
    instance._stub.DropConnections()


def machines(content: Any) -> list[Any]:
    """List all VMs."""
    view = content.viewManager.CreateContainerView(content.rootFolder, [vim.VirtualMachine], True)  # noqa: FBT003 - pyVmomi's signature
    found = list(view.view)
    view.Destroy()
    return found


def mark(machine: Any, value: str) -> None:
    """Set the mark as an operator does, again while the VM is busy; an empty one takes it off."""
    spec = vim.vm.ConfigSpec(extraConfig=[vim.option.OptionValue(key="vcontract.owner", value=value)])
    for _ in range(200):
        try:
            WaitForTask(machine.ReconfigVM_Task(spec))
        except (vim.fault.InvalidState, vim.fault.TaskInProgress):
            time.sleep(0.02)
        else:
            return
    raise AssertionError(f"{machine.name} is busy for ever")


@contextmanager
def wire(behind: str, moment: int = -1, act: Callable[[], None] = lambda: None) -> Iterator[Wire]:
    """Put a proxy before a server."""
    server = Wire(behind, moment, act)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(60)


def unmarking(simulator: str, which: str, gone: set[str], value: str = "") -> Callable[[], None]:
    """Give the act of an operator who takes the marks off (or gives VMs to somebody else), and notes of which VMs."""

    def act() -> None:
        with operator(simulator) as content:
            for each in machines(content):
                with suppress(vmodl.fault.HostNotConnected):  # nobody can, until its host is back
                    if each.name.startswith(which):
                        mark(each, value)
                        gone.add(each._moId)

    return act


def options(**given: Any) -> RunRequest:
    """Give options of a short run."""
    return RunRequest(seed=7, **{"max_calls": 400} | given)


def judged(request: RunRequest) -> RunResult:
    """Run a request on one worker."""
    return execute(request)


KINDS: dict[str, tuple[dict[str, Any], Callable[[RunRequest], RunResult]]] = {
    "plan": ({}, judged),
    "explore": ({"explore": 3, "explore_only": True}, judged),
    "complete": ({"complete": 0, "max_calls": 0}, judged),
    "workers": ({}, lambda request: launch(replace(request, workers=2))),
    "lanes": ({"max_calls": 0}, lambda request: run_in_lanes(request, 4)),
}
BESIDE = {"workers": 1, "lanes": 3}
"""How many others may have a request at the proxy, which had left before, while the marks are taken off."""


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=[pytest.mark.long] * (kind == "lanes")) for kind in KINDS])
def test_marks_that_are_taken_off_in_the_middle(kind: str, simulator: str, tmp_path: Path) -> None:
    """Whatever runs: not one more call that disturbs is about a VM whose mark is gone; exit 3, the report is whole."""
    given, run = KINDS[kind]
    gone: set[str] = set()
    with wire(simulator, 450, unmarking(simulator, "", gone)) as proxy:
        result = run(replace(options(**given), target=proxy.url, report_dir=tmp_path, output="none"))
    assert len(gone) >= 10
    assert any(each.disturbs for each in proxy.sent[:450])
    after = proxy.after[BESIDE.get(kind, 0) :]
    assert [each for each in after if each.disturbs and each.vms & gone] == []
    assert result.exit_code == 3
    assert any(each.startswith("halted for safety: ") and "carries no mark" in each for each in result.notes)
    assert {"run.json", "history.jsonl", "junit.xml"} <= {each.name for each in (tmp_path / "latest").iterdir()}


@pytest.mark.parametrize(("moment", "value"), [(200, ""), (417, "alice"), (731, "")])
def test_one_vm_is_taken_back(moment: int, value: str, simulator: str, tmp_path: Path) -> None:
    """Whether its mark goes or names another: the run ends before its next call about it, and puts the others back."""
    gone: set[str] = set()
    with wire(simulator, moment, unmarking(simulator, "linux-1", gone, value)) as proxy:
        request = replace(options(max_calls=1000), target=proxy.url, report_dir=tmp_path, output="none")
        result = execute(request)
    assert gone
    assert [each for each in proxy.after if each.disturbs and each.vms & gone] == []
    assert result.exit_code == 3
    with operator(simulator) as content:
        for each in machines(content):
            assert each.config.template or each._moId in gone or each.runtime.powerState == "poweredOn", each.name


@pytest.mark.parametrize("owner", ["", "alice"])
def test_without_a_mark_nothing_begins(owner: str, simulator: str, tmp_path: Path) -> None:
    """No mark, or the mark of somebody else: reads alone, exit 3, one line that says what to do, no report."""
    unmarking(simulator, "", set(), owner)()
    with wire(simulator) as proxy:
        request = replace(options(), target=proxy.url, report_dir=tmp_path / "reports", output="none")
        with pytest.raises(TargetError, match=r"no VM carries the mark vcontract\.owner = vcontract.*adopt") as ended:
            execute(request)
    assert ended.value.exit_code == 3
    assert [each for each in proxy.sent if each.disturbs] == []
    assert not (tmp_path / "reports").exists()


def test_a_run_that_goes_on_looks_again(simulator: str, tmp_path: Path) -> None:
    """After a run was cut its VMs were taken back: it does not go on."""
    execute(replace(options(max_calls=20), target=simulator, report_dir=tmp_path, output="none"))
    gone: set[str] = set()
    unmarking(simulator, "linux-2", gone)()
    with wire(simulator) as proxy:
        request = replace(options(), target=proxy.url, report_dir=tmp_path, output="none")
        again = resumed(tmp_path / "latest", request)
        with pytest.raises(Exception, match="no longer marked: linux-2"):
            execute(*again)
    assert [each for each in proxy.sent if each.disturbs and each.vms & gone] == []


def test_a_run_touches_what_is_marked_alone(simulator: str, tmp_path: Path) -> None:
    """With one VM in three marked, every call about another is a read, and nothing of it changes."""
    gone: set[str] = set()
    unmarking(simulator, "linux-2", gone)()
    unmarking(simulator, "windows", gone, "alice")()
    with wire(simulator) as proxy:
        request = replace(options(max_calls=60), target=proxy.url, report_dir=tmp_path, output="none")
        assert execute(request).calls >= 60
    assert len(gone) == 3
    assert [each for each in proxy.sent if each.disturbs and each.vms & gone] == []


@pytest.mark.parametrize("simulator", [0.02, 1.0], indirect=True)
def test_a_clone_of_which_no_answer_told_goes_too(simulator: str, tmp_path: Path) -> None:
    """The answer to InstantClone_Task is lost: it is not made again as it was; the audit finds what it made, or still makes."""
    with operator(simulator) as content:
        before = {each.name for each in machines(content)}
    with wire(simulator) as proxy:
        proxy.losing = "InstantClone_Task"
        request = replace(options(explore=1, explore_only=True), target=proxy.url, report_dir=tmp_path, output="none")
        result = execute(request)
    assert any("made by a call whose answer was lost; it was destroyed" in each for each in result.notes)
    assert result.clones.left == []
    assert result.exit_code in {0, 5}
    with operator(simulator) as content:
        assert {each.name for each in machines(content)} == before


@pytest.mark.parametrize("lost", ["InstantClone_Task", "ResetVM_Task", "CustomizeGuest_Task", "PowerOffVM_Task"])
def test_a_call_whose_answer_is_lost_is_not_sent_again(lost: str, simulator: str) -> None:
    """Once, whatever became of it; only a read may be repeated."""
    with wire(simulator) as proxy:
        target = Target.open(proxy.url, secrets=secrets_of(LOOPBACK))
        target.login("full", LOOPBACK.account[0].username, "account.full")
        vm = next(ref for ref, each in list_vms(target, "full", ["name"]).items() if each["name"] == "linux-1")
        values: dict[str, Any] = {
            "InstantClone_Task": {
                "spec": {
                    "_typeName": "VirtualMachineInstantCloneSpec",
                    "name": "x",
                    "location": {"_typeName": "VirtualMachineRelocateSpec"},
                }
            },
            "CustomizeGuest_Task": {"vm": vm.json(), "auth": LOGIN, "spec": PLAIN_SPEC},
        }
        ref = Ref(MANAGER, "GuestCustomizationManager") if lost == "CustomizeGuest_Task" else vm
        proxy.losing = lost
        done = target.send(Call(ref, lost, Arguments(values.get(lost, {})), "full"), "arrange")
        target.close()
    assert isinstance(done.outcome, Lost)
    assert [each.method for each in proxy.sent].count(lost) == 1
