"""The contract of VirtualMachine: what its methods may answer in each state, and that its cells follow from the file."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from vcontract._contract import OK, Contract, before, load, names
from vcontract._model import (
    EFFECTS,
    LATER,
    Asked,
    State,
    cell_of,
    cells,
    changed_fields,
    deviations_of,
    expect,
    is_visible,
    settled,
)
from vcontract._model.effects.registry import SHOWN
from vcontract._model.state import OFF, ON, SUSPENDED, settle
from vcontract._model.step import CALL, TASK, step

POWER = ("PowerOnVM_Task", "PowerOffVM_Task", "SuspendVM_Task", "ResetVM_Task")
GUEST = ("ShutdownGuest", "RebootGuest", "StandbyGuest")


@pytest.fixture(scope="module")
def machine() -> Contract:
    """Give the contract."""
    return load("VirtualMachine")


def answers(contract: Contract, method: str, asked: dict[str, Any] | None = None, **state: Any) -> str:
    """Write what a method may answer in a state."""
    found = expect([settle(replace(State(), **state))], replace(Asked(method), **(asked or {})), contract)
    return found.text()


@pytest.mark.parametrize(
    ("method", "on", "off", "suspended", "template"),
    [
        ("PowerOnVM_Task", "InvalidPowerState ~InvalidState", "OK", "OK", "InvalidState NotSupported"),
        ("PowerOffVM_Task", "OK", "IPS", "InvalidPowerState ~InvalidState ?OK", "IPS+"),
        ("SuspendVM_Task", "OK", "IPS", "IPS", "IPS+"),
        ("ResetVM_Task", "OK", "IPS", "IPS", "IPS+"),
        ("ShutdownGuest", "OK", "IPS", "IPS", "IPS+"),
        ("RebootGuest", "OK", "IPS", "IPS", "IPS+"),
        ("StandbyGuest", "OK", "IPS", "IPS", "IPS+"),
        ("CustomizeVM_Task", "IPS", "OK", "IPS", "?OK ?CustomizationFault ?InvalidState ?NotSupported"),
        ("MarkAsTemplate", "IPS", "OK", "IPS", "NotSupported ~InvalidState"),
        (
            "MarkAsVirtualMachine",
            "InvalidPowerState NotSupported ~InvalidState",
            "NotSupported ~InvalidState",
            "InvalidPowerState NotSupported ~InvalidState",
            "OK",
        ),
    ],
)
def test_power_and_templates(machine: Contract, method: str, on: str, off: str, suspended: str, template: str) -> None:
    """The table of the documented transitions; powering off what is suspended is unsettled, for the sources disagree."""
    short = {"IPS": "InvalidPowerState ~InvalidState", "IPS+": "InvalidPowerState InvalidState NotSupported"}
    states: list[tuple[str, dict[str, Any]]] = [
        (on, {"power": ON}),
        (off, {"power": OFF}),
        (suspended, {"power": SUSPENDED}),
        (template, {"template": True}),
    ]
    for wanted, state in states:
        assert answers(machine, method, **state) == short.get(wanted, wanted), state


@pytest.mark.parametrize("method", GUEST)
def test_a_guest_is_asked_through_tools(machine: Contract, method: str) -> None:
    """Without Tools it is ToolsUnavailable and nothing else; of a VM that is off nobody can know whether Tools run."""
    assert answers(machine, method, tools="stopped") == "ToolsUnavailable"
    assert answers(machine, method, tools="never") == "ToolsUnavailable"
    assert answers(machine, method, tools="starting") == "OK ToolsUnavailable"
    assert "ToolsUnavailable" not in answers(machine, method, power=OFF, tools="never")
    assert answers(machine, method, running="exclusive") == "OK InvalidState TaskInProgress"


def test_the_package_of_the_next_boot(machine: Contract) -> None:
    """One that is pending, another count of adapters, a broken rule, no Tools; the live engine and its lock do not matter."""
    off: dict[str, Any] = {"power": OFF}
    method = "CustomizeVM_Task"
    assert answers(machine, method, pending=True, **off) == "CustomizationPending ~CustomizationFault"
    wrong = {"spec": frozenset({"nicCount"})}
    assert answers(machine, method, wrong, **off) == "InvalidArgument NicSettingMismatch ~CustomizationFault"
    assert "?OK" in answers(machine, method, tools="never", **off)
    assert answers(machine, method, engine="absent", orphaned=True, **off) == "OK"
    assert answers(machine, "PowerOnVM_Task", pending=True, **off) == "OK"


def test_what_may_deviate_follows_from_the_file(machine: Contract) -> None:
    """A method without a login has no login cells, one that every client knows no old version, one that is off no Tools."""
    found = {each.name: {one.name for one in deviations_of(machine, each)} for each in machine.methods}
    for able in found.values():
        assert able.isdisjoint({"loginRejected", "oldVersion", "vmUnknown", "engineAbsent", "orphanedLock"})
        assert {"noSession", "thisUnknown", "vmGone", "noPrivilege", "hostLost", "busy"} <= able
    assert {"poweredOn", "suspended", "argumentUnknown"} <= found["PowerOnVM_Task"]
    assert "poweredOff" not in found["PowerOnVM_Task"]
    assert {name for name, able in found.items() if "nicCount" in able} == {"CustomizeVM_Task"}
    assert {name for name, able in found.items() if "toolsStopped" in able} == set(GUEST)
    assert {name for name, able in found.items() if "noTemplate" in able} == {"MarkAsVirtualMachine"}
    manager = load("GuestAuthManager")
    assert {"loginMayNot", "oldVersion", "vmUnknown"} <= {
        each.name for each in deviations_of(manager, manager.methods[0])
    }


@pytest.mark.parametrize("name", names())
def test_a_valid_call_must_succeed_and_every_cell_permits_something(name: str) -> None:
    """In its own start state each method of each contract is permitted success alone; no cell is without an answer."""
    contract = load(name)
    for method in contract.methods:
        valid = cell_of(contract, method.name)
        assert settled(expect([valid.state], valid.asked, contract)) == {OK}, method.name
    for each in cells(contract):
        assert expect([each.state], each.asked, contract).allowed, each.id


def test_an_unknown_this_is_a_vm_that_is_none(machine: Contract) -> None:
    """Nothing can be known of its power, only that it is not there, or that the caller may not."""
    found = cell_of(machine, "PowerOffVM_Task", ["thisUnknown", "poweredOff"])
    assert set(expect([found.state], found.asked, machine).allowed) == {"ManagedObjectNotFound"}


def test_effects_say_what_a_read_shows(machine: Contract) -> None:
    """Success leads to the state that the method makes; a call without a task ends with its answer."""
    for method, after in zip(POWER, (ON, OFF, SUSPENDED, ON), strict=True):
        start = cell_of(machine, method).state
        ends = {each.after.power for each in step(start, Asked(method), machine) if each.outcome == OK}
        assert ends == {after}
    assert {each.channel for each in step(State(), Asked("ShutdownGuest"), machine)} == {CALL}
    assert {each.channel for each in step(State(), Asked("ResetVM_Task"), machine)} == {TASK}
    assert changed_fields("poweredOff", frozenset({State()})) == {"power": frozenset({OFF})}
    assert changed_fields("customized", frozenset({State()})) == {}
    assert {"guestShutDown", "guestRebooted", "guestStoodBy"} == LATER
    assert {name for name in EFFECTS if not is_visible(name)} == {"customized", "networkStarted", "aborted", "nothing"}
    assert set(SHOWN) == {"power", "template", "pending"}


def test_old_versions_are_compared_by_number() -> None:
    """The newest of the old versions that lacks something; none lacks what came with the first."""
    assert [before(each) for each in ("2.0", "2.5u2", "5.0", "6.8.7", "9.1.0.0")] == ["", "", "4.1", "6.7.3", "6.7.3"]
