"""What a run prints of a finding meets it: the replay line and the script end with 1 where it is, with 0 where it is not."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from tests.printed_findings import (
    DRAWN,
    SAMPLE,
    in_a_shell,
    inventory,
    is_for_one_client,
    judged_by_script,
    script_of,
    serving,
)
from tests.windows import stretch
from vcontract._commands.run import execute
from vcontract._config.request import MANAGER, Budget, RunRequest
from vcontract._contract import names
from vcontract._simulator.defects import DEFECTS

if TYPE_CHECKING:
    from tests.cli.conftest import Command
    from vcontract._report.result import RunResult
    from vcontract._terms import Finding

DEEP = 3
"""Defects that so many calls in a row show are looked for by exploration."""
EXPLORED = {"two-bad-logins-lock-the-good-one-out": 9, "abort-after-a-resume-keeps-the-lock": 1}
"""The seeds at which exploration finds those of them soon."""
CROWD = "--clients 8 --vms 3"
SECONDS = (4, 12, 30)


def found_on(url: str, name: str, reports: Path) -> RunResult:
    """Run until the first violation, or explore; what it found is made a little smaller."""
    told = str(getattr(DEFECTS.known[name], "row", "")).partition("/")[0]
    asked = RunRequest(
        target=url, seed=EXPLORED.get(name, 1), contract=told if told in names() else MANAGER, output="none",
        report_dir=reports, shrink=Budget(attempts=12, seconds=120.0), stop_at_first=True,
    )  # fmt: skip
    if getattr(DEFECTS.known[name], "steps", 0) >= DEEP:
        return execute(replace(asked, explore=3, explore_only=True))
    return execute(replace(asked, max_calls=600))


def first(result: RunResult) -> Finding:
    """Give the finding that came first."""
    return min(result.findings, key=lambda each: each.op)


@pytest.mark.parametrize("name", SAMPLE)
def test_a_printed_finding_is_met(name: str, vcontract: Command, tmp_path: Path) -> None:
    """The words of the replay line, and the script, with the defect and without; the servers stay as they were."""
    with serving(name) as defective:
        before = inventory(defective.url)
        found = first(found_on(defective.url, name, tmp_path))
        words = (*shlex.split(found.replay)[1:], "--report-dir", tmp_path / "again")
        codes = [vcontract(*words).code, judged_by_script(script_of(tmp_path, found), defective.url)]
        assert inventory(defective.url) == before
    with serving(port=defective.port) as clean:
        codes += [vcontract(*words).code, judged_by_script(script_of(tmp_path, found), clean.url)]
        assert inventory(clean.url) == before
    assert codes == [1, 1, 0, 0]


@pytest.mark.long
@pytest.mark.parametrize("name", DRAWN)
def test_what_is_printed_of_twenty_defects_is_met(name: str, tmp_path: Path) -> None:
    """The replay line verbatim in a shell, and the script, for each of twenty that were drawn and that one client sees."""
    if not is_for_one_client(name):
        pytest.skip("only several clients at once show it: the test of what a load prints has it")
    with serving(name) as defective:
        before = inventory(defective.url)
        result = found_on(defective.url, name, tmp_path)
        found = first(result)
        told = in_a_shell(found.replay, tmp_path)
        assert told.returncode == 1, told
        assert inventory(defective.url) == before
    with serving(port=defective.port) as clean:
        told = in_a_shell(found.replay, tmp_path)
        assert told.returncode == 0, told
        assert inventory(clean.url) == before
    script = script_of(tmp_path, found)
    with serving(name, skips=False) as defective:
        assert judged_by_script(script, defective.url) == 1
        assert inventory(defective.url) == before
    with serving(skips=False) as clean:
        assert judged_by_script(script, clean.url) == 0
        assert inventory(clean.url) == before


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in DRAWN if not is_for_one_client(name)])
def test_what_a_load_prints_of_the_others_is_met(name: str, tmp_path: Path) -> None:
    """The command that repeats the load, verbatim in a shell; a load is no list of calls, so it has no script."""
    with serving(name, skips=False) as defective:
        before = inventory(defective.url)
        replay = ""
        for seconds in SECONDS:
            limit = f"--time-limit {seconds * stretch():.0f} --seed 1 --report-dir {tmp_path / 'reports'}"
            in_a_shell(f"vcontract stress --target {defective.url} {CROWD} {limit}", tmp_path)
            result = json.loads((tmp_path / "reports" / "latest" / "run.json").read_text())
            if result["findings"]:
                replay = result["findings"][0]["replay"]
                break
        assert replay, "nothing was found"
        told = in_a_shell(replay, tmp_path)
        assert told.returncode == 1, told
        assert inventory(defective.url) == before
    with serving(port=defective.port, skips=False) as clean:
        told = in_a_shell(replay, tmp_path)
        assert told.returncode == 0, told
        assert inventory(clean.url) == before
