"""What is wrong with a CustomizationSpec for a given VM, beyond the schema, and the fault that each rule names.

Each part of a specification is looked at once. A rule whose source is a document or an observation makes a spec `rule`; a
wrong NIC count is `nicCount`; whatever no source shows to work in a live call, and no rule forbids, is `inferred`, so that
nothing is promised of it. What is left is promised to succeed: live a LinuxPrep identity on a Linux guest, the only kind that
the programming guide shows for that call, with a plain host name, known addresses and DNS servers; for a VM that is off
(CustomizeVM_Task) a Sysprep identity on a Windows guest as well. Some rules were seen on that path alone: live they are
inferred.

Not here: rules on the state (engine, Tools, pending package) and on the disks of a powered-off VM, and `primary`, a field
that only one of two vendor sources has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from vcontract.model.addresses import host_in, is_ipv4, is_ipv6, is_quad
from vcontract.model.facts import VmFacts
from vcontract.model.windows_rules import sysprep
from vcontract.terms import Json

Found = tuple[str, tuple[str, ...]]
"""What a part breaks (rule or inferred), and the faults that are named for it."""
SpecCheck = Callable[[Mapping[str, Json], VmFacts], Iterator[Found]]

ARGUMENT = ("InvalidArgument",)
ANY_FAULT = ("CustomizationFault", "UnexpectedCustomizationFault", "InvalidArgument")
"""Where no source names the fault, any CustomizationFault that has no condition of its own will do."""
INFERRED: Found = ("inferred", ())
_SEEN: Found = ("rule", ARGUMENT)
"""What was seen to be refused on the offline path."""
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "America/Argentina/Buenos_Aires",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Etc/UTC",
)
"""Names of the tz database that every copy of it has."""
LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_CHARACTERS = re.compile(r"[A-Za-z0-9-]+")
_ZONE_CHARACTERS = re.compile(r"[-+/_a-zA-Z0-9]+")
_DOMAIN = re.compile(rf"{LABEL.pattern}(\.{LABEL.pattern})*")
_METHOD = re.compile(r"GOSC_METHOD_[0-9]+")
_LINUX = {"CustomizationLinuxPrep", "CustomizationLinuxFlexPrep"}
_WINDOWS = {"CustomizationSysprep", "CustomizationSysprepText", "CustomizationWindowsFlexPrep"}
_SHOWN = {"_typeName", "hostName", "domain", "timeZone", "hwClockUTC"}
_LONGEST_PREFIX = 128


def _type(value: Json) -> str:
    return str(value.get("_typeName", "")) if isinstance(value, (dict, Mapping)) else ""


def _adapters(spec: Mapping[str, Json]) -> list[dict[str, Json]]:
    return [mapping.get("adapter") or {} for mapping in spec.get("nicSettingMap") or ()]


def _identity(spec: Mapping[str, Json], facts: VmFacts, *, offline: bool) -> Iterator[Found]:
    """Oracle rules C26 and C27, observed: the identity must fit the guest; live, LinuxPrep on Linux alone is shown."""
    kind = _type(spec.get("identity"))
    if (kind in _WINDOWS and facts.family != "windows") or (kind in _LINUX and facts.family == "windows"):
        yield "rule", ("InvalidArgument", "UncustomizableGuest")
    shown = {("CustomizationLinuxPrep", "linux"), *([("CustomizationSysprep", "windows")] if offline else [])}
    if (kind, facts.family) not in shown:
        yield INFERRED


def _made_up(facts: VmFacts) -> Found:
    """Oracle rule C6, documented: to make up a name or an address needs an application; what it then does, no source shows."""
    return INFERRED if facts.generator else ("rule", ("IpHostnameGeneratorError",))


def _names(spec: Mapping[str, Json], facts: VmFacts, *, offline: bool) -> Iterator[Found]:
    """Oracle rules C4, C6 and C12 (observed): unknown names are the client's, custom ones need an application; no dots."""
    identity = spec.get("identity") or {}
    name = identity.get("hostName")
    kinds = {_type(name), _type((identity.get("userData") or {}).get("computerName"))}
    if "CustomizationUnknownName" in kinds:
        yield _SEEN if offline else INFERRED
    if "CustomizationCustomName" in kinds:
        yield _made_up(facts)
    if name is None or _type(name) in {"CustomizationCustomName", "CustomizationUnknownName"}:
        return
    if _type(name) != "CustomizationFixedName":
        yield INFERRED  # documented for specifications, and nowhere shown live
    elif name["name"] and not _CHARACTERS.fullmatch(name["name"]):
        yield "rule", ARGUMENT
    elif not LABEL.fullmatch(name["name"]) or name["name"].isdigit():
        yield INFERRED


