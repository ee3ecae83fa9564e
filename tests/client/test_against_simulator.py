"""The target and the simulator, which share no code, meet on the wire."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from tests.windows import fitted
from vcontract._client import Secrets, Target, Trust
from vcontract._client.properties import list_vms, read
from vcontract._client.tasks import follow, info
from vcontract._errors import TargetError
from vcontract._model import STATE_PATHS, State, compact, observe
from vcontract._simulator import Settings, SimulatorServer
from vcontract._terms import Arguments, Call, Envelope, Faulted, Operation, Ref, Returned, as_ref

if TYPE_CHECKING:
    from collections.abc import Iterator

INSTANCE = Ref("ServiceInstance", "ServiceInstance")
SECRETS = Secrets({"vcenter.admin": "vcontract"}, public=["vcenter.admin"])


def refused(done: Operation) -> str:
    """Name the fault with which the one path of a read was refused, as real servers do: in missingSet."""
    assert isinstance(done.outcome, Returned)
    [each] = done.outcome.value["_missing"].values()
    return str(each["_typeName"])


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Run a simulator for all tests of this file."""
    with SimulatorServer(fitted()) as server:
        yield server.url


@pytest.fixture
def target(url: str) -> Iterator[Target]:
    """Open it as a target, with the administrator logged in."""
    opened = Target.open(url, secrets=SECRETS)
    opened.login("admin", "administrator@vsphere.local", "vcenter.admin")
    yield opened
    opened.close()


def fault(done: Operation) -> str:
    """Name the fault with which a call was refused."""
    assert isinstance(done.outcome, Faulted)
    return done.outcome.fault.type


def test_a_vm_is_found_switched_and_watched(target: Target) -> None:
    """Listing, a task method, its life and the state after it: all without a problem on the wire."""
    vms = list_vms(target, "admin", ["name", "runtime.powerState", "config.template"])
    vm = next(ref for ref, each in vms.items() if each["name"] == "linux-1")
    assert vms[vm]["runtime.powerState"] == "poweredOn"
    accepted = target.send(Call(vm, "PowerOffVM_Task", Arguments({}), "admin"), "arrange")
    assert isinstance(accepted.outcome, Returned)
    task = as_ref(accepted.outcome.value)
    assert task is not None
    reads = follow(target, "admin", task, deadline_seconds=60)
    assert info(reads[-1])["state"] == "success"
    assert as_ref(info(reads[-1])["entity"]) == vm
    assert read(target, "admin", vm, ["runtime.powerState"]).outcome == Returned({"runtime.powerState": "poweredOff"})
    assert [each for each in target.recorder.operations if each.problems] == []
    assert all(first.end <= second.start for first, second in pairwise(target.recorder.operations))


def test_sessions_are_apart(target: Target) -> None:
    """Nobody and a stranger are not authenticated, a logout ends one session only, a wrong password is refused."""
    target.login("second", "administrator@vsphere.local", "vcenter.admin")
    call = Call(INSTANCE, "CurrentTime", Arguments({}), "admin")
    folder = target.content["rootFolder"]
    assert isinstance(target.send(call).outcome, Returned)
    root = Ref(folder["type"], folder["value"])
    for actor in ("nobody", "stranger"):
        assert refused(read(target, actor, root, ["name"])) == "NotAuthenticated"
        assert len(follow(target, actor, Ref("Task", "task-1"), deadline_seconds=60)) == 1
    assert target.logout("second").outcome == Returned(None)
    assert refused(read(target, "second", root, ["name"])) == "NotAuthenticated"
    assert isinstance(read(target, "admin", root, ["name"]).outcome, Returned)
    with pytest.raises(TargetError, match=r"refuses the login of viewer@vsphere\.local: InvalidLogin"):
        target.login("viewer", "viewer@vsphere.local", "no.such.secret")


def test_an_edited_envelope_gets_the_fault_of_a_parser(target: Target) -> None:
    """A cut envelope is InvalidRequest; an unversioned client does not see a method of 6.8.7; a dead object is told."""
    manager = target.manager("guestCustomizationManager")
    gone = Ref("VirtualMachine", "vm-0")
    assert fault(read(target, "admin", gone, ["name"])) == "ManagedObjectNotFound"
    cut = Envelope(b"<a><b>", "not well-formed")
    assert fault(target.send(Call(manager, "StartGuestNetwork_Task", cut, "admin"), "judge", "w1")) == "InvalidRequest"
    auth = {"_typeName": "NamePasswordAuthentication", "interactiveSession": False, "username": "a", "password": "b"}
    body = target.schema.request("StartGuestNetwork_Task", manager, {"vm": gone.json(), "auth": auth})
    old = Envelope(body, "version", {"SOAPAction": '"urn:vim25/6.7.3"'})
    assert fault(target.send(Call(manager, "StartGuestNetwork_Task", old, "admin"), "judge", "cell")) in {
        "MethodNotFound",
        "InvalidRequest",
    }


def test_tls_with_its_authority() -> None:
    """Over TLS: refused without its authority, with advice; accepted with it, or when told not to care."""
    with SimulatorServer(Settings(tls=True)) as server:
        with pytest.raises(TargetError, match=r"certificate not trusted: .*--insecure"):
            Target.open(server.url)
        for trust in (Trust(ca_file=str(server.ca_file)), Trust(insecure=True)):
            target = Target.open(server.url, secrets=SECRETS, trust=trust)
            assert target.about["apiType"] == "VirtualCenter"
            target.close()
        with pytest.raises(TargetError, match="cannot be reached"):
            Target.open(server.url.replace("https:", "http:"))
    with SimulatorServer(fitted()) as plain, pytest.raises(TargetError, match="speak http instead of https"):
        Target.open(plain.url.replace("http:", "https:"))


@pytest.mark.parametrize(("api", "newer"), [("8.0.3.0", True), ("6.5", False)])
def test_what_an_older_api_has_not_is_not_asked_for(api: str, newer: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """A VM is read whole at every API: a path that is unknown there would spoil the read. The list of versions is kept."""
    with SimulatorServer(fitted(api=api)) as server:
        older = Target.open(server.url, secrets=SECRETS)
        older.login("admin", "administrator@vsphere.local", "vcenter.admin")
        vm = next(ref for ref, each in list_vms(older, "admin", ["name"]).items() if each["name"] == "linux-1")
        done = read(older, "admin", vm, STATE_PATHS, compact)
        older.close()
    assert isinstance(done.outcome, Returned)
    assert observe(State(), done.outcome.value).tools == "ready"
    assert ("runtime.instantCloneFrozen" in done.outcome.value) is newer
    assert older.versions[0] == api
    assert "5.5" in older.versions
