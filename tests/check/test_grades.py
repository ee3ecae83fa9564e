"""Every grade, from a small history that earns it."""

from __future__ import annotations

from typing import Any

import pytest

from vcontract._contract import Contract
from vcontract._terms import Arguments, Call, Envelope, Fault, Faulted, Grade, Lost, Ref, Returned, Verdict

C, N, A = "CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task"
METHODS = [C, N, A]
OFF = {"fields": {"existingState": "poweredOff"}}
BUSY = "guestToolsNotRunning"


def test_success_where_success_is_due(story: Any) -> None:
    """Accepted, run and ended in success, with the guest as the specification says."""
    story.vm()
    story.accepted(C)
    story.task("task-1", "running")
    story.task("task-1", "success")
    story.vm(**{"guest.hostName": "web.example.com", "guest.net": [{"ipAddress": ["10.1.0.9"]}]})
    found = story.verdict()
    assert (found.grade, found.verdict, found.observed) == (Grade.CONFORMS, Verdict.CONFORMS, "OK")
    assert (found.broken, found.expected, found.situations) == ((), "OK", ("K5", "Z0"))


@pytest.mark.parametrize("method", METHODS)
def test_the_faults_own_condition_holds(method: str, story: Any) -> None:
    """InvalidPowerState on a powered-off VM conforms; its ancestor is imprecise, and no violation."""
    for fault, grade in (("InvalidPowerState", Grade.CONFORMS), ("InvalidState", Grade.IMPRECISE)):
        story.cell = fault
        story.vm(power="poweredOff")
        story.refused(method, fault, **OFF)
        story.vm(power="poweredOff")
        found = story.verdict()
        assert (found.grade, found.verdict, found.channel) == (grade, Verdict.CONFORMS, "call")


def test_an_inference_is_noted_and_no_violation(story: Any) -> None:
    """An abort with nothing to abort that answers InvalidState is unsettled; so is GuestOperationsUnavailable."""
    story.vm()
    story.refused(A, "InvalidState")
    story.vm()
    assert (story.verdict().grade, story.verdict().verdict) == (Grade.UNSETTLED, Verdict.CONFORMS)
    story.cell = "tools"
    story.vm(tools=BUSY)
    story.refused(A, "GuestOperationsUnavailable")
    story.vm(tools=BUSY)
    assert (story.verdict().grade, story.verdict().verdict) == (Grade.UNSETTLED, Verdict.CONFORMS)


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("InvalidGuestLogin", "a login that could not be known"),
        ("InvalidVmState", "a subtype whose own condition does not hold"),
        ("CustomizationFault", "another declared fault"),
        ("NotEnoughCpus", "a fault of which nothing is known"),
        ("InvalidArgument", "a RuntimeFault where only a declared condition holds"),
        ("RuntimeFault", "a bare RuntimeFault without a cause"),
    ],
)
def test_wrong_by_type(fault: str, why: str, story: Any) -> None:
    """Where the VM is off, nothing but the power may be said."""
    story.vm(power="poweredOff")
    story.refused(C, fault, auth={"_typeName": "NamePasswordAuthentication", "username": "x", "password": "y"})
    story.vm(power="poweredOff")
    found = story.verdict()
    wanted = Grade.UNDECLARED if fault == "NotEnoughCpus" else Grade.WRONG
    assert (found.grade, found.verdict) == (wanted, Verdict.VIOLATES), why


def test_wrong_by_channel(story: Any) -> None:
    """A privilege that was missing at the call must be said by the call; a power state may come through the task."""
    story.vm()
    story.accepted(N, vm=Ref("VirtualMachine", "vm-0").json())
    story.task("task-1", "error", error="ManagedObjectNotFound")
    found = story.verdict()
    assert (found.grade, found.field, found.channel) == (Grade.WRONG, "channel", "task")
    story.cell = "off"
    story.vm(power="poweredOff")
    story.accepted(N, "task-2")
    story.task("task-2", "error", error={"fault": {"_typeName": "InvalidPowerState", "existingState": "poweredOff"}})
    story.vm(power="poweredOff")
    assert (story.verdict().grade, story.verdict().channel) == (Grade.CONFORMS, "task")


