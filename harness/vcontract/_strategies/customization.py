"""CustomizationSpecs that a live call on a Linux guest is promised to accept, and what goes with them.

What is promised, vcontract._model.spec_rules says; this draws all of it: LinuxPrep, one adapter per NIC with DHCP or a fixed
IPv4 address, IPv6 beside it, DNS, a time zone, what Linux ignores, and key and value pairs for third parties.
"""

from __future__ import annotations

import string

from hypothesis import strategies as st

from vcontract._model.spec_rules import ZONES
from vcontract._strategies.typed import FLOATS, SIMPLE, TEXT, TIMES, whole
from vcontract._terms import Json

MAX_NICS = 4
_ENDS = string.ascii_letters + string.digits
_HEADS = st.sampled_from(_ENDS)
_TAILS = st.one_of(st.sampled_from(["", "-1", "a" * 62, "-" * 61 + "z"]), st.text(_ENDS + "-", max_size=20))
LABELS = st.builds(lambda head, tail: (head + tail).rstrip("-"), _HEADS, _TAILS).map(
    lambda name: f"x{name[1:]}" if name.isdigit() else name  # of digits alone nothing is promised (oracle rule C12)
)
DOMAINS = st.sampled_from(["example.com", "lab.example", "a.b", "local", "x.vcontract-1.test", "b" * 63 + ".example"])
_LISTS = {
    "dnsSuffixList": [["example.com"], ["a.example", "b.example", "c.example"], []],
    "dnsServerList": [["10.0.0.53"], ["10.0.0.53", "192.0.2.53", "2001:db8::53"], []],
}
_NETBIOS = ("enableNetBIOSViaDhcp", "enableNetBIOS", "disableNetBIOS")
_IPV6: tuple[str, ...] = ("DhcpIpV6Generator", "AutoIpV6Generator", "StatelessIpV6Generator")
_NETWORK = "198.18"
_MASKS = {8: "255.0.0.0", 16: "255.255.0.0", 24: "255.255.255.0", 30: "255.255.255.252"}


def fixed_name(name: str) -> dict[str, Json]:
    """Give a host name as the specification carries it."""
    return {"_typeName": "CustomizationFixedName", "name": name}


SMALLEST: dict[str, Json] = {
    "_typeName": "CustomizationSpec",
    "identity": {"_typeName": "CustomizationLinuxPrep", "hostName": fixed_name("web-1"), "domain": "example.com"},
    "globalIPSettings": {"_typeName": "CustomizationGlobalIPSettings"},
    "nicSettingMap": [
        {
            "_typeName": "CustomizationAdapterMapping",
            "adapter": {"_typeName": "CustomizationIPSettings", "ip": {"_typeName": "CustomizationDhcpIpGenerator"}},
        }
    ],
}
"""A specification for one NIC with nothing in it that is not required."""


@st.composite
def adapters(draw: st.DrawFn, position: int) -> dict[str, Json]:
    """Draw the adapter mapping of one NIC: DHCP, or an address in a network of its own; IPv6 in one of four."""
    choice = draw(st.integers(0, 1023))
    choice, fixed = divmod(choice, 2)
    choice, sixth = divmod(choice, 8)
    choice, ignored = divmod(choice, 8)
    adapter: dict[str, Json] = {"_typeName": "CustomizationIPSettings"}
    if fixed:
        adapter |= _fixed_ip(draw(st.integers(0, 4 * 254 - 1)), position)
    else:
        adapter["ip"] = {"_typeName": "CustomizationDhcpIpGenerator"}
    if sixth < 2:
        adapter["ipV6Spec"] = _ipv6(draw(st.integers(0, 127)), position)
    if ignored == 0:  # documented as for Windows only
        adapter |= {"dnsServerList": ["10.0.0.53"], "dnsDomain": "example.com", "primaryWINS": "10.0.0.42"}
        adapter |= {"secondaryWINS": "10.0.0.43", "netBIOS": _NETBIOS[choice % 3]}
    return {"_typeName": "CustomizationAdapterMapping", "adapter": adapter}


