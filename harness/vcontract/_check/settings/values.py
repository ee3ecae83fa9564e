"""What a specification claims of a guest, and what a read shows of it, so that both can be compared.

Claims are fixed host names and static addresses of NICs; a NIC is found by its MAC or its place among the VM's NICs, never by
`guest.ipAddress` (oracle section H).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

from vcontract._terms import Json

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_NETBIOS = 15
"""Windows keeps so many characters of a name as its computer name."""


class Nic(NamedTuple):
    """One NIC as Tools report it: the key of its device, and the routable addresses that it has."""

    key: int
    mac: str
    connected: bool
    v4: frozenset[str]
    v6: frozenset[str]

    def addresses(self, version: int) -> frozenset[str]:
        """Give its routable addresses of an IP version."""
        return self.v4 if version == 4 else self.v6


class AddressClaim(NamedTuple):
    """A static address that a specification gives to the NIC with a MAC, or, if that is empty, to the NIC at a place."""

    place: int
    mac: str
    address: str
    version: int


def label(name: str, family: str = "linux") -> str:
    """Give of a host name what is compared: its first label, caseless, on Windows no more than its first 15 characters."""
    first = name.split(".", maxsplit=1)[0].lower()
    return first[:_NETBIOS] if family == "windows" else first


def name_given(spec: Mapping[str, Json]) -> str:
    """Give the fixed host name that a specification sets; empty if it sets none, or has one made up."""
    identity = spec.get("identity") or {}
    name = identity.get("hostName") or (identity.get("userData") or {}).get("computerName") or {}
    return str(name.get("name") or "")


def is_label(name: str) -> bool:
    """Whether a name is sure to be shown as it is given: what is no legal label may be changed by the guest."""
    return _LABEL.fullmatch(name) is not None


def routable(address: str) -> IPv4Address | IPv6Address | None:
    """Read an address that a guest gives to others; None for what it makes up for itself, and for what is none."""
    try:
        read = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    own = read.is_link_local or read.is_loopback or read.is_unspecified or read.is_multicast
    return None if own else read


def address_claims(spec: Mapping[str, Json]) -> list[AddressClaim]:
    """List the static addresses of a specification's mappings."""
    found = []
    for place, mapping in enumerate(spec.get("nicSettingMap") or ()):
        adapter, mac = mapping.get("adapter") or {}, _mac(mapping.get("macAddress"))
        sixth = (adapter.get("ipV6Spec") or {}).get("ip") or ()
        for version, given in ((4, adapter.get("ip") or {}), *((6, generator) for generator in sixth)):
            address = routable(str(given.get("ipAddress") or ""))
            if address is not None and address.version == version:
                found.append(AddressClaim(place, mac, str(address), version))
    return found


def nics_of(reading: Mapping[str, Json]) -> list[Nic]:
    """List the VM's NICs that a read shows, in the order of their devices; what is no virtual device is left out.

    An entry without its device, MAC or connection, as histories of older versions have it, tells nothing.
    """
    found: dict[int, Nic] = {}
    for entry in reading.get("guest.net") or ():
        if not isinstance(entry, Mapping) or not {"macAddress", "connected", "deviceConfigId"} <= entry.keys():
            continue
        key = int(entry["deviceConfigId"])
        if key < 0:
            continue
        addresses = [read for text in entry.get("ipAddress") or () if (read := routable(str(text))) is not None]
        nic = Nic(
            key,
            _mac(entry["macAddress"]),
            entry["connected"] is True,
            frozenset(str(address) for address in addresses if address.version == 4),
            frozenset(str(address) for address in addresses if address.version == 6),
        )
        if (same := found.get(key)) is not None:  # a device with several interfaces
            nic = nic._replace(connected=nic.connected or same.connected, v4=nic.v4 | same.v4, v6=nic.v6 | same.v6)
        found[key] = nic
    return [found[key] for key in sorted(found)]


def nic_of(claim: AddressClaim, nics: Sequence[Nic], mappings: int) -> Nic | None:
    """Find the connected NIC of a claim; None if the read does not show which one that is."""
    if claim.mac:
        chosen = next((nic for nic in nics if nic.mac == claim.mac), None)
    else:
        chosen = nics[claim.place] if len(nics) == mappings else None
    return chosen if chosen is not None and chosen.connected else None


def _mac(text: Json) -> str:
    return str(text or "").lower().replace("-", ":")
