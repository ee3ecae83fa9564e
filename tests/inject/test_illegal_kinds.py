"""Illegal answers of every kind: a run through the gate finds each as it finds the planted bug that gives the same answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.inject.conftest import Open
from tests.mangler import Run, ran  # noqa: F401 - a fixture
from tests.windows import skipping
from vcontract._inject.rules import Rule, When
from vcontract._simulator import SimulatorServer
from vcontract._terms import Finding
from vcontract._testbed.embedded_simulator import EMBEDDED

C, N, A = "CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task"
OFF, ON, IDLE = "power.off", "power.on", "power.on, tools=ready, running="
NO_TOOLS, GONE = "power.on, tools.stopped", "vmGone"


def _illegal(method: str, answer: str, condition: str = "", /, *, channel: str = "call", **fields: object) -> Rule:
    when = When(condition=condition)
    return Rule(method, answer, channel=channel, when=when, seconds=0.0, fields=fields, illegal=True)  # type: ignore[arg-type] # of the table


KINDS = {
    # another fault than that of the state
    "powered-off-says-invalid-login": _illegal(C, "InvalidGuestLogin", OFF),
    "powered-off-says-bare-runtime-fault": _illegal(C, "RuntimeFault", OFF),
    "unrelated-subtype-of-invalid-state": _illegal(N, "QuestionPending", NO_TOOLS),
    "tools-down-says-power-state": _illegal(A, "InvalidPowerState", NO_TOOLS),
    "tools-down-says-tools-unavailable": _illegal(C, "ToolsUnavailable", NO_TOOLS),
    # another fault than that of the call
    "bad-login-says-permission-denied": _illegal(C, "GuestPermissionDenied"),
    "may-not-says-invalid-login": _illegal(N, "InvalidGuestLogin", channel="task"),
    "bad-login-says-system-error": _illegal(A, "SystemError"),
    "nic-mismatch-says-invalid-state": _illegal(C, "InvalidState", channel="task"),
    "no-session-says-invalid-login": _illegal(C, "InvalidLogin"),
    "no-session-says-no-permission": _illegal(A, "NoPermission"),
    "old-client-hears-invalid-state": _illegal(N, "InvalidState"),
    "no-engine-says-task-in-progress": _illegal(C, "TaskInProgress", IDLE, channel="task"),
    "abort-without-engine-says-invalid-login": _illegal(A, "InvalidGuestLogin", channel="task"),
    # a field that is not true
    "existing-state-is-wrong": _illegal(N, "InvalidPowerState", OFF, existingState="poweredOn"),
    "suspended-shown-as-powered-off": _illegal(A, "InvalidPowerState", "suspended", existingState="poweredOff"),
    "requested-state-is-wrong": _illegal(C, "InvalidPowerState", OFF, requestedState="poweredOff"),
    "nic-counts-swapped": _illegal(C, "NicSettingMismatch", channel="task", numberOfNicsInSpec=7, numberOfNicsInVM=9),
    "obj-names-the-manager": _illegal(
        N, "ManagedObjectNotFound", GONE, obj="VirtualMachineGuestCustomizationManager:guestCustomizationManager"
    ),
    "method-names-another": _illegal(N, "MethodNotFound", method="Destroy_Task"),
    "privilege-id-names-another": _illegal(A, "NoPermission", privilegeId="VirtualMachine.Interact.PowerOn"),
    # a channel by which it may not come
    "gone-vm-ends-a-task": _illegal(C, "ManagedObjectNotFound", GONE, channel="task"),
    "no-permission-ends-a-task": _illegal(N, "NoPermission", channel="task"),
    # a refusal of what must be accepted
    "network-start-is-never-authenticated": _illegal(N, "NotAuthenticated"),
    "customizes-only-what-is-off": _illegal(C, "InvalidPowerState", ON),
    "network-starts-only-after-customization": _illegal(N, "InvalidState", IDLE),
    "abort-of-an-orphaned-lock-is-refused": _illegal(A, "CustomizationFault"),
    "task-in-progress-for-ever": _illegal(C, "TaskInProgress", IDLE),
    # no answer of the API at all
    "html-page-when-busy": Rule(A, "html"),
}
SAMPLE = ("obj-names-the-manager", "nic-counts-swapped")
CALLS = 100


def _of(findings: list[Finding], rule: Rule) -> list[Finding]:
    return [each for each in findings if each.method == rule.method]


@pytest.fixture(scope="module")
def plain() -> Iterator[SimulatorServer]:
    """Give a simulator without a bug, as a run starts one for itself."""
    with SimulatorServer(skipping()) as server:
        yield server


def assert_found_alike(defect: str, gate: Open, plain: SimulatorServer, run: Run) -> None:
    """Assert that what is injected is found as the planted bug is."""
    rule = KINDS[defect]
    with SimulatorServer(replace(skipping(), defects=frozenset({defect}))) as planted:
        result, _ = run(planted.url, rule.method, calls=CALLS, exchange=20.0, config=EMBEDDED)
        theirs = _of(result.findings, rule)
    opened = gate(rule, server=plain.url)
    ours = _of(run(opened.url, rule.method, calls=CALLS, exchange=20.0, config=EMBEDDED)[0].findings, rule)
    assert opened.injector.chooser.struck(0) >= 1
    told = [[(each.grade, each.observed, each.field) for each in findings] for findings in (ours, theirs)]
    assert any(our.like(their) for our in ours for their in theirs), told


@pytest.mark.parametrize("defect", SAMPLE)
def test_an_illegal_answer_is_found_as_the_bug_is(defect: str, gate: Open, plain: SimulatorServer, ran: Run) -> None:  # noqa: F811
    """The same fault of the same method, by the same channel, with the same field."""
    assert_found_alike(defect, gate, plain, ran)


@pytest.mark.long
@pytest.mark.parametrize("defect", [each for each in KINDS if each not in SAMPLE])
def test_every_illegal_answer_is_found_as_the_bug_is(
    defect: str,
    gate: Open,
    plain: SimulatorServer,
    ran: Run,  # noqa: F811 - a fixture
) -> None:
    """One of each kind, beside the faults that the methods may not raise."""
    assert_found_alike(defect, gate, plain, ran)
