"""Variants of what happens in the guest: when settings show, what a network start does, which locks stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyVmomi import vim

from vcontract._simulator.guest import operations
from vcontract._simulator.guest.operations import ABORT, CUSTOMIZE, START_NETWORK, Attempt
from vcontract._simulator.guest.spec_rules import customization_fault
from vcontract._simulator.guest.state import Lock
from vcontract._simulator.variants.registry import variant

if TYPE_CHECKING:
    from collections.abc import Callable

    from vcontract._simulator.vcenter import VCenter
    from vcontract._simulator.virtual_machine.machine import Machine


@variant
def settings_show_at_once(vcenter: VCenter) -> None:
    """Name and static addresses of a customization show as soon as it has succeeded."""
    vcenter.decisions.apply = operations.apply_specification


@variant
def name_waits_for_the_boot(vcenter: VCenter) -> None:
    """A network start takes up the addresses of a customization; its name shows once the guest has booted."""

    def take_up(machine: Machine, moment: str) -> None:
        machine.guest.take_up(name=moment != START_NETWORK)

    vcenter.decisions.take_up = take_up


@variant
def only_a_boot_takes_a_name_up(vcenter: VCenter) -> None:
    """Addresses show at once after a customization, the name once the guest has booted."""

    def apply(machine: Machine, spec: Any) -> None:
        operations.write_specification(machine, spec)
        machine.guest.take_up(name=False)

    def take_up(machine: Machine, moment: str) -> None:
        machine.guest.take_up(name=moment != START_NETWORK)

    vcenter.decisions.apply, vcenter.decisions.take_up = apply, take_up


@variant
def network_start_brings_no_lease(vcenter: VCenter) -> None:
    """After a network start an adapter that asks for a lease has no address: no server gives one."""
    usual = vcenter.decisions.end[START_NETWORK]

    def end(attempt: Attempt) -> Any:
        result = usual(attempt)
        for interface in attempt.machine.guest.network.interfaces:
            interface.address = interface.static if interface.ipv4 else None
        return result

    vcenter.decisions.end[START_NETWORK] = end


@variant
def network_start_takes_no_lock(vcenter: VCenter) -> None:
    """StartGuestNetwork_Task neither takes nor frees the guest lock."""
    vcenter.decisions.begin[START_NETWORK] = operations.nothing


@variant
def cut_network_start_leaves_its_lock(vcenter: VCenter) -> None:
    """A network start that is cut leaves its lock behind, until an abort or a boot."""
    vcenter.decisions.start_lock_after = lambda _, __: Lock.ORPHANED


@variant
def guest_refuses_beside_a_network_start(vcenter: VCenter) -> None:
    """A customization or network start beside a network start is accepted, and its task ends in CustomizationFault."""
    usual = vcenter.decisions.at_call["beside"]

    def beside(attempt: Attempt) -> None:
        running = {each.method for each in attempt.machine.guest_operations if each.attempt is not attempt}
        if attempt.method == ABORT or running != {START_NETWORK}:
            usual(attempt)

    def lock(attempt: Attempt) -> None:
        held = attempt.machine.guest.lock
        if (attempt.method == CUSTOMIZE and held is not Lock.FREE) or (
            attempt.method == START_NETWORK and held is Lock.HELD
        ):
            raise customization_fault("Another customization holds the guest lock.")

    vcenter.decisions.at_call["beside"], vcenter.decisions.at_start["lock"] = beside, lock


@variant
def first_customization_after_an_abort_is_refused(vcenter: VCenter) -> None:
    """After an abort the first CustomizeGuest_Task is refused once with InvalidState: the guest still tidies up."""
    _refuse_once(vcenter, vcenter.decisions.at_call, vim.fault.InvalidState)


@variant
def first_customization_after_an_abort_fails(vcenter: VCenter) -> None:
    """After an abort the task of the first CustomizeGuest_Task ends in CustomizationFault: the guest still tidies up."""
    _refuse_once(vcenter, vcenter.decisions.at_start, lambda: customization_fault("The guest still tidies up."))


def _refuse_once(vcenter: VCenter, checks: dict[str, Any], make: Callable[[], Exception]) -> None:
    """Refuse the first customization after each abort that succeeded to which no check objects."""
    tidies: set[str] = set()
    decide = vcenter.decisions
    usual = decide.end[ABORT]

    def end(attempt: Attempt) -> Any:
        tidies.add(attempt.machine.moid)
        return usual(attempt)

    def check(attempt: Attempt) -> None:
        if attempt.method == CUSTOMIZE and attempt.machine.moid in tidies:
            for name, other in decide.at_start.items():
                if name != "tidies":
                    other(attempt)
            tidies.discard(attempt.machine.moid)
            raise make()

    decide.end[ABORT] = end
    checks["tidies"] = check
