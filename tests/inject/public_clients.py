"""Public clients, unmodified, before a gate: what each did about each documented fault, and the line of its source for it.

`python -m tests.inject.public_clients` runs them all and writes PUBLIC_CLIENTS.md, which the tests hold.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import ssl
import subprocess
import threading
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import trustme

from tests.inject.pyvmomi_client import Samples, logged_in, what_it_does
from vcontract._contract.load import load_with
from vcontract._inject.plausible import place_of
from vcontract._inject.rules import Channel
from vcontract.testing._every_fault import FaultCase
from vcontract.testing._vcenter import ServedVCenter, served

ROOT = Path(__file__).parents[2]
PAGE = Path(__file__).with_name("PUBLIC_CLIENTS.md")
VENV = ROOT / "build" / "public-clients"
MODULES = "ansible_collections.community.vmware.plugins.modules"
OSLO_METHODS = ("CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task")
PYVMOMI_METHODS = (*OSLO_METHODS, "RebootGuest", "PowerOffVM_Task")
ANSIBLE_METHODS = ("CustomizeGuest_Task", "RebootGuest")
_ANSIBLE_LINES = {
    "CustomizeGuest_Task": ("vmware_guest_instant_clone.py", "self.module.fail_json(msg=to_native(task_e))", 1),
    "RebootGuest": ("vmware_guest_instant_clone.py", "set_vm_power_state(content=self.content, vm=instant_vm_obj", 0),
}
"""Where the module is when a fault ends without a traceback: the file, a text of the line, which of those lines."""


class Cell(NamedTuple):
    """What a client did about a fault: in words, how often it sent the method, and the line that explains it."""

    client: str
    case: str
    did: str
    sent: int
    line: str
    source: str

    def row(self) -> str:
        """Write it as a row of the page."""
        return (
            f"| {self.case} | {self.did} | {self.sent} | `{self.line}`: `{self.source.replace('|', chr(92) + '|')}` |"
        )


def cases(methods: Iterable[str]) -> list[FaultCase]:
    """List every documented fault of some methods, by each channel by which the contract permits it."""
    channels: tuple[Channel, ...] = ("call", "task")
    return [
        FaultCase(method, fault.type, place.fault, channel, place.text)
        for method in methods
        for fault in load_with(method).method(method).fault
        for channel in channels
        if (place := place_of(method, fault.type, channel)) is not None
    ]


@contextlib.contextmanager
def tls_front(port: int) -> Iterator[int]:
    """Serve TLS before a plain port of loopback, for clients that speak nothing else; gives its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1", "localhost").configure_cert(context)
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                plain, _ = listener.accept()
                threading.Thread(target=relay, args=(plain,), daemon=True).start()

    def relay(plain: socket.socket) -> None:
        with (
            contextlib.suppress(OSError),
            context.wrap_socket(plain, server_side=True) as client,
            socket.create_connection(("127.0.0.1", port)) as server,
        ):
            back = threading.Thread(target=pump, args=(server, client), daemon=True)
            back.start()
            pump(client, server)
            back.join()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()


