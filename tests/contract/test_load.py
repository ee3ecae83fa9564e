"""Contract files: what the shipped ones hold, and that every mistake in one is a ContractError of one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from vcontract._contract import Contract, load, names, parse_permit
from vcontract._errors import ContractError
from vcontract._terms import Grade

MANAGER = "VirtualMachineGuestCustomizationManager"
SOURCES = {"S", "M", "W", "D", "O", "G", "V", "C", "I"}
METHODS = ("CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task")
FAULTS = [
    "TaskInProgress",
    "InvalidState",
    "InvalidPowerState",
    "InvalidGuestLogin",
    "GuestPermissionDenied",
    "CustomizationFault",
    "RuntimeFault",
]
Edit = Callable[..., Path]


@pytest.fixture(scope="module")
def contract() -> Contract:
    """Give the shipped contract."""
    return load(MANAGER)


def test_the_shipped_contract_is_the_published_page(contract: Contract) -> None:
    """One object, three methods with seven faults each, one privilege, a Task without a result, no properties or events."""
    assert names() == ("GuestAuthManager", "VirtualMachine", MANAGER)
    assert (contract.object, contract.since, contract.singleton) == (MANAGER, "6.8.7", True)
    assert (contract.content, contract.properties) == ("guestCustomizationManager", ())
    assert tuple(each.name for each in contract.methods) == METHODS
    for method in contract.methods:
        assert [each.type for each in method.fault] == FAULTS
        assert (method.returns, method.result, method.since) == ("Task", "void", "6.8.7")
        assert method.privilege == "VirtualMachine.Provisioning.Customize"
    shared = ("vm: VirtualMachine", "auth: GuestAuthentication")
    assert contract.methods[0].parameters == (*shared, "spec: CustomizationSpec", "configParams: OptionValue[]?")
    assert contract.methods[1].parameters == contract.methods[2].parameters == shared
    assert [each.vmodl for each in contract.methods] == ["customize", "startNetwork", "abortCustomization"]


def test_differences_from_the_vendors_metadata_are_named(contract: Contract) -> None:
    """InvalidPowerState is declared as its ancestor, RuntimeFault is implied; the other five stand in the metadata."""
    for method in contract.methods:
        told = {each.type: each.declared_as for each in method.fault if each.declared_as}
        assert told == {"InvalidPowerState": "InvalidState", "RuntimeFault": "implied"}


def test_every_line_cites_a_known_source(contract: Contract) -> None:
    """Each method, fault, situation and promise says where it comes from, by the letters that are explained."""
    cited = [
        contract.source,
        *(each.source for each in contract.situations),
        *(each.source for each in contract.promises),
    ]
    cited += [each.source for each in contract.methods] + [each.source for each in contract.every_fault]
    cited += [fault.source for method in contract.methods for fault in method.fault]
    for source in cited:
        assert source, "a line without a source"
        assert set(source.split()) <= SOURCES, source


def test_promises_are_the_six(contract: Contract) -> None:
    """F1 to F6, each for the method of which it speaks."""
    assert [each.id for each in contract.promises] == ["F1", "F2", "F3", "F4", "F5", "F6"]
    customize, network, abort = METHODS
    assert [each.method for each in contract.promises] == ["all", customize, customize, abort, abort, network]


def test_hiding(contract: Contract) -> None:
    """W leaves only Q1, Q1 only W; O2 and O3 leave V1, and the manager's own reference (our deviation); no other hides."""
    leaves = {each.id: set(each.leaves) for each in contract.situations if each.leaves is not None}
    assert leaves == {
        "W1": {"Q1"},
        "W1.value": {"Q1"},
        "W2": {"Q1"},
        "Q1": {"W1", "W1.value", "W2", "W4"},
        "O2": {"O1", "O1.type", "V1"},
        "O3": {"O1", "O1.type", "V1"},
    }


def test_permits_are_read_with_mark_field_and_condition() -> None:
    """`~` is imprecise, `?` unsettled; braces name the field rule, `if` a condition."""
    plain = parse_permit("TaskInProgress{task}", "here")
    assert (plain.outcome, plain.grade, plain.field, plain.condition) == ("TaskInProgress", Grade.CONFORMS, "task", "")
    assert parse_permit("~InvalidState", "here").grade is Grade.IMPRECISE
    assert parse_permit("?OK", "here").grade is Grade.UNSETTLED
    assert parse_permit("OK if task.startedAfter", "here").condition == "task.startedAfter"
    assert parse_permit("@rule", "here").outcome == "@rule"


