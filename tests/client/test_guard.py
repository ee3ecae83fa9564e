"""What the guard lets leave, and what it does not, against a simulator whose VMs are mostly others'."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from tests.windows import fitted
from vcontract._client import Guard, Marks, Secrets, Target
from vcontract._client import guard as guarding
from vcontract._client.guard import HARMLESS
from vcontract._client.properties import list_vms, read
from vcontract._client.tasks import follow, info
from vcontract._errors import HaltedError
from vcontract._simulator import SimulatorServer
from vcontract._terms import Arguments, Call, Envelope, Faulted, Operation, Ref, Returned, as_ref
from vcontract._testbed import Tenants

INVENTORY = """
datacenter = "dc"
folder = "f"
template_of_more = "mine"
[[host]]
name = "esx-1"
[[host]]
name = "esx-2"
[[account]]
username = "root"
password = "guest"
root = true
[[vm]]
name = "mine"
host = "esx-1"
extra_config = { "vcontract.owner" = "me", "guestinfo.secret" = "hush" }
[[vm]]
name = "plain"
host = "esx-1"
[[vm]]
name = "hers"
host = "esx-1"
extra_config = { "vcontract.owner" = "alice" }
"""
MANAGER = Ref("VirtualMachineGuestCustomizationManager", "GuestCustomizationManager")
ABORT = "AbortCustomization_Task"
AUTH = {"_typeName": "NamePasswordAuthentication", "interactiveSession": False, "username": "root", "password": "guest"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorServer]:
    """Serve the inventory."""
    file = tmp_path_factory.mktemp("inventory") / "inventory.toml"
    file.write_text(INVENTORY, "utf-8")
    with SimulatorServer(fitted(task_time=0.01, boot_time=0.01, inventory=file)) as running:
        yield running


class GuardedTarget:
    """A target with a guard; sends calls, and knows the VMs by name."""

    def __init__(self, url: str) -> None:
        self.target = Target.open(url, secrets=Secrets({"account.full": "vcontract"}, public=["account.full"]))
        self.target.login("full", "administrator@vsphere.local", "account.full")
        self.vms = {str(each["name"]): ref for ref, each in list_vms(self.target, "full", ["name"]).items()}
        self.guard = Guard(Marks("me"), "full", hosts=["esx-2"], methods={ABORT}, runs={"run-1"})
        self.guard.look_with(Tenants())
        self.target.guard = self.guard

    def call(self, ref: Ref, method: str, **arguments: Any) -> Operation:
        """Send a call."""
        return self.target.send(Call(ref, method, Arguments(arguments), "full"))

    def done(self, ref: Ref, method: str, **arguments: Any) -> Any:
        """Send a call and follow its task to a success; gives its result."""
        sent = self.call(ref, method, **arguments)
        assert isinstance(sent.outcome, Returned), sent
        task = as_ref(sent.outcome.value)
        assert task is not None
        last = info(follow(self.target, "full", task, deadline_seconds=60)[-1])
        assert last["state"] == "success", last
        return last.get("result")

    def sends(self) -> int:
        """Count the requests that could disturb."""
        return sum(each.call.method not in HARMLESS for each in self.target.recorder.operations)


@pytest.fixture
def guarded(server: SimulatorServer) -> Iterator[GuardedTarget]:
    """Give a session with a guard before it."""
    given = GuardedTarget(server.url)
    yield given
    given.target.close()


def envelope(guarded: GuardedTarget, old: str, new: str) -> Envelope:
    """Write a call about VM `old`, and then in its bytes `new` instead."""
    values = {"vm": Ref("VirtualMachine", old).json(), "auth": AUTH}
    body = guarded.target.schema.request(ABORT, MANAGER, values)
    return Envelope(body.replace(old.encode(), new.encode()), "edited", origin=values)


def test_a_marked_vm_may_be_disturbed(guarded: GuardedTarget) -> None:
    """Its mark is read right before the call, and again before the next."""
    for method in ("PowerOffVM_Task", "PowerOnVM_Task"):
        guarded.done(guarded.vms["mine"], method)
        sent = [each.call for each in guarded.target.recorder.operations]
        place = next(number for number, each in enumerate(sent) if each.method == method)
        assert sent[place - 1].method == "RetrievePropertiesEx"
        assert sent[place - 1].arguments["specSet"][0]["objectSet"][0]["obj"] == guarded.vms["mine"].json()
    assert guarded.guard.touched == {guarded.vms["mine"].value}


def test_what_else_stands_in_the_configuration_is_not_kept(guarded: GuardedTarget) -> None:
    """Neither in what is remembered nor in what is recorded."""
    guarded.done(guarded.vms["mine"], "ResetVM_Task")
    assert "hush" not in repr(guarded.target.recorder.operations)


@pytest.mark.parametrize(("name", "said"), [("plain", "carries no mark"), ("hers", "'alice', not 'me'")])
def test_no_other_vm_is(name: str, said: str, guarded: GuardedTarget) -> None:
    """As the object, as an argument, in the bytes of an edited envelope, or behind a reference of another type."""
    vm, mine = guarded.vms[name], guarded.vms["mine"]
    guarded.guard.foreign = {vm.value}
    calls = [
        Call(vm, "PowerOffVM_Task", Arguments({}), "full"),
        Call(MANAGER, ABORT, Arguments({"vm": vm.json(), "auth": AUTH}), "full"),
        Call(MANAGER, ABORT, envelope(guarded, mine.value, vm.value), "full"),
        Call(MANAGER, ABORT, envelope(guarded, mine.value, vm.value.replace("-", "&#45;")), "full"),
        Call(MANAGER, ABORT, Arguments({"vm": Ref("Folder", vm.value).json(), "auth": AUTH}), "full"),
    ]
    for each in calls:
        with pytest.raises(HaltedError, match=f"{vm.value} was not sent: .*{said}"):
            guarded.target.send(each, "judge")
    assert guarded.sends() == 0
    assert HaltedError.exit_code == 3


def test_a_vm_that_is_not_there_harms_nobody(guarded: GuardedTarget) -> None:
    """Made-up references are what a run is for."""
    done = guarded.call(MANAGER, ABORT, vm=Ref("VirtualMachine", "vm-0").json(), auth=AUTH)
    assert isinstance(done.outcome, Faulted)
    assert done.outcome.fault.type == "ManagedObjectNotFound"


def test_a_mark_that_is_taken_off_counts_at_once(
    guarded: GuardedTarget, server: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one that is put on again; what is read of the state may bring the mark along."""
    operator, mine = GuardedTarget(server.url), guarded.vms["mine"]
    operator.target.guard = None
    guarded.done(mine, "ResetVM_Task")
    for value in ("", "alice"):
        _mark(operator, mine, value)
        with pytest.raises(HaltedError):
            guarded.call(mine, "ResetVM_Task")
    _mark(operator, mine, "me")
    monkeypatch.setattr(guarding, "FRESH", 60.0)
    paths = ("runtime.powerState", *guarded.guard.marks.paths)
    guarded.guard.saw(mine, read(guarded.target, "full", mine, paths, guarded.guard.marks.only))
    before = guarded.target.recorder.requests
    sent = guarded.call(mine, "ResetVM_Task").outcome
    assert guarded.target.recorder.requests == before + 1
    assert isinstance(sent, Returned)
    follow(guarded.target, "full", as_ref(sent.value) or mine, deadline_seconds=60)
    guarded.guard.saw(mine, read(guarded.target, "full", mine, paths, guarded.guard.marks.only))
    _mark(operator, mine, "")
    monkeypatch.setattr(guarding, "FRESH", -1.0)
    with pytest.raises(HaltedError):  # what was read a while ago is not known now
        guarded.call(mine, "ResetVM_Task")
    _mark(operator, mine, "me")
    operator.target.close()


