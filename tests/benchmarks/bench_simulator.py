"""Measures what the simulator answers in a second beside govmomi's of today; writes into RESULTS.md.

Both are processes of their own, on one core; the client (soap_load.py) has another. They take turns, so that what else the
machine does meets both. Run it by `make bench` on a machine with two cores that does nothing else.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from pyVim.connect import SmartConnect
from pyVmomi import vim, vmodl

from vcontract._model import STATE_PATHS

write_section = importlib.import_module("sections").write_section  # the file beside this one
HERE = Path(__file__).parent
THEIRS = HERE.parents[1] / "build" / "vcsim-today"
VMS = 32
"""So many VMs are on in both; each connection reads one of them."""
OURS_COMMAND = (sys.executable, "-m", "vcontract", "simulate", "--vms", str(VMS))
THEIRS_COMMAND = (str(THEIRS), "-vm", str(VMS // 2))  # in each of two resource pools
USER, PASSWORD = "administrator@vsphere.local", "vcontract"
PATHS = (*STATE_PATHS, "customValue")
SHOWN = {
    "guest.hostName": "web-1",
    "guest.ipAddress": "192.0.2.7",
    "guest.toolsRunningStatus": "guestToolsRunning",
    "guest.toolsVersionStatus2": "guestToolsUnmanaged",
}
"""What a guest of theirs is made to show by its extraConfig; those of ours show it by themselves."""
READS = 10
"""So many reads follow each change of a VM."""
ROUNDS, SECONDS = 9, 0.5
GOALS = {1: 1.0, 8: 0.8, 32: 0.8}
"""By the number of connections what the ratio shall be at least."""
PINNED = (
    "import os, sys; os.sched_setaffinity(0, map(int, sys.argv[1].split(','))); os.execvp(sys.argv[2], sys.argv[2:])"
)
"""Starts a command on some cores alone."""
CORES = sorted(os.sched_getaffinity(0))
APART, TOGETHER = (CORES[:1], CORES[-1:]), (CORES, CORES)
"""The cores of the server and of the client: one for each, or all for both, so that Go may use more than the one of Python."""
ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/">'
    "<soapenv:Body>{}</soapenv:Body></soapenv:Envelope>"
)
HEAD = (
    'POST /sdk HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/xml; charset=utf-8\r\nSOAPAction: "urn:vim25/6.5"\r\n'
    'Cookie: vmware_soap_session="{}"\r\nContent-Length: {}\r\n\r\n'
)


@dataclass(frozen=True)
class Side:
    """A server that runs: its process, port, the client's cores and session, VMs, and the custom field that is changed."""

    pid: int
    port: int
    client_cores: list[int]
    cookie: str
    vms: list[str]
    field: int
    collector: str
    fields: str

    def request(self, call: str) -> str:
        """Give a whole HTTP request for a call."""
        body = ENVELOPE.format(call)
        return HEAD.format(self.cookie, len(body)) + body

    def content(self) -> str:
        """Ask for the ServiceContent."""
        return self.request(
            '<RetrieveServiceContent xmlns="urn:vim25"><_this type="ServiceInstance">ServiceInstance</_this>'
            "</RetrieveServiceContent>"
        )

    def read(self, vm: str) -> str:
        """Read the properties of a VM."""
        paths = "".join(f"<pathSet>{path}</pathSet>" for path in PATHS)
        return self.request(
            f'<RetrievePropertiesEx xmlns="urn:vim25"><_this type="PropertyCollector">{self.collector}</_this><specSet>'
            f"<propSet><type>VirtualMachine</type><all>false</all>{paths}</propSet>"
            f'<objectSet><obj type="VirtualMachine">{vm}</obj><skip>false</skip></objectSet></specSet><options></options>'
            "</RetrievePropertiesEx>"
        )

    def change(self, vm: str, value: str) -> str:
        """Change a VM: the value of its custom field, which `customValue` shows at once in both servers."""
        return self.request(
            f'<SetField xmlns="urn:vim25"><_this type="CustomFieldsManager">{self.fields}</_this>'
            f'<entity type="VirtualMachine">{vm}</entity><key>{self.field}</key><value>{value}</value></SetField>'
        )

    def contents(self, connections: int) -> list[list[str]]:
        """Give the requests of each connection that asks for the ServiceContent."""
        return [[self.content()]] * connections

    def reads(self, connections: int) -> list[list[str]]:
        """Give the requests of each connection that reads a VM and changes it after every tenth read."""
        return [
            [each for value in "ab" for each in (self.change(vm, value), *([self.read(vm)] * READS))]
            for vm in (self.vms[number % len(self.vms)] for number in range(connections))
        ]


KINDS = {
    "RetrieveServiceContent": Side.contents,
    f"{READS} reads of {len(PATHS)} properties, then a change": Side.reads,
}


def on(cores: list[int], command: tuple[str, ...]) -> tuple[str, ...]:
    """Give the command that starts another one on some cores alone."""
    return (sys.executable, "-c", PINNED, ",".join(map(str, cores)), *command)


