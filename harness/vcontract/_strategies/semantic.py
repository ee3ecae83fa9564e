"""The semantic tier: specifications of the schema that break one rule beyond it, or use what no source shows to work live.

The name of a case begins with the number of its rule (oracle rules C): `12.dotted` breaks C12. What each is worth, the model
says. A case whose field or type the schema does not have is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from vcontract._errors import SchemaError
from vcontract._schema import Schema
from vcontract._strategies.case import AS_IS, Case, with_arguments
from vcontract._strategies.customization import fitted, fixed_name
from vcontract._strategies.samples import FULL, sample
from vcontract._terms import Call, Json, Ref

Spec = dict[str, Json]
Change = Callable[[Spec], Spec]
LONGEST_SCRIPT, LONGEST_DATA = 65536, 524288
"""Bytes that a script, and cloud-init's data, may have (vendor documents)."""
_NOWHERE = Ref("VirtualMachine", "vm-0")
_GENERATOR = {
    "custom": {"_typeName": "CustomizationCustomIpGenerator"},
    "unknown": {"_typeName": "CustomizationUnknownIpGenerator"},
    "disabled": {"_typeName": "CustomizationDisableIpV4"},
}


def identity(**fields: Json) -> Change:
    """Change fields of the identity."""
    return lambda spec: spec | {"identity": spec["identity"] | fields}


def replaced(kind: str, **fields: Json) -> Change:
    """Put an identity of another type in the place of the LinuxPrep."""
    return lambda spec: spec | {"identity": {"_typeName": kind, **fields}}


def adapter(**fields: Json) -> Change:
    """Give the first NIC an adapter of exactly these fields."""

    def change(spec: Spec) -> Spec:
        if not spec["nicSettingMap"]:
            raise LookupError("the VM has no NIC")
        first = {"_typeName": "CustomizationIPSettings", "ip": {"_typeName": "CustomizationDhcpIpGenerator"}} | fields
        mapping = {"_typeName": "CustomizationAdapterMapping", "adapter": first}
        return spec | {"nicSettingMap": [mapping, *spec["nicSettingMap"][1:]]}

    return change


def fixed(address: str, mask: str | None = "255.255.255.0", **fields: Json) -> Change:
    """Give the first NIC a fixed IPv4 address."""
    ip = {"_typeName": "CustomizationFixedIp", "ipAddress": address}
    return adapter(ip=ip, **fields, **({} if mask is None else {"subnetMask": mask}))


def ipv6(kind: str, gateway: list[str] | None = None, **fields: Json) -> Change:
    """Give the first NIC DHCP and one IPv6 generator."""
    settings: Spec = {
        "_typeName": "CustomizationIPSettingsIpV6AddressSpec",
        "ip": [{"_typeName": f"Customization{kind}", **fields}],
    }
    return adapter(ipV6Spec=settings | ({"gateway": gateway} if gateway else {}))


def macs(*addresses: str | None) -> Change:
    """Give the mappings MAC addresses, the last one to all that are left."""

    def change(spec: Spec) -> Spec:
        if len(spec["nicSettingMap"]) < len(addresses):
            raise LookupError(f"the VM has fewer than {len(addresses)} NICs")
        listed = [*addresses, *[addresses[-1]] * len(spec["nicSettingMap"])]
        mappings = [
            mapping if mac is None else mapping | {"macAddress": mac}
            for mapping, mac in zip(spec["nicSettingMap"], listed, strict=False)
        ]
        return spec | {"nicSettingMap": mappings}

    return change


def sysprep(schema: Schema, part: str = "", **fields: Json) -> Change:
    """Put a whole Sysprep identity in, with fields of one of its parts changed."""

    def change(spec: Spec) -> Spec:
        made = sample(schema, "CustomizationSysprep", FULL)
        made["identification"] = made["identification"] | {"joinWorkgroup": "x"}
        made["guiUnattended"] = made["guiUnattended"] | {"autoLogon": False}
        made.pop("scriptText", None)
        return spec | {"identity": made | ({part: made[part] | fields} if part else {})}

    return change


def password(value: str, *, plain: bool) -> Spec:
    """Give a password that is none of the configuration's."""
    return {"_typeName": "CustomizationPassword", "value": value, "plainText": plain}


def count(by: int) -> Change:
    """Give one adapter more or fewer than there are, or none."""

    def change(spec: Spec) -> Spec:
        mappings = spec["nicSettingMap"]
        if by < 0 and not mappings:
            raise LookupError("the VM has no NIC")
        if by < 0:
            return fitted(spec, max(0, len(mappings) + by))
        extra = mappings[:1] or adapter()(spec | {"nicSettingMap": [{}]})["nicSettingMap"]
        return spec | {"nicSettingMap": [*mappings, *extra * by]}

    return change


