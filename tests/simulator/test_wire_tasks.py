"""Tasks on the wire: their life, their end, how long they are remembered, and the history behind them."""

from __future__ import annotations

from typing import Any

import pytest
from pyVmomi import vim, vmodl

from vcontract._simulator.objects import Invocation

MANAGER = "TaskManager:TaskManager"


def info(wire: Any, task: str) -> Any:
    """Read a task's TaskInfo as an answer."""
    return wire.call("Fetch", f"Task:{task}", "<prop>info</prop>")


def power_off(wire: Any, name: str = "linux-1") -> str:
    """Begin to power a machine off; gives the task's moId."""
    return str(wire.call("PowerOffVM_Task", f"VirtualMachine:{wire.vm(name)}").one("returnval"))


def start(wire: Any, **plan: Any) -> Any:
    """Start a task of the test's own on linux-1."""
    session = wire.vcenter.sessions.all()[0]
    call = Invocation("PowerOffVM_Task", "vim.version.v8_0_3_0", session)
    entity = wire.vcenter.registry.find(wire.vm())
    chosen = {"name": call.method, "description_id": "VirtualMachine.powerOff", "body": lambda: None, **plan}
    return wire.vcenter.tasks.start(call, entity, **chosen)


def test_a_task_passes_queued_running_success(wire: Any) -> None:
    """Progress grows while it runs; start and end are set when reached, error and result never on a void success."""
    task = start(wire, duration=1.0)
    seen = [(task.state, task.progress)]
    for seconds in (0, 0.26, 0.26, 0.26, 0.26):
        wire.pass_time(seconds)
        seen.append((task.state, task.progress))
    running = [(vim.TaskInfo.State.running, share) for share in (0, 25, 50, 75)]
    assert seen == [("queued", None), *running, ("success", None)]
    answer = info(wire, task.moid)
    names = [element.tag.partition("}")[2] for element in answer.xml[0]]
    assert names == [
        "key", "task", "name", "descriptionId", "entity", "entityName", "state", "cancelled", "cancelable",
        "reason", "queueTime", "startTime", "completeTime", "eventChainId",
    ]  # fmt: skip
    assert answer.one("returnval/name") == "PowerOffVM_Task"
    assert answer.one("returnval/reason/userName") == "VSPHERE.LOCAL\\administrator"
    times = [answer.one(f"returnval/{name}") for name in ("queueTime", "startTime", "completeTime")]
    assert times == sorted(times)


def test_a_fault_in_the_body_is_the_tasks_error(wire: Any) -> None:
    """The error is localized, a mistake of ours a SystemError, and what was to happen later does not."""

    def refuse() -> None:
        raise vim.fault.InvalidPowerState(requestedState="poweredOn", existingState="poweredOff")

    later: list[int] = []
    refused, broken = start(wire, body=refuse), start(wire, body=lambda: 1 / 0)
    late = start(wire, check=refuse, on_start=lambda: later.append(1), body=lambda: later.append(2))
    ended = start(wire, body=lambda: later.append(3))
    wire.pass_time(0.5)
    ended.fail(vmodl.fault.RequestCanceled())
    wire.pass_time(5)
    assert later == []
    assert [task.error._wsdlName for task in (refused, broken, late, ended)] == [
        "InvalidPowerState", "SystemError", "InvalidPowerState", "RequestCanceled",
    ]  # fmt: skip
    text = info(wire, refused.moid).reply.body.decode()
    assert (
        '<state>error</state><cancelled>false</cancelled><cancelable>false</cancelable><error><fault xsi:type="Invalid'
        'PowerState"><requestedState>poweredOn</requestedState><existingState>poweredOff</existingState></fault>'
        "<localizedMessage>The attempted operation cannot be performed in the current state (Powered off)."
    ) in text


