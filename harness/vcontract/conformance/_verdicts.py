"""Says of each row's test what the whole run says of the row."""

from __future__ import annotations

import pytest

from vcontract._report.result import RunResult
from vcontract._report.safe_text import one_line
from vcontract._terms import RowVerdict, Verdict


def tell(report: pytest.TestReport, row: str, result: RunResult) -> None:
    """Turn the report of a row's test into the row's verdict.

    It fails unless the row conforms, or is untested and waived: what was not tested is not kept. A row that only known
    deviations break is expected to fail; one whose known deviations are stale or have expired fails.
    """
    known = result.deviations
    outdated = [line for line in (*known.stale.values(), *known.expired.values()) if line.startswith(f"{row}: ")]
    verdict = next((listed for listed in result.rows if listed.id == row), None)
    if verdict is None:
        _fail(report, f"untested: the run has no row {row}")
    elif verdict.id in result.waived:
        report.outcome = "skipped"
        place = report.location
        report.longrepr = (
            place[0],
            place[1] or 0,
            one_line(f"Skipped: {verdict.reason} (waived: {result.waived[verdict.id]})"),
        )
    elif row in known.rows and not outdated:
        report.outcome, report.longrepr = "skipped", _text(verdict, result)
        reasons = [
            known.known[finding.id] for finding in result.findings if finding.id in known.known and finding.breaks(row)
        ]
        text = f"known deviation: {'; '.join(reasons) or 'those of its rows'}"
        report.wasxfail = one_line(text)  # as pytest marks it
    elif verdict.verdict is not Verdict.CONFORMS or outdated:
        _fail(report, "\n\n".join([*map(one_line, outdated), _text(verdict, result)]))


def _fail(report: pytest.TestReport, text: str) -> None:
    report.outcome = "failed"
    report.longrepr = text


def _text(row: RowVerdict, result: RunResult) -> str:
    paragraphs = [[f"{row.verdict.value}: {row.reason}"]]
    paragraphs += [
        [
            f"{finding.id} {finding.grade.value}",
            f"expected: {finding.expected}",
            f"observed: {finding.observed}",
            f"replay: {finding.replay}",
        ]
        for finding in result.findings
        if finding.breaks(row.id)
    ]
    return "\n\n".join("\n".join(map(one_line, lines)) for lines in paragraphs)
