"""What the console says, with and without a terminal."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from vcontract import __version__
from vcontract._report.console import ConsoleReporter, JsonReporter
from vcontract._report.console_text import Verbosity
from vcontract._report.events import CellJudged, FindingSeen, Note, RunEnded, RunEvent, RunStarted
from vcontract._report.result import Arrangements, Cells
from vcontract._terms import Grade

if TYPE_CHECKING:
    from vcontract._report.result import RunResult


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        """Claim it."""
        return True


def events(result: RunResult) -> list[RunEvent]:
    """Give the events of a run with one finding that comes twice."""
    seen = FindingSeen(result.findings[0])
    cell = CellJudged("poweredOff", "a/b/c", Grade.WRONG, "TaskInProgress", 1, 2)
    return [RunStarted(result.target, 7, 4, 2), cell, seen, seen, Note("careful [red]"), RunEnded(result)]


def test_without_a_terminal_there_are_only_lines(result: RunResult) -> None:
    """Rows, findings and verdict on out; start, findings and notes on err; no escape sequence, no progress bar."""
    out, err = io.StringIO(), io.StringIO()
    reporter = ConsoleReporter(Path("reports/latest"), out=out, err=err)
    for event in events(result):
        reporter.on(event)
    lines = out.getvalue().splitlines()
    assert lines[-1] == (
        f"violates (5 calls judged, 40 requests, 1 findings, 1 waived; vcontract {__version__}); report: reports/latest"
    )
    text = out.getvalue()
    assert "\x1b" not in text + err.getvalue()
    assert "\x00" not in text
    assert "no second account (waived: there is but one account)" in " ".join(text.split())
    assert "  observed: TaskInProgress [bold]<&\ufffd[31m\ufffd" in lines
    assert "  expected: InvalidPowerState{existingState=poweredOff}" in lines
    assert "  replay: vcontract replay latest#0123456789ab" in lines
    assert "InvalidPowerState 1, TaskInProgress 1" in " ".join(text.split())
    told = err.getvalue()
    assert told.count("finding 0123456789ab") == 1
    assert "note: careful [red]" in told
    assert "seed 7, 4 rows, 2 calls planned" in " ".join(told.split())
    assert "judging" not in told


def test_the_cells_are_summed_up_and_listed_when_asked(result: RunResult) -> None:
    """How many, how often a state was arranged, the weakest if all is told; with `cells` each with what became of it."""
    cells = Cells(2, 1, ["C:a"], ["C:b"], {"no lever": ["C:c"]}, Arrangements(3, 4, 5))
    sharp = {"pivot_mean": 2.5, "weakest": [["C:a", 9]]}
    for every in (False, True):
        out = io.StringIO()
        ended = RunEnded(replace(result, cells=cells, sharpness=sharp))
        told_of = Verbosity.ALL if every else Verbosity.USUAL
        ConsoleReporter(out=out, err=io.StringIO(), cells=every, told=told_of).on(ended)
        told = out.getvalue()
        assert "cells: 1 of 2 exercised, 1 out of reach on this target" in told
        assert "states arranged: 5 times, 4 planned, 3 at the least" in told
        assert ("the least is found out: C:a (9)" in told) is every
        listed = [line for line in told.splitlines() if line.startswith("cell: ")]
        assert listed == (
            ["cell: C:a: exercised", "cell: C:b: never seen", "cell: C:c: out of reach: no lever"] if every else []
        )


def test_with_a_terminal_there_is_progress_that_goes_away(result: RunResult) -> None:
    """A bar on err that the end removes; also when the run stops early."""
    out, err = io.StringIO(), Terminal()
    reporter = ConsoleReporter(out=out, err=err)
    for event in events(result):
        reporter.on(event)
    assert "judging" in err.getvalue()
    assert "judging" not in out.getvalue()
    assert out.getvalue().splitlines()[-1].endswith(f"1 waived; vcontract {__version__})")
    early = ConsoleReporter(out=out, err=Terminal())
    early.on(events(result)[0])
    early.stop()
    early.stop()
    assert early._progress is None


def test_json_is_the_run_file_and_nothing_else(result: RunResult) -> None:
    """One JSON document with the schema's name."""
    out = io.StringIO()
    reporter = JsonReporter(out)
    for event in events(result):
        reporter.on(event)
    document = json.loads(out.getvalue())
    assert document["schema"] == "vcontract.run/1"
    assert document["verdict"] == "violates"
