"""What `vcontract` verbs leave where the user stands: the reports that they were asked for, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FEW = ("--seed", "1", "--max-calls", "5", "--report-dir", "reports")
VERBS = (
    ("run", *FEW),
    ("run", *FEW, "--explore", "1"),
    ("stress", "--clients", "2", "--time-limit", "1", "--report-dir", "reports"),
    ("learn", *FEW, "--out", "reports/profile.json"),
    ("doctor",),
    ("adopt", "--vm", "linux-*", "--target", "http://127.0.0.1:9/sdk"),
    ("contract", "list"),
)
SAVED = (("judge", "reports/latest"), ("report", "reports/latest"), ("compare", "reports/latest", "reports/latest"))
ROWS = (
    "-p",
    "vcontract.pytest_plugin",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:benchmark",
    "--pyargs",
    "vcontract.conformance",
)


class Shell:
    """Runs commands in an empty folder, each in a process of its own, with an empty cache of the user's beside it."""

    def __init__(self, place: Path) -> None:
        self.folder, self.cache = place / "folder", place / "cache"
        self.folder.mkdir()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "HYPOTHESIS_"))}
        self._environment = kept | {"XDG_CACHE_HOME": str(self.cache), "PYTHONDONTWRITEBYTECODE": "1"}

    def run(self, module: str, *arguments: str) -> str:
        """Run a module to its end, and give what it said."""
        command = [sys.executable, "-m", module, *arguments]
        ended = subprocess.run(  # noqa: S603 - ours
            command, cwd=self.folder, env=self._environment, capture_output=True, text=True, check=False, timeout=900
        )
        return ended.stdout + ended.stderr

    def left(self) -> set[str]:
        """Name what lies in the folder."""
        return {each.name for each in self.folder.iterdir()}


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: " ".join(verb[:1] + verb[7:8]))
def test_a_verb_leaves_its_reports_alone(tmp_path: Path, verb: tuple[str, ...]) -> None:
    """What was drawn is not where the user stands: Hypothesis' tables are in the user's cache, and made anew here."""
    shell = Shell(tmp_path)
    said = shell.run("vcontract", *verb)
    assert shell.left() <= {"reports"}, said
    if verb[0] == "run":
        assert list(shell.cache.rglob("charmap.json.gz")), said


def test_verbs_on_a_saved_run_leave_nothing(tmp_path: Path) -> None:
    """They read, and what they tell they tell in the run's own folder."""
    shell = Shell(tmp_path)
    shell.run("vcontract", "run", *FEW)
    for verb in SAVED:
        said = shell.run("vcontract", *verb)
        assert shell.left() == {"reports"}, said


def test_the_rows_as_tests_leave_their_reports_alone(tmp_path: Path) -> None:
    """Under pytest too, but for what other plugins of pytest make."""
    shell = Shell(tmp_path)
    said = shell.run("pytest", *ROWS, "--vcontract-seed=1", "--vcontract-max-calls=5")
    assert "reports" in shell.left(), said
    assert shell.left() == {"reports"}, said
