"""One result of a run for all report tests, with everything in it that is awkward to print."""

from __future__ import annotations

import pytest

from tests.report.awkward_results import filled_everywhere
from vcontract._report.result import Cells, RunResult, TargetFacts
from vcontract._terms import Finding, Grade, RowVerdict, Verdict

MANAGER = "VirtualMachineGuestCustomizationManager"


@pytest.fixture
def result() -> RunResult:
    """Give a result with a row of each verdict, and a finding whose text a terminal and XML must not see raw."""
    finding = Finding(
        id="0123456789ab",
        row=f"{MANAGER}/CustomizeGuest_Task/InvalidPowerState",
        object=MANAGER,
        method="CustomizeGuest_Task",
        grade=Grade.WRONG,
        expected="InvalidPowerState{existingState=poweredOff}",
        observed="TaskInProgress [bold]<&\x1b[31m\x00",
        replay="vcontract replay latest#0123456789ab",
        op=17,
    )
    rows = [
        RowVerdict(finding.row, Verdict.VIOLATES, "1 of 2 cells", {"TaskInProgress": 1, "InvalidPowerState": 1}),
        RowVerdict(f"{MANAGER}/CustomizeGuest_Task/Success", Verdict.CONFORMS, "", {"Returned": 3}),
        RowVerdict(f"{MANAGER}/StartGuestNetwork_Task/privilege", Verdict.UNTESTED, "no second account"),
        RowVerdict("EveryMethod/HostNotConnected", Verdict.INCONCLUSIVE, "the host came back"),
    ]
    return RunResult(
        verdict=Verdict.VIOLATES,
        exit_code=1,
        seed=7,
        calls=5,
        requests=40,
        target=TargetFacts("http://127.0.0.1:8989/sdk", "8.0.3.0", "69507950", "VMware vCenter Server 8.0.3"),
        rows=rows,
        cells=Cells(reachable=12, exercised=5),
        findings=[finding],
        sharpness={"pivot_mean": 2.5},
        replay="vcontract run --seed 7",
        notes=["one note"],
        waived={rows[2].id: "there is but one account"},
        started="2026-11-23T16:24:59Z",
        seconds=1.5,
    )


@pytest.fixture
def filled(result: RunResult) -> RunResult:
    """Give a result with something in every place that is shown."""
    return filled_everywhere(result)