def _linux(spec: Mapping[str, Json], _: VmFacts) -> Iterator[Found]:
    """Oracle rules C14, C16, C17, and C15: no source shows a live call that takes a script, a method or a password."""
    identity = spec.get("identity") or {}
    if _type(identity) != "CustomizationLinuxPrep":
        return
    zone, method = identity.get("timeZone"), identity.get("compatibleCustomizationMethod")
    password, judged = identity.get("password") or {}, set(_SHOWN)
    if zone and not _ZONE_CHARACTERS.fullmatch(zone):
        yield "rule", ANY_FAULT
    elif zone is not None and zone not in ZONES:
        yield INFERRED
    if method and not _METHOD.fullmatch(method):
        judged.add("compatibleCustomizationMethod")
        yield "rule", ANY_FAULT
    if password.get("value") == "":
        judged.add("password")
        yield "rule", ANY_FAULT
    if password.get("plainText") is False:
        judged.add("password")  # oracle rule C25, below
    if not _DOMAIN.fullmatch(identity.get("domain", "")) or set(identity) - judged:
        yield INFERRED


def _passwords(value: Json) -> Iterator[dict[str, Json]]:
    if isinstance(value, dict):
        if value.get("_typeName") == "CustomizationPassword":
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            if isinstance(item, (dict, list)):
                yield from _passwords(item)


def _encrypted(spec: Mapping[str, Json], _: VmFacts) -> Iterator[Found]:
    """Oracle rule C25: what is encrypted must be decrypted with the key; a key of a call is always a made-up one."""
    if any(not password.get("plainText", True) for password in _passwords(spec.get("identity"))):
        yield "rule", ("CannotDecryptPasswords",)
    elif spec.get("encryptionKey"):
        yield INFERRED


def _options(spec: Mapping[str, Json], _: VmFacts, *, offline: bool) -> Iterator[Found]:
    windows = offline and _type(spec.get("identity")) == "CustomizationSysprep"
    fitting = "CustomizationWinOptions" if windows else "CustomizationLinuxOptions"
    if spec.get("options") is not None and _type(spec["options"]) != fitting:
        yield INFERRED
    settings = spec.get("globalIPSettings") or {}
    servers = all(is_ipv4(address) or is_ipv6(address) for address in settings.get("dnsServerList") or ())
    if not servers or not all(_DOMAIN.fullmatch(suffix) for suffix in settings.get("dnsSuffixList") or ()):
        yield INFERRED


def _macs(spec: Mapping[str, Json], _: VmFacts) -> Iterator[Found]:
    """Oracle rule C3: a MAC address on all mappings or on none; which ones the VM has, a call does not know."""
    addresses = [mapping.get("macAddress") for mapping in spec.get("nicSettingMap") or ()]
    if {bool(address) for address in addresses} == {True, False}:
        yield "rule", ANY_FAULT
    elif any(address is not None for address in addresses):
        yield INFERRED


