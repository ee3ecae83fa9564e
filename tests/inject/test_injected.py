"""What a client of pyVmomi gets: faults with true fields, and tasks that the server behind never had."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from pyVim.task import WaitForTask
from pyVmomi import vim, vmodl

from tests.clients.guest import Guest
from tests.inject.conftest import Open
from vcontract._inject.rules import Rule, When
from vcontract._simulator import Settings
from vcontract.testing._vcenter import served

CUSTOMIZE = "CustomizeGuest_Task"
Login = Callable[[str], Guest]


def test_a_fault_as_the_answer_has_true_fields(gate: Open, guest: Login) -> None:
    """TaskInProgress names a task that can be read and runs; the next call is passed on and succeeds."""
    client = guest(gate(Rule(CUSTOMIZE, "TaskInProgress", when=When(nth=1))).url)
    with pytest.raises(vim.fault.TaskInProgress) as refused:
        client.customize()
    assert refused.value.task.info.state == "running"
    assert refused.value.task.info.entity == client.vm
    assert WaitForTask(client.customize()) == "success"


def test_fields_are_those_of_the_state_and_of_the_file(gate: Open, guest: Login) -> None:
    """The power of the state that permits it, the counts of the request, and what the file says in their place."""
    rules = (
        Rule(CUSTOMIZE, "InvalidPowerState", when=When(nth=1)),
        Rule(CUSTOMIZE, "NicSettingMismatch", when=When(nth=2)),
        Rule(CUSTOMIZE, "InvalidPowerState", when=When(nth=3), fields={"existingState": "suspended"}),
        Rule(CUSTOMIZE, "ManagedObjectNotFound", when=When(nth=4)),
    )
    client, told = guest(gate(*rules).url), list[vmodl.MethodFault]()
    for _ in rules:
        with pytest.raises(vmodl.MethodFault) as refused:
            client.customize()
        told.append(refused.value)
    off, nics, suspended, gone = told
    assert (off.existingState, off.requestedState) == ("poweredOff", "poweredOn")
    assert (nics.numberOfNicsInSpec, nics.numberOfNicsInVM) == (1, 2)
    assert suspended.existingState == "suspended"
    assert gone.obj == client.vm


def test_a_task_of_ours_lives_as_one_of_the_server(gate: Open, guest: Login) -> None:
    """It is read by its properties and by a filter that waits, listed by TaskManager and VM, and ends in the fault."""
    opened = gate(Rule(CUSTOMIZE, "GuestPermissionDenied", channel="task", seconds=0.3, when=When(nth=1)))
    client = guest(opened.url)
    task = client.customize()
    assert task.info.state in {"queued", "running"}
    assert (task.info.key, task.info.entity) == (task._moId, client.vm)
    assert task.info.descriptionId == "vm.GuestCustomizationManager.customize"
    assert "administrator" in task.info.reason.userName.lower()
    assert task in client.content.taskManager.recentTask
    assert task in client.vm.recentTask
    with pytest.raises(vim.fault.GuestPermissionDenied):
        WaitForTask(task, si=client.service)
    assert task.info.completeTime is not None
    real = client.customize()
    assert WaitForTask(real, si=client.service) == "success"
    assert real._moId != task._moId


def test_a_read_of_a_task_of_ours_beside_others_gets_all(gate: Open, guest: Login) -> None:
    """One RetrievePropertiesEx for a task of ours and for the VM: the server is asked for the VM alone."""
    client = guest(gate(Rule(CUSTOMIZE, "stuck-task")).url)
    task, pc = client.customize(), vmodl.query.PropertyCollector
    spec = pc.FilterSpec(
        objectSet=[pc.ObjectSpec(obj=task), pc.ObjectSpec(obj=client.vm)],
        propSet=[
            pc.PropertySpec(type=vim.Task, pathSet=["info.state"]),
            pc.PropertySpec(type=vim.VirtualMachine, pathSet=["name"]),
        ],
    )
    read = client.content.propertyCollector.RetrievePropertiesEx([spec], pc.RetrieveOptions())
    assert {(each.obj, each.propSet[0].val) for each in read.objects} == {(task, "running"), (client.vm, "linux-1")}


def test_a_task_that_is_forgotten_is_as_one_that_never_was(gate: Open, guest: Login) -> None:
    """Every read of it is refused with ManagedObjectNotFound, that names it."""
    client = guest(gate(Rule(CUSTOMIZE, "forgotten-task")).url)
    task = client.customize()
    with pytest.raises(vmodl.fault.ManagedObjectNotFound) as refused:
        _ = task.info
    assert refused.value.obj == task


def test_a_session_that_expires_stays_expired(gate: Open, guest: Login) -> None:
    """Each further call of the session is refused, reads too; a new login works."""
    opened = gate(Rule(CUSTOMIZE, "expired-session", when=When(nth=1)))
    client = guest(opened.url)
    for call in (client.customize, lambda: client.vm.name):
        with pytest.raises(vim.fault.NotAuthenticated):
            call()
    assert WaitForTask(guest(opened.url).customize()) == "success"


def test_a_delay_is_a_delay(gate: Open, guest: Login) -> None:
    """The call is passed on, later."""
    client = guest(gate(Rule(CUSTOMIZE, "delay", seconds=0.2)).url)
    began = time.monotonic()
    assert WaitForTask(client.customize()) == "success"
    assert time.monotonic() - began >= 0.2


def test_the_end_of_a_slow_task_is_shown_later(gate: Open, guest: Login) -> None:
    """Reads show the server's own task running, and an update of its end is held back, until the time is over."""
    client = guest(gate(Rule(CUSTOMIZE, "slow-task", seconds=0.6, when=When(nth=1))).url)
    began = time.monotonic()
    task = client.customize()
    seen = task.info
    while time.monotonic() - began < 0.3:
        seen = task.info
        assert seen.state in {"queued", "running"}
        assert seen.completeTime is None
    assert client.vm.name == "linux-1"
    assert WaitForTask(task, si=client.service) == "success"
    assert time.monotonic() - began >= 0.6
    assert task.info.state == "success"
    assert task.info.completeTime is not None


def test_properties_are_shown_late(gate: Open, guest: Login) -> None:
    """What was read before is shown as it was then, until the time is over; then as it is."""
    client = guest(gate(Rule("PowerOffVM_Task", "late-properties", seconds=0.6)).url)
    assert client.vm.runtime.powerState == "poweredOn"
    began = time.monotonic()
    try:
        client.vm.PowerOffVM_Task()
        assert client.vm.runtime.powerState == "poweredOn"
        time.sleep(max(0.0, 0.65 - (time.monotonic() - began)))
        assert client.vm.runtime.powerState == "poweredOff"
    finally:
        WaitForTask(client.vm.PowerOnVM_Task())


@pytest.mark.parametrize("fault", ["InvalidPowerState", "InvalidState", "TaskInProgress"])
def test_a_cause_is_brought_about_and_the_server_answers(guest: Login, fault: str) -> None:
    """Another actor does it, so that what the client reads of the VM agrees with what it was told."""
    with served(Settings(task_time=0.3)) as vcenter:
        vcenter.inject(CUSTOMIZE, fault, cause=True, times=1)
        client = guest(vcenter.url)
        with pytest.raises(vmodl.MethodFault) as refused:
            client.customize()
        assert type(refused.value)._wsdlName == fault
        state = vcenter.state("linux-1")
        assert (state.power == "poweredOff") is (fault == "InvalidPowerState")
        assert (state.tools == "guestToolsRunning") is (fault == "TaskInProgress")
        if fault == "TaskInProgress":
            assert refused.value.task._moId in state.tasks