def oslo_session(vcenter: ServedVCenter) -> Any:
    """Open a session of OpenStack's library."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it waits by eventlet, which says at import that nobody should use it
        api = import_module("oslo_vmware.api")
        account = vcenter.administrator
        return api.VMwareAPISession(
            vcenter.host, account.username, account.password, 1, 0.02, port=vcenter.port, scheme="http"
        )


def oslo_call(session: Any, vcenter: ServedVCenter, method: str) -> str:
    """Call a method as OpenStack does, wait for its task, and give the state of that."""
    make = session.vim.client.factory.create
    auth = make("ns0:NamePasswordAuthentication")
    auth.username, auth.password, auth.interactiveSession = vcenter.guest.username, vcenter.guest.password, False
    vm = import_module("oslo_vmware.vim_util").get_moref(vcenter.vm("linux-1").moid, "VirtualMachine")
    arguments = {"vm": vm, "auth": auth}
    if method == "CustomizeGuest_Task":
        arguments["spec"] = _oslo_specification(make)
    manager = session.vim.service_content.guestCustomizationManager
    task = session.invoke_api(session.vim, method, manager, **arguments)
    return str(session.wait_for_task(task).state)


def _oslo_specification(make: Callable[[str], Any]) -> Any:
    spec, adapter = make("ns0:CustomizationSpec"), make("ns0:CustomizationIPSettings")
    spec.identity = make("ns0:CustomizationLinuxPrep")
    spec.identity.domain, spec.identity.hostName = "example.com", make("ns0:CustomizationFixedName")
    spec.identity.hostName.name = "web-1"
    spec.globalIPSettings = make("ns0:CustomizationGlobalIPSettings")
    spec.globalIPSettings.dnsServerList = ["10.0.0.53"]  # without any it leaves the whole element out, which is refused
    adapter.ip = make("ns0:CustomizationFixedIp")
    adapter.ip.ipAddress, adapter.subnetMask = "10.0.0.9", "255.255.255.0"
    mapping = make("ns0:CustomizationAdapterMapping")
    mapping.adapter = adapter
    spec.nicSettingMap = [mapping]
    return spec


def oslo_cell(session: Any, vcenter: ServedVCenter, case: FaultCase) -> Cell:
    """Let it meet a fault once."""
    vcenter.calm()
    vcenter.inject(case.method, case.type, channel=case.channel, times=1, seconds=0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            did, line, source = oslo_call(session, vcenter, case.method), "", ""
        except Exception as error:  # noqa: BLE001 - whatever a client raises is what is told of it
            names = [str(each) for each in getattr(error, "fault_list", None) or ()]
            did = f"raises {type(error).__name__}" + (f" {names}" if names else "")
            frame = [each for each in traceback.extract_tb(error.__traceback__) if "/oslo_vmware/" in each.filename][-1]
            line, source = f"{Path(frame.filename).name}:{frame.lineno}", str(frame.line)
    return Cell("oslo.vmware", case.id, did, _sent(vcenter, case.method), line, source)


def pyvmomi_cell(samples: Samples, vcenter: ServedVCenter, case: FaultCase) -> Cell:
    """Let it meet a fault once."""
    vcenter.calm()
    vcenter.inject(case.method, case.type, channel=case.channel, times=1, seconds=0.0)
    did, line, source = what_it_does(samples, case.method, samples.vms()["linux-1"])
    return Cell("pyVmomi", case.id, did, _sent(vcenter, case.method), line, source)


def _sent(vcenter: ServedVCenter, method: str) -> int:
    return sum(each.method == method for each in vcenter.calls)


def ansible(vcenter: ServedVCenter, port: int, name: str) -> subprocess.CompletedProcess[str]:
    """Run the module vmware_guest_instant_clone, as its package has it: a clone, its customization, its reboot."""
    settings = {"hostname": name, "ipaddress": "10.0.0.77", "netmask": "255.255.255.0", "gateway": "10.0.0.1"}
    arguments = {
        "name": name, "parent_vm": "linux-1", "datacenter": "dc-1", "datastore": "datastore1", "host": "esx-1",
        "resource_pool": "Resources", "vm_username": vcenter.guest.username, "vm_password": vcenter.guest.password,
        "wait_vm_tools": False, "guestinfo_vars": [{**settings, "dns": "10.0.0.53", "domain": "example.com"}],
    }  # fmt: skip
    return _module("vmware_guest_instant_clone", vcenter, port, arguments)


def ansible_info(vcenter: ServedVCenter, port: int, name: str) -> dict[str, Any]:
    """Run the module vmware_guest_info, and give what it tells of a VM."""
    done = _module("vmware_guest_info", vcenter, port, {"name": name, "datacenter": "dc-1"})
    told: dict[str, Any] = json.loads(done.stdout)["instance"]
    return told


def _module(
    name: str, vcenter: ServedVCenter, port: int, arguments: dict[str, Any]
) -> subprocess.CompletedProcess[str]:
    login = {"username": vcenter.administrator.username, "password": vcenter.administrator.password}
    place = {"hostname": "127.0.0.1", "port": port, "validate_certs": False}
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(VENV)}
    return subprocess.run(  # noqa: S603 - the program of make test-deps
        [VENV / "bin" / "python", "-W", "ignore", "-m", f"{MODULES}.{name}"],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": {**place, **login, **arguments}}),
        capture_output=True, text=True, check=False, env=environment, cwd=VENV,
    )  # fmt: skip


def ansible_cell(vcenter: ServedVCenter, port: int, case: FaultCase) -> Cell:
    """Let it meet a fault once."""
    vcenter.calm()
    vcenter.inject(case.method, case.type, channel=case.channel, times=1, seconds=0.0)
    done = ansible(vcenter, port, f"child-{case.id}"[:60].lower())
    file, text, nth = _ANSIBLE_LINES[case.method]
    frames = re.findall(r'/(\w+\.py)", line (\d+), in .*\n\s+(.*)', done.stderr)
    told: dict[str, Any] = json.loads(done.stdout) if done.stdout.strip().startswith("{") else {}
    if not told:
        did = "ends in a traceback"
        file, number, source = [each for each in frames if each[0] in {file, "vmware.py"}][-1]
        return Cell("Ansible", case.id, did, _sent(vcenter, case.method), f"{file}:{number}", source)
    did = "fails with the fault's text" if told.get("failed") else "says that all went well"
    number, source = _line(file, text, nth)
    return Cell("Ansible", case.id, did, _sent(vcenter, case.method), f"{file}:{number}", source)


def _line(file: str, text: str, nth: int) -> tuple[int, str]:
    """Find the line of the module's source that holds a text."""
    (found,) = VENV.glob(f"lib/python*/site-packages/ansible_collections/community/vmware/plugins/modules/{file}")
    lines = [(number, each) for number, each in enumerate(found.read_text("utf-8").splitlines(), 1) if text in each]
    return lines[nth][0], lines[nth][1].strip()


