"""What is wrong with a CustomizationSpec for a given VM: domain rules beyond the schema, each with the fault it names.

Rules whose source is a document or an observation make a spec `rule`, those inferred `inferred`; a wrong NIC count is
`nicCount`. What no rule forbids is expected to succeed only with a LinuxPrep identity on a Linux guest, the only kind that
the programming guide shows for the live call.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from harness.model.facts import VmFacts
from harness.terms import Json

Rule = Callable[[dict[str, Json], VmFacts], bool]
_LABEL = re.compile(r"[A-Za-z0-9-]+")


def _adapters(spec: dict[str, Json]) -> list[dict[str, Json]]:
    return [each.get("adapter", {}) for each in spec.get("nicSettingMap", ())]


def _host_name(spec: dict[str, Json], _: VmFacts) -> bool:
    name = spec.get("identity", {}).get("hostName", {})
    return name.get("_typeName") == "CustomizationFixedName" and not _LABEL.fullmatch(name.get("name", ""))


def _unknown_generator(spec: dict[str, Json], _: VmFacts) -> bool:
    return any(each.get("ip", {}).get("_typeName") == "CustomizationUnknownIpGenerator" for each in _adapters(spec))


def _generator_application(spec: dict[str, Json], _: VmFacts) -> bool:
    identity = spec.get("identity", {})
    names = {identity.get(each, {}).get("_typeName") for each in ("hostName", "computerName")}
    generators = {each.get("ip", {}).get("_typeName") for each in _adapters(spec)}
    return "CustomizationCustomName" in names or "CustomizationCustomIpGenerator" in generators


def _passwords(value: Json) -> Iterator[dict[str, Json]]:
    if isinstance(value, dict):
        if value.get("_typeName") == "CustomizationPassword":
            yield value
        for each in value.values():
            yield from _passwords(each)
    elif isinstance(value, list):
        for each in value:
            yield from _passwords(each)


def _undecryptable(spec: dict[str, Json], _: VmFacts) -> bool:
    return any(not each.get("plainText", True) for each in _passwords(spec)) and not spec.get("encryptionKey")


def _identity_kind(spec: dict[str, Json], facts: VmFacts) -> bool:
    kind = spec.get("identity", {}).get("_typeName", "")
    windows = kind in {"CustomizationSysprep", "CustomizationSysprepText", "CustomizationWindowsFlexPrep"}
    linux = kind in {"CustomizationLinuxPrep", "CustomizationLinuxFlexPrep"}
    return (windows and facts.family != "windows") or (linux and facts.family == "windows")


DOCUMENTED: tuple[tuple[Rule, tuple[str, ...]], ...] = (
    (_host_name, ("InvalidArgument",)),  # rule 12, observed
    (_unknown_generator, ("InvalidArgument",)),  # rule 4, observed
    (_generator_application, ("IpHostnameGeneratorError",)),  # rule 6, documented
    (_undecryptable, ("CannotDecryptPasswords",)),  # rule 25, documented
    (_identity_kind, ("InvalidArgument", "UncustomizableGuest")),  # rules 26 and 27, observed
)


def broken(spec: dict[str, Json], facts: VmFacts) -> tuple[frozenset[str], tuple[str, ...]]:
    """Name what is wrong with a specification and the faults that the documented rules name for it."""
    wrong: set[str] = set()
    faults: list[str] = []
    if len(spec.get("nicSettingMap", ())) != facts.nics:
        wrong.add("nicCount")
    for rule, named in DOCUMENTED:
        if rule(spec, facts):
            wrong.add("rule")
            faults += named
    if _inferred(spec, facts):
        wrong.add("inferred")
    return frozenset(wrong), tuple(dict.fromkeys(faults))


def _inferred(spec: dict[str, Json], facts: VmFacts) -> bool:
    """Whether the spec uses what no source shows for the live call, so that nothing is promised of it."""
    identity = spec.get("identity", {})
    host_name = identity.get("hostName", {}).get("_typeName", "CustomizationFixedName")
    plain = {"CustomizationFixedIp", "CustomizationDhcpIpGenerator"}
    return (
        facts.family != "linux"
        or identity.get("_typeName") != "CustomizationLinuxPrep"
        or host_name == "CustomizationUnknownName"
        or bool(set(identity) - {"_typeName", "hostName", "domain", "timeZone", "hwClockUTC"})
        or any(each.get("ip", {}).get("_typeName") not in plain for each in _adapters(spec))
    )