def test_a_result_is_typed(wire: Any) -> None:
    """A managed object that a body gives is sent as a reference of any type."""
    task = start(wire, body=lambda: wire.vcenter.registry.find(wire.vm()))
    wire.pass_time(2)
    assert f'<result type="VirtualMachine" xsi:type="ManagedObjectReference">{wire.vm()}<' in (
        info(wire, task.moid).reply.body.decode()
    )


def test_a_task_can_wait_for_another(wire: Any) -> None:
    """Queued behind a running one, it begins when that has ended."""
    first = start(wire, duration=1.0)
    second = start(wire, duration=1.0, after=first)
    wire.pass_time(0.9)
    assert (first.state, second.state) == ("running", "queued")
    wire.pass_time(0.2)
    assert (first.state, second.state) == ("success", "running")
    assert start(wire, after=first).state == "queued"


def test_cancelling(wire: Any) -> None:
    """It takes at once if the task is cancelable; NotSupported if not, InvalidState when it is over."""
    undone: list[str] = []
    task = start(wire, cancelable=True, on_cancel=lambda: undone.append("x"), duration=5.0)
    fixed = start(wire, duration=1.0)
    wire.pass_time(0.1)
    assert wire.call("CancelTask", f"Task:{fixed.moid}").fault == "NotSupported"
    assert wire.call("CancelTask", f"Task:{task.moid}").status == 200
    answer = info(wire, task.moid)
    assert (answer.one("returnval/state"), answer.one("returnval/cancelled"), undone) == ("error", "true", ["x"])
    assert 'xsi:type="RequestCanceled"' in answer.reply.body.decode()
    assert wire.call("CancelTask", f"Task:{task.moid}").fault == "InvalidState"
    wire.pass_time(5)
    assert wire.call("CancelTask", f"Task:{fixed.moid}").fault == "InvalidState"
    foreign = start(wire, cancelable=True)
    wire.login("viewer")
    assert wire.call("CancelTask", f"Task:{foreign.moid}").fault == "NoPermission"


def test_completed_tasks_are_forgotten_after_a_while(wired: Any) -> None:
    """After the time, and beyond the number; a running one never."""
    wire = wired(task_retention_seconds=100, task_retention_count=3)
    wire.login()
    long = start(wire, duration=1000.0)
    tasks = [start(wire, duration=1.0 + 30 * number) for number in range(3)]
    wire.pass_time(101)
    assert info(wire, tasks[0].moid).fault == "ManagedObjectNotFound"
    assert [info(wire, task.moid).status for task in (*tasks[1:], long)] == [200] * 3
    for _ in range(4):
        start(wire, duration=0.0)
        wire.pass_time(0)
    remembered = wire.call("Fetch", MANAGER, "<prop>recentTask</prop>").all("returnval/ManagedObjectReference")
    assert len(remembered) == 4
    assert long.moid in remembered
    wire.pass_time(200)
    assert wire.vcenter.tasks.recent() == [long]


def test_tasks_go_with_their_object(wire: Any) -> None:
    """Destroying a machine removes its completed tasks, ends its others, and leaves the one that destroyed it."""
    machine = wire.vm("linux-2")
    first = power_off(wire, "linux-2")
    wire.pass_time(2)
    destroy = wire.call("Destroy_Task", f"VirtualMachine:{machine}").one("returnval")
    entity = wire.vcenter.registry.find(machine)
    call = Invocation("ReconfigVM_Task", "vim.version.v8_0_3_0", None)
    orphan = wire.vcenter.tasks.start(call, entity, name=call.method, description_id="x", body=lambda: 0, duration=9.0)
    wire.pass_time(2)
    assert info(wire, first).fault == "ManagedObjectNotFound"
    assert info(wire, destroy).one("returnval/state") == "success"
    assert orphan.error.obj == entity.ref
    assert wire.call("Fetch", f"VirtualMachine:{machine}", "<prop>name</prop>").fault == "ManagedObjectNotFound"


