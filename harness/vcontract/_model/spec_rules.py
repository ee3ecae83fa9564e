"""What is wrong with a CustomizationSpec for a given VM, beyond the schema, and the fault that each rule names.

Each part of a specification is looked at once. A rule whose source is a document or an observation makes a spec `rule`; a
wrong NIC count is `nicCount`; whatever no source shows to work in a live call, and no rule forbids, is `inferred`, so that
nothing is promised of it. What is left is promised to succeed: live a LinuxPrep identity on a Linux guest, the only kind that
the programming guide shows for that call, with a plain host name, known addresses and DNS servers; for a VM that is off
(CustomizeVM_Task) a Sysprep identity on a Windows guest as well. Some rules were seen on that path alone: live they are
inferred. Each thing that is wrong is told with the oracle's rule and the path of the field from the specification on.

Not here: rules on the state (engine, Tools, pending package) and on the disks of a powered-off VM, and `primary`, a field
that only one of two vendor sources has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from vcontract._model.addresses import host_in, is_ipv4, is_ipv6, is_quad
from vcontract._model.facts import VmFacts
from vcontract._model.windows_rules import sysprep
from vcontract._terms import Json

Found = tuple[str, tuple[str, ...], str, str]
"""What a part breaks (rule or inferred), the faults that are named for it, the oracle's rule, and the path of the field."""
SpecCheck = Callable[[Mapping[str, Json], VmFacts], Iterator[Found]]

ARGUMENT = ("InvalidArgument",)
ANY_FAULT = ("CustomizationFault", "UnexpectedCustomizationFault", "InvalidArgument")
"""Where no source names the fault, any CustomizationFault that has no condition of its own will do."""
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
_UNSHOWN = {"scriptText": "C15", "compatibleCustomizationMethod": "C16", "password": "C17", "resetPassword": "C17"}
"""Fields of a LinuxPrep that no source shows in a live call, and the rule that speaks of each."""
_LONGEST_PREFIX = 128


def _type(value: Json) -> str:
    return str(value.get("_typeName", "")) if isinstance(value, (dict, Mapping)) else ""


def _rule(faults: tuple[str, ...], rule: str, path: str) -> Found:
    return "rule", faults, rule, path


def _inferred(rule: str, path: str) -> Found:
    return "inferred", (), rule, path


def _adapters(spec: Mapping[str, Json]) -> list[tuple[str, dict[str, Json]]]:
    mappings = spec.get("nicSettingMap") or ()
    return [(f"nicSettingMap[{at}].adapter", mapping.get("adapter") or {}) for at, mapping in enumerate(mappings)]


def _identity(spec: Mapping[str, Json], facts: VmFacts, *, offline: bool) -> Iterator[Found]:
    """Oracle rules C26 and C27, observed: the identity must fit the guest; live, LinuxPrep on Linux alone is shown."""
    kind = _type(spec.get("identity"))
    if (kind in _WINDOWS and facts.family != "windows") or (kind in _LINUX and facts.family == "windows"):
        yield _rule(("InvalidArgument", "UncustomizableGuest"), "C26", "identity")
    shown = {("CustomizationLinuxPrep", "linux"), *([("CustomizationSysprep", "windows")] if offline else [])}
    if (kind, facts.family) not in shown:
        yield _inferred("C18" if kind == "CustomizationCloudinitPrep" else "C27", "identity")


def _made_up(facts: VmFacts, path: str) -> Found:
    """Oracle rule C6, documented: to make up a name or an address needs an application; what it then does, no source shows."""
    return _inferred("C6", path) if facts.generator else _rule(("IpHostnameGeneratorError",), "C6", path)


def _names(spec: Mapping[str, Json], facts: VmFacts, *, offline: bool) -> Iterator[Found]:
    """Oracle rules C4, C6 and C12 (observed): unknown names are the client's, custom ones need an application; no dots."""
    identity = spec.get("identity") or {}
    name = identity.get("hostName")
    path = "identity.hostName"
    for where, kind in (
        (path, _type(name)),
        ("identity.userData.computerName", _type((identity.get("userData") or {}).get("computerName"))),
    ):
        if kind == "CustomizationUnknownName":
            yield _rule(ARGUMENT, "C4", where) if offline else _inferred("C4", where)
        if kind == "CustomizationCustomName":
            yield _made_up(facts, where)
    if name is None or _type(name) in {"CustomizationCustomName", "CustomizationUnknownName"}:
        return
    if _type(name) != "CustomizationFixedName":
        yield _inferred("C12", path)  # documented for specifications, and nowhere shown live
    elif name["name"] and not _CHARACTERS.fullmatch(name["name"]):
        yield _rule(ARGUMENT, "C12", f"{path}.name")
    elif not LABEL.fullmatch(name["name"]) or name["name"].isdigit():
        yield _inferred("C12", f"{path}.name")


