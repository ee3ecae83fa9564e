"""From nothing to a verdict on somebody else's server: no file is edited, no lever given, and no guest tells of Tools."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.vcsim.conftest import LISTED
from vcontract._commands.adopt import adopt
from vcontract._commands.doctor import diagnose
from vcontract._commands.run import execute
from vcontract._config.request import Budget, RunRequest
from vcontract._report.result import load_run
from vcontract._run.preparation import Preparation
from vcontract._terms import Verdict

MACHINE = "VirtualMachine"
README = (Path(__file__).parent / "README.md").read_text("utf-8")
COMMANDS = re.findall(r"^    vcontract (.+)$", README.partition("## From nothing to a verdict")[2], re.MULTILINE)
"""The commands of the page, each without the word `vcontract`."""


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


def test_four_commands_of_the_page_lead_to_a_verdict(
    newest_vcsim: Callable[..., tuple[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are executed as they stand there, but for the port and a seed; each finding is in the list, the server may end."""
    assert [each.partition(" ")[0] for each in COMMANDS] == ["doctor", "adopt", "run", "run"]
    url, _ = newest_vcsim("-vm", "6")
    monkeypatch.setenv("VCONTRACT_PASSWORD", "not-checked-by-vcsim")
    codes = []
    for command in COMMANDS:
        words = shlex.split(command.replace("http://127.0.0.1:8989/sdk", url))
        seeded = [*words, "--seed", "1"] if "--budget" in words else words
        ended = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "vcontract", *seeded], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        codes.append(ended.returncode)
        assert "Traceback" not in ended.stderr, ended.stderr
    assert codes[:3] == [5, 0, 0]
    assert codes[3] in {1, 3}
    result = load_run(tmp_path / "reports" / "latest")
    assert result.verdict is Verdict.VIOLATES
    assert {finding.former for finding in result.findings} <= LISTED.keys()
