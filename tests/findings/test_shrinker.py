"""A finding is cut to the shortest sequence of calls that shows it, and replays as that."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.windows import fitted
from vcontract._commands.run import execute
from vcontract._config.request import Budget, RunRequest
from vcontract._findings.lookup import find
from vcontract._findings.smaller import plainer
from vcontract._report.result import load_run
from vcontract._run.preparation import Preparation
from vcontract._simulator import SimulatorServer

MANAGER = "VirtualMachineGuestCustomizationManager"
CUSTOMIZE, NETWORK, ABORT = "CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task"


def _run(defect: str, method: str, folder: Path, attempts: int = 120) -> tuple[SimulatorServer, Path]:
    server = SimulatorServer(fitted(defects=frozenset({defect}), task_time=0.01, boot_time=0.02))
    server.start()
    options = RunRequest(seed=1, methods=(method,), stop_at_first=True, shrink=Budget(attempts=attempts, seconds=900))
    execute(replace(options, target=server.url, report_dir=folder))
    return server, folder / "latest"


@pytest.mark.parametrize(
    ("defect", "method", "shortest"),
    [
        ("powered-off-says-invalid-login", NETWORK, 2),
        ("second-abort-fails", ABORT, 2),
        ("login-is-remembered", NETWORK, 2),
        ("same-specification-twice-fails", CUSTOMIZE, 2),
        ("address-not-applied", CUSTOMIZE, 2),
        ("host-name-not-applied", CUSTOMIZE, 3),
        ("power-state-is-stale-after-resume", NETWORK, 3),
    ],
)
def test_a_finding_is_shrunk_and_replays(defect: str, method: str, shortest: int, tmp_path: Path) -> None:
    """The program has no more than one call beyond the shortest demonstration, and shows the same finding again."""
    server, saved = _run(defect, method, tmp_path / "runs")
    try:
        finding = load_run(saved).findings[0]
        again = RunRequest(methods=(finding.method,), target=server.url, report_dir=tmp_path / "again")
        preparation = Preparation(finding=find(f"{saved}#{finding.id}"))
        shown = {each.id for each in execute(again, preparation).findings}
    finally:
        server.stop()

    assert len(finding.program) in {shortest, shortest + 1}, [each.call.method for each in finding.program]
    assert finding.repeats == "3 of 3"
    assert finding.id in shown
    assert (saved / "reproductions" / f"{finding.id}.py").is_file()


def test_a_finding_does_not_replay_on_a_faithful_server(tmp_path: Path) -> None:
    """What a defect showed is not shown by a server without it."""
    server, saved = _run("powered-off-says-invalid-login", NETWORK, tmp_path / "runs")
    server.stop()
    finding = load_run(saved).findings[0]
    with SimulatorServer(fitted()) as faithful:
        again = RunRequest(methods=(finding.method,), target=faithful.url, report_dir=tmp_path / "again")
        preparation = Preparation(finding=find(f"{saved}#{finding.id}"))
        shown = {each.id for each in execute(again, preparation).findings}

    assert finding.id not in shown


def test_arguments_become_plainer_but_keep_their_adapters() -> None:
    """The plainest specification comes first, without configParams, and with as many adapters."""
    adapters = [{"_typeName": "CustomizationAdapterMapping", "macAddress": "00:50:56:00:00:01"}] * 2
    values = {"vm": 1, "configParams": [2], "spec": {"_typeName": "CustomizationSpec", "nicSettingMap": adapters}}

    first = next(iter(plainer(values)))

    assert "configParams" not in first
    assert len(first["spec"]["nicSettingMap"]) == 2
    assert list(plainer({"vm": 1})) == []


def test_a_session_that_is_gone_is_ended_in_the_program_too(tmp_path: Path) -> None:
    """On a server that never saw it come it would be none; that it was ended is part of the id."""
    server, saved = _run("ended-session-goes-on", NETWORK, tmp_path / "runs")
    server.stop()
    finding = next(each for each in load_run(saved).findings if each.cause == ("noSession",))
    assert [step.call.method for step in finding.program] == ["Login", "Logout", NETWORK]
    assert finding.after == ("Logout",)
    with SimulatorServer(fitted(defects=frozenset({"ended-session-goes-on"}))) as other:
        again = RunRequest(methods=(finding.method,), target=other.url, report_dir=tmp_path / "again")
        shown = {each.id for each in execute(again, Preparation(finding=find(f"{saved}#{finding.id}"))).findings}
    assert finding.id in shown


def test_a_replay_waits_for_a_guest_that_takes_longer_than_it_did(tmp_path: Path) -> None:
    """How long its Tools took to come up is the server's affair, and of another day."""
    defect = "power-state-is-stale-after-resume"
    server, saved = _run(defect, NETWORK, tmp_path / "runs")
    server.stop()
    finding = load_run(saved).findings[0]
    with SimulatorServer(fitted(defects=frozenset({defect}), boot_time=2.0)) as slower:
        again = RunRequest(methods=(NETWORK,), target=slower.url, report_dir=tmp_path / "again")
        shown = {each.id for each in execute(again, Preparation(finding=find(f"{saved}#{finding.id}"))).findings}
    assert finding.id in shown


@pytest.mark.parametrize(("attempts", "told"), [(2, "2 of 2"), (6, "3 of 3")])
def test_what_is_told_of_a_program_was_tried(attempts: int, told: str, tmp_path: Path) -> None:
    """Some attempts are kept for it; what was not tried does not count as not seen."""
    server, saved = _run("powered-off-says-invalid-login", NETWORK, tmp_path / "runs", attempts)
    server.stop()
    assert load_run(saved).findings[0].repeats == told