COUNT = "nicCount"
COUNTS: Mapping[str, Change] = {"1.oneMore": count(1), "1.oneLess": count(-1), "1.many": count(40)}
RULES: Mapping[str, Change] = {
    "12.dotted": lambda spec: identity(hostName=fixed_name(f"{spec['identity']['hostName']['name']}.example.com"))(
        spec
    ),
    "12.space": identity(hostName=fixed_name("a b")),
    "12.underscore": identity(hostName=fixed_name("a_b")),
    "12.unicode": identity(hostName=fixed_name("b\u00fccher")),
    "4.unknown": adapter(ip=_GENERATOR["unknown"]),
    "5.octet": fixed("10.0.0.256"),
    "5.short": fixed("10.0.0"),
    "5.ipv6": fixed("2001:db8::1"),
    "5.empty": fixed(""),
    "6.ip": adapter(ip=_GENERATOR["custom"]),
    "6.ipArgument": adapter(ip=_GENERATOR["custom"] | {"argument": "x"}),
    "6.ipv6": ipv6("CustomIpV6Generator"),
    "6.name": identity(hostName={"_typeName": "CustomizationCustomName", "argument": "x"}),
    "7.prefix129": ipv6("FixedIpV6", ipAddress="2001:db8::5", subnetMask=129),
    "7.prefixNegative": ipv6("FixedIpV6", ipAddress="2001:db8::5", subnetMask=-1),
    "7.ipv4": ipv6("FixedIpV6", ipAddress="10.0.0.5", subnetMask=64),
    "14.characters": identity(timeZone="(GMT+01:00) Berlin"),
    "16.method": identity(compatibleCustomizationMethod="no such method"),
    "17.empty": identity(password=password("", plain=True)),
    "25.noKey": identity(password=password("bm8=", plain=False)),
    "25.madeUpKey": lambda spec: identity(password=password("bm8=", plain=False))(spec | {"encryptionKey": [1, -1]}),
    "26.sysprepText": replaced("CustomizationSysprepText", value="[Unattended]"),
    "26.windowsFlexPrep": replaced("CustomizationWindowsFlexPrep"),
}
TWO_NICS: tuple[tuple[str, str, Change], ...] = (
    ("rule", "3.someMacs", macs("00:50:56:00:00:01", None)),
    (COUNT, "1.none", lambda spec: spec | {"nicSettingMap": []}),
)
INFERRED: Mapping[str, Change] = {
    "15.script": identity(scriptText="#!/bin/sh\nexit 0\n"),
    "15.longest": identity(scriptText="#!/bin/sh\n".ljust(LONGEST_SCRIPT, "#")),
    "15.tooLong": identity(scriptText="#!/bin/sh\n".ljust(LONGEST_SCRIPT + 1, "#")),
    "18.cloudInit": replaced("CustomizationCloudinitPrep", metadata="{}"),
    "18.notJson": replaced("CustomizationCloudinitPrep", metadata="{", userdata="#cloud-config\n"),
    "18.tooLong": replaced("CustomizationCloudinitPrep", metadata="{}".ljust(LONGEST_DATA + 1)),
    "26.linuxFlexPrep": replaced("CustomizationLinuxFlexPrep"),
    "8.noIpv4": adapter(ip=_GENERATOR["disabled"]),
    "12.machineName": identity(hostName={"_typeName": "CustomizationVirtualMachineName"}),
    "12.prefix": identity(hostName={"_typeName": "CustomizationPrefixName", "base": "web"}),
    "12.unknownName": identity(hostName={"_typeName": "CustomizationUnknownName"}),
    "12.length64": identity(hostName=fixed_name("a" * 64)),
    "12.digits": identity(hostName=fixed_name("12345")),
    "12.hyphens": identity(hostName=fixed_name("-")),
    "12.empty": identity(hostName=fixed_name("")),
    "13.empty": identity(domain=""),
    "14.unknown": identity(timeZone="Mars/Olympus_Mons"),
    "14.lowerCase": identity(timeZone="europe/berlin"),
    "16.known": identity(compatibleCustomizationMethod="GOSC_METHOD_1"),
    "17.reset": identity(resetPassword=True),
    "17.password": identity(password=password("vcontract-made-up", plain=True)),
    "33.extraConfig": identity(extraConfig=[{"_typeName": "OptionValue", "key": "x", "value": "y"}]),
    "3.allMacs": macs("00:50:56:00:00:01"),
    "4.unknownIpv6": ipv6("UnknownIpV6Generator"),
    "5.noMask": fixed("10.0.0.5", None),
    "5.badMask": fixed("10.0.0.5", "255.0.255.0"),
    "5.foreignGateway": fixed("10.0.0.5", gateway=["192.0.2.1"]),
    "5.broadcast": fixed("10.0.0.255"),
    "5.dhcpGateway": adapter(gateway=["10.0.0.1"]),
    "7.prefix0": ipv6("FixedIpV6", ipAddress="2001:db8::5", subnetMask=0),
    "7.multicast": ipv6("FixedIpV6", ipAddress="ff02::1", subnetMask=64),
    "7.gateway": ipv6("AutoIpV6Generator", ["x"]),
    "10.dnsName": lambda spec: (
        spec
        | {"globalIPSettings": {"_typeName": "CustomizationGlobalIPSettings", "dnsServerList": ["dns.example.com"]}}
    ),
    "24.windowsOptions": lambda spec: (
        spec | {"options": {"_typeName": "CustomizationWinOptions", "changeSID": True, "deleteAccounts": False}}
    ),
    "25.unusedKey": lambda spec: spec | {"encryptionKey": [-128, 0, 127]},
}
OFFLINE = "CustomizeVM_Task"
SEEN_OFFLINE = ("4.unknownIpv6", "12.unknownName")
"""What no source shows to be refused live, and some do of a VM that is off: there it breaks a rule."""
PARAMS: Mapping[str, Json] = {
    "33.array": {"key": "x", "value": {"_typeName": "ArrayOfString", "_value": ["a", "b"]}},
    "33.noValue": {"key": "x"},
    "33.emptyKey": {"key": "", "value": "x"},
}


