"""The fields of faults that are judged, each with a right and a wrong value."""

from __future__ import annotations

from typing import Any

import pytest

from vcontract._check.fields import RULES
from vcontract._terms import Arguments, Call, Envelope, Fault, Faulted, Grade, Ref, Returned

C, N, A = "CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task"
PRIVILEGE = "VirtualMachine.Provisioning.Customize"
MORE = "VirtualMachine.Provisioning.Clone"
NOWHERE, FOLDER = Ref("VirtualMachine", "vm-0"), Ref("Folder", "group-1")
OTHER = Ref("VirtualMachine", "vm-2")


def graded(story: Any, method: str, fault: str, fields: dict[str, Any], **more: Any) -> tuple[Grade, str]:
    """Give the grade and the wrong field of a refusal."""
    story.refused(method, fault, fields=fields, **more)
    return story.verdict().grade, story.verdict().field


@pytest.mark.parametrize(
    ("power", "fields", "wrong"),
    [
        ("poweredOff", {"existingState": "poweredOff"}, ""),
        ("poweredOff", {"existingState": "poweredOff", "requestedState": "poweredOn"}, ""),
        ("suspended", {"existingState": "suspended"}, ""),
        ("suspended", {"existingState": "poweredOff"}, "existingState"),
        ("poweredOff", {"existingState": "poweredOn"}, "existingState"),
        ("poweredOff", {"existingState": "poweredOff", "requestedState": "suspended"}, "requestedState"),
        ("suspended", {"existingState": "poweredOff", "requestedState": "poweredOn"}, "existingState"),
        ("poweredOff", {}, "existingState"),
    ],
)
def test_existing_state(power: str, fields: dict[str, Any], wrong: str, story: Any) -> None:
    """InvalidPowerState names the state that the VM is in, and if it names another, the one that is needed."""
    story.vm(power=power)
    assert graded(story, C, "InvalidPowerState", fields) == (Grade.WRONG if wrong else Grade.CONFORMS, wrong)


def test_existing_state_of_a_template_is_off(story: Any) -> None:
    """Whatever was read before it became one."""
    story.vm(power="poweredOff", **{"config.template": True})
    assert graded(story, C, "InvalidPowerState", {"existingState": "poweredOff"})[0] is Grade.CONFORMS


@pytest.mark.parametrize(
    ("named", "entity", "wrong"),
    [
        (Ref("Task", "task-9"), Ref("VirtualMachine", "vm-1"), ""),
        (Ref("Task", "task-9"), None, ""),
        (Ref("Task", "task-9"), OTHER, "task"),
        (Ref("VirtualMachine", "vm-1"), None, "task"),
        (Ref("Task", "ended"), None, "task"),
        (None, None, "task"),
    ],
)
def test_task(named: Ref | None, entity: Ref | None, wrong: str, story: Any) -> None:
    """TaskInProgress names a task: not another VM's, not one that had ended before; one that says no more will do (A12)."""
    story.accepted(N, "ended")
    story.task("ended", "success")
    story.judge.close()
    story.vm()
    story.accepted(N, "task-8")
    story.task("task-8", "running")
    story.refused(C, "TaskInProgress", fields={"task": named.json()} if named else {})
    story.task("task-8", "running")
    if named is not None and named.value == "task-9":
        story.task("task-9", "running", **({"entity": entity.json()} if entity else {}))
    found = story.verdict()
    assert (found.grade, found.field) == (Grade.WRONG if wrong else Grade.CONFORMS, wrong)


def test_task_is_not_judged_where_shared_work_may_be_the_cause(story: Any) -> None:
    """Oracle row B2 asks for no field."""
    assert "task" in RULES
    shared = next(each for each in story.contract.situations if each.id == "B2").permitted(C)
    assert [each.field for each in shared if each.outcome == "TaskInProgress"] == [""]


@pytest.mark.parametrize(
    ("spec", "vm", "wrong"),
    [(0, 1, ""), (1, 1, "numberOfNicsInSpec"), (None, 1, "numberOfNicsInSpec"), (0, 2, "numberOfNicsInVM")],
)
def test_counts(spec: int | None, vm: int, wrong: str, story: Any) -> None:
    """NicSettingMismatch tells both counts."""
    story.vm()
    given = story.arguments(C)["spec"] | {"nicSettingMap": []}
    fields = {"numberOfNicsInVM": vm} | ({} if spec is None else {"numberOfNicsInSpec": spec})
    found = graded(story, C, "NicSettingMismatch", fields, spec=given)
    assert found == (Grade.WRONG if wrong else Grade.CONFORMS, wrong)


@pytest.mark.parametrize(
    ("obj", "wrong"), [(NOWHERE, ""), (Ref("VirtualMachine", "vm-1"), "obj"), (FOLDER, "obj"), (None, "obj")]
)
def test_obj(obj: Ref | None, wrong: str, story: Any) -> None:
    """ManagedObjectNotFound names the object that is missing."""
    fields = {"obj": obj.json()} if obj else {}
    found = graded(story, N, "ManagedObjectNotFound", fields, vm=NOWHERE.json())
    assert found == (Grade.WRONG if wrong else Grade.CONFORMS, wrong)


