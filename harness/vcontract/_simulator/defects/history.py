"""Defects that only a history shows: each needs three or more calls, and every one of these calls alone is answered well."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from pyVmomi import vim

from vcontract._simulator.defects.planting import after, refuse
from vcontract._simulator.defects.registry import defect
from vcontract._simulator.guest.operations import ABORT, CUSTOMIZE, START_NETWORK
from vcontract._simulator.guest.spec_rules import customization_fault
from vcontract._simulator.guest.state import Lock

if TYPE_CHECKING:
    from collections.abc import Callable

    from vcontract._simulator.guest.operations import Attempt
    from vcontract._simulator.vcenter import VCenter
    from vcontract._simulator.virtual_machine.machine import Machine


@defect(row="CustomizeGuest_Task/Success", source="S M", steps=3)
def two_bad_logins_lock_the_good_one_out(vcenter: VCenter) -> None:
    """After two rejected guest logins in a row on a VM a valid CustomizeGuest_Task ends in InvalidGuestLogin."""
    failed: Counter[str] = Counter()
    usual = vcenter.decisions.at_call["login"]

    def check(attempt: Attempt) -> None:
        machine = attempt.machine.moid
        if attempt.account is None:
            failed[machine] += 1
        elif failed.pop(machine, 0) > 1 and attempt.method == CUSTOMIZE:
            raise vim.fault.InvalidGuestLogin
        usual(attempt)

    vcenter.decisions.at_call["login"] = check


@defect(row="CustomizeGuest_Task/Success", source="S M", steps=3)
def second_customization_after_an_abort_fails(vcenter: VCenter) -> None:
    """The first customization after an abort succeeds, the second ends in CustomizationFault."""
    customized: dict[str, int] = {}

    def aborted(attempt: Attempt) -> None:
        customized[attempt.machine.moid] = 0

    def succeeded(attempt: Attempt) -> None:
        if attempt.machine.moid in customized:
            customized[attempt.machine.moid] += 1

    def check(attempt: Attempt) -> None:
        if attempt.method == CUSTOMIZE and customized.get(attempt.machine.moid):
            del customized[attempt.machine.moid]
            raise customization_fault("The guest is customized already.")

    after(vcenter.decisions.end, [ABORT], aborted)
    after(vcenter.decisions.end, [CUSTOMIZE], succeeded)
    vcenter.decisions.at_start["planted"] = check


@defect(row="StartGuestNetwork_Task/Success", source="S M", steps=3)
def network_start_fails_after_a_customized_guest_booted(vcenter: VCenter) -> None:
    """StartGuestNetwork_Task is refused with InvalidState once a guest that was customized has booted again."""
    customized: set[str] = set()
    booted: set[str] = set()

    def note(attempt: Attempt) -> None:
        customized.add(attempt.machine.moid)
        booted.discard(attempt.machine.moid)

    after(vcenter.decisions.end, [CUSTOMIZE], note)
    _on(vcenter, "boot", lambda machine: booted.update(customized & {machine.moid}))
    refuse(
        vcenter,
        lambda attempt: attempt.method == START_NETWORK and attempt.machine.moid in booted,
        vim.fault.InvalidState,
    )


@defect(row="AbortCustomization_Task/Success", source="S M", steps=4)
def boot_brings_an_aborted_lock_back(vcenter: VCenter) -> None:
    """An orphaned lock that an abort removed is there again after the next boot, and refuses a customization."""
    removed: set[str] = set()
    usual = vcenter.decisions.end[ABORT]

    def end(attempt: Attempt) -> Any:
        if attempt.machine.guest.lock is Lock.ORPHANED:
            removed.add(attempt.machine.moid)
        return usual(attempt)

    def boot(machine: Machine) -> None:
        if machine.moid in removed:
            removed.discard(machine.moid)
            machine.guest.lock = Lock.ORPHANED

    vcenter.decisions.end[ABORT] = end
    _on(vcenter, "boot", boot)


@defect(row="AbortCustomization_Task/Success", source="S M", steps=5)
def abort_after_a_resume_keeps_the_lock(vcenter: VCenter) -> None:
    """AbortCustomization_Task succeeds on a VM that was suspended and resumed, but an orphaned lock stays until it boots."""
    resumed: set[str] = set()
    usual = vcenter.decisions.end[ABORT]

    def end(attempt: Attempt) -> Any:
        kept = attempt.machine.guest.lock is Lock.ORPHANED and attempt.machine.moid in resumed
        result = usual(attempt)
        if kept:
            attempt.machine.guest.lock = Lock.ORPHANED
        return result

    vcenter.decisions.end[ABORT] = end
    _on(vcenter, "resume", lambda machine: resumed.add(machine.moid))
    _on(vcenter, "boot", lambda machine: resumed.discard(machine.moid))


def _on(vcenter: VCenter, what: str, act: Callable[[Machine], object]) -> None:
    """Do something more when this happens to a machine."""
    usual = vcenter.decisions.happened

    def happened(heard: str, machine: Machine) -> None:
        usual(heard, machine)
        if heard == what:
            act(machine)

    vcenter.decisions.happened = happened
