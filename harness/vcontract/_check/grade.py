"""Grades one outcome against one expectation (oracle rules A1 to A4), and says why."""

from __future__ import annotations

import msgspec

from vcontract._check.fields import GUEST_ERROR, Scene, right_value, wrong_field
from vcontract._contract import ANY, OK, Contract, ancestors
from vcontract._model import Expectation
from vcontract._terms import Fault, Faulted, Grade, Outcome, Returned

ENVIRONMENT = ("HostCommunication", "SystemError", "DatabaseError", "UnexpectedFault", "RequestCanceled")
"""RuntimeFaults that a sick server raises: never conforming by themselves, never at once a violation."""
POLICY = (
    "MethodDisabled",
    "RestrictedByAdministrator",
    "OperationDisallowedOnHost",
    "NotSupported",
    "NotEnoughLicenses",
)
"""RuntimeFaults of a standing refusal: the cell cannot be tested on this target."""


_NEVER_LATER = "WQOVL"


class Assessment(msgspec.Struct, frozen=True):
    """A grade with the outcome's name, its channel, the field that is wrong and a sentence why.

    `environment` and `blocked` mark the RuntimeFaults that say more of the server than of its contract.
    """

    grade: Grade
    observed: str
    channel: str = ""
    field: str = ""
    why: str = ""
    environment: bool = False
    blocked: bool = False


def name_of(outcome: Outcome) -> str:
    """Name an outcome as expectations do: `OK`, the fault's type, or `Lost`."""
    if isinstance(outcome, Faulted):
        return outcome.fault.type
    return OK if type(outcome).__name__ == "Returned" else "Lost"


def excusable(fault: str, contract: Contract) -> bool:
    """Whether a fault may come of a task that a server gave up (oracle row S1).

    Not one that a source has for a bad request, session, object, privilege or login: no time that passes makes those true.
    """
    return not any(
        permit.outcome == fault and permit.grade is not Grade.UNSETTLED
        for situation in contract.situations
        if situation.id[0] in _NEVER_LATER
        for permits in situation.permits.values()
        for permit in permits
    )


def grade_success(expectation: Expectation) -> Assessment:
    """Grade a task that ended in success."""
    allowed = expectation.allowed.get(OK)
    if allowed is None:
        return Assessment(Grade.MISSING, OK, why="the call was accepted and succeeded, and must be refused")
    return Assessment(allowed.grade, OK)


def grade_instant(outcome: Returned, expectation: Expectation, *, has_task: bool) -> Assessment:
    """Grade an answer without a task: a success of a method that promises none."""
    wrong = "the reply holds no Task" if has_task else "the reply holds a value, not void"
    if has_task or outcome.value is not None:
        return Assessment(Grade.PROTOCOL, name_of(outcome), "call", "returnval", wrong)
    return grade_success(expectation)


def grade_fault(
    outcome: Faulted, expectation: Expectation, scene: Scene, contract: Contract, bases: dict[str, str]
) -> Assessment:
    """Grade a fault of either channel: its type, then its channel, then its fields."""
    fault, channel = outcome.fault, outcome.channel
    allowed = expectation.allowed.get(fault.type)
    if ANY in expectation.allowed and channel == "task" and allowed is None and excusable(fault.type, contract):
        return Assessment(Grade.UNSETTLED, fault.type, channel, why="the server may have given the task up")
    if allowed is None or (GUEST_ERROR in allowed.fields and wrong_field(fault, (GUEST_ERROR,), scene)):
        return _refused(fault, channel, expectation, contract, bases)
    if channel == "task" and allowed.synchronous:
        return Assessment(
            Grade.WRONG, fault.type, channel, "channel", "it was true when the call was sent, so the call must say it"
        )
    if field := wrong_field(fault, allowed.fields, scene):
        right = right_value(field, scene)
        why = f"{field} is {fault.fields.get(field)!r}" + (f", and must be {right}" if right else "")
        return Assessment(Grade.WRONG, fault.type, channel, field, why)
    return Assessment(allowed.grade, fault.type, channel)


def _refused(
    fault: Fault, channel: str, expectation: Expectation, contract: Contract, bases: dict[str, str]
) -> Assessment:
    """Say what is wrong with a fault that the expectation does not permit."""
    line = ancestors(fault.type, bases)
    declared = {fault.type for method in contract.methods for fault in method.fault}
    causes = [
        name
        for name, allowed in expectation.allowed.items()
        if "RuntimeFault" in ancestors(name, bases) and GUEST_ERROR not in allowed.fields  # a bare one has no reason
    ]
    if fault.type == "RuntimeFault" and causes:
        return Assessment(Grade.IMPRECISE, fault.type, channel, why=f"a bare RuntimeFault for {', '.join(causes)}")
    if any(name in line for name in ENVIRONMENT):
        return Assessment(
            Grade.SPURIOUS,
            fault.type,
            channel,
            why="nothing in the request or the state is its cause",
            environment=True,
        )
    if any(name in line for name in POLICY):
        return Assessment(
            Grade.SPURIOUS, fault.type, channel, why="the target refuses the method as such", blocked=True
        )
    if not declared & set(line):
        return Assessment(Grade.UNDECLARED, fault.type, channel, why="the method may not raise it at all")
    if set(expectation.allowed) == {OK}:
        return Assessment(Grade.SPURIOUS, fault.type, channel, why="the call must be accepted")
    return Assessment(Grade.WRONG, fault.type, channel, why="its condition does not hold, or could not be known")
