"""What a verb finds out does not depend on who reads what it prints: behind `| head`, on a full disk, with a closed output."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.printed_findings import in_a_shell
from vcontract._cli.standard_streams import PatientStream

if TYPE_CHECKING:
    from tests.cli.conftest import Command

LONG = "vcontract simulate --list-defects"
FULL = Path("/dev/full")


@pytest.mark.parametrize(
    ("way", "told"),
    [
        ("{ %s; echo $? >&3; } 3>&2 | head -1 >/dev/null", "0"),
        ("{ %s >&-; echo $? >&2; }", "0"),
        ("{ %s >/dev/full; echo $? >&2; }", "vcontract: what was printed is not whole: No space left on device\n0"),
    ],
)
def test_nobody_who_reads_changes_the_exit_code(way: str, told: str, tmp_path: Path) -> None:
    """The exit code is that of the verdict; only of a disk that is full something is said, where somebody may see it."""
    ended = in_a_shell(way % LONG, tmp_path)
    assert ended.stderr.strip() == told


def test_a_run_whose_output_is_full_ends_as_any_other(
    vcontract: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It goes to its end, and its report is whole."""
    asked = ("--seed", 1, "--max-calls", 2, "--report-dir")
    usual = vcontract("run", *asked, tmp_path / "usual")
    with FULL.open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        told = vcontract("run", *asked, tmp_path / "full")
    assert (usual.code, told.code) == (5, 5)
    names = [sorted(each.name for each in (tmp_path / place / "latest").iterdir()) for place in ("usual", "full")]
    assert names[0] == names[1]
    assert told.err[-1] == "vcontract: what was printed is not whole: No space left on device"


def test_a_stream_that_takes_no_more_is_left_alone() -> None:
    """After the first failure nothing is tried again, and what it still held is dropped when it is closed."""
    reads, writes = os.pipe()
    os.close(reads)
    with os.fdopen(writes, "w") as pipe:
        stream = PatientStream(pipe)
        assert stream.write("a\n") == 2
        stream.flush()
        assert isinstance(stream.failed, BrokenPipeError)
        stream.write("b\n")
        stream.flush()
        assert stream.lost == ""  # whoever read it had enough
