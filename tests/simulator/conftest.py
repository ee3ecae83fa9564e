"""A simulated vCenter without a wire and with a clock that the test moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from lxml import etree
from pyVmomi import vim

from vcontract._simulator.http1 import Reply, Request
from vcontract._simulator.objects import Invocation
from vcontract._simulator.settings import Settings
from vcontract._simulator.timeline import Timeline
from vcontract._simulator.vcenter import VCenter
from vcontract._simulator.virtual_machine import VirtualMachine

if TYPE_CHECKING:
    from vcontract._simulator.dispatch import Waiting

TASK_TIME = 1.0
LONGEST = 3.0  # a snapshot lasts so many times the task time
BOOT_TIME = 10.0
GUEST_PASSWORD = "guest"


class Bench:
    """Calls the objects of one vCenter directly; `pass_time` is the only way time passes, in seconds.

    Unless a test says otherwise, nothing that is reported is late.
    """

    def __init__(self, **settings: Any) -> None:
        self.clock = 0.0
        chosen = {"task_time": TASK_TIME, "boot_time": BOOT_TIME, "report_time": 0.0, **settings}
        self.vcenter = VCenter(Settings(**chosen), timeline=Timeline(lambda: self.clock))
        self.root = self.auth("root")

    def auth(self, username: str, password: str = GUEST_PASSWORD) -> Any:
        """Make a NamePasswordAuthentication."""
        return vim.vm.guest.NamePasswordAuthentication(username=username, password=password, interactiveSession=False)

    def vm(self, name: str) -> Any:
        """Find a machine by name."""
        return next(each for each in self.vcenter.registry.of_type(VirtualMachine) if each.name == name)

    def manager(self, moid: str) -> Any:
        """Find any object by moId."""
        return self.vcenter.registry.find(moid)

    def pass_time(self, seconds: float) -> None:
        """Let time pass and what is due happen."""
        self.clock += seconds
        self.vcenter.timeline.run_due()

    def call(self, target: Any, method: str, **arguments: Any) -> Any:
        """Call an operation; a task is given as the simulator's object, still to run."""
        found = self.manager(target) if isinstance(target, str) else target
        answer = getattr(found, method)(Invocation(method, "vim.version.v8_0_3_0", None), **arguments)
        return self.vcenter.resolve(answer) if isinstance(answer, vim.Task) else answer

    def start(self, target: Any, method: str, **arguments: Any) -> Any:
        """Call a task operation and let the task run half of its time."""
        task = self.call(target, method, **arguments)
        self.pass_time(TASK_TIME / 2)
        return task

    def do(self, target: Any, method: str, **arguments: Any) -> Any:
        """Call a task operation and let the task end; gives its TaskInfo."""
        task = self.call(target, method, **arguments)
        self.pass_time(LONGEST * TASK_TIME)
        self.pass_time(0.0)
        assert task.final
        return task.get_info()

    def guest_call(self, method: str, name: str, auth: Any = None, **arguments: Any) -> Any:
        """Call an operation of the GuestCustomizationManager and let the task run half of its time."""
        machine = self.vm(name)
        return self.start("GuestCustomizationManager", method, vm=machine.ref, auth=auth or self.root, **arguments)

    def run_in_guest(self, name: str, path: str, arguments: str, auth: Any = None) -> int:
        """Run a program in a guest; gives its process id."""
        spec = vim.vm.guest.ProcessManager.ProgramSpec(programPath=path, arguments=arguments)
        machine = self.vm(name).ref
        pid = self.call(
            "guestOperationsProcessManager", "StartProgramInGuest", vm=machine, auth=auth or self.root, spec=spec
        )
        return int(pid)

    def processes(self, name: str, *pids: int) -> list[Any]:
        """List programs that ran in a guest, all of this boot or the given ones."""
        where = {"vm": self.vm(name).ref, "auth": self.root, "pids": list(pids)}
        return list(self.call("guestOperationsProcessManager", "ListProcessesInGuest", **where))

    def spec(self, host_name: str = "web-1", address: str | None = "192.0.2.10", nics: int = 1) -> Any:
        """Make a CustomizationSpec for a Linux guest; an address of None means DHCP."""
        kind = vim.vm.customization
        ip = kind.FixedIp(ipAddress=address) if address else kind.DhcpIpGenerator()
        adapter = kind.IPSettings(ip=ip, subnetMask="255.255.255.0", gateway=["192.0.2.1"])
        return kind.Specification(
            identity=kind.LinuxPrep(hostName=kind.FixedName(name=host_name), domain="example.com"),
            globalIPSettings=kind.GlobalIPSettings(dnsServerList=["192.0.2.53"], dnsSuffixList=["example.com"]),
            nicSettingMap=[kind.AdapterMapping(adapter=adapter) for _ in range(nics)],
        )