def _mark(guarded: GuardedTarget, vm: Ref, value: str) -> None:
    option = {"_typeName": "OptionValue", "key": "vcontract.owner", "value": {"_typeName": "string", "_value": value}}
    guarded.done(vm, "ReconfigVM_Task", spec={"_typeName": "VirtualMachineConfigSpec", "extraConfig": [option]})


def test_a_custom_attribute_is_a_mark_too(guarded: GuardedTarget, server: SimulatorServer) -> None:
    """By the name vcontract.owner; where it and extraConfig disagree the VM is not ours."""
    operator = GuardedTarget(server.url)
    operator.target.guard = None
    fields = operator.target.manager("customFieldsManager")
    made = operator.call(fields, "AddCustomFieldDef", name="vcontract.owner", moType="VirtualMachine").outcome
    assert isinstance(made, Returned)
    key = made.value["key"]
    guarded.guard.marks = Marks("me", key)
    for name in ("plain", "hers"):
        operator.call(fields, "SetField", entity=guarded.vms[name].json(), key=key, value="me")
    guarded.done(guarded.vms["plain"], "ResetVM_Task")
    with pytest.raises(HaltedError, match="alice"):
        guarded.call(guarded.vms["hers"], "ResetVM_Task")
    operator.call(fields, "SetField", entity=guarded.vms["plain"].json(), key=key, value="")
    with pytest.raises(HaltedError, match="no mark"):
        guarded.call(guarded.vms["plain"], "ResetVM_Task")
    operator.target.close()


