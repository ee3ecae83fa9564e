"""The rows as pytest tests, in processes as a shell starts them: one alone, and two workers of pytest-xdist."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.processes import Command
from tests.windows import fitted
from vcontract import __version__
from vcontract._contract import load, rows
from vcontract._history import read_history
from vcontract._model import subject
from vcontract._report.result import load_run
from vcontract._simulator import SimulatorServer
from vcontract._terms import Verdict
from vcontract._workers.shares import NUMBERS

MANAGER = "VirtualMachineGuestCustomizationManager"
ABORT = "AbortCustomization_Task"
NETWORK = "StartGuestNetwork_Task"
CONFIG = """
owner = "vcontract"
staleness = 0.02
publish = 0
task_seconds = 20
confirm = 1
[[account]]
role = "full"
username = "administrator@vsphere.local"
password = "vcontract"
[[guest]]
username = "root"
may_customize = true
password = "guest"
[[waive]]
row = "*/GuestPermissionDenied"
reason = "every guest user may customize"
"""


def names(output: str) -> list[str]:
    """Give the rows in the node ids that pytest lists."""
    return [each.partition("test_row[")[2].removesuffix("]") for each in output.splitlines() if "::test_row[" in each]


def test_each_row_is_a_test(rows_as_tests: Command) -> None:
    """All of them are collected without a word to any server, and can be chosen by name, method and object."""
    every = [each.id for each in rows(load(MANAGER), {})]
    assert names(rows_as_tests("--collect-only", "-q").stdout) == every
    chosen = names(rows_as_tests("--collect-only", "-q", "-m", ABORT, "-k", "Fault").stdout)
    assert chosen == [f"{MANAGER}/{ABORT}/{each}" for each in ("CustomizationFault", "RuntimeFault")]
    assert names(rows_as_tests("--collect-only", "-q", "-m", "EveryMethod").stdout) == every[-5:]


def test_one_process_walks_and_tells_the_rows(
    rows_as_tests: Command, simulator: SimulatorServer, tmp_path: Path
) -> None:
    """What was not tested fails with its reason, what is waived is skipped with its own; the report is that of a run."""
    (tmp_path / "v.toml").write_text(CONFIG)
    ended = rows_as_tests(
        f"--vcontract-target={simulator.url}",
        "--vcontract-config=v.toml",
        "-k",
        ABORT,
        "-rs",
        "--vcontract-max-calls=40",
    )
    assert ended.returncode == 1, ended.stderr
    assert "untested: no cell of V1 was exercised" in ended.stdout
    assert "may appear was exercised (waived: every guest user may customize)" in " ".join(ended.stdout.split())
    saved = load_run(tmp_path / "reports" / "latest")
    assert {each.id.split("/")[1] for each in saved.rows} == {ABORT}
    passed = [each for each in saved.rows if each.verdict is Verdict.CONFORMS]
    failed = [each for each in saved.rows if each.verdict is not Verdict.CONFORMS and each.id not in saved.waived]
    assert f"{len(failed)} failed, {len(passed) + 1} passed, 1 skipped, 32 deselected" in ended.stdout
    touched = {
        subject(each.call) for each in read_history(tmp_path / "reports" / "latest" / "history-1.jsonl").operations
    }
    assert any(each.startswith("vm-") for each in touched)


def test_two_workers_own_disjoint_vms_and_make_one_report(
    rows_as_tests: Command, vcontract: Command, simulator: SimulatorServer, tmp_path: Path
) -> None:
    """Each VM was spoken to by one worker alone, a number leads to its history, and `judge` says the same again."""
    ended = rows_as_tests(
        f"--vcontract-target={simulator.url}", "-n2", f"--vcontract-method={ABORT}", "--vcontract-max-calls=120"
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "14 passed" in ended.stdout
    run = tmp_path / "reports" / "latest"
    counts = f"120 calls judged, {load_run(run).requests} requests, 0 findings; vcontract {__version__}"
    assert f"conforms ({counts}); report: reports" in ended.stdout
    one, other = (read_history(run / f"history-{number}.jsonl").operations for number in (1, 2))
    assert {each.op // NUMBERS for each in one} == {1}
    assert {each.op // NUMBERS for each in other} == {2}
    spoken = [{subject(each.call) for each in part} - {"", "vm-0"} for part in (one, other)]
    assert all(any(each.startswith("vm-") for each in part) for part in spoken)
    assert not {each for each in spoken[0] & spoken[1] if each.startswith("vm-")}
    cases = ET.parse(run / "junit.xml").getroot().iter("testcase")  # noqa: S314 - ours
    assert [each.get("name") for each in cases] == [
        each.id.rpartition("/")[2] for each in rows(load(MANAGER), {}) if each.method == ABORT
    ]
    assert vcontract("judge", "reports/latest").returncode == 0


def test_a_row_that_known_deviations_break_is_an_expected_failure(
    rows_as_tests: Command, vcontract: Command, tmp_path: Path
) -> None:
    """By the file that is named, and by the one beside the configuration."""
    settings = fitted(task_time=0.02, boot_time=0.06, defects=frozenset({"missing-tools-not-checked"}))
    (tmp_path / "v.toml").write_text(CONFIG)
    with SimulatorServer(settings) as server:
        options = ("--config=v.toml", "--deviations=known.toml", "--accept", "--reason=we wait for a patch")
        vcontract("run", "--target", server.url, "--seed=1", f"--method={NETWORK}", "--max-calls=45", *options)
        asked = (f"--vcontract-target={server.url}", "--vcontract-config=v.toml", "--vcontract-max-calls=45")
        chosen = (*asked, "-k", f"{NETWORK} and InvalidState", "-rx")
        before = rows_as_tests(*chosen)
        named = rows_as_tests(*chosen, "--vcontract-deviations=known.toml")
        (tmp_path / "known.toml").rename(tmp_path / "deviations.toml")
        beside = rows_as_tests(*chosen)
    assert "1 failed" in before.stdout, before.stdout + before.stderr
    for ended in (named, beside):
        assert "1 xfailed" in ended.stdout, ended.stdout + ended.stderr
        assert "known deviation: we wait for a patch" in ended.stdout
        assert ended.returncode == 0


def test_a_target_that_cannot_be_reached_is_said_in_one_line(rows_as_tests: Command) -> None:
    """It is a usage error, and no worker is started."""
    ended = rows_as_tests("--vcontract-target=http://127.0.0.1:9/sdk", "-n2")
    assert ended.returncode == pytest.ExitCode.USAGE_ERROR
    (line,) = [each for each in ended.stderr.splitlines() if each]
    assert line.startswith("ERROR: vcontract: http://127.0.0.1:9/sdk cannot be reached")


def test_other_sessions_are_left_alone(tmp_path: Path, environment: dict[str, str]) -> None:
    """Where this package is not asked for, the plugin imports its options alone, and `pytest FOLDER` does not walk."""
    (tmp_path / "test_other.py").write_text(
        "import sys\n\n\ndef test_light():\n"
        "    own = {each for each in sys.modules if each.split('.')[0] in ('harness', 'vcontract')}\n"
        "    options = {'vcontract._config', 'vcontract._config.request'}\n"
        "    assert own == {'vcontract', 'vcontract.pytest_plugin', *options}\n"
        "    assert not {'zeep', 'pyVmomi', 'typer', 'httptools'} & set(sys.modules)\n"
    )
    home = Path(__file__).parents[2] / "harness" / "vcontract" / "conformance"
    (tmp_path / "conformance").symlink_to(home, target_is_directory=True)
    command = (sys.executable, "-m", "pytest", "-p", "vcontract.pytest_plugin", "-p", "no:cacheprovider", ".")
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert ended.returncode == 0, ended.stdout
    assert "1 passed" in ended.stdout
