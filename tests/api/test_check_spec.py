"""What `check_spec` says of a specification: by the oracle's rules, with their sources, and no more than is known."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec import structs

from vcontract import Problem, SpecFacts, UsageError, check_spec
from vcontract._api.check_spec import FAMILIES, METHODS
from vcontract._contract.specification import specification_rules
from vcontract._model.spec_rules import _UNSHOWN
from vcontract._schema import load
from vcontract._shipped import shipped
from vcontract._strategies import auth, semantic
from vcontract._strategies.customization import SMALLEST, fitted
from vcontract._terms import Ref

ISSUES = yaml.safe_load((Path(__file__).parent / "public_issues.yaml").read_text("utf-8"))
ROW = re.compile(r"^\| (C\d+) \| .* \| ([A-Z ]+) \|$", re.MULTILINE)
LIVE = SpecFacts(api="9.1.0.0", guest="linux", nics=1, method="CustomizeGuest_Task", generator=False, decrypts=False)
OF_ANOTHER = {"12.unknownName": "C4"}
"""Changes that are named after the part that they change, and break the rule of another."""
DHCP = {"_typeName": "CustomizationDhcpIpGenerator"}


def will(problems: tuple[Problem, ...]) -> dict[str, str]:
    """Give the rule of each field that will be refused."""
    return {each.path: each.rule for each in problems if each.certainty == "will"}


def may(problems: tuple[Problem, ...]) -> dict[str, tuple[str, ...]]:
    """Give what would settle each problem that is not certain, by its rule."""
    return {each.rule: each.unknown for each in problems if each.certainty == "may"}


def test_the_rules_are_those_of_the_oracle() -> None:
    """The same ids, and of each the letters of the same sources."""
    told = dict(ROW.findall((shipped("contracts") / "ORACLE.md").read_text("utf-8")))
    rules = {rule: each.source for rule, each in specification_rules().items() if rule.startswith("C")}
    assert len(told) > 20
    assert rules == told


def test_every_rule_with_a_source_says_where_it_can_be_read() -> None:
    """What nothing but inference supports is never certain, and names none."""
    for each in specification_rules().values():
        assert each.says
        assert "." not in each.says[-1]
        assert bool(each.evidence) == (set(each.source.split()) != {"I"}), each.id
        assert len(set(each.evidence)) == len(each.evidence)
    assert set(_UNSHOWN.values()) <= specification_rules().keys()


def changed(method: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Give every change of a specification that the strategies know: its kind, its name, the specification."""
    base = {"spec": SMALLEST, "vm": Ref("VirtualMachine", "vm-1").json(), "auth": auth.rejected()["unknownUser"]}
    base = base if method == "CustomizeGuest_Task" else {"spec": SMALLEST}
    for kind, changes in semantic.changes_of(load("9.1.0.0"), method, base).items():
        for name, change in changes.items():
            yield kind, name, change(SMALLEST)


@pytest.mark.parametrize("method", ["CustomizeGuest_Task", "CustomizeVM_Task"])
def test_a_change_that_breaks_a_rule_is_refused_by_that_rule(method: str) -> None:
    """The name of a change begins with the number of its rule; one that no source settles is never certain."""
    facts = SpecFacts(api="9.1.0.0", guest="linux", nics=1, method=method, generator=False, decrypts=False)
    seen = set()
    for kind, name, spec in changed(method):
        problems = check_spec(spec, facts)
        rule = OF_ANOTHER.get(name, f"C{name.partition('.')[0]}")
        if kind == "inferred":
            assert will(problems) == {}, name
            assert all(each.inferred for each in problems), name
            assert problems != (), name
        else:
            # a Sysprep breaks C26 on Linux whatever else is wrong, and offline rules of Windows hold there too
            assert {"C26", rule} & set(will(problems).values()), name
            seen.add(rule)
        assert all(each.evidence for each in problems if each.certainty == "will"), name
        assert all(each.path.startswith("spec.") for each in problems), name
    assert {"C1", "C4", "C5", "C6", "C7", "C12", "C14", "C16", "C17", "C25", "C26"} <= seen


def test_windows_rules_name_their_fields() -> None:
    """Offline on a Windows guest, where a Sysprep is promised to be accepted."""
    facts = SpecFacts(
        api="9.1.0.0", guest="windows", nics=1, method="CustomizeVM_Task", generator=False, decrypts=False
    )
    paths = {
        "19.digits": "identity.userData.computerName.name",
        "20.zone": "identity.guiUnattended.timeZone",
        "34.noName": "identity.userData.fullName",
        "21.empty": "identity.guiUnattended.password.value",
        "21.blankLogon": "identity.guiUnattended.autoLogon",
        "22.both": "identity.identification",
        "23.users": "identity.licenseFilePrintData.autoUsers",
        "24.keepSid": "options.changeSID",
        "25.sysprep": "identity.guiUnattended.password",
    }
    for name, change in semantic.windows(load("9.1.0.0")).items():
        if name in paths:
            rule = f"C{name.partition('.')[0]}"
            assert will(check_spec(change(SMALLEST), facts)).get(f"spec.{paths[name]}") == rule, name


