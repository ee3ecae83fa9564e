"""Which texts are addresses that a guest can surely be given."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

from vcontract._terms import Json

_QUAD = re.compile(r"\d{1,3}(\.\d{1,3}){3}", re.ASCII)
_SMALLEST_NETWORK = 30
_KEPT = 4096
"""Answers that are remembered: a long history asks for the same addresses again and again."""


@lru_cache(_KEPT)
def is_quad(text: str) -> bool:
    """Whether a text is a dotted quad."""
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return bool(_QUAD.fullmatch(text))


@lru_cache(_KEPT)
def is_ipv4(text: str) -> bool:
    """Whether a text is the IPv4 address of some host."""
    if not is_quad(text):
        return False
    address = ipaddress.IPv4Address(text)
    special = address.is_multicast or address.is_loopback or address.is_reserved or address.is_link_local
    return not special and address.packed[0] != 0


@lru_cache(_KEPT)
def is_ipv6(text: str) -> bool:
    """Whether a text is the IPv6 address of some host."""
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return False
    special = address.is_multicast or address.is_loopback or address.is_unspecified or address.is_link_local
    return not special and address.ipv4_mapped is None and address.scope_id is None


def host_in(address: str, mask: Json, other: str) -> bool:
    """Whether another address is that of a host in the network of an address with this mask."""
    return isinstance(mask, str) and is_quad(mask) and _host_in(address, mask, other)


@lru_cache(_KEPT)
def _host_in(address: str, mask: str, other: str) -> bool:
    length = _prefix(mask)
    if length is None or not (is_ipv4(address) and is_ipv4(other)):
        return False
    network = ipaddress.IPv4Interface(f"{address}/{length}").network
    host = ipaddress.IPv4Address(other)
    return host in network and host not in {network.network_address, network.broadcast_address}


def _prefix(mask: str) -> int | None:
    """Give the length of a mask's prefix; None if its bits are not in one row or leave no room for two hosts."""
    bits = f"{int(ipaddress.IPv4Address(mask)):032b}"
    length = bits.find("0") if "0" in bits else len(bits)
    return length if "1" not in bits[length:] and 0 < length <= _SMALLEST_NETWORK else None
