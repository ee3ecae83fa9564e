"""`check_spec` and the simulator, which share no code, agree on drawn specifications; the answer over the wire is the judge."""

from __future__ import annotations

import copy
import http.client
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from lxml import etree
from pyVim.connect import Disconnect, SmartConnect
from pyVim.task import WaitForTask
from pyVmomi import vim, vmodl

from vcontract import strategies
from vcontract._api.check_spec import Problem, SpecFacts, check_spec
from vcontract._api.reading.loose import Loose
from vcontract._api.reading.typed import read_typed
from vcontract._api.simulator import Simulator
from vcontract._schema import load
from vcontract._strategies import typed
from vcontract._strategies.customization import SMALLEST, fitted
from vcontract._strategies.pool import draw
from vcontract._terms import Ref

API = "9.1.0.0"
SCHEMA = load(API)
MANAGER = Ref("VirtualMachineGuestCustomizationManager", "GuestCustomizationManager")
LOGIN = {
    "_typeName": "NamePasswordAuthentication",
    "interactiveSession": False,
    "username": "root",
    "password": "guest",
}
LIVE, OFFLINE = "CustomizeGuest_Task", "CustomizeVM_Task"
LIVE_VALID, LIVE_BROKEN, LIVE_ANY, OFFLINE_VALID, OFFLINE_BROKEN = 60, 60, 40, 20, 20
GENERAL = {"CustomizationFault", "UnexpectedCustomizationFault", "InvalidArgument", "UncustomizableGuest"}
"""What a server may answer to any broken rule, whatever fault its source names: oracle rows X1 to X3."""


class Drawn(NamedTuple):
    """A specification, how it is sent, and for how many adapters."""

    spec: dict[str, Any]
    method: str
    nics: int


class Wire:
    """Sends a specification to a VM and says how it ended: empty if it was accepted, else the fault's type."""

    def __init__(self, vcenter: Simulator) -> None:
        port = int(vcenter.url.rpartition(":")[2].partition("/")[0])
        administrator = vcenter.accounts[0]
        self._port = port
        self._instance = SmartConnect(
            protocol="http", host="127.0.0.1", port=port, user=administrator.username, pwd=administrator.password
        )
        content = self._instance.content
        view = content.viewManager.CreateContainerView(content.rootFolder, [vim.VirtualMachine], recursive=True)
        self._vms = {vm.name: vm for vm in view.view}
        self._left = [name for name in self._vms if re.fullmatch(r"vm-\d{4}", name)]

    def close(self) -> None:
        """Log out."""
        Disconnect(self._instance)
        self._instance._stub.DropConnections()

    def live(self, spec: dict[str, Any], name: str) -> str:
        """Customize a running guest."""
        vm = Ref("VirtualMachine", self._vms[name]._moId)
        return self._ended(LIVE, MANAGER, {"vm": vm.json(), "auth": LOGIN, "spec": spec})

    def offline(self, spec: dict[str, Any], name: str = "", without: str = "") -> str:
        """Customize the next boot of a VM, by name or one that nothing was done to before; `without` an element of it."""
        vm = self._vms[name or self._left.pop()]
        if vm.runtime.powerState == "poweredOn":
            WaitForTask(vm.PowerOff())
        return self._ended(OFFLINE, Ref("VirtualMachine", vm._moId), {"spec": spec}, without)

    def _ended(self, method: str, this: Ref, arguments: dict[str, Any], without: str = "") -> str:
        body = SCHEMA.request(method, this, arguments)
        if without:
            tree = etree.fromstring(body)
            for element in tree.findall(f".//{{urn:vim25}}{without}"):
                element.getparent().remove(element)  # type: ignore[union-attr] # it is within the request
            body = etree.tostring(tree)
        headers = {
            "Content-Type": "text/xml; charset=utf-8",
            "SOAPAction": f'"urn:vim25/{API}"',
            "Cookie": self._instance._stub.cookie,
        }
        connection = http.client.HTTPConnection("127.0.0.1", self._port)
        connection.request("POST", "/sdk", body, headers)
        reply = connection.getresponse()
        text = reply.read().decode()
        connection.close()
        if reply.status == 500:
            return re.search(r"<detail><(\w+?)Fault\b", text)[1]  # type: ignore[index] # it is there, or the test fails
        moid = re.search(r"<returnval[^>]*>([^<]+)<", text)[1]  # type: ignore[index] # the same
        try:
            WaitForTask(vim.Task(moid, self._instance._stub))
        except vmodl.MethodFault as fault:
            return type(fault).__name__.rpartition(".")[2]
        return ""


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    """Serve a vCenter with a VM for each specification that is for a VM which is off."""
    with Simulator(api=API, vms=OFFLINE_VALID + OFFLINE_BROKEN + 1, task_time=0.001, boot_time=0.001) as vcenter:
        made = Wire(vcenter)
        yield made
        made.close()


