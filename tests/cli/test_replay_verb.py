"""`vcontract replay`: the line that a report prints meets what was judged, wherever it is pasted, and says what it saw."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from tests.printed_findings import in_a_shell, inventory, script_of, serving
from vcontract._commands.run import execute
from vcontract._config.request import Budget, RunRequest

if TYPE_CHECKING:
    from tests.cli.conftest import Command

ABORT = "AbortCustomization_Task"
QUICK = RunRequest(seed=1, methods=(ABORT,), output="none", shrink=Budget(attempts=2))
CAREFUL = """
confirm = 2
staleness = 0.02
runtime_staleness = 0.0
alone = true
publish = 0.0
task_seconds = 20.0
[[account]]
role = "full"
username = "administrator@vsphere.local"
password = "vcontract"
[[guest]]
username = "root"
may_customize = true
password = "guest"
"""


def test_a_printed_replay_meets_what_was_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Executed verbatim in a shell, in another folder: with the configuration of the run, although that was named from here.

    A finding that had to come twice is sent once, and shows. On a server without the defect it ends with 0. Neither
    leaves anything behind.
    """
    monkeypatch.chdir(tmp_path)
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    with serving("login-not-checked") as defective:
        (tmp_path / "own.toml").write_text(f'target = "{defective.url}"\n{CAREFUL}')
        before = inventory(defective.url)
        ended = execute(replace(QUICK, config=Path("own.toml"), max_calls=16))
        assert ended.exit_code == 1, ended
        found = next(each for each in ended.findings if each.row.endswith("InvalidGuestLogin"))
        assert f"--config {tmp_path / 'own.toml'}" in found.replay
        told = in_a_shell(found.replay, elsewhere)
        assert (told.returncode, told.stdout.splitlines()[-1]) == (1, f"{found.id} shows again"), told
        assert inventory(defective.url) == before
    with serving(port=defective.port) as clean:
        told = in_a_shell(found.replay, elsewhere)
        assert (told.returncode, told.stdout.splitlines()[-1]) == (0, f"{found.id} does not show"), told
        assert inventory(clean.url) == before


def test_what_was_found_before_a_limit_can_be_sent_again(vcontract: Command, tmp_path: Path) -> None:
    """The requests were spent before anything could be made smaller: the finding has its calls, and its script, though."""
    (tmp_path / "own.toml").write_text(CAREFUL.replace("confirm = 2", "confirm = 1") + "[limits]\ntotal_calls = 200\n")
    reports = tmp_path / "reports"
    with serving("login-not-checked") as defective:
        result = execute(replace(QUICK, target=defective.url, config=tmp_path / "own.toml", report_dir=reports))
        assert result.partial
        found = next(each for each in result.findings if each.row.endswith("InvalidGuestLogin"))
        assert found.repeats.startswith("not tried again")
        assert script_of(reports, found).exists()
        again = vcontract(
            "replay", f"{reports / 'latest'}#{found.id}", "--target", defective.url, "--report-dir", tmp_path
        )
        assert (again.code, again.out[-1]) == (1, f"{found.id} shows again"), again


@pytest.mark.parametrize(
    ("defect", "contract", "method"),
    [
        ("running-vm-becomes-a-template", "VirtualMachine", "MarkAsTemplate"),
        ("login-not-checked", "VirtualMachineGuestCustomizationManager", ABORT),
    ],
)
def test_a_refusal_that_was_carried_out_is_replayed_at_its_level(
    tmp_path: Path, defect: str, contract: str, method: str
) -> None:
    """The printed command names the level of risk; the call is sent to the VM as it is found, which is then put back.

    On a server without the defect it does not show. Where no VM looks as then, nothing is sent, and that is no answer.
    """
    asked = RunRequest(seed=5, risk="refusals", contract=contract, methods=(method,), output="none")
    with serving(defect) as defective:
        before = inventory(defective.url)
        result = execute(replace(asked, target=defective.url, report_dir=tmp_path / "reports"))
        (found,) = result.findings
        assert "--risk refusals" in found.replay
        told = in_a_shell(found.replay, tmp_path)
        assert (told.returncode, told.stdout.splitlines()[-1]) == (1, f"{found.id} shows again"), told
        assert "not restored" not in told.stdout
        assert inventory(defective.url) == before
    with serving(port=defective.port) as clean:
        told = in_a_shell(found.replay, tmp_path)
        assert (told.returncode, told.stdout.splitlines()[-1]) == (0, f"{found.id} does not show"), told
        nothing = in_a_shell(found.replay.replace("refusals", "observe"), tmp_path)
        assert (nothing.returncode, nothing.stdout.splitlines()[-1].partition(":")[0]) == (
            5,
            f"{found.id} is inconclusive",
        )
        assert inventory(clean.url) == before