def test_what_is_promised_has_no_problem() -> None:
    """The smallest specification, for a VM of which all is known."""
    assert check_spec(SMALLEST, LIVE) == ()
    assert check_spec(fitted(SMALLEST, 3), structs.replace(LIVE, nics=3, method="CustomizeVM_Task")) == ()


def test_what_is_not_known_makes_nothing_certain() -> None:
    """Each fact that is missing widens what depends on it, and is named."""
    assert will(check_spec(SMALLEST)) == {}
    assert may(check_spec(SMALLEST)) == {
        "C1": ("how many network adapters the VM has",),
        "C26": ("the guest's family",),
        "C27": ("the guest's family",),
    }
    custom = fitted(SMALLEST, 1)
    custom["nicSettingMap"] = [{"adapter": {"ip": {"_typeName": "CustomizationCustomIpGenerator"}}}]
    known = SpecFacts("9.1.0.0", "linux", 1, "CustomizeGuest_Task")
    (problem,) = check_spec(custom, known)
    assert (problem.certainty, problem.rule, problem.inferred) == ("may", "C6", False)
    assert problem.unknown == ("whether the vCenter has an application that makes up names and addresses",)
    assert problem.faults == ("IpHostnameGeneratorError",)


def test_more_facts_never_unsay_what_is_certain() -> None:
    """What is refused in every world is refused in each of them."""
    for _, name, spec in changed("CustomizeGuest_Task"):
        certain = will(check_spec(spec)).items()
        for guest in FAMILIES:
            for method in METHODS:
                facts = SpecFacts(guest=guest, method=method)
                assert certain <= will(check_spec(spec, facts)).items(), (name, guest, method)


def test_a_field_is_too_new_for_an_older_server() -> None:
    """Known to be older: it will be refused; not known: it may."""
    spec = {**SMALLEST, "identity": {**SMALLEST["identity"], "compatibleCustomizationMethod": "GOSC_METHOD_1"}}
    path = "spec.identity.compatibleCustomizationMethod"
    old = structs.replace(LIVE, api="7.0.3.2")
    (problem,) = check_spec(spec, old)
    assert (problem.path, problem.rule, problem.faults[0]) == (path, "W1", "InvalidRequest")
    assert problem.detail == "CustomizationLinuxPrep.compatibleCustomizationMethod came with API 8.0.3.0"
    told = {each.path: each.certainty for each in check_spec(spec) if each.rule == "W1"}
    assert told == {path: "may"}
    assert not [each for each in check_spec(spec, LIVE) if each.rule == "W1"]


def test_what_the_schema_forbids_is_refused_with_its_path() -> None:
    """A field that is missing, and a value that is none of an enumeration's."""
    spec: dict[str, Any] = {
        "identity": SMALLEST["identity"],
        "nicSettingMap": [{"adapter": {"ip": DHCP, "netBIOS": "off"}}],
    }
    told = {each.path: (each.certainty, each.detail) for each in check_spec(spec, LIVE)}
    assert told["spec.globalIPSettings"] == ("will", "CustomizationSpec requires it")
    assert told["spec.nicSettingMap[0].adapter.netBIOS"][0] == "will"
    assert "disableNetBIOS" in told["spec.nicSettingMap[0].adapter.netBIOS"][1]


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"method": "PowerOnVM_Task"}, "method 'PowerOnVM_Task': must be one of CustomizeGuest_Task"),
        ({"nics": -1}, "nics -1: must be 0 or more"),
        ({"api": "newest"}, "api 'newest': must be an API version"),
        ({"guest": "Ubuntu"}, "guest 'Ubuntu': must be linux, windows, other, or a guestId"),
    ],
)
def test_facts_that_cannot_be_are_refused(facts: dict[str, Any], said: str) -> None:
    """In one line, with what may be."""
    with pytest.raises(UsageError, match=re.escape(said)):
        check_spec(SMALLEST, SpecFacts(**facts))


@pytest.mark.parametrize("issue", ISSUES, ids=[each["link"].partition(".com/")[2] for each in ISSUES])
def test_it_says_what_a_vcenter_said_in_public(issue: dict[str, Any]) -> None:
    """Of specifications from public issues: what was refused there will be refused, and nothing else is said to be."""
    assert will(check_spec(issue["spec"], SpecFacts(**issue["facts"]))) == issue["refused"]


def test_there_are_twenty_public_issues() -> None:
    """Each of another one."""
    links = [each["link"] for each in ISSUES]
    assert len(set(links)) == len(links) >= 20
