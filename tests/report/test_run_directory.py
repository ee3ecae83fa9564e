"""The directory of a run: what is in it, and that it is whole or not there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import pytest

from vcontract import __version__
from vcontract._errors import RunFileError, UsageError
from vcontract._report.events import CellJudged, FindingSeen, Note, RunEnded, RunEvent, RunStarted
from vcontract._report.result import RunResult, load_run
from vcontract._report.run_directory import RunDirectory, write_run
from vcontract._terms import Grade

if TYPE_CHECKING:
    from pathlib import Path

BEGAN = datetime(2026, 11, 23, 16, 24, 59, tzinfo=UTC)
CELL = CellJudged("poweredOff", "a/b/c", Grade.WRONG, "TaskInProgress", 1, 2)


def all_events(result: RunResult) -> list[RunEvent]:
    """Give one event of each kind, as a run sends them."""
    start = RunStarted(result.target, result.seed, len(result.rows), 10)
    return [start, CELL, FindingSeen(result.findings[0]), Note("note"), RunEnded(result)]


def test_a_run_is_written_and_read_back(tmp_path: Path, result: RunResult) -> None:
    """Every file is there, reads back equal, has the fixed field names, and `latest` points to it."""
    directory = RunDirectory(tmp_path / "reports", 7, BEGAN)
    assert directory.path.name == "20261123T162459Z-7"
    assert directory.history.parent == directory.path
    for event in all_events(result):
        directory.on(event)
    assert load_run(directory.path) == result == load_run(directory.path / "run.json")
    assert load_run(tmp_path / "reports" / "latest") == result
    assert sorted(each.name for each in directory.path.iterdir()) == ["cells.jsonl", "findings.jsonl", "run.json"]
    assert sorted(each.name for each in directory.path.parent.iterdir()) == [directory.path.name, "latest"]
    saved = msgspec.json.decode((directory.path / "run.json").read_bytes())
    assert (saved["schema"], saved["version"]) == ("vcontract.run/1", __version__)
    assert saved["target"].keys() == {"url", "api_version", "build", "product"}
    assert saved["rows"][0].keys() == {"id", "verdict", "reason", "observed", "seconds"}
    assert {"reachable": 12, "exercised": 5}.items() <= saved["cells"].items()
    fixed = {"id", "row", "object", "method", "grade", "expected", "observed", "replay"}
    assert saved["findings"][0].keys() >= fixed
    assert msgspec.json.decode((directory.path / "cells.jsonl").read_bytes(), type=CellJudged) == CELL
    write_run(directory.path, result)
    assert (directory.path / "cells.jsonl").stat().st_size > 0


def test_runs_of_one_second_do_not_meet(tmp_path: Path, result: RunResult) -> None:
    """The same seed in the same second gets a directory of its own; `latest` follows the one that ended last."""
    first, second = RunDirectory(tmp_path, 7, BEGAN), RunDirectory(tmp_path, 7, BEGAN)
    assert first.path != second.path
    second.on(RunEnded(result))
    first.on(RunEnded(result))
    assert (tmp_path / "latest").resolve() == first.path.resolve()


def test_an_unwritable_place_is_a_usage_error(tmp_path: Path, result: RunResult) -> None:
    """A file where the directory should be, or a directory that went away: one line, nothing half-written."""
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot hold the report") as error:
        RunDirectory(tmp_path / "file" / "reports", 1)
    assert "\n" not in str(error.value)
    directory = RunDirectory(tmp_path, 1, BEGAN)
    (directory.path / "run.json").mkdir()
    with pytest.raises(UsageError, match=r"run\.json: cannot be written"):
        directory.on(RunEnded(result))
    assert sorted(each.name for each in directory.path.iterdir()) == ["cells.jsonl", "findings.jsonl", "run.json"]
    assert not (tmp_path / "latest").exists()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "no saved run: No such file"),
        (b"", "truncated or not JSON"),
        (b'{"schema": "vcontract.run/1", "verd', "truncated or not JSON"),
        (b"\xff\xfe", "truncated or not JSON"),
        (b"[]", "its schema is None, expected 'vcontract.run/1'"),
        (b'{"schema": "vcontract.run/2"}', "its schema is 'vcontract.run/2'"),
        (b'{"schema": "vcontract.run/1"}', "not a vcontract.run/1: Object missing required field"),
        (b'{"schema": "vcontract.run/1", "verdict": "good"}', "not a vcontract.run/1: Invalid enum value"),
    ],
)
def test_an_unusable_run_is_named_in_one_line(tmp_path: Path, content: bytes | None, complaint: str) -> None:
    """Missing, truncated, of another format or of another content: a RunFileError with the file's name."""
    if content is not None:
        (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(RunFileError) as error:
        load_run(tmp_path)
    assert complaint in str(error.value)
    assert str(tmp_path / "run.json") in str(error.value)
    assert "\n" not in str(error.value)
