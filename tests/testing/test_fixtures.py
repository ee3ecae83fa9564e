"""The fixtures for tests of clients, as a user's suite has them: from the wheel, in a folder of its own, on two workers."""

from __future__ import annotations

import re
from pathlib import Path

from tests.wheel import python, run, shared, wheel  # noqa: F401 - fixtures

_HEAD = '''
import asyncio
import pytest
from pyVim.connect import Disconnect, SmartConnect
from pyVim.task import WaitForTask
from pyVmomi import vim, vmodl


def customized(vcenter, retries=%d):
    """The client under test: it customizes linux-1, and tries again what may pass."""
    who = vcenter.administrator
    si = SmartConnect(protocol="http", host=vcenter.host, port=vcenter.port, user=who.username, pwd=who.password)
    try:
        manager = si.content.guestCustomizationManager
        vm = vim.VirtualMachine(vcenter.vm("linux-1").moid, si._stub)
        auth = vim.vm.guest.NamePasswordAuthentication(
            username=vcenter.guest.username, password=vcenter.guest.password, interactiveSession=False)
        of = vim.vm.customization
        spec = of.Specification(
            identity=of.LinuxPrep(hostName=of.FixedName(name="web"), domain="example.org"),
            globalIPSettings=of.GlobalIPSettings(),
            nicSettingMap=[of.AdapterMapping(adapter=of.IPSettings(ip=of.DhcpIpGenerator()))])
        for left in range(retries, -1, -1):
            try:
                return WaitForTask(manager.CustomizeGuest_Task(vm=vm, auth=auth, spec=spec), si=si) == "success"
            except vim.fault.TaskInProgress:
                if not left:
                    raise
    finally:
        Disconnect(si)
        si._stub.DropConnections()
'''
_SUITE = """

@pytest.mark.every_fault("CustomizeGuest_Task")
def test_every_fault_is_met(vcenter, fault):
    with pytest.raises(vmodl.MethodFault) as met:
        customized(vcenter, retries=0)
    assert type(met.value)._wsdlName == fault.comes_as
    assert [each.injected for each in vcenter.calls if each.injected] == [fault.comes_as]


def test_it_tries_again_when_the_vm_is_busy(vcenter):
    vcenter.inject("CustomizeGuest_Task", "TaskInProgress", times=1)
    assert customized(vcenter)
    assert [each.method for each in vcenter.calls].count("CustomizeGuest_Task") == 2


@pytest.mark.parametrize("channel", ["call", "task"])
def test_nothing_of_one_test_stays_for_the_next(vcenter, channel):
    assert not any(each.injected for each in vcenter.calls)
    assert customized(vcenter)
    vcenter.inject("*", "InvalidState", channel=channel)


def test_what_the_server_shows(vcenter):
    vm = vcenter.vm("linux-1")
    before = vcenter.state(vm)
    assert (before.power, before.connection) == ("poweredOn", "connected")
    assert customized(vcenter)
    assert len(vcenter.state("linux-1").tasks) == len(before.tasks) + 1
    with pytest.raises(Exception, match="no VM is called nobody"):
        vcenter.vm("nobody")


def test_in_a_loop_of_asyncio(vcenter):
    async def both():
        return await asyncio.gather(*(asyncio.to_thread(customized, vcenter, 9) for _ in range(1)))

    assert asyncio.run(both()) == [True]


def test_a_rule_that_can_never_apply_is_refused(vcenter):
    with pytest.raises(Exception, match="nearest is TaskInProgress"):
        vcenter.inject("CustomizeGuest_Task", "TaskInProgres")
"""


def _outcome(python: Path, folder: Path, *options: str, suite: str) -> tuple[dict[str, int], str]:  # noqa: F811 - a fixture
    """Run a suite in a folder outside the project, with the wheel; gives the counts of outcomes, and what pytest printed."""
    (folder / "test_client.py").write_text(suite, "utf-8")
    (folder / "conftest.py").write_text('pytest_plugins = ["vcontract.testing"]\n', "utf-8")
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers -p no:cacheprovider\n", "utf-8")
    done = run(python, "-m", "pytest", "-q", *options, cwd=folder)
    last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr
    return {word: int(count) for count, word in re.findall(r"(\d+) (\w+)", last)}, done.stdout + done.stderr


def test_a_users_suite_is_green_on_two_workers(python: Path, tmp_path: Path) -> None:  # noqa: F811 - a fixture
    """Twenty tests of a client, with pytest-xdist: each worker has vCenters of its own."""
    counts, told = _outcome(python, tmp_path, "-n", "2", suite=_HEAD % 1 + _SUITE)
    assert counts.get("passed") == 20, told
    assert not counts.keys() & {"failed", "error", "errors"}, told


def test_a_mistake_in_the_client_is_red_on_two_workers(python: Path, tmp_path: Path) -> None:  # noqa: F811 - a fixture
    """A client that does not try again fails the test that says it must, and no other; one vCenter for the session."""
    options = ("-n", "2", "-o", "vcontract_vcenter_scope=session")
    counts, told = _outcome(python, tmp_path, *options, suite=_HEAD % 0 + _SUITE)
    assert (counts.get("failed"), counts.get("passed")) == (1, 19), told
    assert "FAILED test_client.py::test_it_tries_again_when_the_vm_is_busy" in told


def test_a_mark_that_means_nothing_is_one_line(python: Path, tmp_path: Path) -> None:  # noqa: F811 - a fixture
    """Said when the tests are collected, with what there is."""
    other = "import pytest\n\n@pytest.mark.every_fault\ndef test_b(vcenter): pass\n"
    (tmp_path / "test_other.py").write_text(other, "utf-8")
    suite = "import pytest\n\n@pytest.mark.every_fault('Nothing_Task')\ndef test_a(vcenter): pass\n"
    _, told = _outcome(python, tmp_path, suite=suite)
    assert "no contract speaks of Nothing_Task; there are" in told
    assert "every_fault takes one method" in told