def drawn() -> list[Drawn]:
    """Draw 200: valid and broken ones for a running guest and for one that is off, and some of which nothing is known."""
    some = strategies.customization_specs
    names = {1: "linux-1", 2: "linux-2nic", 0: "linux-0nic"}
    listed = [
        Drawn(spec, LIVE, nics)
        for nics in names
        for spec in draw(some(valid=True, nics=nics), nics, LIVE_VALID // len(names))
    ]
    listed += [
        Drawn(spec, LIVE, nics)
        for nics in (1, 2)
        for spec in draw(some(valid=False, nics=nics), nics, LIVE_BROKEN // 2)
    ]
    listed += [Drawn(fitted(spec, 1), LIVE, 1) for spec in draw(shaped(), 1, LIVE_ANY)]
    listed += [Drawn(spec, OFFLINE, 1) for spec in draw(some(valid=True, method=OFFLINE), 5, OFFLINE_VALID)]
    listed += [Drawn(spec, OFFLINE, 1) for spec in draw(some(valid=False, method=OFFLINE), 6, OFFLINE_BROKEN)]
    return listed


def shaped() -> Any:
    """Draw whatever the schema allows, with the adapters that `fitted` wants to see."""
    return typed.values(SCHEMA, "CustomizationSpec").map(
        lambda spec: {**spec, "nicSettingMap": spec.get("nicSettingMap", [])}
    )


def named(problems: tuple[Problem, ...]) -> set[str]:
    """Name the faults that may come."""
    return {fault for each in problems for fault in each.faults} | GENERAL


def answered(wire: Wire, each: Drawn) -> str:
    """Send one, and say how it ended."""
    send: dict[int, Callable[[dict[str, Any]], str]] = {
        nics: lambda spec, name=name: wire.live(spec, name)  # type: ignore[misc] # a name for each number
        for nics, name in ((1, "linux-1"), (2, "linux-2nic"), (0, "linux-0nic"))
    }
    return wire.offline(each.spec) if each.method == OFFLINE else send[each.nics](each.spec)


def test_two_hundred_drawn_specifications(wire: Wire) -> None:
    """What will be refused is, by a fault that was named; what has no problem is accepted; the rest may go either way."""
    listed, disagreed, seen = drawn(), [], Counter[str]()
    for each in listed:
        facts = SpecFacts(api=API, guest="linux", nics=each.nics, method=each.method, generator=False, decrypts=False)
        problems = check_spec(each.spec, facts)
        said = "accepted" if not problems else "refused" if problems[0].certainty == "will" else "open"
        fault = answered(wire, each)
        seen[said] += 1
        agrees = not fault if said == "accepted" else fault in named(problems) if said == "refused" else True
        if not agrees:
            disagreed.append((said, fault, problems, each))
    assert disagreed == []
    assert len(listed) == 200
    assert seen["accepted"] >= LIVE_VALID + OFFLINE_VALID
    assert seen["refused"] >= LIVE_BROKEN + OFFLINE_BROKEN


ISSUES = yaml.safe_load((Path(__file__).parent / "public_issues.yaml").read_text("utf-8"))
REQUIRED = {"identity": SMALLEST["identity"], "ip": {"_typeName": "CustomizationDhcpIpGenerator"}}
"""What stands in for an element that an issue's specification lacks, until it is taken out of the request."""


def test_the_public_issues(wire: Wire) -> None:
    """The simulator refuses what a vCenter refused there, for a VM that is off and has as many adapters; and nothing else."""
    told = {}
    for issue in ISSUES:
        facts, spec = issue["facts"], copy.deepcopy(issue["spec"])
        lacks = next((path.rpartition(".")[2] for path, rule in issue["refused"].items() if rule == "W1"), "")
        if lacks == "identity":
            spec["identity"] = REQUIRED["identity"]
        elif lacks:
            spec["nicSettingMap"][0]["adapter"][lacks] = REQUIRED[lacks]
        windows = facts.get("guest", "linux").startswith("windows")
        name = (
            "windows-1"
            if windows
            else "linux-2nic"
            if facts["nics"] == 2
            else ""
            if not issue["refused"]
            else "linux-4"
        )
        sent = read_typed(Loose(spec, "an issue", untyped=True), SCHEMA).spec
        told[issue["link"]] = bool(wire.offline(sent, name, lacks))
    assert told == {issue["link"]: bool(issue["refused"]) for issue in ISSUES}
