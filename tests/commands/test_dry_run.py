"""`vcontract run --dry-run`: what it says is what a run then does, and it sends reads alone."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from msgspec.structs import replace

from vcontract._client import Target
from vcontract._client.guard import HARMLESS
from vcontract._client.properties import list_vms
from vcontract._commands.dry_run import Rehearsal, rehearse, told
from vcontract._commands.run import execute
from vcontract._config.config import LOOPBACK
from vcontract._config.request import RunRequest
from vcontract._contract import load
from vcontract._errors import UsageError
from vcontract._history import History, read_history
from vcontract._model.moves import DISTURBANCES
from vcontract._report.result import RunResult
from vcontract._run.exerciser import disturbances
from vcontract._run.former_runs import resumed
from vcontract._run.interrupted_run import facts_in
from vcontract._simulator import SimulatorServer
from vcontract._terms import Json, subject
from vcontract._testbed.survey import secrets_of

MANAGER = "VirtualMachineGuestCustomizationManager"


@pytest.mark.long
@pytest.mark.parametrize("methods", [("AbortCustomization_Task",), ()])
def test_it_says_what_a_whole_run_does(methods: tuple[str, ...], simulator: SimulatorServer, tmp_path: Path) -> None:
    """The hosts and the clones too, and about as many requests."""
    said, result, _ = both(RunRequest(seed=5, methods=methods), simulator, tmp_path)
    assert said.hosts == ["esx-2"]
    assert said.clones == result.clones.made
    assert said.estimate is not None
    middle = (said.estimate.requests.least + said.estimate.requests.most) / 2
    assert 0.5 * result.requests <= middle <= 2 * result.requests


def test_it_says_what_a_run_does(simulator: SimulatorServer, tmp_path: Path) -> None:
    """Every call under test is among those that were told, with its VM or as what arranges; there are as many."""
    said, _, operations = both(RunRequest(seed=5, max_calls=60), simulator, tmp_path)
    names = {vm.ref.value: name for vm in facts_in(operations, tmp_path).vms.values() for name in [vm.name]}
    made: dict[str, Counter[str]] = {}
    for each in operations.operations:
        if each.purpose == "judge" and subject(each.call) in names:
            made.setdefault(names[subject(each.call)], Counter())[each.call.method] += 1
    assert sum(map(sum, (each.values() for each in said.judged.values()))) == 60
    assert made
    for vm, methods in made.items():
        assert methods.keys() <= said.judged[vm].keys() | said.arranging.keys(), vm


def both(options: RunRequest, simulator: SimulatorServer, place: Path) -> tuple[Rehearsal, RunResult, History]:
    """Say what a run does, then do it."""
    request = replace(options, target=simulator.url, report_dir=place / "reports", output="none")
    said = rehearse(request)
    assert not (place / "reports").exists()
    result = execute(request)
    return said, result, read_history(place / "reports" / "latest" / "history.jsonl")


@pytest.mark.parametrize("given", [{}, {"explore": 2}, {"complete": 0}, {"explore": 2, "explore_only": True}])
def test_it_changes_nothing(given: dict[str, int], simulator: SimulatorServer, tmp_path: Path) -> None:
    """No task is new on the server, whatever the run would do."""
    target = Target.open(simulator.url, secrets=secrets_of(LOOPBACK))
    target.login("full", LOOPBACK.account[0].username, "account.full")
    before = tasks(target)
    text = told(
        replace(replace(RunRequest(seed=5), **given), target=simulator.url, report_dir=tmp_path / "r", output="text")
    )
    assert text.splitlines()[-1] == "nothing was changed"
    assert tasks(target) == before
    assert not (tmp_path / "r").exists()
    target.close()


def tasks(target: Target) -> dict[str, Json]:
    """List the latest tasks of every VM."""
    return {
        str(each["name"]): each.get("recentTask") for each in list_vms(target, "full", ["name", "recentTask"]).values()
    }


def test_it_is_about_a_whole_run(simulator: SimulatorServer, tmp_path: Path) -> None:
    """One that goes on has another plan."""
    request = RunRequest(seed=5, max_calls=3, target=simulator.url, report_dir=tmp_path, output="none")
    execute(request)
    with pytest.raises(UsageError, match="leave --resume out"):
        rehearse(*resumed(tmp_path / "latest", request))


def test_reads_are_what_the_guard_calls_harmless() -> None:
    """So that what is counted as disturbing is everything else."""
    assert all(not each.endswith("_Task") for each in HARMLESS)


def test_every_disturbance_is_counted(simulator: SimulatorServer, tmp_path: Path) -> None:
    """Of each that the plan makes while a task runs the call is told; a session that is to end is opened first."""
    method = "CustomizeGuest_Task"
    options = RunRequest(seed=5, methods=(method,))
    said = rehearse(replace(options, target=simulator.url, report_dir=tmp_path / "r", output="none"))
    planned = [DISTURBANCES[name] for name in disturbances(load(MANAGER), method)]
    assert {"midLogout", "midGone", "midCancel"} <= {move.disturbance for move in planned}
    assert {move.method for move in planned} <= said.arranging.keys()
    assert (said.arranging["Login"], said.arranging["Logout"]) == (2, 2)  # and once as a past
