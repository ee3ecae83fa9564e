"""What the model makes of a specification: what is promised, what a rule forbids, what no source shows."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from vcontract._model import VmFacts
from vcontract._model.addresses import host_in, is_ipv4, is_ipv6
from vcontract._model.spec_rules import broken, unshown_params
from vcontract._schema import Schema
from vcontract._strategies import semantic as tier
from vcontract._strategies.customization import LABELS, SMALLEST, config_params, fitted, fixed_name, linux_specs
from vcontract._strategies.pool import draw
from vcontract._terms import Ref

VM, TWO_NICS, WINDOWS = (Ref("VirtualMachine", f"vm-{number}") for number in (1, 2, 3))
LINUX, SERVER = VmFacts(VM, "one", 1), VmFacts(WINDOWS, "win", 1, "windows")
SYSPREP = (
    "19.digits",
    "19.dotted",
    "21.empty",
    "21.blankLogon",
    "22.both",
    "22.noAdmin",
    "23.users",
    "24.keepSid",
)
HOSTS = ("10.0.0.1", "192.0.2.255", "2001:db8::1")
NO_IPV4 = ("0.0.0.1", "127.0.0.1", "224.0.0.1", "169.254.0.1", "10.0.0", "01.2.3.4")
NO_IPV6 = ("::1", "fe80::1", "ff02::1", "::", "::ffff:1.2.3.4", "x")
AUTH = {"_typeName": "NamePasswordAuthentication", "interactiveSession": False, "username": "u", "password": "p"}
Spec = dict[str, Any]


def kinds(spec: Spec, facts: VmFacts = LINUX) -> set[str]:
    """Name what is wrong."""
    return set(broken(spec, facts)[0])


def offline(spec: Spec, facts: VmFacts = LINUX) -> tuple[set[str], tuple[str, ...]]:
    """Name what is wrong with a specification for a VM that is off, and the faults that are named for it."""
    wrong, faults = broken(spec, facts, offline=True)
    return set(wrong), faults


def windows_spec(newest: Schema, name: str) -> Spec:
    """Give a specification with one change of a Sysprep."""
    return tier.windows(newest)[name](SMALLEST)


def test_whatever_is_drawn_as_promised_is_promised() -> None:
    """Nothing is wrong with a drawn specification on a Linux VM with as many NICs as it has adapters."""
    for drawn in draw(linux_specs(), 11, 400):
        for nics in (0, 1, 4):
            assert broken(fitted(drawn, nics), VmFacts(VM, "x", nics)) == (frozenset(), ())
    assert not any(unshown_params(each) for each in draw(config_params, 1, 200))


def test_promised_specs_are_not_all_alike() -> None:
    """The promised ones show every kind of adapter, one and several gateways, IPv6, options, time zones."""
    drawn = draw(linux_specs(), 2, 300)
    text = str(drawn)
    for part in (
        "CustomizationFixedIp'",
        "DhcpIpGenerator",
        "FixedIpV6",
        "AutoIpV6",
        "StatelessIpV6",
        "DhcpIpV6",
        "netBIOS",
    ):
        assert part in text, part
    gateways = {len(each["adapter"].get("gateway", ())) for spec in drawn for each in spec["nicSettingMap"]}
    assert gateways == {0, 1, 2}
    assert {spec["identity"].get("hwClockUTC") for spec in drawn} == {None, True, False}
    assert {1, 63} <= {len(each) for each in draw(LABELS, 1, 300)}


@pytest.mark.parametrize("name", [each for each in tier.RULES if not each.startswith("26")])
def test_a_rule_is_named_alone(name: str) -> None:
    """A specification that breaks one rule breaks nothing else, and the rule names faults."""
    wrong, faults = broken(tier.RULES[name](SMALLEST), LINUX)
    assert wrong - {"rule"} <= ({"inferred"} if name.startswith("25") else set())
    assert "rule" in wrong
    named = {
        "4": "InvalidArgument",
        "6": "IpHostnameGeneratorError",
        "12": "InvalidArgument",
        "25": "CannotDecryptPasswords",
    }
    assert named.get(name.split(".", maxsplit=1)[0], "InvalidArgument") in faults


@pytest.mark.parametrize("name", list(tier.INFERRED))
def test_what_no_source_shows_is_inferred(name: str) -> None:
    """Nothing is promised of it, and no fault is named for it."""
    assert broken(tier.INFERRED[name](SMALLEST), LINUX) == (frozenset({"inferred"}), ())


def test_the_identity_must_fit_the_guest(newest: Schema) -> None:
    """Sysprep on Linux and LinuxPrep on Windows break a rule; nothing is promised of Sysprep on Windows."""
    assert kinds(windows_spec(newest, "26.sysprep")) == {"rule", "inferred"}
    assert kinds(SMALLEST, SERVER) == {"rule", "inferred"}
    assert kinds(windows_spec(newest, "26.sysprep"), SERVER) == {"inferred"}


@pytest.mark.parametrize("name", SYSPREP)
def test_rules_of_sysprep(newest: Schema, name: str) -> None:
    """Each breaks a documented rule on a Windows guest; too long a computer name is cut, and breaks none."""
    assert kinds(windows_spec(newest, name), SERVER) == {"rule", "inferred"}
    assert kinds(windows_spec(newest, "19.long"), SERVER) == {"inferred"}


@pytest.mark.parametrize("name", tier.SEEN_OFFLINE)
def test_what_was_seen_to_be_refused_for_a_vm_that_is_off(name: str, newest: Schema) -> None:
    """There it breaks a rule that names its fault, and is offered as such; live it is inferred."""
    asked = tier.INFERRED[name](SMALLEST)
    assert offline(asked) == ({"rule"}, ("InvalidArgument",))
    assert kinds(asked) == {"inferred"}
    for method, kind, other in (("CustomizeVM_Task", "rule", "inferred"), ("CustomizeGuest_Task", "inferred", "rule")):
        base = {"spec": SMALLEST} | ({} if kind == "rule" else {"vm": VM.json(), "auth": AUTH})
        offered = tier.changes_of(newest, method, base)
        assert (name in offered[kind], name in offered[other]) == (True, False)


@pytest.mark.parametrize("name", [each for each in tier.RULES if not each.startswith("26")])
def test_a_rule_is_one_for_a_vm_that_is_off_too(name: str) -> None:
    """Where both paths have it."""
    asked = tier.RULES[name](SMALLEST)
    assert broken(asked, LINUX, offline=True) == broken(asked, LINUX)


def test_a_vm_that_is_off_takes_a_sysprep(newest: Schema) -> None:
    """Of Windows: then it is promised. LinuxPrep on Windows and Sysprep on Linux break a rule as they do live."""
    plain = plain_sysprep(newest)
    assert offline(plain, SERVER) == (set(), ())
    assert offline(plain | {"options": {"_typeName": "CustomizationWinOptions", "changeSID": True}}, SERVER) == (
        set(),
        (),
    )
    assert offline(plain) == ({"rule", "inferred"}, ("InvalidArgument", "UncustomizableGuest"))
    assert offline(SMALLEST, SERVER)[0] == {"rule", "inferred"}
    assert offline(SMALLEST) == (set(), ())


def plain_sysprep(newest: Schema) -> Spec:
    """Give a specification that any Windows takes."""
    spec = windows_spec(newest, "26.sysprep")
    user = {**spec["identity"]["userData"], "computerName": fixed_name("win-1"), "productId": ""}
    unattended = {**spec["identity"]["guiUnattended"], "timeZone": 85}
    kept = {key: spec["identity"][key] for key in ("_typeName", "identification")}
    kept["identification"] = {"_typeName": "CustomizationIdentification", "joinWorkgroup": "x"}
    return spec | {"identity": kept | {"userData": user, "guiUnattended": unattended}}


@pytest.mark.parametrize(("part", "fields", "wrong"), [
    ("guiUnattended", {"timeZone": -2147483568}, set()),
    ("guiUnattended", {"timeZone": 110}, set()),
    ("guiUnattended", {"timeZone": 21}, {"rule"}),
    ("guiUnattended", {"timeZone": 99999}, {"rule"}),
    ("guiUnattended", {"timeZone": -1}, {"inferred"}),
    ("guiUnattended", {"timeZone": 86}, {"inferred"}),
    ("userData", {"fullName": ""}, {"rule"}),
    ("userData", {"orgName": ""}, {"inferred"}),
    ("userData", {"computerName": fixed_name("a" * 16)}, {"inferred"}),
    ("userData", {"computerName": {"_typeName": "CustomizationUnknownName"}}, {"rule", "inferred"}),
])  # fmt: skip
def test_fields_of_a_sysprep_for_a_vm_that_is_off(
    part: str, fields: dict[str, Any], wrong: set[str], newest: Schema
) -> None:
    """No negative time zone is broken; what was seen to be refused is, with InvalidArgument; anything unusual is open."""
    spec = plain_sysprep(newest)
    changed = spec | {"identity": spec["identity"] | {part: {**spec["identity"][part], **fields}}}
    assert offline(changed, SERVER) == (wrong, ("InvalidArgument",) if "rule" in wrong else ())
    assert "rule" not in kinds(changed, SERVER)


def test_counts_and_macs() -> None:
    """The count of mappings is the VM's; MAC addresses are on all or on none."""
    two = fitted(draw(linux_specs(), 1, 1)[0], 2)
    facts = VmFacts(TWO_NICS, "two", 2)
    assert kinds(two, facts) == set()
    assert kinds(two) == {"nicCount"}
    some, none = (change for _, _, change in tier.TWO_NICS)
    assert kinds(some(two), facts) == {"rule"}
    assert kinds(none(two), facts) == {"nicCount"}


