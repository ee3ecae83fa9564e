"""A target that has not the object whose contract is to be judged: every row says so."""

from __future__ import annotations

from pathlib import Path

from vcontract._commands.run import execute
from vcontract._config.request import RunRequest
from vcontract._run.preparation import Preparation
from vcontract._run.rejudge import rejudge
from vcontract._terms import Verdict

MANAGER = "VirtualMachineGuestCustomizationManager"
ABSENT = "the target's ServiceContent offers no guestCustomizationManager"


def test_rows_are_untested_and_the_run_can_be_judged_again(tmp_path: Path) -> None:
    """Below the release that brought the object nothing is wrong, nothing is tested, and the exit code is 5."""
    result = execute(RunRequest(seed=1, api="6.7.3", report_dir=tmp_path, output="none"))
    assert {each.verdict for each in result.rows} == {Verdict.UNTESTED}
    assert {each.reason for each in result.rows} == {ABSENT}
    assert (result.exit_code, result.calls) == (5, 0)
    again = rejudge(tmp_path / "latest")
    assert (again.rows, again.exit_code) == (result.rows, 5)


def test_a_vcenter_of_that_release_must_have_it(tmp_path: Path) -> None:
    """The page says that it is a property of ServiceContent: a vCenter from 6.8.7 on without it breaks `since`."""
    without = frozenset({"manager-not-in-service-content"})
    result = execute(RunRequest(seed=1, report_dir=tmp_path, output="none"), Preparation(defects=without))
    rows = {each.id: each for each in result.rows}
    assert rows[f"{MANAGER}/since"].verdict is Verdict.VIOLATES
    assert "a client from 6.8.7 on does not see" in rows[f"{MANAGER}/since"].reason
    assert rows[f"{MANAGER}/CustomizeGuest_Task/Success"].reason == ABSENT
    assert result.exit_code == 1
