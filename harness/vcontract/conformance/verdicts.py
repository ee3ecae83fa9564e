"""Says of each row's test what the whole run says of the row."""

from __future__ import annotations

import pytest

from vcontract.report.result import RunResult
from vcontract.terms import RowVerdict, Verdict


def tell(report: pytest.TestReport, row: str, result: RunResult) -> None:
    """Turn the report of a row's test into the row's verdict.

    It fails unless the row conforms, or is untested and waived: what was not tested is not kept. A row that only known
    deviations break is expected to fail; one whose known deviations are stale or have expired fails.
    """
    known = result.deviations
    outdated = [each for each in (*known.stale.values(), *known.expired.values()) if each.startswith(f"{row}: ")]
    found = next((each for each in result.rows if each.id == row), None)
    if found is None:
        _fail(report, f"untested: the run has no row {row}")
    elif found.id in result.waived:
        report.outcome = "skipped"
        place = report.location
        report.longrepr = (place[0], place[1] or 0, f"Skipped: {found.reason} (waived: {result.waived[found.id]})")
    elif row in known.rows and not outdated:
        report.outcome, report.longrepr = "skipped", _text(found, result)
        reasons = [known.known[each.id] for each in result.findings if each.id in known.known and each.row == row]
        report.wasxfail = f"known deviation: {'; '.join(reasons) or 'those of its rows'}"  # as pytest marks it
    elif found.verdict is not Verdict.CONFORMS or outdated:
        _fail(report, "\n\n".join([*outdated, _text(found, result)]))


def _fail(report: pytest.TestReport, text: str) -> None:
    report.outcome = "failed"
    report.longrepr = text


def _text(row: RowVerdict, result: RunResult) -> str:
    told = [f"{row.verdict.value}: {row.reason}"]
    told += [
        f"{each.id} {each.grade.value}\nexpected: {each.expected}\nobserved: {each.observed}\nreplay: {each.replay}"
        for each in result.findings
        if each.row == row.id
    ]
    return "\n\n".join(told)