@pytest.mark.parametrize("name", ["6.ip", "6.ipArgument", "6.ipv6", "6.name"])
def test_what_is_made_up_needs_an_application(name: str) -> None:
    """Without an application the fault is named; what a vCenter that has one does with it, no source shows."""
    asked = tier.RULES[name](SMALLEST)
    assert broken(asked, LINUX) == (frozenset({"rule"}), ("IpHostnameGeneratorError",))
    assert broken(asked, structs.replace(LINUX, generator=True)) == (frozenset({"inferred"}), ())


def test_params_that_no_source_shows() -> None:
    """Arrays, empty keys, absent values and other types than OptionValue are not promised to be passed on."""
    assert all(unshown_params([each]) for each in tier.PARAMS.values())
    assert unshown_params([{"_typeName": "HostInternetScsiHbaParamValue", "key": "x", "value": 1}])
    assert not unshown_params([{"key": "x", "value": ""}])
    assert not unshown_params(None)


def test_addresses() -> None:
    """Only what some host can surely have is an address to promise."""
    assert all(is_ipv4(each) or is_ipv6(each) for each in HOSTS)
    assert not any(is_ipv4(each) or is_ipv6(each) for each in (*NO_IPV4, *NO_IPV6))
    assert host_in("10.0.0.5", "255.255.255.0", "10.0.0.1")
    assert not host_in("10.0.0.5", "255.255.255.0", "10.0.0.255")
    assert not host_in("10.0.0.5", "255.0.255.0", "10.0.0.1")
    assert not host_in("10.0.0.5", None, "10.0.0.1")