def all_cells() -> Iterator[Cell]:
    """Run every client through every case."""
    with served() as vcenter, tls_front(vcenter.port) as port:
        session = oslo_session(vcenter)
        yield from (oslo_cell(session, vcenter, case) for case in cases(OSLO_METHODS))
        session.logout()
        with logged_in(vcenter) as samples:
            yield from (pyvmomi_cell(samples, vcenter, case) for case in cases(PYVMOMI_METHODS))
        yield from (ansible_cell(vcenter, port, case) for case in cases(ANSIBLE_METHODS))


def ansible_version() -> str:
    """Tell the version of the collection that is installed."""
    (found,) = VENV.glob("lib/python*/site-packages/ansible_collections/community/vmware/MANIFEST.json")
    return str(json.loads(found.read_text("utf-8"))["collection_info"]["version"])


def written(cells: Iterable[Cell]) -> str:
    """Write the page."""
    listed = list(cells)
    versions = {
        "oslo.vmware": version("oslo.vmware"),
        "pyVmomi": version("pyvmomi"),
        "Ansible": f"community.vmware {ansible_version()}",
    }
    lines = [
        "# What public clients do when a call fails",
        "",
        "Each client as its package has it, before a gate of `vcontract inject`, met each documented fault of the",
        "methods that it calls and that a contract speaks of, once. The last column is the line of its source that",
        "explains what it did; where a fault ends without a traceback it is where the module goes on from.",
        "Written by `python -m tests.inject.public_clients`; a test holds every row.",
    ]
    for client, number in versions.items():
        lines += ["", f"## {client} ({number})", "", "| method, fault, channel | what it did | sent | because of |"]
        lines += ["|---|---|---|---|", *(each.row() for each in listed if each.client == client)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(written(all_cells()), "utf-8")
