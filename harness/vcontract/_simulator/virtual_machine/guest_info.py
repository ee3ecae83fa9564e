"""GuestInfo: what vCenter shows of a guest; what Tools report is there only while they run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyVmomi import vim

from vcontract._simulator.data_objects import Composite, make
from vcontract._simulator.guest.state import ToolsPhase

if TYPE_CHECKING:
    from collections.abc import Callable

    from vcontract._simulator.virtual_machine.machine import Machine
    from vcontract._simulator.virtual_machine.reports import NicReport

NETWORK_NAME = "VM Network"
HARDWARE_VERSION = "vmx-21"
TOOLS_VERSION = "12389"
# Bound once, as the vendor looks a nested type up at each mention.
_NIC = vim.vm.GuestInfo.NicInfo
_IP, _ADDRESS = vim.net.IpConfigInfo, vim.net.IpConfigInfo.IpAddress
_ROUTES, _ROUTE, _GATEWAY = (
    vim.net.IpRouteConfigInfo,
    vim.net.IpRouteConfigInfo.IpRoute,
    vim.net.IpRouteConfigInfo.Gateway,
)
_STACK, _RESOLVER = vim.vm.GuestInfo.StackInfo, vim.net.DnsConfigInfo


def up(machine: Machine) -> bool:
    """Whether Tools are shown to run, and so report."""
    return machine.shown.tools_status == "guestToolsRunning"


def reported(make_value: Callable[[Any], Any], unset: Callable[[], Any] = lambda: None) -> Callable[[Any], Any]:
    """Make what Tools report: a value while they run, else what stands for none."""
    return lambda machine: make_value(machine) if up(machine) else unset()


def tools_status(machine: Machine) -> str:
    """Give the old status of Tools."""
    if machine.guest.tools is ToolsPhase.ABSENT:
        return "toolsNotInstalled"
    return "toolsOk" if up(machine) else "toolsNotRunning"


def tools_version_status(machine: Machine) -> str:
    """Give the status of the version of Tools."""
    return "guestToolsNotInstalled" if machine.guest.tools is ToolsPhase.ABSENT else "guestToolsUnmanaged"


def host_name(machine: Machine) -> str | None:
    """Give the host name that Tools report."""
    name = machine.reports.name
    return name.host_name if name is not None and up(machine) else None


def ip_address(machine: Machine) -> str | None:
    """Give the first address that Tools report."""
    if not up(machine):
        return None
    nics = sorted(machine.reports.nics, key=lambda nic: nic.key)
    return next((address for nic in nics for address, _ in nic.addresses), None)


def _nic(nic: NicReport) -> Any:
    shown = [make(_ADDRESS, ipAddress=held, prefixLength=size, state="preferred") for held, size in nic.addresses]
    return make(
        _NIC,
        network=NETWORK_NAME,
        ipAddress=[address for address, _ in nic.addresses],
        macAddress=nic.mac,
        connected=nic.connected,
        deviceConfigId=nic.key,
        ipConfig=make(_IP, ipAddress=shown),
    )


def _ip_stack(machine: Machine) -> Any:
    network, name = machine.guest.network, machine.reports.name
    routes = [
        make(
            _ROUTE,
            network="0.0.0.0",  # noqa: S104 - the default route, nothing is bound
            prefixLength=0,
            gateway=make(_GATEWAY, ipAddress=gateway, device=str(place)),
        )
        for place, interface in enumerate(network.interfaces)
        for gateway in interface.gateways
    ]
    return make(
        _STACK,
        dnsConfig=make(
            _RESOLVER,
            dhcp=not network.dns_servers,
            hostName=name.host_name if name else "",
            domainName=name.domain if name else "",
            ipAddress=network.dns_servers,
            searchDomain=network.dns_suffixes,
        ),
        ipRouteConfig=make(_ROUTES, ipRoute=routes),
    )


GUEST = Composite(
    vim.vm.GuestInfo,
    toolsStatus=tools_status,
    toolsVersionStatus=tools_version_status,
    toolsVersionStatus2=tools_version_status,
    toolsRunningStatus=lambda machine: machine.shown.tools_status,
    toolsVersion=lambda machine: "0" if machine.guest.tools is ToolsPhase.ABSENT else TOOLS_VERSION,
    guestId=reported(lambda machine: machine.guest.guest_id),
    guestFamily=reported(lambda machine: machine.guest.family),
    guestFullName=reported(lambda machine: machine.guest.full_name),
    hostName=host_name,
    ipAddress=ip_address,
    net=reported(lambda machine: [_nic(nic) for nic in machine.reports.nics], list),
    ipStack=reported(lambda machine: [_ip_stack(machine)], list),
    guestState=lambda machine: "running" if up(machine) else "notRunning",
    appHeartbeatStatus=lambda _: "appStatusGray",
    guestKernelCrashed=lambda _: False,
    appState=lambda _: "none",
    guestOperationsReady=lambda machine: machine.shown.ready,
    interactiveGuestOperationsReady=lambda _: False,
    guestStateChangeSupported=up,
    hwVersion=lambda _: HARDWARE_VERSION,
    customizationInfo=Composite(
        vim.vm.GuestInfo.CustomizationInfo,
        customizationStatus=lambda machine: machine.guest.customization.status,
        startTime=lambda machine: machine.guest.customization.start,
        endTime=lambda machine: machine.guest.customization.end,
        errorMsg=lambda machine: machine.guest.customization.error,
    ),
)