def test_obj_of_the_manager_and_of_a_vm_that_is_gone(story: Any) -> None:
    """Where both are missing either may be named."""
    missing = Ref("VirtualMachineGuestCustomizationManager", "gcm-0")
    for vm, named in (("vm-0", missing), ("vm-0", NOWHERE), ("vm-1", missing)):
        story.cell = f"{vm}{named.value}"
        call = Call(missing, N, Arguments(story.arguments(N, vm=Ref("VirtualMachine", vm).json())), "full")
        story.send(call, Faulted(Fault("ManagedObjectNotFound", {"obj": named.json()})))
        assert story.verdict().grade is Grade.CONFORMS
    story.cell = "gone"
    story.read(Ref("VirtualMachine", "vm-1"), None)
    found = graded(story, N, "ManagedObjectNotFound", {"obj": Ref("VirtualMachine", "vm-1").json()})
    assert found == (Grade.CONFORMS, "")


@pytest.mark.parametrize(
    ("named", "wrong"), [(C, ""), ("CustomizeGuest", ""), ("customize", ""), (N, "method"), ("", "method")]
)
def test_method(named: str, wrong: str, story: Any) -> None:
    """MethodNotFound names the method by its WSDL or its VMODL name."""
    old = Envelope(b"<x/>", "version:6.7.3", origin=story.arguments(C))
    call = Call(Ref("VirtualMachineGuestCustomizationManager", "gcm"), C, old, "full")
    story.send(call, Faulted(Fault("MethodNotFound", {"method": named})))
    assert (story.verdict().grade, story.verdict().field) == (Grade.WRONG if wrong else Grade.CONFORMS, wrong)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"privilegeId": PRIVILEGE}, ""),
        ({"missingPrivileges": [{"privilegeIds": ["System.Read", PRIVILEGE]}]}, ""),
        ({"privilegeId": PRIVILEGE, "object": FOLDER.json()}, ""),
        ({"privilegeId": PRIVILEGE, "missingPrivileges": [{"privilegeIds": [PRIVILEGE]}]}, ""),
        ({"privilegeId": "System.View", "missingPrivileges": [{"privilegeIds": [PRIVILEGE, MORE]}]}, ""),
        ({"missingPrivileges": [{"privilegeIds": ["System.Read"]}, {}]}, ""),
        ({"privilegeId": MORE}, "privilegeId"),
        ({"privilegeId": MORE, "missingPrivileges": [{"privilegeIds": [PRIVILEGE]}]}, "privilegeId"),
        ({"privilegeId": PRIVILEGE, "missingPrivileges": [{"privilegeIds": [MORE]}]}, "missingPrivileges"),
        ({"missingPrivileges": [{"privilegeIds": [MORE]}]}, "missingPrivileges"),
        ({"missingPrivileges": [{}]}, "privilegeId"),
        ({}, "privilegeId"),
    ],
)
def test_privilege(fields: dict[str, Any], wrong: str, story: Any) -> None:
    """NoPermission names the method's privilege, or System.View or Read, in each field that is set (oracle row V1).

    Its object may be an ancestor, and more privileges may be missing than the page names.
    """
    story.vm()
    found = graded(story, A, "NoPermission", fields, actor="unprivileged")
    assert found == (Grade.WRONG if wrong else Grade.CONFORMS, wrong)


@pytest.mark.parametrize(("cancelled", "wrong"), [(True, ""), (False, "info.cancelled"), (None, "info.cancelled")])
def test_cancelled(cancelled: bool | None, wrong: str, story: Any) -> None:  # noqa: FBT001 - a value of the wire
    """RequestCanceled after CancelTask goes with info.cancelled (oracle row M6)."""
    story.vm()
    story.accepted(C)
    story.task("task-1", "running")
    story.feed(Ref("Task", "task-1"), "CancelTask", Returned())
    story.task("task-1", "error", error="RequestCanceled", **({} if cancelled is None else {"cancelled": cancelled}))
    found = story.verdict()
    assert (found.grade, found.field) == (Grade.WRONG if wrong else Grade.CONFORMS, wrong)


@pytest.mark.parametrize("fault", ["InvalidArgument", "InvalidRequest"])
def test_the_invalid_property_is_never_judged(fault: str, story: Any) -> None:
    """Its spelling differs by release."""
    story.vm()
    edited = Envelope(b"<x/>", "value:auth", origin=story.arguments(C))
    call = Call(Ref("VirtualMachineGuestCustomizationManager", "gcm"), C, edited, "full")
    story.send(call, Faulted(Fault(fault, {"invalidProperty": "anything.at[2].all"})))
    assert story.verdict().grade is Grade.CONFORMS


def test_every_rule_that_a_permit_names_exists(story: Any) -> None:
    """And no rule is without a permit."""
    named = {p.field for s in story.contract.situations for permits in s.permits.values() for p in permits if p.field}
    assert named == set(RULES)