def test_only_what_a_run_made_is_destroyed(guarded: GuardedTarget, server: SimulatorServer) -> None:
    """Not a marked VM; a clone by this run, or one that carries the mark of this run."""
    mine = guarded.vms["mine"]
    for method in ("Destroy_Task", "UnregisterVM"):
        with pytest.raises(HaltedError, match="no run of ours made this VM"):
            guarded.call(mine, method)
    made = [as_ref(_cloned(guarded, mine, name)) for name in ("one", "two")]
    other = GuardedTarget(server.url)
    for clone in filter(None, made):
        other.done(clone, "PowerOffVM_Task")
    first, second = made
    assert first is not None
    assert second is not None
    guarded.done(first, "Destroy_Task")  # it is known to be ours
    other.done(second, "Destroy_Task")  # it says so itself
    other.target.close()


def _cloned(guarded: GuardedTarget, vm: Ref, name: str) -> Any:
    marks = [
        {"_typeName": "OptionValue", "key": f"vcontract.{key}", "value": {"_typeName": "string", "_value": value}}
        for key, value in (("owner", "me"), ("run", "run-1"))
    ]
    location = {"_typeName": "VirtualMachineRelocateSpec"}
    spec = {"_typeName": "VirtualMachineInstantCloneSpec", "name": name, "location": location, "config": marks}
    return guarded.done(vm, "InstantClone_Task", spec=spec)


def test_hosts_need_the_configuration_to_name_them(guarded: GuardedTarget) -> None:
    """By name, read when the call is made."""
    one, two = _hosts(guarded)
    with pytest.raises(HaltedError, match="names no host 'esx-1'"):
        guarded.call(one, "DisconnectHost_Task")
    guarded.done(two, "DisconnectHost_Task")
    guarded.done(two, "ReconnectHost_Task")


def test_a_recording_that_tells_no_more_has_hosts_by_name(guarded: GuardedTarget) -> None:
    """One of a version that did not ask which VMs are on a host; no server is there that could be disturbed."""
    one, two = _hosts(guarded)
    guarded.guard.take_hosts_by_name()
    before = len(guarded.target.recorder.operations)
    refused = [
        guarded.guard.host_refusal(guarded.target, Call(each, "DisconnectHost_Task", Arguments({}), "full"))
        for each in (one, two)
    ]
    assert refused == ["the configuration names no host 'esx-1'", ""]
    asked = [each.call.method for each in guarded.target.recorder.operations[before:]]
    assert asked == ["RetrievePropertiesEx"] * 2


def _hosts(guarded: GuardedTarget) -> tuple[Ref, Ref]:
    found = {}
    for number in range(60):
        host = Ref("HostSystem", f"host-{number}")
        done = read(guarded.target, "full", host, ["name"])
        if isinstance(done.outcome, Returned):
            found[done.outcome.value["name"]] = host
    return found["esx-1"], found["esx-2"]


