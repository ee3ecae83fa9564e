"""Lint of the contract files: quiet on the shipped ones, and each kind of mistake is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from vcontract._commands.contract_lint import lint_folder, located
from vcontract._errors import UsageError
from vcontract._report.sarif import lint_sarif

MANAGER = "VirtualMachineGuestCustomizationManager"
CUSTOMIZE = f"{MANAGER}/CustomizeGuest_Task"
Edit = Callable[..., Path]
POWER_ROW = """
[[method.fault]]
type = "InvalidPowerState"
says = "the VM is not powered on"
declared_as = "InvalidState"
source = "S"
"""
BUSY_ROW = """
[[method.fault]]
type = "TaskInProgress"
says = "the VM is busy"
source = "S M"
"""


def test_the_shipped_contracts_are_clean() -> None:
    """Nothing to say of what ships."""
    assert lint_folder(None) == []


MISTAKES = [
    ('when = ["power.off"]', 'when = ["power.of"]', "situation P1: unknown condition power.of"),
    ('needs = ["vm.reachable"]', 'needs = ["vm.near"]', "unknown condition vm.near"),
    ("if task.startedAfter", "if task.endedBefore", "unknown condition task.endedBefore"),
    ('when = ["lock.free"]', 'when = ["busy.exclusive"]', "condition lock.free is used by no contract"),
    ('effect = "aborted"', 'effect = "abandoned"', "AbortCustomization_Task: unknown effect abandoned"),
    ('effect = "aborted"', 'effect = "customized"', "effect aborted is used by no contract"),
    ('"VAppTaskInProgress if vm.inVApp"', '"ToolsUnavailable if vm.inVApp"', "ToolsUnavailable is neither declared nor"),
    ('"QuestionPending", "', '"QuestionPendingFault", "', "QuestionPendingFault is no fault of the WSDL"),
    (BUSY_ROW, "", f"{CUSTOMIZE}/TaskInProgress: declared by the vendor, but without a row"),
    ('declared_as = "InvalidState"\n', "", f"{CUSTOMIZE}/InvalidPowerState: not in the vendor's metadata"),
    ('declared_as = "implied"\n', "", f"{CUSTOMIZE}/RuntimeFault: not in the vendor's metadata"),
    ('declared_as = "InvalidState"', 'declared_as = "VimFault"', "declared_as VimFault, which the vendor does not declare"),
    (BUSY_ROW, BUSY_ROW + 'declared_as = "implied"\n', "declared_as implied, but the vendor declares it"),
    (POWER_ROW, POWER_ROW + POWER_ROW.replace("InvalidPowerState", "MountError"), "MountError: documented, but no situation"),
    ('since = "6.8.7"\nsays', 'since = "7.0.0.0"\nsays', "since is '7.0.0.0', the vendor's metadata says '6.8.7'"),
    ("Provisioning.Customize", "Provisioning.Clone", "privilege is"),
    ('"configParams: OptionValue[]?"]', '"configParams: OptionValue[]"]', "parameters is"),
    ('"vm: VirtualMachine", "auth: GuestAuthentication"', '"auth: GuestAuthentication", "vm: VirtualMachine"', "parameters is"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "told"), MISTAKES)
def test_a_mistake_is_named(old: str, new: str, told: str, edited: Edit) -> None:
    """One line with the place, for each thing that a contract can get wrong without being unreadable."""
    found = lint_folder(edited(old, new))
    assert any(told in line for line in found), found
    assert all("\n" not in line for line in found)


def test_a_method_that_the_vendor_has_and_the_contract_lacks_is_named(folder: Path) -> None:
    """Renaming a method everywhere shows both sides."""
    file = folder / f"{MANAGER}.toml"
    file.write_text(file.read_text("utf-8").replace("AbortCustomization_Task", "AbortGuest_Task"), "utf-8")
    found = lint_folder(folder)
    assert f"{MANAGER}/AbortGuest_Task: the vendor's metadata has no such method" in found
    assert any("methods that no row names: AbortCustomization_Task" in line for line in found)


def test_a_fault_that_is_only_inferred_may_be_undeclared(edited: Edit) -> None:
    """GuestOperationsUnavailable stands in the table with `?`; without the mark lint bites."""
    found = lint_folder(edited('"?GuestOperationsUnavailable"', '"GuestOperationsUnavailable"'))
    assert [line for line in found if "GuestOperationsUnavailable is neither declared nor a descendant" in line]


@pytest.mark.parametrize(
    ("old", "new", "told", "at"),
    [
        ('when = ["power.off"]', 'when = ["power.of"]', "unknown condition power.of", 'id = "P1"'),
        ('effect = "aborted"', 'effect = "abandoned"', "unknown effect", 'name = "AbortCustomization_Task"'),
        ('declared_as = "implied"\n', "", f"{CUSTOMIZE}/RuntimeFault: not in", 'type = "RuntimeFault"'),
    ],
)
def test_a_mistake_is_pointed_at(old: str, new: str, told: str, at: str, edited: Edit) -> None:
    """By file and line, as SARIF has it: the situation, the method, or the fault below the method."""
    place = edited(old, new)
    faults = [fault for fault in lint_folder(place) if told in fault]
    (result,) = json.loads(lint_sarif(located(faults[:1], place)))["runs"][0]["results"]
    (where,) = (each["physicalLocation"] for each in result["locations"])
    file = Path(where["artifactLocation"]["uri"])
    assert file == place / f"{MANAGER}.toml"
    assert file.read_text("utf-8").splitlines()[where["region"]["startLine"] - 1] == at
    assert told in result["message"]["text"]


def test_a_folder_without_contracts_is_a_usage_error(tmp_path: Path) -> None:
    """Nothing to lint is no success."""
    with pytest.raises(UsageError, match="no contract files"):
        lint_folder(tmp_path)
