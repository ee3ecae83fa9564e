"""Which rows will stay untested is known before the first call, and for which reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from vcontract._commands.doctor import diagnose
from vcontract._commands.run import execute
from vcontract._config.request import RunRequest
from vcontract._contract import Contract, load
from vcontract._model import all_cells
from vcontract._run.estimates.forecast import untested
from vcontract._schema import bases_of
from vcontract._schema import load as load_schema
from vcontract._terms import Verdict

MANAGER = "VirtualMachineGuestCustomizationManager"
NAMES = (MANAGER, "VirtualMachine", "GuestAuthManager")
BASES = bases_of(load_schema("8.0.3.0"))
POOR = """
staleness = 0.02
publish = 0.0
confirm = 1
task_seconds = 2.0

[[account]]
role = "full"
username = "administrator@vsphere.local"
password = "vcontract"

[[guest]]
username = "root"
password = "guest"
may_customize = true
"""


def away(contract: Contract, *deviations: str) -> dict[str, str]:
    """Put every cell with one of these deviations out of reach, for a reason that names it."""
    return {each.id: f"no {name}" for each in all_cells(contract) for name in deviations if name in each.deviations}


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_left_where_everything_is_in_reach(name: str) -> None:
    """And everything that a call could show is left where nothing is."""
    contract = load(name)
    assert untested(contract, BASES, {}) == {}
    nothing = untested(contract, BASES, {each.id: "no target" for each in all_cells(contract)})
    assert set(nothing.values()) == {"no target"}
    assert {f"{name}/{each.name}/Success" for each in contract.methods} <= nothing.keys()


def test_each_row_has_its_own_reason() -> None:
    """Of several things that are missing, the one without which it could be judged; the plainest if more than one would do."""
    told = untested(load(MANAGER), BASES, away(load(MANAGER), "unusable", "noPrivilege", "loginMayNot"))
    privileges = {row for row, why in told.items() if why == "no noPrivilege"}
    assert privileges == {f"{MANAGER}/{each.name}/privilege" for each in load(MANAGER).methods}
    refused = {row for row, why in told.items() if why == "no loginMayNot"}
    assert refused == {f"{MANAGER}/{each.name}/GuestPermissionDenied" for each in load(MANAGER).methods}
    assert set(told.values()) == {"no noPrivilege", "no loginMayNot"}


@pytest.mark.long
def test_the_run_leaves_what_was_foreseen(tmp_path: Path) -> None:
    """With one account, one guest account and no lever: the rows that a run leaves untested are those that doctor named."""
    (tmp_path / "c.toml").write_text(POOR, "utf-8")
    request = RunRequest(seed=1, config=tmp_path / "c.toml", report_dir=tmp_path / "reports", output="none")
    told = " ".join(each.seen for each in diagnose(request, lambda _: None).checks if each.name == "rows")
    left = [each.id for each in execute(request).rows if each.verdict is Verdict.UNTESTED]
    assert len(left) > 5
    assert [each for each in left if each not in told] == []
    assert told.count("/privilege") + told.count("/GuestPermissionDenied") + 2 == len(left)
