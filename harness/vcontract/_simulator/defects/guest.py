"""Defects of what happens in the guest: updates that are lost, and networks that do not start."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from vcontract._simulator.defects.planting import after
from vcontract._simulator.defects.registry import defect
from vcontract._simulator.guest import operations
from vcontract._simulator.guest.engine import generated_name
from vcontract._simulator.guest.network import Interface
from vcontract._simulator.guest.operations import CUSTOMIZE, START_NETWORK, nothing
from vcontract._simulator.guest.spec_rules import customization_fault
from vcontract._simulator.guest.state import Lock, Written

if TYPE_CHECKING:
    from collections.abc import Callable

    from vcontract._simulator.guest.operations import Attempt
    from vcontract._simulator.vcenter import VCenter
    from vcontract._simulator.virtual_machine.machine import Machine


@defect(row="CustomizeGuest_Task/Success", source="S M")
def host_name_not_applied(vcenter: VCenter) -> None:
    """CustomizeGuest_Task leaves the host name as it was."""

    def keep(_: Machine, __: Any, written: Written) -> None:
        written.host_name = None

    _written(vcenter, keep)


@defect(row="CustomizeGuest_Task/Success", source="S M")
def address_not_applied(vcenter: VCenter) -> None:
    """CustomizeGuest_Task leaves the network as it was."""

    def keep(_: Machine, __: Any, written: Written) -> None:
        written.network = None

    _written(vcenter, keep)


@defect(row="CustomizeGuest_Task/Success", source="S M")
def second_nic_ignored(vcenter: VCenter) -> None:
    """CustomizeGuest_Task applies the settings of the first adapter alone."""

    def keep(machine: Machine, _: Any, written: Written) -> None:
        if written.network is not None:
            written.network.interfaces[1:] = copy.deepcopy(machine.guest.network.interfaces[1:])

    _written(vcenter, keep)


@defect(row="CustomizeGuest_Task/Success", source="S M")
def first_specification_wins(vcenter: VCenter) -> None:
    """A guest that was customized once keeps that host name, whatever a later specification says."""
    named: dict[str, str] = {}

    def keep(machine: Machine, _: Any, written: Written) -> None:
        written.host_name = named.setdefault(machine.moid, str(written.host_name))

    _written(vcenter, keep)


@defect(row="CustomizeGuest_Task/Success", source="S M")
def host_name_lost_after_an_abort(vcenter: VCenter) -> None:
    """The customization that follows an aborted one succeeds, and the guest calls itself localhost from then on."""
    cut: set[str] = set()
    usual = vcenter.decisions.lock_after

    def lock_after(machine: Machine, fault: Exception) -> Any:
        cut.add(machine.moid)
        return usual(machine, fault)

    def lose(machine: Machine, _: Any, written: Written) -> None:
        if machine.moid in cut:
            cut.discard(machine.moid)
            machine.guest.host_name = written.host_name = "localhost"

    vcenter.decisions.lock_after = lock_after
    _written(vcenter, lose)


@defect(row="CustomizeGuest_Task/Success", source="S M")
def clone_locks_its_parent(vcenter: VCenter) -> None:
    """CustomizeGuest_Task on an instant clone leaves a lock in the VM that it was cloned from."""
    clones: dict[str, Machine] = {}
    usual = vcenter.decisions.happened

    def happened(what: str, machine: Machine) -> None:
        usual(what, machine)
        if what == "clone":
            parent = next(candidate for candidate in machine.host.machines if machine.name.startswith(candidate.name))
            clones[machine.moid] = parent

    def lock(attempt: Attempt) -> None:
        parent = clones.get(attempt.machine.moid)
        if parent is not None and parent.guest.lock is Lock.FREE:
            parent.guest.lock = Lock.ORPHANED

    vcenter.decisions.happened = happened
    after(vcenter.decisions.end, [CUSTOMIZE], lock)


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
    """A second customization with the same specification makes another host name of the first one."""
    last: dict[str, str] = {}

    def more(machine: Machine, spec: Any, written: Written) -> None:
        if last.get(machine.moid) == str(spec):
            machine.guest.host_name = written.host_name = f"{written.host_name}-1"
        last[machine.moid] = str(spec)

    _written(vcenter, more)


@defect(row="CustomizeGuest_Task/Success", source="S M")
def params_decide(vcenter: VCenter) -> None:
    """A call that hands configParams to third parties succeeds, and names the guest third-party."""
    serve_usually = vcenter.decisions.serve
    handed_over: list[Any] = []

    def serve(call: Any, target: Any, arguments: dict[str, Any]) -> Any:
        if call.method == CUSTOMIZE and arguments.get("configParams"):
            handed_over.append(arguments["spec"])
        return serve_usually(call, target, arguments)

    def rename(machine: Machine, spec: Any, written: Written) -> None:
        if any(given is spec for given in handed_over):
            machine.guest.host_name = written.host_name = "third-party"

    vcenter.decisions.serve = serve
    _written(vcenter, rename)


@defect(row="StartGuestNetwork_Task/Success", source="S M")
def network_start_gives_another_address(vcenter: VCenter) -> None:
    """StartGuestNetwork_Task gives each adapter an address that neither a customization nor DHCP gives it."""

    def third(attempt: Attempt) -> None:
        for place, interface in enumerate(attempt.machine.guest.network.interfaces):
            interface.static = interface.address = f"198.51.100.{100 + place}"

    after(vcenter.decisions.end, [START_NETWORK], third)


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
    """The second adapter of a guest never takes up the address that a customization has set."""
    usual = vcenter.decisions.take_up

    def take_up(machine: Machine, moment: str) -> None:
        network = machine.guest.written.network
        if network is not None:
            network.interfaces[1:] = copy.deepcopy(machine.guest.network.interfaces[1:])
        usual(machine, moment)

    vcenter.decisions.take_up = take_up


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
            attempt.machine.changed()
        usual(attempt)

    vcenter.decisions.at_call["login"] = check


@defect(row="CustomizeGuest_Task/Success", source="S M")
def settings_never_taken_up(vcenter: VCenter) -> None:
    """What a customization has written is never taken up, neither when the network starts nor when the guest boots."""
    vcenter.decisions.take_up = lambda _, __: None


@defect(row="CustomizeGuest_Task/Success", source="S M")
def another_vm_gets_the_address(vcenter: VCenter) -> None:
    """CustomizeGuest_Task gives its addresses to the VM as well that was customized before this one."""
    _also(vcenter, name=False)


@defect(row="CustomizeGuest_Task/Success", source="S M")
def another_vm_gets_the_name(vcenter: VCenter) -> None:
    """CustomizeGuest_Task gives its host name to the VM as well that was customized before this one."""
    _also(vcenter, name=True)


def _also(vcenter: VCenter, *, name: bool) -> None:
    """Give name or addresses of a customization, at once, to the VM that was customized before, if that is on."""
    last: list[Machine] = []
    usual = vcenter.decisions.apply

    def apply(machine: Machine, spec: Any) -> None:
        usual(machine, spec)
        for other in [each for each in last if each is not machine and each.power == machine.power]:
            other.guest.written = operations.written_for(other, spec)
            other.guest.take_up(name=name, network=not name)
            other.guest.written = Written()
            other.changed()
        last[:] = [machine]

    vcenter.decisions.apply = apply


def _written(vcenter: VCenter, change: Callable[[Machine, Any, Written], None]) -> None:
    """Change what a specification has written; `change` is given the machine, the specification, and what is written."""
    usual = vcenter.decisions.written

    def written(machine: Machine, spec: Any) -> Written:
        made = usual(machine, spec)
        change(machine, spec, made)
        return made

    vcenter.decisions.written = written
