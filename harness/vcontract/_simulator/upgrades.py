"""Changes that an upgrade may bring, off by default: a client notices them, whether they keep the contract or not.

Each is one small function; its name is the function's in kebab-case, what it does its docstring. They are no defects: a run
may judge such a server conforming. They serve to test that `vcontract compare` tells the two servers apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyVmomi import vim, vmodl

from vcontract._simulator.behaviour import Behaviour, Catalogue, Change, name_of, raise_instead, sentence_of
from vcontract._simulator.guest.operations import ABORT, CUSTOMIZE, START_NETWORK
from vcontract._simulator.guest.state import Engine
from vcontract._simulator.messages import describe
from vcontract._simulator.task import Task

if TYPE_CHECKING:
    from vcontract._simulator.objects import Invocation, ManagedObject
    from vcontract._simulator.vcenter import VCenter

METHODS = {CUSTOMIZE, START_NETWORK, ABORT}
UPGRADES = Catalogue("upgrade-defect")


def upgrade(change: Change) -> Change:
    """Register what an upgrade may change."""
    UPGRADES.add(Behaviour(name_of(change), sentence_of(change), change))
    return change


def changed_by_upgrade(vcenter: VCenter) -> None:
    """Bring the changes that the settings name into a VCenter; UsageError for an unknown name."""
    UPGRADES.apply(vcenter.settings.upgrades, vcenter)


def listed_upgrades() -> list[str]:
    """Describe every change in a line: its name and what it does."""
    return [f"{behaviour.name}  {behaviour.says}" for behaviour in UPGRADES.known.values()]


@upgrade
def precedence_changed(vcenter: VCenter) -> None:
    """The guest login is tried before it is looked whether the VM is busy."""
    checks = vcenter.decisions.at_call
    behind = {name: checks.pop(name) for name in ("busy", "beside")}
    vcenter.decisions.at_call = {**checks, **behind}


@upgrade
def channel_moved(vcenter: VCenter) -> None:
    """A rejected guest login ends the task; before, the call itself was refused."""
    decide = vcenter.decisions
    decide.at_start = {"login": decide.at_call.pop("login"), **decide.at_start}


@upgrade
def field_dropped(vcenter: VCenter) -> None:
    """InvalidPowerState does not say any more which state was asked for."""
    usual = vcenter.decisions.fault

    def fault(call: Invocation, raised: Any) -> Any:
        written = usual(call, raised)
        if call.method in METHODS and isinstance(written, vim.fault.InvalidPowerState):
            written.requestedState = None
        return written

    vcenter.decisions.fault = fault


@upgrade
def fault_subtype_newer(vcenter: VCenter) -> None:
    """A guest without an engine is answered with UncustomizableGuest, a subtype of the fault that came before."""
    raise_instead(
        vcenter,
        "engine",
        vim.fault.CustomizationFault,
        lambda attempt, fault: (
            vim.fault.UncustomizableGuest(uncustomizableGuestOS=attempt.machine.guest.guest_id)
            if attempt.machine.guest.engine is Engine.ABSENT
            else fault
        ),
    )


@upgrade
def task_error_flattened(vcenter: VCenter) -> None:
    """A task that fails says SystemError, with the words of the fault that it had before."""
    usual = vcenter.decisions.shown

    def shown(owner: ManagedObject, name: str, value: Any, call: Invocation) -> Any:
        value = usual(owner, name, value, call)
        if isinstance(owner, Task) and name == "info" and owner.plan.name in METHODS and value.error is not None:
            value.error = vmodl.fault.SystemError(reason=describe(value.error))
        return value

    vcenter.decisions.shown = shown


@upgrade
def latency_tripled(vcenter: VCenter) -> None:
    """A guest operation takes three times as long."""
    vcenter.decisions.lasts = {name: 3 * lasts for name, lasts in vcenter.decisions.lasts.items()}