def _ipv4(spec: Mapping[str, Json], facts: VmFacts) -> Iterator[Found]:
    """Oracle rules C4 (observed), C5, C6 and C8: an adapter without IPv4 is inferred."""
    for adapter in _adapters(spec):
        kind = _type(adapter.get("ip"))
        mask, gateways = adapter.get("subnetMask"), adapter.get("gateway") or ()
        if kind == "CustomizationUnknownIpGenerator":
            yield "rule", ARGUMENT
        elif kind == "CustomizationCustomIpGenerator":
            yield _made_up(facts)
        elif kind == "CustomizationFixedIp":
            address = adapter["ip"]["ipAddress"]
            if not is_quad(address):
                yield "rule", ANY_FAULT
            elif not all(host_in(address, mask, other) for other in (address, *gateways)):
                yield INFERRED
        elif kind != "CustomizationDhcpIpGenerator" or mask is not None or gateways:
            yield INFERRED


def _ipv6(spec: Mapping[str, Json], facts: VmFacts, *, offline: bool) -> Iterator[Found]:
    """Oracle rules C4, C6 and C7: what is no IPv6 address, or has a prefix of more than 128 bits, is refused (documented)."""
    for adapter in _adapters(spec):
        settings = adapter.get("ipV6Spec") or {}
        if not all(is_ipv6(other) for other in settings.get("gateway") or ()):
            yield INFERRED
        for generator in settings.get("ip") or ():
            kind = _type(generator)
            if kind == "CustomizationCustomIpV6Generator":
                yield _made_up(facts)
            elif kind == "CustomizationFixedIpV6":
                if ":" not in generator["ipAddress"] or not 0 <= generator["subnetMask"] <= _LONGEST_PREFIX:
                    yield "rule", ARGUMENT
                elif not is_ipv6(generator["ipAddress"]) or not generator["subnetMask"]:
                    yield INFERRED
            elif kind == "CustomizationUnknownIpV6Generator" and offline:
                yield _SEEN
            elif kind in {"CustomizationUnknownIpV6Generator", "CustomizationIpV6Generator"}:
                yield INFERRED


_ANYWHERE: tuple[SpecCheck, ...] = (_linux, _encrypted, _macs, _ipv4)
_BY_PATH = (_identity, _names, _options, _ipv6, sysprep)
LIVE: tuple[SpecCheck, ...] = (*_ANYWHERE, *(partial(part, offline=False) for part in _BY_PATH))
OFFLINE: tuple[SpecCheck, ...] = (*_ANYWHERE, *(partial(part, offline=True) for part in _BY_PATH))


def broken(spec: dict[str, Json], facts: VmFacts, *, offline: bool = False) -> tuple[frozenset[str], tuple[str, ...]]:
    """Name what is wrong with a specification and the faults that the documented rules name for it.

    `offline`: it is for a VM that is off, to be taken up at the next boot.
    """
    wrong: set[str] = set()
    faults: list[str] = []
    if len(spec.get("nicSettingMap") or ()) != facts.nics:  # oracle rule C1
        wrong.add("nicCount")
    for part in OFFLINE if offline else LIVE:
        for what, named in part(spec, facts):
            wrong.add(what)
            faults += named
    return frozenset(wrong), tuple(dict.fromkeys(faults))


def rules_broken(spec: dict[str, Json], facts: VmFacts, *, offline: bool = False) -> tuple[str, ...]:
    """Name the rules with a source that a specification breaks: the function here that looks at the part, and the fault.

    Rules of one part that name different faults are different ones for a server too: it may check one and not the other.
    """
    named = [(part.func if isinstance(part, partial) else part, part) for part in (OFFLINE if offline else LIVE)]
    found = {
        f"{check.__name__.removeprefix('_')}/{faults[0]}"
        for check, part in named
        for what, faults in part(spec, facts)
        if what == "rule"
    }
    return tuple(sorted(found))


def unshown_params(params: Json) -> bool:
    """Whether configParams hold more than oracle rule C33 speaks of: keys with simple values."""
    return any(
        param.get("_typeName", "OptionValue") != "OptionValue"
        or not param["key"]
        or param.get("value") is None
        or (isinstance(param["value"], Mapping) and str(param["value"].get("_typeName")).startswith("ArrayOf"))
        for param in params or ()
    )