def windows(schema: Schema) -> dict[str, Change]:
    """Give the rules of a Sysprep; on a Linux guest its type alone is refused."""
    return {
        "26.sysprep": sysprep(schema),
        "19.digits": sysprep(schema, "userData", computerName=fixed_name("1234")),
        "19.dotted": sysprep(schema, "userData", computerName=fixed_name("a.b")),
        "19.long": sysprep(schema, "userData", computerName=fixed_name("a" * 16)),
        "20.zone": sysprep(schema, "guiUnattended", timeZone=21),
        "20.beyond": sysprep(schema, "guiUnattended", timeZone=99999),
        "20.negative": sysprep(schema, "guiUnattended", timeZone=-2147483568),
        "34.noName": sysprep(schema, "userData", fullName=""),
        "21.empty": sysprep(schema, "guiUnattended", password=password("", plain=True)),
        "21.blankLogon": sysprep(schema, "guiUnattended", autoLogon=True),
        "22.both": sysprep(schema, "identification", joinDomain="example.com"),
        "22.noAdmin": sysprep(schema, "identification", joinWorkgroup=None, joinDomain="example.com"),
        "23.users": sysprep(schema, "licenseFilePrintData", autoMode="perSeat", autoUsers=5),
        "25.sysprep": sysprep(schema, "guiUnattended", password=password("bm8=", plain=False)),
        "24.keepSid": lambda spec: (
            sysprep(schema)(spec)
            | {"options": {"_typeName": "CustomizationWinOptions", "changeSID": False, "deleteAccounts": False}}
        ),
    }


def cases(schema: Schema, method: str, base: dict[str, Json]) -> Iterator[Case]:
    """Give every case of the tier that the schema can say; none for a method without a specification."""
    if "spec" not in base:
        return
    for kind, changes in changes_of(schema, method, base).items():
        for name, change in changes.items():
            yield Case(method, "semantic", kind, name, AS_IS, _spec(change))
    for kind, name, change in TWO_NICS:
        yield Case(method, "semantic", kind, name, AS_IS, _spec(change), 2)
    for name, param in PARAMS.items():
        params = {"configParams": [{"_typeName": "OptionValue", **param}]}
        if _said(schema, method, base | params):
            yield Case(method, "semantic", "inferred", name, AS_IS, _given(params))


def changes_of(schema: Schema, method: str, base: dict[str, Json]) -> dict[str, dict[str, Change]]:
    """Give the changes that the schema can say, by kind; `base` are valid arguments for a VM with one NIC."""
    seen = {name: INFERRED[name] for name in (SEEN_OFFLINE if method == OFFLINE else ())}
    open_ = {name: change for name, change in INFERRED.items() if name not in seen}
    kinds = {COUNT: COUNTS, "rule": {**RULES, **seen, **windows(schema)}, "inferred": open_}
    return {
        kind: {
            name: change
            for name, change in changes.items()
            if _said(schema, method, base | {"spec": change(base["spec"])})
        }
        for kind, changes in kinds.items()
    }


def _said(schema: Schema, method: str, arguments: dict[str, Json]) -> bool:
    try:
        schema.request(method, _NOWHERE, arguments)
    except SchemaError:
        return False
    return True


def _spec(change: Change) -> Callable[[Call], Call]:
    return lambda call: with_arguments(call, call.arguments | {"spec": change(call.arguments["spec"])})


def _given(values: dict[str, Json]) -> Callable[[Call], Call]:
    return lambda call: with_arguments(call, call.arguments | values)