@pytest.mark.parametrize(
    "text", ["", "!OK", "~~OK", "OK if", "OK when x", "Fault{", "Fault{a b}", "two words", "OK if a b"]
)
def test_an_odd_permit_is_refused(text: str) -> None:
    """What cannot be read is an error that shows it and where it stands."""
    with pytest.raises(ContractError, match=r"^somewhere: cannot read the permit") as caught:
        parse_permit(text, "somewhere")
    assert repr(text) in str(caught.value)


MISTAKES = [
    ('title = "the VM is powered off"', 'titel = "x"\ntitle = "x"', "titel"),
    ('source = "S M"\ncontent', 'sauce = "S"\nsource = "S M"\ncontent', "sauce"),
    ("singleton = true", 'singleton = "yes"', "singleton"),
    ('vmodl = "customize"\n', "", "vmodl"),
    ('says = "the VM is busy"\n', 'says = "the VM is busy"\nsayz = "x"\n', "sayz"),
    ('permits.all = ["InvalidPowerState{existingState}", "~InvalidState"]', 'permits.all = ["~~InvalidState"]', "P1"),
    ('permits.all = ["InvalidPowerState{existingState}", "~InvalidState"]', 'permits.All = ["OK"]', "permits.All"),
    ("permits.AbortCustomization_Task", "permits.Abort_Task", "Abort_Task"),
    ('id = "P2"', 'id = "P1"', "used twice: P1"),
    ('id = "P1"', 'id = "Q1"', "used twice: Q1"),
    ('when = ["power.off"]', 'when = ["power.off"]\nleaves = ["Q9"]', "Q9"),
    ("[[promise]]", "[[promises]]", "promises"),
    ("[contract]", "[contract", "line"),
    (f'object = "{MANAGER}"', 'object = "VirtualMachine"', "'VirtualMachine'"),
]


@pytest.mark.parametrize(("old", "new", "told"), MISTAKES)
def test_a_mistake_is_one_line_with_the_file(old: str, new: str, told: str, edited: Edit) -> None:
    """Unknown and missing keys, wrong types, odd permits, unknown methods, doubled ids, unknown `leaves`, no TOML."""
    with pytest.raises(ContractError) as caught:
        load(MANAGER, edited(old, new))
    text = str(caught.value)
    assert MANAGER in text
    assert told in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('object = "EveryMethod"', 'object = "AnyMethod"', "EveryMethod"),
        ('leaves = ["Q1"]', 'leaves = ["Q1"]\nhides = []', "hides"),
        ('permits.all = ["InvalidRequest", "InvalidType"]', 'permits.all = ["Invalid Request"]', "W1"),
    ],
)
def test_a_mistake_in_what_every_method_promises_names_that_file(old: str, new: str, told: str, edited: Edit) -> None:
    """The shared file is as strict as an object's own."""
    with pytest.raises(ContractError) as caught:
        load(MANAGER, edited(old, new, "every_method"))
    text = str(caught.value)
    assert "every_method.toml" in text
    assert told in text
    assert "\n" not in text


def test_a_missing_file_is_told_with_what_there_is(folder: Path, tmp_path: Path) -> None:
    """An unknown object, an empty folder, a folder without the shared file."""
    with pytest.raises(ContractError, match=rf"Nothing in .*; there are: GuestAuthManager, VirtualMachine, {MANAGER}"):
        load("Nothing", folder)
    with pytest.raises(ContractError, match="there are: none"):
        load(MANAGER, tmp_path / "empty")
    (folder / "every_method.toml").unlink()
    with pytest.raises(ContractError, match=r"every_method.toml: cannot be read: No such file"):
        load(MANAGER, folder)


def test_a_file_that_is_not_text_is_told(folder: Path) -> None:
    """Bytes that are no UTF-8."""
    (folder / f"{MANAGER}.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ContractError, match=rf"{MANAGER}.toml: "):
        load(MANAGER, folder)


def test_an_unknown_method_is_told_with_those_there_are(contract: Contract) -> None:
    """The error names the methods."""
    with pytest.raises(ContractError, match="has no method Reboot; it has CustomizeGuest_Task, "):
        contract.method("Reboot")
