"""Calls as they were sent to the classes of which conditions speak."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from vcontract._contract import Contract, load
from vcontract._model import Facts, GuestAccount, VmFacts, classify
from vcontract._terms import Arguments, Call, Envelope, Ref

C, N = "CustomizeGuest_Task", "StartGuestNetwork_Task"
MANAGER = Ref("VirtualMachineGuestCustomizationManager", "gcm")
PRIVILEGE = "VirtualMachine.Provisioning.Customize"
FACTS = Facts(
    object=MANAGER.type,
    manager=MANAGER,
    api_version="8.0.3.0",
    sessions={"full": "admin", "unprivileged": "operator"},
    privileges={"operator": {PRIVILEGE: "nowhere"}},
    guests=(GuestAccount("root", "secret:guest.root", True), GuestAccount("user", "secret:guest.user", False)),  # noqa: FBT003 - may_customize
    vms={
        "vm-1": VmFacts(Ref("VirtualMachine", "vm-1"), "linux", 1),
        "vm-2": VmFacts(Ref("VirtualMachine", "vm-2"), "windows", 1, "windows"),
    },
    others={"group-1": "Folder", "host-1": "HostSystem"},
)
VM = Ref("VirtualMachine", "vm-1")


def login(username: str = "root", named: str = "secret:guest.root", **more: Any) -> dict[str, Any]:
    """Give a name and password login."""
    return {
        "_typeName": "NamePasswordAuthentication", "interactiveSession": False, "username": username, "password": named
    } | more  # fmt: skip


def spec(**more: Any) -> dict[str, Any]:
    """Give a specification that a Linux VM with one NIC must accept."""
    identity = {
        "_typeName": "CustomizationLinuxPrep",
        "hostName": {"_typeName": "CustomizationFixedName", "name": "web-1"},
        "domain": "example.com",
    } | more.pop("identity", {})
    return {
        "_typeName": "CustomizationSpec",
        "identity": identity,
        "nicSettingMap": [nic("CustomizationDhcpIpGenerator")],
    } | more


def nic(kind: str) -> dict[str, Any]:
    """Give an adapter mapping with an IP generator of some kind."""
    return {"adapter": {"_typeName": "CustomizationIPSettings", "ip": {"_typeName": kind}}}


def call(method: str = N, vm: Ref = VM, **more: Any) -> Call:
    """Make a call of the manager that is valid but for what is given."""
    arguments = {"vm": vm.json(), "auth": login()} | ({"spec": spec()} if method == C else {}) | more
    return Call(MANAGER, method, Arguments(arguments), "full")


def classified(contract: Contract, asked: Call, facts: Facts = FACTS) -> Any:
    """Classify a call."""
    return classify(asked, contract.method(asked.method), facts)


def test_a_valid_call_deviates_in_nothing(contract: Contract) -> None:
    """Every class has its ordinary value."""
    for method in (C, N):
        found = classified(contract, call(method))
        assert (found.request, found.session, found.this, found.vm) == ("ok", "valid", "ok", "ok")
        assert (found.privilege, found.login, found.spec, found.rule_faults) == ("held", "accepted", frozenset(), ())


@pytest.mark.parametrize(
    ("breaks", "request_"),
    [
        ("schema:missing:vm", "malformed"),
        ("schema:truncated", "malformed"),
        ("value:boolean:auth.interactiveSession", "badValue"),
        ("version:6.7.3", "unknownMethod"),
        ("unlisted:soapAction:none", "unlistedVersion"),
        ("order:harmless", "ok"),
    ],
)
def test_request_class_comes_from_what_the_envelope_breaks(breaks: str, request_: str, contract: Contract) -> None:
    """The label of an edited envelope names its class; the arguments before the edit give the others."""
    edited = Envelope(b"<x/>", breaks, origin=call().arguments)
    found = classified(contract, replace(call(), payload=edited))
    assert (found.request, found.vm, found.login) == (request_, "ok", "accepted")


def test_session_and_privilege_follow_the_actor(contract: Contract) -> None:
    """An actor that never logged in has no session; an account lacks a privilege only if the target said so."""
    assert classified(contract, replace(call(), actor="nobody")).session == "none"
    assert classified(contract, replace(call(), actor="unprivileged")).privilege == "nowhere"
    unknown = replace(FACTS, privileges={})
    assert classified(contract, replace(call(), actor="unprivileged"), unknown).privilege == "held"


@pytest.mark.parametrize(
    ("this", "class_"),
    [
        (MANAGER, "ok"),
        (Ref(MANAGER.type, "gcm-0"), "unknown"),
        (Ref(MANAGER.type, "group-1"), "otherType"),
        (Ref(MANAGER.type, "vm-1"), "otherType"),
        (Ref("Folder", "group-1"), "otherType"),
    ],
)
def test_class_of_this(this: Ref, class_: str, contract: Contract) -> None:
    """The manager itself, an id that never was, or an object of another type."""
    assert classified(contract, replace(call(), object=this)).this == class_


@pytest.mark.parametrize(
    ("vm", "class_"),
    [
        (VM, "ok"),
        (Ref("VirtualMachine", "vm-0"), "unknown"),
        (Ref("VirtualMachine", "group-1"), "otherType"),
        (Ref("Folder", "group-1"), "otherType"),
    ],
)
def test_class_of_the_vm(vm: Ref, class_: str, contract: Contract) -> None:
    """A VM that is known, an id that never was, or an object of another type, by moId or by the type given."""
    assert classified(contract, call(vm=vm)).vm == class_


@pytest.mark.parametrize(
    ("auth", "class_"),
    [
        (login(), "accepted"),
        (login("user", "secret:guest.user"), "mayNot"),
        (login("user", "secret:guest.root"), "rejected"),
        (login("vcontract-nobody", "secret:guest.nobody"), "rejected"),
        (login(interactiveSession=True), "unsettled"),
        ({"_typeName": "SSPIAuthentication", "interactiveSession": False, "sspiToken": "x"}, "unsettled"),
        ({"_typeName": "TicketedSessionAuthentication", "interactiveSession": False, "ticket": "x"}, "unsettled"),
        ({"_typeName": "SAMLTokenAuthentication", "interactiveSession": False, "token": "x"}, "unsettled"),
    ],
)
def test_class_of_the_login(auth: dict[str, Any], class_: str, contract: Contract) -> None:
    """Known accounts by name and password; kinds that no source shows for these methods are unsettled (oracle row L3)."""
    assert classified(contract, call(auth=auth)).login == class_


RULES = [
    ({"identity": {"hostName": {"_typeName": "CustomizationFixedName", "name": "a.b"}}}, "InvalidArgument"),
    ({"nicSettingMap": [nic("CustomizationUnknownIpGenerator")]}, "InvalidArgument"),
    ({"nicSettingMap": [nic("CustomizationCustomIpGenerator")]}, "IpHostnameGeneratorError"),
    ({"identity": {"hostName": {"_typeName": "CustomizationCustomName"}}}, "IpHostnameGeneratorError"),
    (
        {"identity": {"password": {"_typeName": "CustomizationPassword", "value": "x", "plainText": False}}},
        "CannotDecryptPasswords",
    ),
]
OPEN: list[dict[str, Any]] = [
    {"identity": {"scriptText": "#!/bin/sh"}},
    {"identity": {"hostName": {"_typeName": "CustomizationUnknownName"}}},
    {"identity": {"hostName": {"_typeName": "CustomizationFixedName", "name": "12345"}}},
    {"identity": {"_typeName": "CustomizationCloudinitPrep", "metadata": "{}"}},
]


@pytest.mark.parametrize(("changes", "fault"), RULES)
def test_a_documented_or_observed_rule_names_its_fault(changes: dict[str, Any], fault: str, contract: Contract) -> None:
    """Oracle rules C4, C6, C12 and C25 (oracle row X2)."""
    found = classified(contract, call(C, spec=spec(**changes)))
    assert "rule" in found.spec
    assert fault in found.rule_faults


@pytest.mark.parametrize("changes", OPEN)
def test_an_inferred_rule_leaves_the_outcome_open(changes: dict[str, Any], contract: Contract) -> None:
    """What no source shows for the live call (oracle row X3)."""
    found = classified(contract, call(C, spec=spec(**changes)))
    assert (found.spec, found.rule_faults) == (frozenset({"inferred"}), ())


@pytest.mark.parametrize("count", [0, 2])
def test_each_nic_needs_its_adapter(count: int, contract: Contract) -> None:
    """Oracle rule C1: the count must be the VM's (oracle row X1)."""
    found = classified(contract, call(C, spec=spec(nicSettingMap=[nic("CustomizationDhcpIpGenerator")] * count)))
    assert (found.spec, found.rule_faults) == (frozenset({"nicCount"}), ())


