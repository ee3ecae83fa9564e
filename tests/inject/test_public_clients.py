"""Public clients run their flow on the simulator, and what each does about each documented fault is what its page says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pyVim.task import WaitForTask

from tests.inject import public_clients as clients
from tests.inject.pyvmomi_client import Samples, logged_in, shows_soon
from vcontract._inject.plausible import place_of
from vcontract.testing._every_fault import FaultCase
from vcontract.testing._vcenter import ServedVCenter, served

PAGE = clients.PAGE.read_text("utf-8")
OSLO, ANSIBLE = clients.cases(clients.OSLO_METHODS), clients.cases(clients.ANSIBLE_METHODS)
PYVMOMI = clients.cases(clients.PYVMOMI_METHODS)
SAMPLE = (
    "CustomizeGuest_Task-TaskInProgress-call",
    "CustomizeGuest_Task-CustomizationFault-task",
    "RebootGuest-InvalidState-call",
)
needs_ansible = pytest.mark.skipif(
    not (clients.VENV / "bin" / "ansible").exists(), reason="no build/public-clients: `make test-deps` makes it"
)


class Served(NamedTuple):
    """A vCenter behind a gate, and the port by which it speaks TLS."""

    vcenter: ServedVCenter
    port: int


@pytest.fixture(scope="module")
def behind_tls() -> Iterator[Served]:
    """Serve one for this file."""
    with served() as vcenter, clients.tls_front(vcenter.port) as port:
        yield Served(vcenter, port)


@pytest.fixture(scope="module")
def session(behind_tls: Served) -> Iterator[Any]:
    """Log OpenStack's library in."""
    opened = clients.oslo_session(behind_tls.vcenter)
    yield opened
    opened.logout()


def test_oslo_vmware_runs_its_flow(session: Any, behind_tls: Served) -> None:
    """A customization, a network start and an abort, each awaited to its end; all by one session."""
    behind_tls.vcenter.calm()
    for method in clients.OSLO_METHODS:
        assert clients.oslo_call(session, behind_tls.vcenter, method) == "success"
    assert [each.outcome for each in behind_tls.vcenter.calls if each.method in clients.OSLO_METHODS] != []


@pytest.mark.parametrize("case", OSLO, ids=lambda case: case.id)
def test_oslo_vmware_does_what_the_page_says(session: Any, behind_tls: Served, case: FaultCase) -> None:
    """The row of the page, with the line that the exception came from."""
    cell = clients.oslo_cell(session, behind_tls.vcenter, case)
    assert cell.row() in PAGE.splitlines()


@pytest.fixture(scope="module")
def samples(behind_tls: Served) -> Iterator[Samples]:
    """Log the vendor's library in."""
    with logged_in(behind_tls.vcenter) as opened:
        yield opened


def test_pyvmomi_runs_the_flow_of_its_samples(samples: Samples, behind_tls: Served) -> None:
    """It lists, finds, clones, customizes, starts the network, reboots, runs a program, powers off and destroys."""
    behind_tls.vcenter.calm()
    parent = samples.vms()["linux-1"]
    found = samples.content.searchIndex.FindByUuid(None, parent.summary.config.uuid, vmSearch=True, instanceUuid=False)
    assert (found, parent.guest.toolsStatus) == (parent, "toolsOk")
    child = samples.instant_clone(parent, "flow-2")
    for method in (*clients.OSLO_METHODS, "RebootGuest"):
        assert samples.call(method, child) == "success"
    assert shows_soon(child, "web-1")
    assert samples.run_program(child, "/bin/true", "") == 0
    assert samples.call("PowerOffVM_Task", child) == "success"
    assert WaitForTask(child.Destroy(), si=samples.service) == "success"
    assert "flow-2" not in samples.vms()


@pytest.mark.parametrize("case", PYVMOMI, ids=lambda case: case.id)
def test_pyvmomi_does_what_the_page_says(samples: Samples, behind_tls: Served, case: FaultCase) -> None:
    """The row of the page: every fault comes out as the exception of its name, from one of two lines."""
    cell = clients.pyvmomi_cell(samples, behind_tls.vcenter, case)
    assert cell.row() in PAGE.splitlines()


@needs_ansible
def test_ansible_runs_its_flow(behind_tls: Served) -> None:
    """The module clones, customizes and reboots the child; what it set shows in the guest then."""
    behind_tls.vcenter.calm()
    done = clients.ansible(behind_tls.vcenter, behind_tls.port, "flow-1")
    told = json.loads(done.stdout)
    assert (told["changed"], told["failed"], done.returncode) == (True, False, 0)
    assert (told["vm_info"]["datastore"], told["vm_info"]["host"]) == (["datastore1"], "esx-1")
    called = [each.method for each in behind_tls.vcenter.calls]
    wanted = ["InstantClone_Task", "CustomizeGuest_Task", "RebootGuest"]
    assert [method for method in called if method in wanted] == wanted
    assert behind_tls.vcenter.vm("flow-1").moid


@needs_ansible
def test_ansible_tells_of_a_guest(behind_tls: Served) -> None:
    """The module that gathers facts finds the VM, its host, its datastore and its adapter."""
    told = clients.ansible_info(behind_tls.vcenter, behind_tls.port, "linux-2")
    vm = behind_tls.vcenter.vm("linux-2")
    assert (told["hw_name"], told["moid"], told["hw_power_status"]) == (vm.name, vm.moid, "poweredOn")
    assert (told["hw_esxi_host"], told["hw_datastores"]) == ("esx-1", ["datastore1"])
    assert told["hw_eth0"]["summary"] == "VM Network"
    assert told["hw_eth0"]["ipaddresses"] == [told["ipv4"]]


@needs_ansible
@pytest.mark.parametrize(
    "case",
    [case if case.id in SAMPLE else pytest.param(case, marks=pytest.mark.long) for case in ANSIBLE],
    ids=[case.id for case in ANSIBLE],
)
def test_ansible_does_what_the_page_says(behind_tls: Served, case: FaultCase) -> None:
    """The row of the page, with the line of the module."""
    cell = clients.ansible_cell(behind_tls.vcenter, behind_tls.port, case)
    assert cell.row() in PAGE.splitlines()


def test_the_page_has_every_documented_fault() -> None:
    """Of the methods that a client calls and a contract speaks of, by each channel by which the contract permits it."""
    rows = re.findall(r"^\| (\S+-\S+-(?:call|task)) \|", PAGE, re.MULTILINE)
    assert sorted(rows) == sorted(case.id for case in (*OSLO, *PYVMOMI, *ANSIBLE))
    assert len(rows) > 50
    assert all(place_of(case.method, case.type, case.channel) for case in (*OSLO, *PYVMOMI, *ANSIBLE))


@needs_ansible
def test_the_page_is_of_the_version_that_is_installed() -> None:
    """Lines of a source are of one version."""
    assert f"## Ansible (community.vmware {clients.ansible_version()})" in PAGE
    pinned = (Path(__file__).parent / "public-clients.txt").read_text("utf-8")
    assert re.search(r"^ansible==\d", pinned, re.MULTILINE)