def _linux(spec: Mapping[str, Json], _: VmFacts) -> Iterator[Found]:
    """Oracle rules C14, C16, C17, and C15: no source shows a live call that takes a script, a method or a password."""
    identity = spec.get("identity") or {}
    if _type(identity) != "CustomizationLinuxPrep":
        return
    zone, method = identity.get("timeZone"), identity.get("compatibleCustomizationMethod")
    password, judged = identity.get("password") or {}, set(_SHOWN)
    if zone and not _ZONE_CHARACTERS.fullmatch(zone):
        yield _rule(ANY_FAULT, "C14", "identity.timeZone")
    elif zone is not None and zone not in ZONES:
        yield _inferred("C14", "identity.timeZone")
    if method and not _METHOD.fullmatch(method):
        judged.add("compatibleCustomizationMethod")
        yield _rule(ANY_FAULT, "C16", "identity.compatibleCustomizationMethod")
    if password.get("value") == "":
        judged.add("password")
        yield _rule(ANY_FAULT, "C17", "identity.password.value")
    if password.get("plainText") is False:
        judged.add("password")  # oracle rule C25, below
    if not _DOMAIN.fullmatch(identity.get("domain", "")):
        yield _inferred("C13", "identity.domain")
    for name in sorted(set(identity) - judged):
        yield _inferred(_UNSHOWN.get(name, "C27"), f"identity.{name}")


def _passwords(value: Json, path: str) -> Iterator[tuple[str, dict[str, Json]]]:
    if isinstance(value, dict):
        if value.get("_typeName") == "CustomizationPassword":
            yield path, value
        for name, part in value.items():
            yield from _passwords(part, f"{path}.{name}")
    elif isinstance(value, list):
        for at, part in enumerate(value):
            yield from _passwords(part, f"{path}[{at}]")


def _encrypted(spec: Mapping[str, Json], facts: VmFacts) -> Iterator[Found]:
    """Oracle rule C25: what is encrypted must be decrypted with the key; a key of our own calls is always a made-up one."""
    encrypted = [path for path, each in _passwords(spec.get("identity"), "identity") if not each.get("plainText", True)]
    for path in encrypted:
        yield _inferred("C25", path) if facts.decrypts else _rule(("CannotDecryptPasswords",), "C25", path)
    if not encrypted and spec.get("encryptionKey"):
        yield _inferred("C25", "encryptionKey")


def _options(spec: Mapping[str, Json], _: VmFacts, *, offline: bool) -> Iterator[Found]:
    windows = offline and _type(spec.get("identity")) == "CustomizationSysprep"
    fitting = "CustomizationWinOptions" if windows else "CustomizationLinuxOptions"
    if spec.get("options") is not None and _type(spec["options"]) != fitting:
        yield _inferred("C27", "options")
    settings = spec.get("globalIPSettings") or {}
    for at, address in enumerate(settings.get("dnsServerList") or ()):
        if not is_ipv4(address) and not is_ipv6(address):
            yield _inferred("C10", f"globalIPSettings.dnsServerList[{at}]")
    for at, suffix in enumerate(settings.get("dnsSuffixList") or ()):
        if not _DOMAIN.fullmatch(suffix):
            yield _inferred("C13", f"globalIPSettings.dnsSuffixList[{at}]")


def _macs(spec: Mapping[str, Json], _: VmFacts) -> Iterator[Found]:
    """Oracle rule C3: a MAC address on all mappings or on none; which ones the VM has, a call does not know."""
    addresses = [mapping.get("macAddress") for mapping in spec.get("nicSettingMap") or ()]
    if {bool(address) for address in addresses} == {True, False}:
        bare = next(at for at, address in enumerate(addresses) if not address)
        yield _rule(ANY_FAULT, "C3", f"nicSettingMap[{bare}].macAddress")
    elif any(address is not None for address in addresses):
        yield _inferred("C3", "nicSettingMap[0].macAddress")