def test_wrong_by_field(story: Any) -> None:
    """The type is right and the field is not."""
    story.vm(power="suspended", tools=BUSY)
    story.refused(C, "InvalidPowerState", **OFF)
    story.vm(power="suspended", tools=BUSY)
    found = story.verdict()
    assert (found.grade, found.field, found.verdict) == (Grade.WRONG, "existingState", Verdict.VIOLATES)


@pytest.mark.parametrize("method", METHODS)
def test_missing(method: str, story: Any) -> None:
    """Accepted and succeeded, and must be refused; acceptance alone is not yet success."""
    story.vm(power="poweredOff")
    story.accepted(method)
    assert (story.verdict().observed, story.verdict().verdict) == ("unfinished", Verdict.INCONCLUSIVE)
    story.cell = "whole"
    story.vm(power="poweredOff")
    story.accepted(method, "task-2")
    story.task("task-2", "success")
    story.vm(power="poweredOff")
    assert (story.verdict().grade, story.verdict().verdict) == (Grade.MISSING, Verdict.VIOLATES)


@pytest.mark.parametrize(
    "fault", ["InvalidState", "CustomizationFault", "InvalidGuestLogin", "InvalidPowerState", "NoPermission"]
)
def test_spurious(fault: str, story: Any) -> None:
    """Refused, and must be accepted."""
    story.vm()
    story.refused(N, fault)
    story.vm()
    assert (story.verdict().grade, story.verdict().verdict) == (Grade.SPURIOUS, Verdict.VIOLATES)


@pytest.mark.parametrize(
    "fault", ["ToolsUnavailable", "GuestOperationsUnavailable", "InvalidLogin", "VimFault", "MethodFault"]
)
def test_undeclared(fault: str, story: Any) -> None:
    """A fault that the method may not raise at all, here where the call is valid."""
    story.vm()
    story.refused(C, fault)
    story.vm()
    assert (story.verdict().grade, story.verdict().verdict) == (Grade.UNDECLARED, Verdict.VIOLATES)


def test_protocol(story: Any) -> None:
    """A reply without a Task; a deviation from the wire contract, of the reply or of a read of the task."""
    story.vm()
    story.call(C, Returned("task-1"))
    assert (story.verdict().grade, story.verdict().verdict) == (Grade.PROTOCOL, Verdict.VIOLATES)
    story.cell = "reply"
    story.vm(power="poweredOff")
    story.problems = ("status 200 with a Fault",)
    story.refused(C, "InvalidPowerState", **OFF)
    assert (story.verdict().grade, story.verdict().field) == (Grade.PROTOCOL, "status 200 with a Fault")
    story.cell = "page"
    story.problems = ("the reply is no SOAP envelope: an HTML page",)
    story.call(C, Lost("status 200 with an HTML page"))
    assert (story.verdict().grade, story.verdict().verdict) == (Grade.PROTOCOL, Verdict.VIOLATES)
    story.cell = "task"
    story.vm()
    story.accepted(N, "task-7")
    story.problems = ("info.locked[2]: occurs more than once in TaskInfo",)
    story.task("task-7", "success")
    story.vm()
    assert (story.verdict().grade, story.verdict().field) == (Grade.PROTOCOL, "info.locked[]")


@pytest.mark.parametrize(
    "fault", ["SystemError", "HostNotReachable", "DatabaseError", "UnexpectedFault", "RequestCanceled"]
)
def test_environment(fault: str, story: Any) -> None:
    """A sick server's RuntimeFault is spurious in any cell, even where another RuntimeFault has its cause (oracle rule A1)."""
    story.vm()
    story.refused(C, fault)
    story.vm()
    assert (story.verdict().grade, story.verdict().verdict) == (Grade.SPURIOUS, Verdict.VIOLATES)
    story.cell = "reverse"
    story.vm(power="poweredOff")
    story.refused(C, fault)
    story.vm(power="poweredOff")
    assert (story.verdict().grade, story.verdict().verdict) == (Grade.SPURIOUS, Verdict.VIOLATES)


VIX = {"reason": "vix error codes = (3016, 0)."}
"""What a server says of a guest operation that the guest did not take (seen in public)."""


