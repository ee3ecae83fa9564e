"""Variants of what surrounds a call: the manager's name, the reports of a VM, its host, what is left in the guest."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pyVmomi import vim

from vcontract._simulator.guest.operations import ABORT, CUSTOMIZE, START_NETWORK
from vcontract._simulator.guest.state import GuestState, Lock
from vcontract._simulator.guest_customization_manager import MOID, GuestCustomizationManager
from vcontract._simulator.host_system import ComputeResource, HostSystem
from vcontract._simulator.variants.registry import variant
from vcontract._simulator.virtual_machine import VirtualMachine

if TYPE_CHECKING:
    from vcontract._simulator.objects import Invocation, ManagedObject
    from vcontract._simulator.vcenter import VCenter
    from vcontract._simulator.virtual_machine.machine import Machine
    from vcontract._simulator.virtual_machine.reports import Addresses

OTHER = "gcm-2417"
LATE = 0.1  # seconds
_kind = vim.vm.customization
MADE_UP = {
    _kind.CustomNameGenerator: lambda: _kind.FixedName(name="made-up"),
    _kind.CustomIpGenerator: _kind.DhcpIpGenerator,
    _kind.CustomIpV6Generator: _kind.AutoIpV6Generator,
}
"""What the application gives in the place of what a specification leaves to it."""
MORE: Addresses = (("fe80::250:56ff:fe00:2", 64), ("172.17.0.1", 16), ("2001:db8:77::2", 64))
"""Addresses that a guest has whatever its specification says."""


@variant
def manager_has_another_moid(vcenter: VCenter) -> None:
    """The manager's reference is another than on any vCenter that was seen in public."""
    vcenter.registry.remove(MOID)
    vcenter.registry.add(GuestCustomizationManager(vcenter, OTHER))
    serve_usually, show_usually = vcenter.decisions.serve, vcenter.decisions.shown

    def named(content: Any) -> Any:
        content.guestCustomizationManager = vim.vm.GuestCustomizationManager(OTHER)
        return content

    def serve(call: Invocation, target: ManagedObject, arguments: dict[str, Any]) -> Any:
        result = serve_usually(call, target, arguments)
        return named(result) if call.method == "RetrieveServiceContent" else result

    def shown(owner: ManagedObject, name: str, value: Any, call: Invocation) -> Any:
        value = show_usually(owner, name, value, call)
        return named(value) if name == "content" else value

    vcenter.decisions.serve, vcenter.decisions.shown = serve, shown


@variant
def reports_come_at_once(vcenter: VCenter) -> None:
    """Whatever Tools report is shown as it is, as soon as it is so."""
    vcenter.settings = replace(vcenter.settings, report_time=0.0)


@variant
def guest_is_reported_late(vcenter: VCenter) -> None:
    """Host name and addresses of a guest are shown up to a tenth of a second after they changed (needs staleness > 0)."""
    vcenter.settings = replace(vcenter.settings, report_time=LATE)


@variant
def reports_with_several_addresses(vcenter: VCenter) -> None:
    """Each adapter has further addresses beside its own: a bridge's, and those that IPv6 makes by itself, in any order."""

    def addresses(held: Addresses) -> Addresses:
        return MORE[:1] + held + MORE[1:]

    vcenter.decisions.addresses = addresses


@variant
def clone_shows_nothing_until_its_first_report(vcenter: VCenter) -> None:
    """What Tools report of an instant clone is unset until they have told it anew (needs staleness > 0)."""
    usual = vcenter.decisions.happened

    def happened(what: str, machine: Machine) -> None:
        usual(what, machine)
        if what == "clone":
            machine.reports.forget()
            machine.changed()

    vcenter.decisions.happened = happened


@variant
def source_is_frozen(vcenter: VCenter) -> None:
    """One VM is frozen for instant clones until it is reset: it reads as if it ran, and executes nothing."""
    running = [each for each in vcenter.registry.of_type(VirtualMachine) if each.ready]
    running[-1].frozen = True


@variant
def vm_moves_uninvited(vcenter: VCenter) -> None:
    """Every third guest operation finds its VM on another host than before, as DRS would have it."""
    homes = {machine.host for machine in vcenter.registry.of_type(VirtualMachine)}
    first = min(homes, key=lambda host: host.name)
    assert isinstance(first.parent, ComputeResource)
    assert first.parent.parent is not None
    spare = HostSystem(vcenter, "esx-3", ComputeResource(vcenter, "esx-3", first.parent.parent))
    calls = [0]
    usual = vcenter.decisions.serve

    def serve(call: Invocation, target: ManagedObject, arguments: dict[str, Any]) -> Any:
        result = usual(call, target, arguments)
        if call.method in {CUSTOMIZE, START_NETWORK, ABORT}:
            calls[0] += 1
            machine = vcenter.resolve(arguments["vm"])
            if calls[0] % 3 == 0 and machine.host in {first, spare} and not machine.template:
                machine.host = spare if machine.host is first else first
                machine.changed()
        return result

    vcenter.decisions.serve = serve


@variant
def reboot_keeps_an_orphaned_lock(vcenter: VCenter) -> None:
    """A lock that was left behind is still there after the guest has booted."""
    usual = vcenter.decisions.forget

    def forget(guest: GuestState) -> None:
        left = guest.lock is Lock.ORPHANED
        usual(guest)
        if left:
            guest.lock = Lock.ORPHANED

    vcenter.decisions.forget = forget


@variant
def failed_customization_leaves_its_lock(vcenter: VCenter) -> None:
    """A customization that is cut leaves its lock behind, until an abort or a boot."""
    vcenter.decisions.lock_after = lambda _, __: Lock.ORPHANED


@variant
def failed_customization_leaves_a_mess(vcenter: VCenter) -> None:
    """A customization that is cut has changed the host name, and taken the addresses away."""
    usual = vcenter.decisions.lock_after

    def lock_after(machine: Machine, fault: Exception) -> Lock:
        machine.guest.host_name = "half-done"
        machine.guest.network.release()
        return usual(machine, fault)

    vcenter.decisions.lock_after = lock_after


@variant
def guest_is_restarted_by_a_customization(vcenter: VCenter) -> None:
    """A customization restarts the guest's network service, so that adapters with DHCP have their lease at once."""
    usual = vcenter.decisions.apply

    def apply(machine: Machine, spec: Any) -> None:
        usual(machine, spec)
        machine.guest.take_up()
        machine.guest.network.start(machine.nics)

    vcenter.decisions.apply = apply


@variant
def application_makes_up_names(vcenter: VCenter) -> None:
    """The vCenter has an application for custom names and addresses (needs generator = true)."""
    usual = vcenter.decisions.serve

    def generated(value: Any) -> Any:
        return MADE_UP.get(type(value), lambda: value)()

    def serve(call: Invocation, target: ManagedObject, arguments: dict[str, Any]) -> Any:
        spec = arguments.get("spec") if call.method == CUSTOMIZE else None
        if spec is not None:
            if hasattr(spec.identity, "hostName"):
                spec.identity.hostName = generated(spec.identity.hostName)
            for adapter in (mapping.adapter for mapping in spec.nicSettingMap):
                adapter.ip = generated(adapter.ip)
                if adapter.ipV6Spec:
                    adapter.ipV6Spec.ip = [generated(generator) for generator in adapter.ipV6Spec.ip]
        return usual(call, target, arguments)

    vcenter.decisions.serve = serve
