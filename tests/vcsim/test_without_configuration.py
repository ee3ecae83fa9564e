"""From nothing to a verdict on somebody else's server: no file is edited, no lever given, and no guest tells of Tools."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.vcsim.conftest import LISTED
from vcontract.commands.adopt import adopt
from vcontract.commands.doctor import diagnose
from vcontract.commands.run import execute
from vcontract.config.request import Budget, RunRequest
from vcontract.run.preparation import Preparation
from vcontract.terms import Verdict

MACHINE = "VirtualMachine"


def test_what_a_doctor_begins_is_enough_for_a_verdict(
    newest_vcsim: Callable[..., tuple[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The times in it are guesses, and say so; two methods are judged on VMs that are on without Tools; what is found is so."""
    url, _ = newest_vcsim("-vm", "2")
    monkeypatch.setenv("VCONTRACT_PASSWORD", "not-checked-by-vcsim")
    config, given = tmp_path / "begun.toml", Preparation(password="any")
    asked = RunRequest(target=url, contract=MACHINE, username="administrator@vsphere.local")
    diagnose(asked, lambda _: None, config, given)
    text = config.read_text("utf-8")
    assert {"lever", "waive", "guest", "vm", "hosts"} & tomllib.loads(text).keys() == set()
    assert all("guessed: it is on this machine" in line for line in text.splitlines() if line.startswith("staleness"))
    adopt(RunRequest(contract=MACHINE, config=config), Preparation(), "DC0_*", lambda *_: True, release=False)
    methods = ("SuspendVM_Task", "ResetVM_Task")
    run = RunRequest(
        contract=MACHINE, config=config, methods=methods, seed=1, max_calls=40, report_dir=tmp_path, output="none",
        shrink=Budget(attempts=0),
    )  # fmt: skip
    result = execute(run)
    assert result.cells.reachable > 60
    assert result.calls > 20
    assert {row.verdict for row in result.rows} > {Verdict.UNTESTED}
    assert {finding.former for finding in result.findings} <= LISTED.keys()
