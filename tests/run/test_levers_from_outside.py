"""Levers that ReconfigVM_Task pulls, on a server of ours that offers no guest operations: believed, and undone at the end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from msgspec.structs import replace

from tests.windows import skipping
from vcontract._client import Recorder, Target
from vcontract._config.config import Config, LeverLine
from vcontract._config.request import Budget, RunRequest
from vcontract._contract import load
from vcontract._model import Facts, Tracker, VmFacts
from vcontract._run.conformance import run_conformance
from vcontract._run.start import StartedRun
from vcontract._simulator import Settings, SimulatorServer, service_instance
from vcontract._simulator.guest import commands
from vcontract._simulator.guest.state import Engine, Lock
from vcontract._simulator.vcenter import VCenter
from vcontract._simulator.virtual_machine.machine import Machine
from vcontract._simulator.virtual_machine.reconfigure import Reconfigure
from vcontract._terms import Arguments, Call, Lost, Operation, Ref, Verdict
from vcontract._testbed.embedded_simulator import EMBEDDED
from vcontract._testbed.survey import secrets_of
from vcontract._testbed.testbed import Site

MANAGER = "VirtualMachineGuestCustomizationManager"
KEY = "guest.does"
EFFECTS: dict[str, Callable[[Any], None]] = {
    "stopTools": commands.stop_tools,
    "orphanLock": commands.leave_lock,
    "crashEngine": commands.crash_engine,
    "removeEngine": commands.remove_engine,
    "breakEngine": commands.break_engine,
    "restoreEngine": commands.install_engine,
}
CONFIG: Config = replace(EMBEDDED, lever=tuple(LeverLine(name, extra_config={KEY: name}) for name in EFFECTS))  # type: ignore[arg-type] # the names are those that a lever may have


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[VCenter]:
    """Have simulators offer no guest operations, and their guests do what a value says; gives what is then made."""
    usual, vcenters = Reconfigure.set_extra_config, list[VCenter]()

    def set_extra_config(machine: Any, options: list[Any]) -> None:
        usual(machine, options)
        for option in options:
            if option.key == KEY:
                EFFECTS[option.value](machine)

    def build(settings: Settings) -> VCenter:
        vcenters.append(VCenter(settings))
        return vcenters[-1]

    monkeypatch.setattr(Reconfigure, "set_extra_config", set_extra_config)
    monkeypatch.delitem(service_instance._MOIDS, "guestOperationsManager")
    monkeypatch.setattr("vcontract._simulator.server.VCenter", build)
    return vcenters


def shape(vcenter: VCenter) -> dict[str, tuple[str, Engine, bool]]:
    """Tell power, engine and whether a lock is left, by the name of the VM."""
    machines = vcenter.registry.of_type(Machine)
    return {each.name: (each.power, each.guest.engine, each.guest.lock is Lock.ORPHANED) for each in machines}


def test_a_server_that_is_set_up_from_outside_conforms_and_is_restored(made: list[VCenter]) -> None:
    """What its guests cannot do is expected of none, and every engine and lock is as it was."""
    with SimulatorServer(skipping(seed=3)) as simulator:
        before = shape(made[-1])
        target = Target.open(simulator.url, recorder=Recorder(), secrets=secrets_of(CONFIG))
        options = RunRequest(seed=3, max_calls=600, shrink=Budget(attempts=0, seconds=0.0))
        with closing(target):
            result = run_conformance(StartedRun(Site(target, load(MANAGER), CONFIG, options)))
        assert shape(made[-1]) == before
    assert result.findings == []
    assert {row.reason for row in result.rows if row.verdict is Verdict.VIOLATES} == set()
    assert [note for note in result.notes if note.startswith("not restored")] == []
    met = {name for cell in result.cells.seen for name in cell.partition(":")[2].split("+")}
    assert met >= {"engineAbsent", "engineBroken", "orphanedLock", "toolsStopped"}


def test_a_lever_call_whose_reply_was_lost_may_have_done_it() -> None:
    """Both branches are kept, whichever call pulls the lever."""
    vm = VmFacts(Ref("VirtualMachine", "vm-1"), "linux", 1)
    facts = Facts(MANAGER, Ref(MANAGER, "m"), "8.0.3.0", vms={"vm-1": vm}, levers=CONFIG.levers)
    tracker = Tracker(facts, load(MANAGER))
    lever = next(each for each in CONFIG.levers if each.does == "removeEngine")
    call = Call(vm.ref, "ReconfigVM_Task", Arguments({"spec": lever.spec()}), "full")
    tracker.feed(Operation(1, call, 1.0, 2.0, Lost("the connection was reset")))
    assert {state.engine for state in tracker.states("vm-1")} == {"ok", "absent"}
