"""Reads of properties to what the model knows."""

from __future__ import annotations

from typing import Any

import pytest

from vcontract._model import STATE_PATHS, State, observe, read_of, steady
from vcontract._terms import Arguments, Call, Fault, Faulted, Lost, Operation, Outcome, Ref, Returned

VM, TASK = Ref("VirtualMachine", "vm-1"), Ref("Task", "task-1")
READY = {
    "runtime.powerState": "poweredOn",
    "runtime.connectionState": "connected",
    "guest.toolsVersionStatus2": "guestToolsCurrent",
    "guest.toolsRunningStatus": "guestToolsRunning",
    "guest.guestOperationsReady": True,
}


def read(ref: Ref, outcome: Outcome, method: str = "RetrievePropertiesEx") -> Operation:
    """Make a read of one object."""
    arguments = {"specSet": [{"objectSet": [{"obj": ref.json()}]}]}
    return Operation(1, Call(Ref("PropertyCollector", "pc"), method, Arguments(arguments), "full"), 0.0, 1.0, outcome)


def test_what_a_read_says() -> None:
    """The object with its values; None for one that is gone; nothing where no telling is."""
    assert read_of(read(VM, Returned({"name": "x"}))) == (VM, {"name": "x"})
    assert read_of(read(VM, Faulted(Fault("ManagedObjectNotFound")))) == (VM, None)
    assert read_of(read(VM, Faulted(Fault("NotAuthenticated")))) is None
    assert read_of(read(VM, Lost("reset"))) is None
    assert read_of(read(VM, Returned({}), "PowerOnVM_Task")) is None


def test_a_task_that_the_session_may_not_read_is_not_readable() -> None:
    """Oracle rule A12: whatever fault the read of a task gives, there is nothing to see of it."""
    for fault in ("ManagedObjectNotFound", "NoPermission", "NotAuthenticated"):
        assert read_of(read(TASK, Faulted(Fault(fault)))) == (TASK, None)
    assert read_of(read(TASK, Lost("reset"))) is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "ready"),
        ({"guest.guestOperationsReady": False}, "starting"),
        ({"guest.guestOperationsReady": None}, "starting"),
        ({"guest.toolsRunningStatus": "guestToolsExecutingScripts"}, "starting"),
        ({"guest.toolsRunningStatus": "guestToolsNotRunning"}, "stopped"),
        ({"guest.toolsRunningStatus": None}, "stopped"),
        ({"guest.toolsVersionStatus2": "guestToolsNotInstalled"}, "never"),
        ({"guest.toolsVersionStatus2": "guestToolsTooOld"}, "old"),
        ({"guest.toolsVersionStatus2": "guestToolsBlacklisted"}, "old"),
        ({"guest.toolsVersionStatus2": "guestToolsNeedUpgrade"}, "ready"),
        ({"guest.toolsVersionStatus2": "somethingNew"}, "ready"),
    ],
)
def test_tools(changes: dict[str, Any], expected: str) -> None:
    """Ready is running and guestOperationsReady (oracle rule A11); an unknown version status is tolerated."""
    values = {key: each for key, each in (READY | changes).items() if each is not None}
    assert observe(State(), values).tools == expected


def test_what_was_read_replaces_what_was_assumed_and_the_rest_stays() -> None:
    """Power, connection, template, question and pending package are read; lock and engine are not to be seen."""
    before = State(orphaned=True, engine="broken", guest="spec", question=True)
    seen = observe(before, READY | {"runtime.powerState": "suspended", "config.tools.pendingCustomization": "pkg"})
    assert (seen.power, seen.tools, seen.question, seen.pending) == ("suspended", "stopped", False, True)
    assert (seen.orphaned, seen.engine, seen.guest) == (True, "broken", "spec")
    asking = observe(State(), READY | {"runtime.question": {"id": "1"}, "runtime.connectionState": "notResponding"})
    assert (asking.question, asking.connection) == (True, "notResponding")


def test_a_vm_that_is_gone_is_nothing_else() -> None:
    """ManagedObjectNotFound leaves no power, lock or guest to speak of; a template is off."""
    assert observe(State(orphaned=True), None) == State(exists=False)
    assert observe(State(), READY | {"config.template": True}).power == "poweredOff"


def test_steady_compares_what_a_cell_wants_and_the_boot() -> None:
    """Oracle rule A5: state, bootTime and host must be the same before and after; what the guest shows may change."""
    assert steady(READY, READY | {"guest.hostName": "new", "recentTask": []})
    assert steady(None, None)
    assert not steady(READY, None)
    for path in (
        "runtime.powerState",
        "runtime.bootTime",
        "runtime.host",
        "guest.toolsRunningStatus",
        "runtime.question",
    ):
        assert path in STATE_PATHS
        assert not steady(READY, READY | {path: "other"})


@pytest.mark.parametrize(
    ("values", "frozen"),
    [
        ({}, False),
        ({"runtime.instantCloneFrozen": False, "runtime.paused": False}, False),
        ({"runtime.instantCloneFrozen": True}, True),
        ({"runtime.paused": True}, True),
        ({"runtime.paused": True, "runtime.powerState": "poweredOff"}, False),
    ],
)
def test_a_vm_that_executes_nothing_is_frozen(values: dict[str, Any], frozen: bool) -> None:  # noqa: FBT001 - a parameter
    """Frozen for instant clones, or paused; its Tools read as before, and cannot be asked (oracle row T5)."""
    seen = observe(State(), READY | values)
    assert seen.frozen is frozen
    assert seen.tools_up is (not frozen and seen.power == "poweredOn")
    assert {"runtime.instantCloneFrozen", "runtime.paused"} <= set(STATE_PATHS)
    assert steady(READY, READY | values) is (not frozen and seen.power == "poweredOn")