def test_identity_must_fit_the_guest(contract: Contract) -> None:
    """A Windows identity on Linux, or the other way round, breaks an observed rule; other identities are open."""
    sysprep = {"_typeName": "CustomizationSysprepText", "value": "x"}
    cloud = {"_typeName": "CustomizationCloudinitPrep", "metadata": "{}"}
    windows = Ref("VirtualMachine", "vm-2")
    on_linux = classified(contract, call(C, spec=spec() | {"identity": sysprep}))
    on_windows = classified(contract, call(C, vm=windows))
    open_ = classified(contract, call(C, spec=spec() | {"identity": cloud}))
    assert on_linux.rule_faults == on_windows.rule_faults == ("InvalidArgument", "UncustomizableGuest")
    assert set(open_.spec) == {"inferred"}
    assert classified(contract, call(C, vm=windows, spec=spec() | {"identity": sysprep})).spec == frozenset(
        {"inferred"}
    )


def test_a_specification_for_a_vm_that_is_off_has_rules_of_its_own() -> None:
    """CustomizeVM_Task is called on the VM itself: what was seen on its path breaks a rule, and Windows takes a Sysprep."""
    facts = replace(FACTS, object="VirtualMachine", manager=Ref("VirtualMachine", ""))
    contract, method = load("VirtualMachine"), "CustomizeVM_Task"
    unknown = spec(identity={"hostName": {"_typeName": "CustomizationUnknownName"}})
    asked = Call(VM, method, Arguments({"spec": unknown}), "full")
    found = classify(asked, contract.method(method), facts)
    assert (found.spec, found.rule_faults) == (frozenset({"rule"}), ("InvalidArgument",))
    digits = spec(identity={"hostName": {"_typeName": "CustomizationFixedName", "name": "12345"}})
    asked = Call(VM, method, Arguments({"spec": digits}), "full")
    assert classify(asked, contract.method(method), facts).spec == frozenset({"inferred"})
