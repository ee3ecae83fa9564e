"""Defects and variants are catalogued, rest on a hard source, and change one simulator and no other."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from pyVmomi import vim

from vcontract._contract import load, names, rows
from vcontract._errors import UsageError
from vcontract._schema import SHIPPED, bases_of
from vcontract._schema import load as load_schema
from vcontract._simulator import Settings
from vcontract._simulator.defects import DEFECTS, Defect, listed_defects
from vcontract._simulator.objects import Invocation
from vcontract._simulator.timeline import Timeline
from vcontract._simulator.upgrades import UPGRADES, listed_upgrades
from vcontract._simulator.variants import VARIANTS, listed_variants
from vcontract._simulator.vcenter import VCenter
from vcontract._simulator.virtual_machine import VirtualMachine


def test_every_defect_breaks_a_row_that_has_a_hard_source() -> None:
    """A defect names an existing row and repeats its source, which is more than an inference."""
    bases = bases_of(load_schema(SHIPPED[-1]))
    known = {row.id: row.source for name in names() for row in rows(load(name), bases)}
    for each in DEFECTS.known.values():
        assert isinstance(each, Defect)
        assert known.get(each.row) == each.source, each.name
        assert set(each.source.split()) - {"I"}, each.name


def test_there_are_as_many_as_promised_and_each_says_what_it_does() -> None:
    """At least 60 defects and 20 variants, each with a sentence of its own."""
    assert len(DEFECTS.known) >= 60
    assert len(VARIANTS.known) >= 20
    for listed in (listed_defects(), listed_variants()):
        assert len(set(listed)) == len(listed)
    said = [each.says for each in (*DEFECTS.known.values(), *VARIANTS.known.values())]
    assert all(each.endswith(".") for each in said)
    assert len(set(said)) == len(said)


def test_no_name_is_both_a_defect_and_a_variant() -> None:
    """What keeps the contract cannot break it; what an upgrade changes may do either, and is in neither list."""
    assert not set(DEFECTS.known) & set(VARIANTS.known)
    assert not set(UPGRADES.known) & {*DEFECTS.known, *VARIANTS.known}
    assert len(listed_upgrades()) == len(set(listed_upgrades())) == len(UPGRADES.known)


@pytest.mark.parametrize(
    ("kind", "field"), [(each, f"{each}s") for each in ("defect", "variant")] + [("upgrade-defect", "upgrades")]
)
def test_an_unknown_name_is_one_line(kind: str, field: str) -> None:
    """A name that nobody knows is a usage error that says where to look."""
    settings = Settings(**{field: frozenset({"no-such-name"})})  # type: ignore[arg-type] # one field of three
    with pytest.raises(UsageError, match=f"--{kind} no-such-name: .*--list-{kind}s"):
        VCenter(settings)


def test_every_behaviour_changes_its_own_vcenter_alone() -> None:
    """With all behaviours planted in others, one at a time, a plain vCenter decides as before."""
    plain = vars(VCenter(Settings()).decisions)
    for kind, known in (("defects", DEFECTS.known), ("variants", VARIANTS.known), ("upgrades", UPGRADES.known)):
        for name in known:
            VCenter(Settings(**{kind: frozenset({name})}))  # type: ignore[arg-type] # one field of two
    again = vars(VCenter(Settings()).decisions)
    assert {name: _names(each) for name, each in again.items()} == {name: _names(each) for name, each in plain.items()}


def _names(decision: object) -> object:
    if isinstance(decision, dict):
        return {name: _names(each) for name, each in decision.items()}
    return getattr(decision, "__qualname__", decision)


def test_two_simulators_in_one_process_differ() -> None:
    """One has a defect, the other has not: only the first accepts a customization of a VM that is off."""
    auth = vim.vm.guest.NamePasswordAuthentication(username="root", password="guest", interactiveSession=False)
    answers = []
    for defects in (frozenset({"power-off-not-checked"}), frozenset[str]()):
        vcenter = VCenter(Settings(defects=defects), timeline=Timeline(lambda: 0.0))
        machine = next(each for each in vcenter.registry.of_type(VirtualMachine) if each.name == "linux-1")
        machine.halt()
        manager: Any = vcenter.registry.find("GuestCustomizationManager")
        call = Invocation("CustomizeGuest_Task", "vim.version.v8_0_3_0", None)
        try:
            answers.append(type(manager.CustomizeGuest_Task(call, vm=machine.ref, auth=auth, spec=None)))
        except vim.fault.InvalidPowerState as refused:
            answers.append(type(refused))
    assert answers == [vim.Task, vim.fault.InvalidPowerState]


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--list-defects"], 0, "power-off-not-checked  CustomizeGuest_Task succeeds on a VM that is off."),
        (["--list-variants"], 0, "tasks-are-slow  "),
        (["--defect", "no-such-bug"], 2, "vcontract: --defect no-such-bug: there is no such defect"),
        (
            ["--variant", "tasks-are-slow", "--variant", "none"],
            2,
            "vcontract: --variant none: there is no such variant",
        ),
    ],
)
def test_simulate_takes_and_lists_behaviours(options: list[str], code: int, says: str) -> None:
    """The lists are printed without serving; an unknown name is one line and exit code 2."""
    done = subprocess.run(  # noqa: S603 - the interpreter that runs this, and fixed arguments
        [sys.executable, "-m", "vcontract", "simulate", *options],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code
    assert says in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
