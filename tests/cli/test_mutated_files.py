"""Saved runs, recordings, profiles and configurations that somebody changed: no traceback, no socket, no file of others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 7200


def mutate(folder: Path, count: int, seed: int) -> str:
    """Try so many mutations in a process of their own, for an audit hook cannot be taken out; gives what it printed."""
    command = [sys.executable, "-m", "tests.cli.mutated_files", str(folder / "files"), str(count), str(seed)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603 - ours
    return done.stdout + done.stderr


def test_what_is_mutated_is_read_or_refused(tmp_path: Path) -> None:
    """Each command ends within 2 s of CPU time, in one line, with an exit code of its own; it opens nothing else."""
    assert mutate(tmp_path, 120, 15) == "120 mutations, each refused in one line or read\n"


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
def test_ten_thousand_are_read_or_refused(tmp_path: Path, seed: int) -> None:
    """The same of many more, drawn from four seeds."""
    assert mutate(tmp_path, 2500, seed) == "2500 mutations, each refused in one line or read\n"