@pytest.mark.parametrize(
    ("fields", "grade", "verdict"),
    [
        (VIX, Grade.UNSETTLED, Verdict.CONFORMS),
        ({"reason": "Vix error codes = (1, 22)"}, Grade.UNSETTLED, Verdict.CONFORMS),
        ({"reason": "the disk is full"}, Grade.SPURIOUS, Verdict.VIOLATES),
        ({}, Grade.SPURIOUS, Verdict.VIOLATES),
    ],
)
def test_a_system_error_of_a_guest_that_did_not_answer_is_unsettled(
    fields: dict[str, Any], grade: Grade, verdict: Verdict, story: Any
) -> None:
    """Only by its reason, and only where the guest may not have answered (oracle rule A1); it has no bare form."""
    story.vm(tools=BUSY)
    story.refused(C, "SystemError", fields=fields)
    story.vm(tools=BUSY)
    assert (story.verdict().grade, story.verdict().verdict) == (grade, verdict)
    story.cell = "ready"
    story.vm()
    story.refused(N, "SystemError", fields=fields)
    story.vm()
    assert (story.verdict().grade, story.verdict().verdict) == (Grade.SPURIOUS, Verdict.VIOLATES)
    story.cell = "bare"
    story.vm(tools=BUSY)
    story.refused(C, "RuntimeFault", fields=fields)
    story.vm(tools=BUSY)
    assert story.verdict().verdict is Verdict.VIOLATES


@pytest.mark.parametrize("fault", ["MethodDisabled", "RestrictedByAdministrator", "NotSupported", "LicenseExpired"])
def test_blocked(fault: str, story: Any) -> None:
    """A standing refusal of policy leaves the cell untested (oracle rule A1)."""
    story.vm()
    story.refused(C, fault)
    story.vm()
    assert story.verdict().verdict is Verdict.UNTESTED


def test_a_bare_runtime_fault_is_imprecise_where_a_cause_holds(story: Any) -> None:
    """Without a session, with an unknown VM, without the privilege (oracle rule A1)."""
    for actor, changes in (
        ("nobody", {}),
        ("full", {"vm": Ref("VirtualMachine", "vm-0").json()}),
        ("unprivileged", {}),
    ):
        story.cell = f"{actor}{len(changes)}"
        story.vm()
        story.refused(N, "RuntimeFault", actor, **changes)
        story.vm()
        assert (story.verdict().grade, story.verdict().verdict) == (Grade.IMPRECISE, Verdict.CONFORMS)


def test_a_lost_reply_is_no_failure(story: Any) -> None:
    """It may or may not have happened."""
    story.vm()
    story.call(C, Lost("connection reset"))
    story.vm()
    assert (story.verdict().observed, story.verdict().verdict) == ("Lost", Verdict.INCONCLUSIVE)


def test_a_broken_request_is_judged_by_what_it_breaks(story: Any) -> None:
    """InvalidRequest where the request is not of the schema; success there is missing."""
    edited = Envelope(b"<x/>", "schema:missing:auth", origin=story.arguments(C))
    call = Call(Ref("VirtualMachineGuestCustomizationManager", "gcm"), C, edited, "full")
    story.vm()
    story.send(call, Faulted(Fault("InvalidRequest")))
    story.vm()
    assert (story.verdict().grade, story.verdict().request) == (Grade.CONFORMS, "malformed")
    story.cell = "accepted"
    story.vm()
    story.send(call, Returned(Ref("Task", "task-4").json()))
    story.task("task-4", "success")
    story.vm(**{"guest.hostName": "web"})
    assert story.verdict().grade is Grade.MISSING


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("vm", [Ref("Folder", "group-1"), Ref("VirtualMachine", "vm-0")])
def test_success_about_what_is_no_vm_is_missing(method: str, vm: Ref, story: Any) -> None:
    """Nothing is known of such a VM, and nothing needs to be."""
    story.accepted(method, vm=vm.json())
    story.task("task-1", "success")
    assert (story.verdict().grade, story.verdict().verdict) == (Grade.MISSING, Verdict.VIOLATES)


def test_nothing_is_judged_but_calls_of_the_contract(story: Any, contract: Contract) -> None:
    """Arranging calls and reads are evidence; a judged call of another method is no call of the contract."""
    story.vm()
    story.feed(Ref("VirtualMachine", "vm-1"), "PowerOffVM_Task", Faulted(Fault("SystemError")))
    story.send(
        Call(Ref("VirtualMachine", "vm-1"), "ResetVM_Task", Arguments({}), "full"), Faulted(Fault("SystemError"))
    )
    assert story.judged() == []
    assert "ResetVM_Task" not in {each.name for each in contract.methods}
