"""CustomizationSpecs that a live call on a Linux guest is expected to accept, and what goes with them.

Rules: a Linux guest takes LinuxPrep; one adapter per NIC with a fixed IPv4 address or DHCP; a host name of letters, digits
and hyphens; DNS from globalIPSettings; time zones are names of the tz database (programming guide, KB 2145518).
"""

from __future__ import annotations

from hypothesis import strategies as st

from harness.terms import Json

LABELS = st.from_regex(r"[a-z]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
DOMAINS = st.sampled_from(["example.com", "lab.example", "a.b", "vcontract.test"])
ZONES = st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Etc/UTC"])
MAX_NICS = 4


def fixed_name(name: str) -> dict[str, Json]:
    """Give a host name as the specification carries it."""
    return {"_typeName": "CustomizationFixedName", "name": name}


@st.composite
def adapters(draw: st.DrawFn, position: int) -> dict[str, Json]:
    """Draw the adapter mapping of one NIC: DHCP, or an address in a network of its own."""
    if draw(st.booleans()):
        ip: dict[str, Json] = {"_typeName": "CustomizationDhcpIpGenerator"}
        adapter: dict[str, Json] = {"_typeName": "CustomizationIPSettings", "ip": ip}
    else:
        host = draw(st.integers(2, 254))
        ip = {"_typeName": "CustomizationFixedIp", "ipAddress": f"10.{position}.0.{host}"}
        adapter = {
            "_typeName": "CustomizationIPSettings",
            "ip": ip,
            "subnetMask": "255.255.255.0",
            "gateway": [f"10.{position}.0.1"],
        }
    return {"_typeName": "CustomizationAdapterMapping", "adapter": adapter}


@st.composite
def linux_specs(draw: st.DrawFn) -> dict[str, Json]:
    """Draw a specification with MAX_NICS adapters; `fitted` cuts it to a VM."""
    identity: dict[str, Json] = {
        "_typeName": "CustomizationLinuxPrep",
        "hostName": fixed_name(draw(LABELS)),
        "domain": draw(DOMAINS),
    }
    if draw(st.booleans()):
        identity |= {"timeZone": draw(ZONES), "hwClockUTC": draw(st.booleans())}
    settings: dict[str, Json] = {"_typeName": "CustomizationGlobalIPSettings"}
    if draw(st.booleans()):
        settings |= {"dnsSuffixList": ["example.com"], "dnsServerList": ["10.0.0.53"]}
    mappings = [draw(adapters(position)) for position in range(MAX_NICS)]
    return {
        "_typeName": "CustomizationSpec",
        "identity": identity,
        "globalIPSettings": settings,
        "nicSettingMap": mappings,
    }


def fitted(spec: dict[str, Json], nics: int) -> dict[str, Json]:
    """Give the specification with exactly so many adapters."""
    return spec | {"nicSettingMap": spec["nicSettingMap"][:nics]}


config_params = st.one_of(
    st.none(),
    st.lists(
        st.builds(
            lambda key, value: {"_typeName": "OptionValue", "key": key, "value": value},
            st.sampled_from(["vendor.key", "x", "third.party"]),
            st.one_of(st.text("abc é<&", max_size=8), st.booleans(), st.integers(0, 2**31 - 1)),
        ),
        max_size=2,
    ),
)
"""The extra key and value pairs for third parties; no list of keys is published, so any may be given."""


def dotted(spec: dict[str, Json]) -> dict[str, Json]:
    """Break rule 12: a host name has no dots."""
    identity = spec["identity"]
    return spec | {"identity": identity | {"hostName": fixed_name(identity["hostName"]["name"] + ".example.com")}}


def unknown_generator(spec: dict[str, Json]) -> dict[str, Json]:
    """Break rule 4: an unknown IP generator must have been replaced before."""
    first = {
        "_typeName": "CustomizationAdapterMapping",
        "adapter": {"_typeName": "CustomizationIPSettings", "ip": {"_typeName": "CustomizationUnknownIpGenerator"}},
    }
    return spec | {"nicSettingMap": [first, *spec["nicSettingMap"][1:]]}


def windows_identity(spec: dict[str, Json]) -> dict[str, Json]:
    """Break rule 26: the identity must fit the guest."""
    return spec | {"identity": {"_typeName": "CustomizationSysprepText", "value": "[Unattended]"}}


def with_script(spec: dict[str, Json]) -> dict[str, Json]:
    """Use what is inferred to be no part of the live call: a script."""
    return spec | {"identity": spec["identity"] | {"scriptText": "#!/bin/sh\nexit 0\n"}}


def cloud_init(spec: dict[str, Json]) -> dict[str, Json]:
    """Use a cloud-init identity, which belongs to the powered-off path."""
    return spec | {"identity": {"_typeName": "CustomizationCloudinitPrep", "metadata": "{}"}}
