"""The bug reports of one run, made once for all who show them."""

from __future__ import annotations

from pathlib import Path

from vcontract._errors import RunFileError
from vcontract._report.bug_reports.bug_report import BugReport, bug_report
from vcontract._report.bug_reports.evidence import Evidence, gather
from vcontract._report.result import RunResult


class BugReports:
    """Gives the bug reports of a run from its directory (None: from the result alone), reading its histories once."""

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory
        self._of: RunResult | None = None
        self._made: list[BugReport] = []
        self.unread = ""
        """Why the histories could not be read; empty: they were."""

    def of(self, result: RunResult) -> list[BugReport]:
        """Give a bug report for each finding, in their order. A history that cannot be read is not used."""
        if self._of is not result:
            evidence = self._evidence(result)
            self._made = [bug_report(finding, result, evidence.get(finding.id)) for finding in result.findings]
            self._of = result
        return self._made

    def _evidence(self, result: RunResult) -> dict[str, Evidence]:
        if self._directory is None:
            return {}
        try:
            return gather(self._directory, result.findings, result.stress.histories if result.stress else ())
        except RunFileError as error:
            self.unread = str(error)
            return {}
