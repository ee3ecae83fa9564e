"""Waits by WaitForUpdatesEx: they are told of changes, and know when nobody can tell them."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from vcontract._client import Secrets, Target
from vcontract._client.properties import list_vms
from vcontract._client.updates import NEEDED, WAIT, Updates, is_quiet
from vcontract._simulator import Settings, SimulatorServer
from vcontract._terms import Arguments, Call, Json, Operation, Ref, Returned, as_ref

PATHS = ("runtime.powerState", "guest.toolsRunningStatus")


@pytest.fixture
def target() -> Iterator[Target]:
    """Open a simulator whose tasks last for an hour, which its clock skips while somebody waits."""
    with SimulatorServer(Settings(task_time=3600.0, boot_time=7200.0, skips=1e6)) as server:
        opened = Target.open(server.url, secrets=Secrets({"vcenter.admin": "vcontract"}, public=["vcenter.admin"]))
        opened.login("admin", "administrator@vsphere.local", "vcenter.admin")
        yield opened
        opened.close()


def vm_of(target: Target, name: str = "linux-1") -> Ref:
    """Find a VM by its name."""
    return next(ref for ref, values in list_vms(target, "admin", ["name"]).items() if values["name"] == name)


def begun(target: Target, vm: Ref, method: str) -> str:
    """Begin a task; gives its moId."""
    done = target.send(Call(vm, method, Arguments({}), "admin"), "arrange")
    task = as_ref(done.outcome.value) if isinstance(done.outcome, Returned) else None
    assert task is not None
    return task.value


def told(updates: Updates, entity: Ref) -> dict[str, dict[str, Json]]:
    """Wait until something changes; gives what."""
    for _ in range(20):
        news = updates.wait(entity)
        assert news is not None
        if news:
            return {moid: dict(values) for moid, values in news.items()}
    raise AssertionError("nothing was told")


def until(updates: Updates, entity: Ref, moid: str, path: str, value: Json) -> None:
    """Wait until it is told that a value is so."""
    for _ in range(20):
        if told(updates, entity).get(moid, {}).get(path) == value:
            return
    raise AssertionError(f"{path} never became {value}")


def test_the_end_of_a_task_and_what_it_changed_are_told(target: Target) -> None:
    """Both are told by their values, the task by its state alone; nobody asked again and again for an hour."""
    updates, vm = Updates(target, "admin", PATHS, dict), vm_of(target)
    assert told(updates, vm)[vm.value]["runtime.powerState"] == "poweredOn"
    task = begun(target, vm, "PowerOffVM_Task")
    until(updates, vm, task, "info.state", "success")
    assert len([done for done in target.recorder.operations if done.call.method == WAIT]) < 10


def test_another_object_takes_the_place_of_the_one_before(target: Target) -> None:
    """One filter is there at a time, so that nobody is woken for what he does not look at."""
    updates = Updates(target, "admin", PATHS, dict)
    for name in ("linux-1", "linux-2nic", "linux-1"):
        vm = vm_of(target, name)
        assert vm.value in told(updates, vm)
    methods = [done.call.method for done in target.recorder.operations]
    assert methods.count("CreatePropertyCollector") == 1
    assert methods.count("CreateFilter") == methods.count("DestroyPropertyFilter") + 1 == 3


def test_a_session_that_ended_is_no_end_of_waiting(target: Target) -> None:
    """The collector went with the session: the wait says that it could not be, and the next one makes another."""
    updates, vm = Updates(target, "admin", PATHS, dict), vm_of(target)
    told(updates, vm)
    target.logout("admin")
    target.login("admin", "administrator@vsphere.local", "vcenter.admin")
    assert updates.wait(vm) is None
    assert vm.value in told(updates, vm)


def test_who_is_refused_again_and_again_asks_no_more(target: Target) -> None:
    """A VM that is gone cannot be watched; after three failures in a row nothing more is sent."""
    updates = Updates(target, "admin", PATHS, dict)
    for _ in range(5):
        assert updates.wait(Ref("VirtualMachine", "vm-0")) is None
    assert not updates.able
    assert len([done for done in target.recorder.operations if done.call.method == "CreateFilter"]) == 3


@pytest.mark.parametrize(("seconds", "enough"), [(6.0, 3), (60.0, 1)])
def test_who_is_told_far_too_late_looks_by_himself(
    target: Target, monkeypatch: pytest.MonkeyPatch, seconds: float, enough: int
) -> None:
    """Three waits that last several times as long as was asked for are enough, or a very long one, whatever they tell."""
    updates, vm, usual = Updates(target, "admin", PATHS, dict), vm_of(target), target.send
    late = [0.0]
    now = target.recorder.now
    monkeypatch.setattr(target.recorder, "now", lambda: now() + late[0])

    def slow(call: Call, *purpose: Any, **given: Any) -> Operation:
        late[0] += seconds * (call.method == WAIT)
        return usual(call, *purpose, **given)

    monkeypatch.setattr(target, "send", slow)
    for _ in range(enough):
        assert updates.able
        updates.wait(vm)
    assert not updates.able
    assert updates.wait(vm) is None


@pytest.mark.parametrize("missing", sorted(NEEDED))
def test_a_wsdl_without_the_methods_is_not_asked(missing: str, target: Target) -> None:
    """Then nothing is sent, and whoever waits looks by himself."""
    sent = target.recorder.requests
    target.schema = without(target.schema, missing)
    assert Updates(target, "admin", PATHS, dict).wait(Ref("VirtualMachine", "vm-0")) is None
    assert target.recorder.requests == sent


def without(schema: Any, method: str) -> Any:
    """Give a schema that lacks a method."""
    return SimpleNamespace(operations={name: value for name, value in schema.operations.items() if name != method})


def test_quiet_is_what_changes_nothing_and_tells_nothing() -> None:
    """A read is, a wait without news too; a wait that was told of something, a login and a call are not."""

    def done(method: str, value: Json = None) -> Operation:
        return Operation(1, Call(Ref("X", "x"), method, Arguments({}), "a"), 0, 0, Returned(value))

    assert is_quiet(done("RetrievePropertiesEx"))
    assert is_quiet(done(WAIT))
    assert not is_quiet(done(WAIT, {"version": "1", "changed": {}}))
    assert not is_quiet(done("Login"))
    assert not is_quiet(done("ResetVM_Task"))
