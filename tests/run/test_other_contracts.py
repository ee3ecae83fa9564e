"""The other contracts through the same engine, against the simulator that a run starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from vcontract._commands.run import execute
from vcontract._config.request import RunRequest
from vcontract._contract import load
from vcontract._errors import ContractError
from vcontract._report.result import RunResult
from vcontract._run.rejudge import rejudge
from vcontract._terms import Verdict

ENOUGH = 560
"""Judged calls of VirtualMachine in which every row is judged; what comes after are more pairs and inputs of the same."""


def run(name: str, folder: Path, calls: int = 0) -> RunResult:
    """Run a contract against the simulator."""
    return execute(RunRequest(seed=1, max_calls=calls, contract=name, report_dir=folder, output="json"))


def the_rest(result: RunResult) -> dict[str, str]:
    """Name the rows that neither conform nor are waived."""
    return {
        each.id: f"{each.verdict}: {each.reason}"
        for each in result.rows
        if each.verdict is not Verdict.CONFORMS and each.id not in result.waived
    }


@pytest.mark.parametrize(("name", "calls"), [("VirtualMachine", ENOUGH), ("GuestAuthManager", 0)])
def test_every_row_conforms(name: str, calls: int, tmp_path: Path) -> None:
    """Exit 0 and no finding; what cannot be brought about is waived with a reason; judged again it is the same."""
    result = run(name, tmp_path, calls)
    assert the_rest(result) == {}
    assert (result.exit_code, result.findings) == (0, [])
    methods = {each.name for each in load(name).methods}
    assert {each.id.split("/")[1] for each in result.rows if each.id.startswith(name)} >= methods
    waived = {id_.rpartition("/")[2] for id_ in result.waived}
    assert waived <= {"InsufficientResourcesFault", "VmConfigFault", "FileFault", "InvalidDatastore"}
    again = rejudge(tmp_path / "latest")
    assert [(each.id, each.verdict) for each in again.rows] == [(each.id, each.verdict) for each in result.rows]


def test_an_unknown_contract_is_told_with_those_that_exist(tmp_path: Path) -> None:
    """One line that names them all."""
    with pytest.raises(ContractError, match="there are: GuestAuthManager, VirtualMachine, VirtualMachineGuest"):
        run("Nothing", tmp_path)
