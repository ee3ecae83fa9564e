"""Which runs below a report directory may have left something: what cannot be read is told, never passed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from vcontract._config.request import RunRequest
from vcontract._history import ASKED, CLEANED, FACTS
from vcontract._history_lines import encode_event
from vcontract._model import Facts
from vcontract._report.result import RUN_FILE, RunResult, TargetFacts
from vcontract._report.run_directory import HISTORY, write_run
from vcontract._run.interrupted_run import RunNote, cut_runs
from vcontract._terms import Observed, Ref, Verdict
from vcontract._testbed import as_json

NAME = "20261130T120000Z-1"
FIRST = [
    Observed(
        ASKED, RunNote(RunRequest(target="https://vc.example/sdk"), "2026-11-30T12:00:00+00:00", run="r-1").noted()
    ),
    Observed(FACTS, as_json(Facts("VirtualMachine", Ref("VirtualMachine", "vm-1"), "8.0.3.0"))),
]
LINES = [encode_event(each) for each in FIRST]


def _ended(directory: Path, code: int) -> None:
    write_run(directory, RunResult(Verdict.INCONCLUSIVE, code, 1, 1, 1, TargetFacts("https://vc.example/sdk")))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Give the directory of a run that was killed, below `tmp_path`."""
    made = tmp_path / NAME
    made.mkdir()
    (made / HISTORY).write_bytes(b"".join(LINES))
    (tmp_path / "latest").symlink_to(NAME, target_is_directory=True)
    return made


def test_what_was_killed_or_ended_with_3_is_looked_at(tmp_path: Path, directory: Path) -> None:
    """Until it was cleaned up after; what ended otherwise put back what it changed."""
    assert [each.directory for each in cut_runs(tmp_path)[0]] == [directory]
    for code, looked_at in ((3, 1), (0, 0), (1, 0), (5, 0)):
        _ended(directory, code)
        found, unread = cut_runs(tmp_path)
        assert (len(found), unread) == (looked_at, [])
    _ended(directory, 3)
    with (directory / HISTORY).open("ab") as history:
        history.write(encode_event(Observed(CLEANED, {})))
    assert cut_runs(tmp_path) == ([], [])


@pytest.mark.parametrize(
    ("history", "told"),
    [
        (None, "cannot be read: No such file"),
        (LINES[0] + b'{"event":"invo\n' + LINES[1], f"{HISTORY}:2: not an event"),
        (b"".join(LINES) + bytes(512), f"{HISTORY}:3: it ends in zeros"),
        (b"".join(LINES) + bytes(512) + b"\n", f"{HISTORY}:3: not an event"),
        (LINES[1], "does not say what was asked"),
    ],
)
def test_a_history_that_cannot_be_read_is_told(
    history: bytes | None, told: str, tmp_path: Path, directory: Path
) -> None:
    """Missing, damaged in its middle, or with the zeros that a crash of the machine leaves at its end."""
    if history is None:
        (directory / HISTORY).unlink()
    else:
        (directory / HISTORY).write_bytes(history)
    found, (why,) = cut_runs(tmp_path)
    assert found == []
    assert told in why
    assert NAME in why


def test_a_result_that_cannot_be_read_is_told(tmp_path: Path, directory: Path) -> None:
    """Whether the run put all back is not known then."""
    (directory / RUN_FILE).write_bytes(b'{"schema": "vcontract.run/1", "ver')
    found, (why,) = cut_runs(tmp_path)
    assert found == []
    assert RUN_FILE in why


def test_other_folders_are_no_runs(tmp_path: Path, directory: Path) -> None:
    """Nor is a run of which nothing but its begin is written: it had not met its target."""
    (tmp_path / "notes").mkdir()
    (directory / HISTORY).write_bytes(LINES[0])
    assert cut_runs(tmp_path) == ([], [])