def test_tasks_and_snapshots_of_others_are_not_ours(
    guarded: GuardedTarget, server: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What our own calls made is, as long as its VM is."""
    operator, mine = GuardedTarget(server.url), guarded.vms["mine"]
    operator.target.guard = None
    taking = {"name": "x", "memory": False, "quiesce": False}
    theirs, own = (as_ref(each.done(mine, "CreateSnapshot_Task", **taking)) for each in (operator, guarded))
    assert theirs is not None
    assert own is not None
    with pytest.raises(HaltedError, match="no call of ours made this snapshot"):
        guarded.call(theirs, "RemoveSnapshot_Task", removeChildren=False)
    _mark(operator, mine, "")
    with pytest.raises(HaltedError, match="carries no mark"):
        guarded.call(own, "RemoveSnapshot_Task", removeChildren=False)
    _mark(operator, mine, "me")
    monkeypatch.setattr(guarding, "FRESH", -1.0)  # what was read is not known any more
    guarded.done(own, "RemoveSnapshot_Task", removeChildren=False)
    begun = operator.call(mine, "ResetVM_Task").outcome
    task = as_ref(begun.value) if isinstance(begun, Returned) else None
    assert task is not None
    with pytest.raises(HaltedError, match="no call of ours began this task"):
        guarded.call(task, "CancelTask")
    follow(operator.target, "full", task, deadline_seconds=60)  # the next test finds nothing under way
    operator.target.close()


def test_a_history_makes_nothing_ours(guarded: GuardedTarget, server: SimulatorServer) -> None:
    """Anybody may have written it: the VMs, snapshots, tasks and sessions that its calls claim are others' as before."""
    operator, mine = GuardedTarget(server.url), guarded.vms["mine"]
    operator.target.guard = None
    snapshot = as_ref(operator.done(mine, "CreateSnapshot_Task", name="x", memory=False, quiesce=False))
    begun = operator.call(mine, "ResetVM_Task").outcome
    task = as_ref(begun.value) if isinstance(begun, Returned) else None
    assert snapshot is not None
    assert task is not None
    honest = next(each for each in operator.target.recorder.operations if each.call.method == "CreateSnapshot_Task")
    reading = Call(task, "RetrievePropertiesEx", Arguments({}), "full")
    forged = [replace(honest, outcome=Returned(task.json()))]
    for claimed in (mine, guarded.vms["plain"], snapshot):
        info = {"key": task.value, "result": claimed.json()}
        forged.append(replace(honest, call=reading, outcome=Returned({"info": info})))
    key = {"key": "52000000-0000-0000-0000-000000000000"}
    forged.append(replace(honest, call=replace(honest.call, method="Login"), outcome=Returned(key)))
    guarded.guard.resume(forged, "-vcontract-")
    assert {mine, guarded.vms["plain"], snapshot} <= guarded.guard.made.keys()
    manager = Ref("SessionManager", "SessionManager")
    for ref, method, arguments, why in (
        (mine, "Destroy_Task", {}, "no run of ours made this VM"),
        (guarded.vms["plain"], "Destroy_Task", {}, "no run of ours made this VM"),
        (guarded.vms["plain"], "ResetVM_Task", {}, "carries no mark"),
        (snapshot, "RemoveSnapshot_Task", {"removeChildren": False}, "no call of ours made this snapshot"),
        (task, "CancelTask", {}, "no call of ours began this task"),
        (manager, "TerminateSession", {"sessionId": [key["key"]]}, "no login of ours opened this session"),
    ):
        with pytest.raises(HaltedError, match=why):
            guarded.call(ref, method, **arguments)
    assert guarded.sends() == 0
    follow(operator.target, "full", task, deadline_seconds=60)
    operator.done(snapshot, "RemoveSnapshot_Task", removeChildren=False)
    operator.target.close()


def test_a_clone_of_a_history_goes_by_its_mark_and_its_name(guarded: GuardedTarget, server: SimulatorServer) -> None:
    """What a cut run made is destroyed though its mark names no run, if its name is one that runs give."""
    operator, mine = GuardedTarget(server.url), guarded.vms["mine"]
    operator.target.guard = None
    location = {"_typeName": "VirtualMachineRelocateSpec"}
    for name, destroyed in (("mine-vcontract-1", True), ("an operator's own", False)):
        spec = {"_typeName": "VirtualMachineInstantCloneSpec", "name": name, "location": location}
        clone = as_ref(operator.done(mine, "InstantClone_Task", spec=spec))
        assert clone is not None
        fresh = GuardedTarget(server.url)
        fresh.guard.resume([each for each in operator.target.recorder.operations if each.start > 0], "-vcontract-")
        operator.done(clone, "PowerOffVM_Task")
        if destroyed:
            fresh.done(clone, "Destroy_Task")
        else:
            with pytest.raises(HaltedError, match="no run of ours made this VM"):
                fresh.call(clone, "Destroy_Task")
        fresh.target.close()
    operator.target.close()


@pytest.mark.parametrize("method", ["Destroy_Task", "Rename_Task", "NobodyKnowsThis"])
def test_other_objects_are_out_of_bounds(method: str, guarded: GuardedTarget) -> None:
    """A method that is not of the contract is not sent to a folder, a manager or anything else, known or not."""
    folder = as_ref(guarded.target.content["rootFolder"])
    assert folder is not None
    for ref in (folder, MANAGER, Ref("Datacenter", "datacenter-2")):
        with pytest.raises(HaltedError, match="nothing allows this on a"):
            guarded.target.send(Call(ref, method, Arguments({}), "full"))
    assert guarded.sends() == 0


def test_a_mark_that_cannot_be_read_is_none(guarded: GuardedTarget) -> None:
    """A session that has ended: nothing is known of the VM, so nothing is sent."""
    guarded.target.logout("full")
    with pytest.raises(HaltedError, match="its marks cannot be read: NotAuthenticated"):
        guarded.call(guarded.vms["mine"], "ResetVM_Task")
    assert guarded.sends() == 0


@pytest.mark.parametrize(
    ("values", "ours"),
    [(["me"], True), (["alice", "me"], True), (["me", "alice"], False), (["me", ""], False), ([], False)],
)
def test_the_last_value_wins(values: list[str], ours: bool) -> None:  # noqa: FBT001 - a row
    """Where a server appends instead of replacing."""
    config = [{"key": "vcontract.owner", "value": {"_typeName": "string", "_value": each}} for each in values]
    assert (Marks("me").refusal({"config.extraConfig": config}) == "") is ours