def read(wire: Any, collector: str, method: str, count: int) -> list[str]:
    """Read a page of a collector: the keys of its tasks."""
    inner = f"<maxCount>{count}</maxCount>"
    return list(wire.call(method, f"TaskHistoryCollector:{collector}", inner).all("returnval/key"))


def test_the_history_collector_pages_through_all_tasks(wire: Any) -> None:
    """Forward from the oldest, backward from the newest; also those that are objects no more."""
    wire.vcenter.tasks._retained.clear()
    keys = [start(wire, duration=0.0).moid for _ in range(5)]
    wire.pass_time(0)
    for key in keys[:2]:
        wire.vcenter.tasks._forget(wire.vcenter.registry.find(key))
    made = wire.call("CreateCollectorForTasks", MANAGER, "<filter></filter>").one("returnval")
    assert [read(wire, made, "ReadNextTasks", 3) for _ in range(3)] == [keys[:3], keys[3:], []]
    wire.call("RewindCollector", f"TaskHistoryCollector:{made}")
    back = [read(wire, made, "ReadPreviousTasks", 3) for _ in range(3)]
    assert back == [keys[:1:-1], keys[1::-1], []]
    wire.call("ResetCollector", f"TaskHistoryCollector:{made}")
    assert read(wire, made, "ReadNextTasks", 1) == keys[:1]
    wire.call("SetCollectorPageSize", f"TaskHistoryCollector:{made}", "<maxCount>2</maxCount>")
    page = wire.call("Fetch", f"TaskHistoryCollector:{made}", "<prop>latestPage</prop>")
    assert page.all("returnval/TaskInfo/key") == keys[:2:-1]
    wire.call("DestroyCollector", f"TaskHistoryCollector:{made}")
    assert wire.call("ResetCollector", f"TaskHistoryCollector:{made}").fault == "ManagedObjectNotFound"


FILTERS = [
    ('<entity><entity type="VirtualMachine">{vm}</entity><recursion>self</recursion></entity>', 2),
    ('<entity><entity type="Folder">group-d1</entity><recursion>all</recursion></entity>', 3),
    ('<entity><entity type="Folder">group-d1</entity><recursion>self</recursion></entity>', 0),
    ('<entity><entity type="Folder">group-d1</entity><recursion>children</recursion></entity>', 3),
    ("<state>success</state>", 2),
    ("<state>running</state><state>queued</state>", 1),
    ("<userName><systemUser>false</systemUser><userList>VSPHERE.LOCAL\\administrator</userList></userName>", 3),
    ("<userName><systemUser>false</systemUser><userList>nobody</userList></userName>", 0),
    ("<time><timeType>queuedTime</timeType><beginTime>2100-01-01T00:00:00Z</beginTime></time>", 0),
    ("<time><timeType>completedTime</timeType><endTime>2100-01-01T00:00:00Z</endTime></time>", 2),
    ("<eventChainId>1</eventChainId>", 1),
    ("<tag>x</tag>", 0),
]


@pytest.mark.parametrize(("inner", "count"), FILTERS)
def test_the_history_collector_filters(wire: Any, inner: str, count: int) -> None:
    """By entity and what lies below it, time, user, state and chain."""
    power_off(wire)
    power_off(wire, "linux-2")
    wire.pass_time(1.5)
    start(wire, duration=100.0)
    text = f"<filter>{inner.format(vm=wire.vm())}</filter>"
    made = wire.call("CreateCollectorForTasks", MANAGER, text).one("returnval")
    assert len(read(wire, made, "ReadNextTasks", 10)) == count


def test_what_breaks_on_the_agenda_is_logged_and_the_rest_goes_on(wire: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A mistake in something that was due must not stop the server's clock."""
    done: list[int] = []
    wire.vcenter.timeline.after(1.0, lambda: 1 / 0)
    wire.vcenter.timeline.after(1.0, lambda: done.append(1))
    wire.pass_time(2)
    assert done == [1]
    assert "something that was due broke" in caplog.text