def _fixed_ip(number: int, position: int) -> dict[str, Json]:
    """Give a fixed address: its network has the number of the NIC, and up to two gateways.

    They are of the block that is reserved for measurements (RFC 2544): no host of the network that the VMs are in has one of
    them, and no DHCP server gives one, so that whoever has it has it by our call.
    """
    number, last = divmod(number, 254)
    length = (8, 16, 24, 30)[number]
    host = 1 + last if length < 30 else 5 + last % 2
    network = f"{_NETWORK}.{position}"
    gateways = [[f"{network}.{5 + (host == 5)}"], [], [f"{network}.5", f"{network}.6"]][last % 3]
    settings: dict[str, Json] = {
        "ip": {"_typeName": "CustomizationFixedIp", "ipAddress": f"{network}.{host}"},
        "subnetMask": _MASKS[length],
    }
    return settings | ({"gateway": gateways} if gateways else {})


def _ipv6(choice: int, position: int) -> dict[str, Json]:
    """Give IPv6 settings: up to two generators, of which one may be an address with a prefix of 1 to 128 bits."""
    choice, kind = divmod(choice, 4)
    choice, second = divmod(choice, 2)
    fixed = {"_typeName": "CustomizationFixedIpV6", "ipAddress": f"2001:db8:{position}::{choice + 1:x}"}
    generators: list[dict[str, Json]] = [
        fixed | {"subnetMask": (64, 1, 128, 48)[choice % 4]}
        if kind == 3
        else {"_typeName": f"Customization{_IPV6[kind]}"}
    ]
    if second and kind != 3:
        generators.append(fixed | {"subnetMask": 64})
    gateway = {"gateway": [f"2001:db8:{position}::ffff"]} if choice % 2 else {}
    return {"_typeName": "CustomizationIPSettingsIpV6AddressSpec", "ip": generators, **gateway}


@st.composite
def linux_specs(draw: st.DrawFn) -> dict[str, Json]:
    """Draw a specification with MAX_NICS adapters; `fitted` cuts it to a VM."""
    identity: dict[str, Json] = {
        "_typeName": "CustomizationLinuxPrep",
        "hostName": fixed_name(draw(LABELS)),
        "domain": draw(DOMAINS),
    }
    choice = draw(st.integers(0, 2**12 - 1))
    choice, zone = divmod(choice, 2 * len(ZONES))
    if zone < len(ZONES):
        identity["timeZone"] = ZONES[zone]
    choice, clock = divmod(choice, 3)
    if clock:
        identity["hwClockUTC"] = clock == 1
    settings: dict[str, Json] = {"_typeName": "CustomizationGlobalIPSettings"}
    for name, lists in _LISTS.items():
        choice, which = divmod(choice, 4)
        if which < 3:
            settings[name] = lists[which]
    spec: dict[str, Json] = {"_typeName": "CustomizationSpec", "identity": identity, "globalIPSettings": settings}
    if choice % 4 == 0:
        spec["options"] = {"_typeName": "CustomizationLinuxOptions"}
    return spec | {"nicSettingMap": [draw(adapters(position)) for position in range(MAX_NICS)]}


def fitted(spec: dict[str, Json], nics: int) -> dict[str, Json]:
    """Give the specification with exactly so many adapters; those that were not drawn use DHCP."""
    drawn = spec["nicSettingMap"][:nics]
    return spec | {"nicSettingMap": drawn + SMALLEST["nicSettingMap"] * (nics - len(drawn))}


def _typed(name: str, values: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    return values.map(lambda value: {"_typeName": name, "_value": value})


_SIMPLE_VALUES = st.one_of(
    TEXT,
    st.booleans(),
    whole(31),
    *(_typed(name, SIMPLE[name]) for name in ("byte", "short", "long")),
    _typed("double", FLOATS),
    _typed("dateTime", TIMES),
)
_KEYS = st.one_of(st.sampled_from(["vendor.key", "x", "third.party"]), TEXT.filter(bool))
config_params = st.one_of(
    st.none(),
    st.lists(
        st.builds(lambda key, value: {"_typeName": "OptionValue", "key": key, "value": value}, _KEYS, _SIMPLE_VALUES),
        max_size=3,
    ),
)
"""The extra key and value pairs for third parties; no list of keys is published, so any may be given."""