@contextmanager
def started(command: tuple[str, ...], cores: tuple[list[int], list[int]]) -> Iterator[Side]:
    """Start a server on its cores, with a session, and a custom field on VMs that are on."""
    pinned = on(cores[0], command)
    with subprocess.Popen(pinned, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:  # noqa: S603 - ours
        try:
            assert process.stdout is not None
            port = int(re.findall(r":(\d+)/", process.stdout.readline())[0])
            yield prepared(process.pid, port, cores[1])
        finally:
            process.terminate()


def prepared(pid: int, port: int, client_cores: list[int]) -> Side:
    """Log in, define the field, and have the guests of theirs show what those of ours do."""
    client = SmartConnect(protocol="http", host="127.0.0.1", port=port, user=USER, pwd=PASSWORD)
    content, kinds = client.content, vmodl.query.PropertyCollector
    view = content.viewManager.CreateContainerView(content.rootFolder, [vim.VirtualMachine], True)  # noqa: FBT003 - the WSDL's signature
    spec = kinds.FilterSpec(
        objectSet=[kinds.ObjectSpec(obj=vm) for vm in view.view],
        propSet=[kinds.PropertySpec(type=vim.VirtualMachine, pathSet=["runtime.powerState"], all=False)],
    )
    found = content.propertyCollector.RetrieveContents([spec])
    machines = [each.obj for each in found if each.propSet[0].val == "poweredOn"]
    if "(vcontract simulator)" not in content.about.fullName:
        shown = [vim.option.OptionValue(key=f"SET.{path}", value=value) for path, value in SHOWN.items()]
        for machine in machines:
            machine.ReconfigVM_Task(vim.vm.ConfigSpec(extraConfig=shown))
    field = content.customFieldsManager.AddCustomFieldDef("measured", vim.VirtualMachine)
    return Side(
        pid=pid,
        port=port,
        client_cores=client_cores,
        cookie=re.findall(r'vmware_soap_session="?([^";]*)', client._stub.cookie)[0],
        vms=[machine._moId for machine in machines][:VMS],
        field=field.key,
        collector=content.propertyCollector._moId,
        fields=content.customFieldsManager._moId,
    )


@dataclass(frozen=True)
class Load:
    """What came of one load: requests a second, and what the server's processor needed for one, in µs."""

    rate: float
    processor: float


def load(side: Side, connections: list[list[str]]) -> Load:
    """Let the client send for a while."""
    before = spent(side.pid)
    told: dict[str, Any] = json.loads(client(side, connections))
    return Load(told["answered"] / told["seconds"], (spent(side.pid) - before) / told["answered"] * 1e6)


def client(side: Side, connections: list[list[str]], *options: str) -> str:
    """Start the client on its cores; gives what it prints."""
    orders = json.dumps({"port": side.port, "seconds": SECONDS, "connections": connections})
    command = on(side.client_cores, (sys.executable, str(HERE / "soap_load.py"), *options))
    return subprocess.run(command, input=orders, stdout=subprocess.PIPE, text=True, check=True).stdout  # noqa: S603 - ours


def spent(pid: int) -> float:
    """Give the seconds of processor that a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def row(kind: str, connections: int, pairs: list[tuple[Load, Load]], goal: float) -> str:
    """Give the line of a table: medians of the rounds, and of their ratios; a goal of 0 is none."""
    ours, theirs = (median(each[side].rate for each in pairs) for side in (0, 1))
    ratio = median(mine.rate / other.rate for mine, other in pairs)
    costs = " | ".join(f"{median(each[side].processor for each in pairs):.0f} µs" for side in (0, 1))
    met = f"{goal}: {'met' if ratio >= goal else '**missed**'}" if goal else ""
    return f"| {kind} | {connections} | {ours:,.0f} | {theirs:,.0f} | {ratio:.2f} | {met} | {costs} |"


def table(cores: tuple[list[int], list[int]], goals: dict[int, float]) -> tuple[list[str], list[list[str]]]:
    """Measure on some cores, with the numbers of connections that have goals; gives a table, and each side's answers."""
    told = [
        "| what | connections | ours, requests/s | vcsim, requests/s | ratio | goal | ours, processor a request | vcsim |",
        "|---|---|---|---|---|---|---|---|",
    ]
    with ExitStack() as stack:
        sides = [stack.enter_context(started(command, cores)) for command in (OURS_COMMAND, THEIRS_COMMAND)]
        for kind, plan in KINDS.items():
            for connections, goal in goals.items():
                rounds = [[load(side, plan(side, connections)) for side in sides] for _ in range(ROUNDS)]
                told.append(row(kind, connections, [(ours, theirs) for ours, theirs in rounds], goal))
        return told, [answers(side) for side in sides]


def answers(side: Side) -> list[str]:
    """Give the two answers."""
    return [client(side, [[request]], "--once") for request in (side.content(), side.read(side.vms[0]))]


def lines() -> list[str]:
    """Measure; gives the lines of the section."""
    apart, answered = table(APART, GOALS)
    together, _ = table(TOGETHER, dict.fromkeys((8, 32), 0.0))
    free = (
        f"The same with server and client on all {len(CORES)} cores, where Go uses more than the one that Python has:"
    )
    return ["## Simulator", "", *apart, "", *explained(*answered), "", free, "", *together]


def explained(ours: list[str], theirs: list[str]) -> list[str]:
    """Say what was measured, and what the two servers answer."""
    sizes = [f"{len(mine):,} and {len(other):,} bytes" for mine, other in zip(ours, theirs, strict=True)]
    shown = [answer[1].count("<propSet>") for answer in (ours, theirs)]
    return [
        f"vcsim is that of govmomi {_pinned()}. Each server is one process on one core, the client on another; they take",
        f"turns, {ROUNDS} rounds of {SECONDS} s. The answers of ours and of vcsim: {sizes[0]} for the ServiceContent,",
        f"{sizes[1]} for a read. Of the {len(PATHS)} properties ours has {shown[0]}, vcsim {shown[1]}: it leaves out what",
        "is unset or false. What its guests show was set. A change sets the custom field that a read shows.",
    ]


def _pinned() -> str:
    module = (HERE.parent / "vcsim_today" / "go.mod").read_text("utf-8")
    return str(re.findall(r"govmomi v([\d.]+)", module)[0])


if __name__ == "__main__":
    if THEIRS.exists():
        write_section("simulator", lines())
    else:
        sys.stdout.write("The simulator is not measured: no build/vcsim-today; `make test-deps` builds it.\n")
