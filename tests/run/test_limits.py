"""Runs within limits: they end cleanly, put back what they disturbed, and judge what they had begun."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from vcontract._client import Secrets, Target
from vcontract._client.properties import list_vms
from vcontract._client.tasks import FINAL
from vcontract._commands.run import execute
from vcontract._config.request import RunRequest
from vcontract._errors import UsageError
from vcontract._model import read_of
from vcontract._report.result import RunResult
from vcontract._simulator import SimulatorServer
from vcontract._terms import Operation, Ref, Returned, Verdict, as_ref

MANAGER = "VirtualMachineGuestCustomizationManager"
CONFIG = """
staleness = 0.02
publish = 0.0
confirm = 1

[[account]]
role = "full"
username = "administrator@vsphere.local"
password = "vcontract"

[[guest]]
username = "root"
password = "guest"
may_customize = true

[limits]
"""


def request(server: SimulatorServer, folder: Path, limits: str) -> RunRequest:
    """Make a request with limits."""
    file = folder / "vcontract.toml"
    file.write_text(CONFIG + limits, "utf-8")
    return RunRequest(seed=3, target=server.url, config=file, report_dir=folder / "reports", output="none")


def test_a_run_ends_when_its_requests_are_spent(simulator: SimulatorServer, tmp_path: Path) -> None:
    """In the middle of its plan, with a report that says so; its VMs are on again as before."""
    result = execute(request(simulator, tmp_path, "total_calls = 400"))
    assert result.exit_code == 5
    assert any("limit of 400 requests was reached (limits.total_calls)" in each for each in result.notes)
    assert result.calls > 0
    assert 380 < result.requests < 600
    assert [each for each in result.notes if each.startswith("not restored")] == []
    target = Target.open(simulator.url, secrets=Secrets({"x": "vcontract"}))
    target.login("full", "administrator@vsphere.local", "x")
    vms = list_vms(target, "full", ["name", "runtime.powerState"])
    target.close()
    off = [each["name"] for each in vms.values() if each["runtime.powerState"] != "poweredOn"]
    assert off == ["linux-template"]


@pytest.mark.parametrize("calls", range(29, 37))
def test_a_run_that_ends_within_a_step_sees_its_tasks_to_their_ends(
    calls: int, simulator: SimulatorServer, ran: Callable[..., tuple[RunResult, list[Operation]]]
) -> None:
    """What the step had begun is judged like all else: no row is left open by where the limit fell."""
    result, operations = ran(simulator.url, "StartGuestNetwork_Task", calls=calls)
    judged = [each for each in operations if each.purpose == "judge"]
    tasks = {task: each.cell for each in judged if (task := _task(each)) is not None}
    ended = {
        (read[0], each.cell)
        for each in operations
        if (read := read_of(each)) and read[1] and (read[1].get("info") or {}).get("state") in FINAL
    }
    assert tasks
    assert tasks.items() <= ended
    assert [each.reason for each in result.rows if each.verdict is Verdict.INCONCLUSIVE] == []


def _task(done: Operation) -> Ref | None:
    return as_ref(done.outcome.value) if isinstance(done.outcome, Returned) else None


def test_too_few_requests_to_begin_with(simulator: SimulatorServer, tmp_path: Path) -> None:
    """The user's mistake, in one line; no report is left behind."""
    with pytest.raises(UsageError, match=r"limit of 5 requests was reached \(limits.total_calls\)"):
        execute(request(simulator, tmp_path, "total_calls = 5"))
    assert not (tmp_path / "reports").exists()
