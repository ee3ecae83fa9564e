"""Defects of what happens in the guest: updates that are lost, and networks that do not start."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from vcontract.simulator.defects.planting import after
from vcontract.simulator.defects.registry import defect
from vcontract.simulator.guest.engine import generated_name
from vcontract.simulator.guest.network import Interface, lease
from vcontract.simulator.guest.operations import CUSTOMIZE, START_NETWORK, nothing
from vcontract.simulator.guest.spec_rules import customization_fault

if TYPE_CHECKING:
    from vcontract.simulator.guest.operations import Attempt
    from vcontract.simulator.vcenter import VCenter
    from vcontract.simulator.virtual_machine.machine import Machine


@defect(row="CustomizeGuest_Task/Success", source="S M")
def host_name_not_applied(vcenter: VCenter) -> None:
    """CustomizeGuest_Task leaves the host name as it was."""

    def keep(machine: Machine, _: Any, before: Any) -> None:
        machine.guest.host_name = before.host_name

    _around(vcenter, keep)


@defect(row="CustomizeGuest_Task/Success", source="S M")
def address_not_applied(vcenter: VCenter) -> None:
    """CustomizeGuest_Task leaves the network as it was."""

    def keep(machine: Machine, _: Any, before: Any) -> None:
        machine.guest.network = before.network

    _around(vcenter, keep)


@defect(row="CustomizeGuest_Task/Success", source="S M")
def second_nic_ignored(vcenter: VCenter) -> None:
    """CustomizeGuest_Task applies the settings of the first adapter alone."""

    def keep(machine: Machine, _: Any, before: Any) -> None:
        interfaces = machine.guest.network.interfaces
        interfaces[1:] = before.network.interfaces[1:]

    _around(vcenter, keep)


@defect(row="CustomizeGuest_Task/Success", source="S M")
def first_specification_wins(vcenter: VCenter) -> None:
    """A guest that was customized once keeps that host name, whatever a later specification says."""
    named: dict[str, str] = {}

    def keep(machine: Machine, _: Any, __: Any) -> None:
        machine.guest.host_name = named.setdefault(machine.moid, machine.guest.host_name)

    _around(vcenter, keep)


@defect(row="CustomizeGuest_Task/Success", source="S M")
def host_name_lost_after_an_abort(vcenter: VCenter) -> None:
    """The customization that follows an aborted one succeeds and names the guest localhost."""
    cut: set[str] = set()
    usual = vcenter.decisions.lock_after

    def lock_after(machine: Machine, fault: Exception) -> Any:
        cut.add(machine.moid)
        return usual(machine, fault)

    def rename(machine: Machine, _: Any, __: Any) -> None:
        if machine.moid in cut:
            cut.discard(machine.moid)
            machine.guest.host_name = "localhost"

    vcenter.decisions.lock_after = lock_after
    _around(vcenter, rename)


@defect(row="CustomizeGuest_Task/Success", source="S M")
def clone_customizes_its_parent(vcenter: VCenter) -> None:
    """CustomizeGuest_Task on an instant clone changes the VM that it was cloned from."""
    clones: dict[str, Machine] = {}
    usual, apply_usually = vcenter.decisions.happened, vcenter.decisions.apply

    def happened(what: str, machine: Machine) -> None:
        usual(what, machine)
        if what == "clone":
            parent = next(candidate for candidate in machine.host.machines if machine.name.startswith(candidate.name))
            clones[machine.moid] = parent

    def apply(machine: Machine, spec: Any) -> None:
        apply_usually(clones.get(machine.moid, machine), spec)

    vcenter.decisions.happened, vcenter.decisions.apply = happened, apply


@defect(row="CustomizeGuest_Task/Success", source="S M")
def same_specification_twice_fails(vcenter: VCenter) -> None:
    """A second customization with the same specification ends in CustomizationFault."""
    last: dict[str, str] = {}

    def check(attempt: Attempt) -> None:
        if attempt.method == CUSTOMIZE and last.get(attempt.machine.moid) == str(attempt.spec):
            raise customization_fault("The guest is customized already.")

    def note(attempt: Attempt) -> None:
        last[attempt.machine.moid] = str(attempt.spec)

    vcenter.decisions.at_start["planted"] = check
    after(vcenter.decisions.end, [CUSTOMIZE], note)


@defect(row="CustomizeGuest_Task/Success", source="S M")
def same_specification_twice_adds_up(vcenter: VCenter) -> None:
    """A second customization with the same specification changes the host name again."""
    last: dict[str, str] = {}

    def more(machine: Machine, spec: Any, before: Any) -> None:
        if last.get(machine.moid) == str(spec):
            machine.guest.host_name = f"{before.host_name}-1"
        last[machine.moid] = str(spec)

    _around(vcenter, more)


@defect(row="CustomizeGuest_Task/Success", source="S M")
def params_decide(vcenter: VCenter) -> None:
    """A call that hands configParams to third parties succeeds without customizing anything."""
    serve_usually, apply_usually = vcenter.decisions.serve, vcenter.decisions.apply
    handed_over: list[Any] = []

    def serve(call: Any, target: Any, arguments: dict[str, Any]) -> Any:
        if call.method == CUSTOMIZE and arguments.get("configParams"):
            handed_over.append(arguments["spec"])
        return serve_usually(call, target, arguments)

    def apply(machine: Machine, spec: Any) -> None:
        if not any(skipped is spec for skipped in handed_over):
            apply_usually(machine, spec)

    vcenter.decisions.serve, vcenter.decisions.apply = serve, apply


@defect(row="StartGuestNetwork_Task/Success", source="S M")
def network_start_gives_another_address(vcenter: VCenter) -> None:
    """StartGuestNetwork_Task gives each adapter an address that neither a customization nor DHCP gives it."""

    def another(attempt: Attempt) -> None:
        for place, interface in enumerate(attempt.machine.guest.network.interfaces):
            interface.address = f"192.0.2.{1 + place}"

    after(vcenter.decisions.end, [START_NETWORK], another)


@defect(row="StartGuestNetwork_Task/Success", source="S M")
def network_start_changes_the_host_name(vcenter: VCenter) -> None:
    """StartGuestNetwork_Task sets the host name to localhost."""

    def rename(attempt: Attempt) -> None:
        attempt.machine.guest.host_name = "localhost"

    after(vcenter.decisions.end, [START_NETWORK], rename)


@defect(row="StartGuestNetwork_Task/Success", source="S M")
def network_start_forgets_static_addresses(vcenter: VCenter) -> None:
    """StartGuestNetwork_Task takes a DHCP lease also where a customization had set an address."""

    def leased(attempt: Attempt) -> None:
        network = attempt.machine.guest.network
        network.interfaces = [Interface() for _ in network.interfaces]
        network.start(attempt.machine.nics)

    after(vcenter.decisions.end, [START_NETWORK], leased)


@defect(row="StartGuestNetwork_Task/Success", source="S M")
def network_start_skips_the_second_nic(vcenter: VCenter) -> None:
    """StartGuestNetwork_Task gives the second adapter a DHCP lease, whatever a customization has set."""

    def leased(attempt: Attempt) -> None:
        machine = attempt.machine
        for interface, nic in list(zip(machine.guest.network.interfaces, machine.nics, strict=True))[1:]:
            interface.address = lease(nic.mac)

    after(vcenter.decisions.end, [START_NETWORK], leased)


@defect(row="CustomizeGuest_Task/Success", source="S M")
def customization_does_nothing(vcenter: VCenter) -> None:
    """CustomizeGuest_Task succeeds without touching the guest."""
    vcenter.decisions.end[CUSTOMIZE] = nothing
    vcenter.decisions.begin[CUSTOMIZE] = nothing


@defect(row="CustomizeGuest_Task/InvalidGuestLogin", source="S M")
def refused_customization_changes_the_guest(vcenter: VCenter) -> None:
    """A call whose guest login is rejected sets its host name nevertheless."""
    usual = vcenter.decisions.at_call["login"]

    def check(attempt: Attempt) -> None:
        name = getattr(getattr(attempt.spec, "identity", None), "hostName", None)
        if attempt.method == CUSTOMIZE and attempt.account is None and name is not None:
            attempt.machine.guest.host_name = generated_name(name, attempt.machine.name)
        usual(attempt)

    vcenter.decisions.at_call["login"] = check


def _around(vcenter: VCenter, then: Any) -> None:
    """Do something after a specification was applied; `then` is given the machine, the specification, the guest before."""
    usual = vcenter.decisions.apply

    def apply(machine: Machine, spec: Any) -> None:
        before = copy.deepcopy(machine.guest)
        usual(machine, spec)
        then(machine, spec, before)

    vcenter.decisions.apply = apply