@pytest.fixture
def bench() -> Bench:
    """Give a bench with the built-in inventory."""
    return Bench()


@pytest.fixture
def benches() -> type[Bench]:
    """Give the maker of benches with settings of the test's own."""
    return Bench


_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    "<soapenv:Body>{}</soapenv:Body></soapenv:Envelope>"
)
_NAMES = {"v": "urn:vim25"}


class Answer:
    """A reply taken apart: `xml` is what the SOAP body holds."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.status = reply.status
        self.text = reply.body.decode()
        self.xml: Any = etree.fromstring(reply.body)[-1][0]

    @property
    def fault(self) -> str:
        """The xsi:type of the fault in the detail; empty if it is no fault."""
        found = self.xml.findall("detail/*")
        return str(found[0].get("{http://www.w3.org/2001/XMLSchema-instance}type")) if found else ""

    @property
    def message(self) -> str:
        """The faultstring."""
        return self.xml.findtext("faultstring") or ""

    def all(self, path: str) -> list[str]:
        """Give the texts at a path of plain element names, from the response element down."""
        steps = "/".join(f"v:{step}" for step in path.split("/"))
        return [each.text or "" for each in self.xml.findall(steps, _NAMES)]

    def one(self, path: str) -> str:
        """Give the only text at a path."""
        (text,) = self.all(path)
        return text


class Wire:
    """Requests as bytes to one vCenter, without a socket; `pass_time` is the only way time passes, in seconds."""

    def __init__(self, **settings: Any) -> None:
        self.clock = 0.0
        chosen = {"task_time": TASK_TIME, "boot_time": BOOT_TIME, **settings}
        self.vcenter = VCenter(Settings(**chosen), timeline=Timeline(lambda: self.clock))
        self.cookie = ""

    def post(self, body: bytes | str, version: str = "8.0.3.0", cookie: str | None = None) -> Reply | Waiting:
        """Send whole bytes."""
        action = f'"urn:vim25/{version}"' if version else ""
        headers = {"soapaction": action, "cookie": self.cookie if cookie is None else cookie}
        raw = body.encode() if isinstance(body, str) else body
        return self.vcenter.handle(Request("POST", "/sdk", headers), raw)

    def begin(self, method: str, this: str, inner: str = "", version: str = "8.0.3.0") -> Reply | Waiting:
        """Send a call that may block; `this` is `Type:moId`."""
        kind, _, moid = this.partition(":")
        call = f'<{method} xmlns="urn:vim25"><_this type="{kind}">{moid}</_this>{inner}</{method}>'
        return self.post(_ENVELOPE.format(call), version)

    def call(self, method: str, this: str, inner: str = "", version: str = "8.0.3.0") -> Answer:
        """Send a call that does not block."""
        reply = self.begin(method, this, inner, version)
        assert isinstance(reply, Reply)
        return Answer(reply)

    def raw(self, call: str, version: str = "8.0.3.0") -> Answer:
        """Send what a SOAP body shall hold."""
        reply = self.post(_ENVELOPE.format(call), version)
        assert isinstance(reply, Reply)
        return Answer(reply)

    def login(self, user: str = "administrator", version: str = "8.0.3.0") -> Answer:
        """Log in with a fresh session and use it from now on; a cookie of before is just forgotten."""
        self.cookie = ""
        who = f"<userName>{user}@vsphere.local</userName><password>vcontract</password>"
        answer = self.call("Login", "SessionManager:SessionManager", who, version)
        self.cookie = dict(answer.reply.headers)["set-cookie"].partition(";")[0]
        return answer

    def pass_time(self, seconds: float) -> None:
        """Let time pass and what is due happen."""
        self.clock += seconds
        self.vcenter.settle()

    def vm(self, name: str = "linux-1") -> str:
        """Find the moId of a machine."""
        return str(next(each.moid for each in self.vcenter.registry.of_type(VirtualMachine) if each.name == name))


@pytest.fixture
def wire() -> Wire:
    """Give a vCenter with the administrator logged in."""
    made = Wire()
    made.login()
    return made


@pytest.fixture
def wired() -> type[Wire]:
    """Give the maker of vCenters with settings of the test's own."""
    return Wire
