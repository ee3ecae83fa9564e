"""Replies recorded from real vCenter servers: read without a problem, or by the vendor's own reader."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import SoapAdapter, vim

from vcontract._client import properties
from vcontract._client.soap import interpret
from vcontract._client.wire import HttpReply
from vcontract._schema import load
from vcontract._terms import Fault, Faulted, Json, Outcome, Returned

RECORDINGS = Path(__file__).parent.parent / "recordings"


def recorded(number: str) -> bytes:
    """Give the reply of a recording."""
    [file] = [each for each in RECORDINGS.glob(f"{number}_*.xml") if not each.name.endswith(".request.xml")]
    return file.read_bytes()


def outcome(number: str, method: str, api: str) -> Outcome:
    """Interpret a recorded reply; there must be no problem with it."""
    status = 500 if "_fault_" in next(RECORDINGS.glob(f"{number}_*")).name else 200
    reply = HttpReply(status, (("content-type", "text/xml; charset=utf-8"),), recorded(number))
    found, problems = interpret(load(api), method, reply)
    assert problems == ()
    return found


def value(number: str, method: str, api: str = "8.0.3.0") -> Json:
    """Give the value that a recorded reply returns."""
    found = outcome(number, method, api)
    assert isinstance(found, Returned)
    return found.value


def vendor(number: str, result_type: Any) -> Any:
    """Read a recorded reply with the vendor's deserialiser."""
    return SoapAdapter.SoapResponseDeserializer(None).Deserialize(recorded(number), result_type)


def test_service_content() -> None:
    """A ServiceContent of 8.0 has the manager, under the id that it really has."""
    content = value("02", "RetrieveServiceContent")
    manager = {"type": "VirtualMachineGuestCustomizationManager", "value": "GuestCustomizationManager"}
    assert content["guestCustomizationManager"] == {"_typeName": "ManagedObjectReference", **manager}
    assert content["about"]["apiVersion"] == "8.0.2.0"
    assert content["about"]["build"] == "69507950"


def test_login_logout_and_void() -> None:
    """A wrong password is a fault without fields, a login gives a UserSession, void gives nothing."""
    text = "Cannot complete login due to an incorrect user name or password."
    assert outcome("06", "Login", "8.0.3.0") == Faulted(Fault("InvalidLogin", {}, text))
    session = value("07", "Login")
    assert (session["_typeName"], session["userName"], session["callCount"]) == ("UserSession", "my_user", 0)
    assert value("12", "DestroyView") is None
    assert value("33", "Logout") is None


def test_a_task_and_its_life() -> None:
    """A task method gives a Task; its info is read running, ended, and ended with a result."""
    assert value("23", "Destroy_Task") == {"_typeName": "ManagedObjectReference", "type": "Task", "value": "task-319"}
    running, done, cloned = (
        properties._one_object(value(number, "RetrievePropertiesEx", "6.7.3"))["info"] for number in ("24", "25", "28")
    )
    assert (running["state"], running["progress"], running["cancelable"]) == ("running", 0, False)
    assert running["startTime"] == "2016-09-22T19:43:44.984088Z"
    assert (done["state"], "result" in done) == ("success", False)
    assert cloned["result"] == {"_typeName": "ManagedObjectReference", "type": "VirtualMachine", "value": "vm-146"}


@pytest.mark.parametrize(
    ("number", "method"),
    [
        ("02", "RetrieveServiceContent"),
        ("23", "Destroy_Task"),
        ("25", "RetrievePropertiesEx"),
        ("28", "RetrievePropertiesEx"),
    ],
)
def test_references_of_a_server_that_names_itself(number: str, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every reference may carry a `serverGuid`: the reply reads as the one without, so it is no part of an identity."""
    plain = value(number, method)
    named, count = re.subn(rb"(<\w+ )(?=[^>]*(?<!:)type=\"[A-Z])", rb'\1serverGuid="A1B2-c3" ', recorded(number))
    assert count
    monkeypatch.setitem(globals(), "recorded", lambda _: named)
    assert value(number, method) == plain
    assert "A1B2" not in str(plain)


def test_a_runtime_info() -> None:
    """A VM's runtime, read in one path."""
    runtime = properties._one_object(value("31", "RetrievePropertiesEx", "6.7.3"))["runtime"]
    assert (runtime["_typeName"], runtime["powerState"]) == ("VirtualMachineRuntimeInfo", "poweredOff")
    assert runtime["device"][0]["key"] == 4000


@pytest.mark.parametrize(
    ("number", "kind", "attribute", "expected"),
    [
        ("04", vim.ServiceInstanceContent, "about.apiVersion", "5.5"),
        ("08", vim.ServiceInstanceContent, "guestCustomizationManager._moId", "GuestCustomizationManager"),
        ("14", vim.vm.RuntimeInfo, "powerState", "poweredOn"),
        ("15", vim.vm.GuestInfo, "toolsRunningStatus", "guestToolsRunning"),
    ],
)
def test_what_only_the_vendor_speaks(number: str, kind: type, attribute: str, expected: str) -> None:
    """Fetch and the oldest name space, which no WSDL of ours has, go through the vendor's reader."""
    found = vendor(number, kind)
    assert isinstance(found, kind)
    for name in attribute.split("."):
        found = getattr(found, name)
    assert found == expected


def test_arrays_that_only_the_vendor_speaks() -> None:
    """Fetch of an array of names, of an unset property and of an empty array of references."""
    assert "CustomizeVM_Task" in vendor("16", object)
    assert vendor("19", vim.vm.SnapshotInfo) is None
    assert list(vendor("20", vim.Task.Array)) == []
