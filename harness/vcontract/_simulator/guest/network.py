"""The guest's network: one interface per virtual NIC, its configuration and the address that it has now."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Any

from pyVmomi import vim

DEFAULT_PREFIX = 24


@dataclass
class Interface:
    """How a NIC is configured (`static` None: DHCP; `ipv4` False: neither), and the `address` that it has."""

    static: str | None = None
    prefix: int = DEFAULT_PREFIX
    gateways: list[str] = field(default_factory=list)
    ipv4: bool = True
    ipv6: list[tuple[str, int]] = field(default_factory=list)
    address: str | None = None

    def start(self, mac: str) -> None:
        """Take the configured address, or the lease that the DHCP server keeps for this MAC."""
        self.address = (self.static or lease(mac)) if self.ipv4 else None


@dataclass
class Network:
    """All interfaces, in the order of the NICs, and the resolver's settings."""

    interfaces: list[Interface]
    domain: str = ""
    dns_servers: list[str] = field(default_factory=list)
    dns_suffixes: list[str] = field(default_factory=list)

    def start(self, nics: list[Any]) -> None:
        """Restart the network service: every connected NIC (`mac`, `connected`) gets its address."""
        for interface, nic in zip(self.interfaces, nics, strict=True):
            if nic.connected:
                interface.start(nic.mac)

    def release(self) -> None:
        """Lose all addresses; the configuration stays."""
        for interface in self.interfaces:
            interface.address = None

    def configure(self, settings: Any, adapters: list[Any]) -> None:
        """Take over the global settings and those of each adapter; static addresses hold as soon as it is in effect.

        There are as many adapters as interfaces, unless a planted defect lets others through: then each NIC keeps an interface.
        """
        self.dns_servers = list(settings.dnsServerList)
        self.dns_suffixes = list(settings.dnsSuffixList)
        taken = [configured(adapter) for adapter in adapters][: len(self.interfaces)]
        self.interfaces = taken + self.interfaces[len(taken) :]


def configured(adapter: Any) -> Interface:
    """Read a CustomizationIPSettings, as a rule one that has passed the rules of the specification."""
    v6 = adapter.ipV6Spec.ip if adapter.ipV6Spec else []
    fixed = adapter.ip.ipAddress if isinstance(adapter.ip, vim.vm.customization.FixedIp) else None
    return Interface(
        static=fixed,
        prefix=_prefix_taken(adapter.subnetMask),
        gateways=list(adapter.gateway),
        ipv4=type(adapter.ip).__name__ != "vim.vm.customization.DisableIpV4",
        ipv6=[
            (fixed_v6.ipAddress, fixed_v6.subnetMask)
            for fixed_v6 in v6
            if isinstance(fixed_v6, vim.vm.customization.FixedIpV6)
        ],
        address=fixed,
    )


def prefix_length(mask: str | None) -> int:
    """Turn a dotted subnet mask into a prefix length; ValueError if it is none."""
    return ipaddress.IPv4Network(f"0.0.0.0/{mask}").prefixlen if mask else DEFAULT_PREFIX


def _prefix_taken(mask: str | None) -> int:
    """Give the prefix length that a guest takes over: its own of a mask that is none, which only a planted defect lets by."""
    try:
        return prefix_length(mask)
    except ValueError:
        return DEFAULT_PREFIX


def lease(mac: str) -> str:
    """Give the address that the simulated DHCP server hands to a MAC: always the same one."""
    *_, high, middle, low = (int(part, 16) for part in mac.split(":"))
    return f"10.{high}.{middle}.{1 + low % 254}"
