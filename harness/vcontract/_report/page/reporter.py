"""Writes `report.html` into a run's directory when the run ends."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from vcontract._report.bug_reports import BugReports
from vcontract._report.events import RunEnded, RunEvent
from vcontract._report.page.page import PAGE, page
from vcontract._report.result import RunResult
from vcontract._report.run_directory import write_whole
from vcontract._report.safe_text import file_name
from vcontract._saved_file import read_saved


class PageReporter:
    """Writes the page of a run; `former` are earlier runs, oldest first, for the trend."""

    def __init__(self, directory: Path, reports: BugReports | None = None, former: Sequence[RunResult] = ()) -> None:
        self._directory, self._reports, self._former = directory, reports or BugReports(directory), former

    def on(self, event: RunEvent) -> None:
        """Write it at the end. UsageError, ReportError: it cannot be written."""
        if isinstance(event, RunEnded):
            result = event.summary
            text = page(result, self._reports.of(result), self._former, timelines(self._directory, result))
            write_whole(self._directory / PAGE, text.encode("utf-8", "replace"))


def timelines(directory: Path, result: RunResult) -> dict[str, str]:
    """Read the drawings of histories without a legal order that lie in a run's directory, by finding."""
    found = {}
    for finding in result.findings if result.stress is not None else ():
        with suppress(OSError):
            drawn = read_saved(directory / f"timeline-{file_name(finding.id)}.svg")
            found[finding.id] = drawn.decode("utf-8", "replace")
    return found
