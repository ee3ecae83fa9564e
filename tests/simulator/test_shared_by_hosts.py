"""The datastore and the network that all hosts share, as a client comes across them on its way to a clone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pyVim.connect import Disconnect, SmartConnect
from pyVim.task import WaitForTask
from pyVmomi import vim

from tests.simulator.test_pyvmomi_client import PASSWORD, USER, machine, port_of
from vcontract._simulator import Settings, SimulatorServer


@pytest.fixture(scope="module")
def instance() -> Iterator[Any]:
    """Connect a client to a simulator."""
    with SimulatorServer(Settings()) as server:
        connected = SmartConnect(protocol="http", host="127.0.0.1", port=port_of(server.url), user=USER, pwd=PASSWORD)
        yield connected
        Disconnect(connected)
        connected._stub.DropConnections()


@pytest.mark.parametrize(("kind", "name"), [(vim.Datastore, "datastore1"), (vim.Network, "VM Network")])
def test_there_is_one_and_everything_refers_to_it(instance: Any, kind: type, name: str) -> None:
    """A view finds it by its type; the datacenter, each host and each compute resource have it."""
    content = instance.content
    view = content.viewManager.CreateContainerView(content.rootFolder, [kind], recursive=True)
    (found,) = view.view
    assert found.name == found.summary.name == name
    assert found.summary.accessible
    (datacenter,) = (each for each in content.rootFolder.childEntity if isinstance(each, vim.Datacenter))
    field = "datastore" if kind is vim.Datastore else "network"
    assert getattr(datacenter, field) == [found]
    assert getattr(datacenter, f"{field}Folder").childEntity == [found]
    assert found.parent == getattr(datacenter, f"{field}Folder")
    for compute in datacenter.hostFolder.childEntity:
        assert getattr(compute, field) == [found]
        assert all(getattr(host, field) == [found] for host in compute.host)


def test_a_machine_has_them(instance: Any) -> None:
    """Its files lie in the datastore; one without an adapter is in no network."""
    with_one, without = machine(instance, "linux-1"), machine(instance, "linux-0nic")
    assert [each.name for each in with_one.datastore] == ["datastore1"]
    assert with_one.config.files.vmPathName.startswith("[datastore1] ")
    assert [each.name for each in with_one.network] == ["VM Network"]
    assert without.network == []
    assert with_one in with_one.datastore[0].vm
    assert without not in with_one.network[0].vm


def test_a_clone_may_name_them(instance: Any) -> None:
    """As a client does that asks its user for a datastore: the location of an instant clone."""
    parent = machine(instance, "linux-2")
    where = vim.vm.RelocateSpec(datastore=parent.datastore[0], pool=parent.resourcePool, folder=parent.parent)
    task = parent.InstantClone_Task(spec=vim.vm.InstantCloneSpec(name="child", location=where))
    assert str(WaitForTask(task)) == "success"
    assert [each.name for each in task.info.result.datastore] == ["datastore1"]
