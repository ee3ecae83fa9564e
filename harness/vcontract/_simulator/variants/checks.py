"""Variants of the preconditions: which is looked at first, and whether the call or its task says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyVmomi import vim

from vcontract._simulator.guest.operations import ABORT
from vcontract._simulator.guest.state import ToolsPhase
from vcontract._simulator.variants.registry import variant

if TYPE_CHECKING:
    from vcontract._simulator.guest.operations import Attempt
    from vcontract._simulator.task import Task
    from vcontract._simulator.vcenter import VCenter


def _arrange(vcenter: VCenter, call: tuple[str, ...], start: tuple[str, ...]) -> None:
    """Put the checks into these orders."""
    decide = vcenter.decisions
    known = {**decide.at_call, **decide.at_start}
    decide.at_call = {name: known[name] for name in call}
    decide.at_start = {name: known[name] for name in start}


@variant
def busy_comes_first(vcenter: VCenter) -> None:
    """Whether the VM is busy is looked at before its power state, its host and the login."""
    _arrange(vcenter, ("busy", "beside", "host", "power", "tools", "login"), ("permission", "spec", "engine", "lock"))


@variant
def login_comes_before_busy(vcenter: VCenter) -> None:
    """The guest login is tried before it is looked whether the VM is busy."""
    _arrange(vcenter, ("host", "power", "tools", "login", "busy", "beside"), ("permission", "spec", "engine", "lock"))


@variant
def power_comes_before_host(vcenter: VCenter) -> None:
    """Power state and Tools, as last known, are looked at before the host."""
    _arrange(vcenter, ("power", "tools", "host", "busy", "beside", "login"), ("permission", "spec", "engine", "lock"))


@variant
def specification_comes_first(vcenter: VCenter) -> None:
    """The specification is checked in the call, before everything else."""
    _arrange(vcenter, ("spec", "host", "power", "tools", "busy", "beside", "login"), ("permission", "engine", "lock"))


@variant
def specification_comes_before_permission(vcenter: VCenter) -> None:
    """The task checks the specification first, then the guest user's rights, the lock and the engine."""
    _arrange(vcenter, ("host", "power", "tools", "busy", "beside", "login"), ("spec", "permission", "lock", "engine"))


@variant
def all_in_the_call(vcenter: VCenter) -> None:
    """Every check is made in the call; a task ends in error only for what begins while it runs."""
    _arrange(
        vcenter,
        ("host", "power", "tools", "busy", "beside", "login", "permission", "spec", "engine", "lock"),
        (),
    )


@variant
def all_in_the_task(vcenter: VCenter) -> None:
    """Every check of the VM and of the guest is made in the task, which then ends in error."""
    _arrange(
        vcenter,
        (),
        ("host", "power", "tools", "busy", "beside", "login", "permission", "spec", "engine", "lock"),
    )


@variant
def login_in_the_task(vcenter: VCenter) -> None:
    """A rejected login ends the task."""
    _arrange(vcenter, ("host", "power", "tools", "busy", "beside"), ("login", "permission", "spec", "engine", "lock"))


@variant
def permission_in_the_call(vcenter: VCenter) -> None:
    """The guest user's rights are checked in the call."""
    _arrange(vcenter, ("host", "power", "tools", "busy", "beside", "login", "permission"), ("spec", "engine", "lock"))


@variant
def power_in_the_task(vcenter: VCenter) -> None:
    """Power state and Tools are checked in the task."""
    _arrange(vcenter, ("host", "busy", "beside"), ("power", "tools", "login", "permission", "spec", "engine", "lock"))


@variant
def calls_wait_in_a_queue(vcenter: VCenter) -> None:
    """A busy VM refuses nothing: the task waits in state queued until what runs has ended."""
    decide = vcenter.decisions
    for name in ("busy", "beside"):
        del decide.at_call[name]

    def behind(attempt: Attempt) -> Task | None:
        machine = attempt.machine
        waits = [
            operation.task
            for operation in machine.guest_operations
            if attempt.method != ABORT or operation.method == ABORT
        ]
        return waits[-1] if waits else machine.busy

    decide.behind = behind


@variant
def starting_tools_are_enough(vcenter: VCenter) -> None:
    """A guest whose Tools run is asked although its agent has not said that it is ready."""

    def check(attempt: Attempt) -> None:
        machine = attempt.machine
        up = machine.guest.tools in {ToolsPhase.EXECUTING_SCRIPTS, ToolsPhase.RUNNING, ToolsPhase.READY}
        if machine.power != "poweredOn" or not up:
            raise vim.fault.InvalidState

    vcenter.decisions.at_call["tools"] = check


@variant
def ready_late(vcenter: VCenter) -> None:
    """Tools run early, and the agent is ready long after."""
    vcenter.decisions.tools_steps[:] = [
        (0.2, ToolsPhase.EXECUTING_SCRIPTS),
        (0.4, ToolsPhase.RUNNING),
        (2.0, ToolsPhase.READY),
    ]


@variant
def saml_token_is_accepted(vcenter: VCenter) -> None:
    """A SAML token is a good login for the guest's administrator."""
    usual = vcenter.decisions.at_call["login"]

    def check(attempt: Attempt) -> None:
        if not _saml(attempt.auth):
            usual(attempt)

    vcenter.decisions.at_call["login"] = check


def _saml(auth: Any) -> bool:
    return isinstance(auth, vim.vm.guest.SAMLTokenAuthentication)