def _ipv4(spec: Mapping[str, Json], facts: VmFacts) -> Iterator[Found]:
    """Oracle rules C4 (observed), C5, C6 and C8: an adapter without IPv4 is inferred."""
    for path, adapter in _adapters(spec):
        kind = _type(adapter.get("ip"))
        mask, gateways = adapter.get("subnetMask"), adapter.get("gateway") or ()
        if kind == "CustomizationUnknownIpGenerator":
            yield _rule(ARGUMENT, "C4", f"{path}.ip")
        elif kind == "CustomizationCustomIpGenerator":
            yield _made_up(facts, f"{path}.ip")
        elif kind == "CustomizationFixedIp":
            address = adapter["ip"]["ipAddress"]
            if not is_quad(address):
                yield _rule(ANY_FAULT, "C5", f"{path}.ip.ipAddress")
            elif not host_in(address, mask, address):
                yield _inferred("C5", f"{path}.subnetMask")
            elif not all(host_in(address, mask, other) for other in gateways):
                yield _inferred("C5", f"{path}.gateway")
        elif kind != "CustomizationDhcpIpGenerator":
            yield _inferred("C8", f"{path}.ip")
        elif mask is not None or gateways:
            yield _inferred("C5", f"{path}.{'gateway' if mask is None else 'subnetMask'}")


def _ipv6(spec: Mapping[str, Json], facts: VmFacts, *, offline: bool) -> Iterator[Found]:
    """Oracle rules C4, C6 and C7: what is no IPv6 address, or has a prefix of more than 128 bits, is refused (documented)."""
    for adapter_path, adapter in _adapters(spec):
        settings, path = adapter.get("ipV6Spec") or {}, f"{adapter_path}.ipV6Spec"
        if not all(is_ipv6(other) for other in settings.get("gateway") or ()):
            yield _inferred("C7", f"{path}.gateway")
        for at, generator in enumerate(settings.get("ip") or ()):
            yield from _ipv6_generator(generator, facts, f"{path}.ip[{at}]", offline=offline)


def _ipv6_generator(generator: Mapping[str, Json], facts: VmFacts, path: str, *, offline: bool) -> Iterator[Found]:
    kind = _type(generator)
    if kind == "CustomizationCustomIpV6Generator":
        yield _made_up(facts, path)
    elif kind == "CustomizationFixedIpV6":
        if ":" not in generator["ipAddress"]:
            yield _rule(ARGUMENT, "C7", f"{path}.ipAddress")
        elif not 0 <= generator["subnetMask"] <= _LONGEST_PREFIX:
            yield _rule(ARGUMENT, "C7", f"{path}.subnetMask")
        elif not is_ipv6(generator["ipAddress"]):
            yield _inferred("C7", f"{path}.ipAddress")
        elif not generator["subnetMask"]:
            yield _inferred("C7", f"{path}.subnetMask")
    elif kind == "CustomizationUnknownIpV6Generator" and offline:
        yield _rule(ARGUMENT, "C4", path)
    elif kind in {"CustomizationUnknownIpV6Generator", "CustomizationIpV6Generator"}:
        yield _inferred("C4", path)


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
    for what, named, _, _ in found(spec, facts, offline=offline):
        wrong.add(what)
        faults += named if what == "rule" else ()
    return frozenset(wrong), tuple(dict.fromkeys(faults))


def found(spec: dict[str, Json], facts: VmFacts, *, offline: bool = False) -> Iterator[Found]:
    """Give each thing that is wrong with a specification: a wrong count of adapters is `nicCount` (oracle rule C1)."""
    if len(spec.get("nicSettingMap") or ()) != facts.nics:
        yield "nicCount", ("NicSettingMismatch",), "C1", "nicSettingMap"
    for part in OFFLINE if offline else LIVE:
        yield from part(spec, facts)


def rules_broken(spec: dict[str, Json], facts: VmFacts, *, offline: bool = False) -> tuple[str, ...]:
    """Name the rules with a source that a specification breaks: the function here that looks at the part, and the fault.

    Rules of one part that name different faults are different ones for a server too: it may check one and not the other.
    """
    named = [(part.func if isinstance(part, partial) else part, part) for part in (OFFLINE if offline else LIVE)]
    broken_ = {
        f"{check.__name__.removeprefix('_')}/{faults[0]}"
        for check, part in named
        for what, faults, _, _ in part(spec, facts)
        if what == "rule"
    }
    return tuple(sorted(broken_))


def unshown_params(params: Json) -> bool:
    """Whether configParams hold more than oracle rule C33 speaks of: keys with simple values."""
    return any(
        param.get("_typeName", "OptionValue") != "OptionValue"
        or not param["key"]
        or param.get("value") is None
        or (isinstance(param["value"], Mapping) and str(param["value"].get("_typeName")).startswith("ArrayOf"))
        for param in params or ()
    )
