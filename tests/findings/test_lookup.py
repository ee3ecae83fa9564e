"""Finding the finding that a replay is about."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from vcontract._errors import RunFileError, UsageError
from vcontract._findings.lookup import find
from vcontract._report.result import RunResult, TargetFacts
from vcontract._report.run_directory import write_run
from vcontract._terms import Arguments, Call, Finding, Grade, Ref, ReplayStep, Verdict

MANAGER = Ref("VirtualMachineGuestCustomizationManager", "gcm")
CALL = Call(MANAGER, "AbortCustomization_Task", Arguments({}), "full")
FINDING = Finding(
    id="0123456789ab",
    row="row",
    object=MANAGER.type,
    method=CALL.method,
    grade=Grade.WRONG,
    expected="OK",
    observed="InvalidState",
    replay="vcontract replay RUN#0123456789ab",
    program=(ReplayStep(CALL),),
)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Save a run with two findings, one without its calls."""
    findings = [FINDING, replace(FINDING, id="ba9876543210", program=())]
    write_run(tmp_path, RunResult(Verdict.VIOLATES, 1, 1, 1, 1, TargetFacts("http://x/sdk"), findings=findings), [])
    return tmp_path


def test_a_finding_is_found_with_its_calls(saved: Path) -> None:
    """By the directory of the run and its id."""
    found = find(f"{saved}#0123456789ab")
    assert found == FINDING
    assert found.program[0].call == CALL


@pytest.mark.parametrize(
    ("id_", "told"),
    [("000000000000", "has no finding 000000000000"), ("ba9876543210", "has no recorded calls to replay")],
)
def test_what_cannot_be_replayed_says_so(id_: str, told: str, saved: Path) -> None:
    """An id that is not there, a finding without its calls."""
    with pytest.raises(UsageError, match=told):
        find(f"{saved}#{id_}")


def test_a_name_without_an_id(saved: Path) -> None:
    """The error shows the form."""
    with pytest.raises(UsageError, match="a finding is named RUN#id"):
        find(str(saved))


def test_a_run_that_is_not_there(tmp_path: Path) -> None:
    """The error names the file."""
    with pytest.raises(RunFileError, match=r"run\.json: no saved run"):
        find(f"{tmp_path}#0123456789ab")
