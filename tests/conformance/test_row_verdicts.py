"""What a row's test says: it passes only if the row conforms."""

from __future__ import annotations

import pytest

from harness.conformance.verdicts import tell
from harness.report.result import RunResult, TargetFacts
from harness.terms import Finding, Grade, RowVerdict, Verdict

FOUND = Finding(
    "0123456789ab", "A/b/Wrong", "A", "b", Grade.WRONG, "OK", "Busy (call)", "vcontract replay R#0123456789ab"
)
ROWS = [
    RowVerdict("A/b/Kept", Verdict.CONFORMS),
    RowVerdict("A/b/Wrong", Verdict.VIOLATES, "its condition is false"),
    RowVerdict("A/b/Untried", Verdict.UNTESTED, "no call succeeded"),
    RowVerdict("A/b/Excused", Verdict.UNTESTED, "no call succeeded"),
    RowVerdict("A/b/Unsure", Verdict.INCONCLUSIVE, "a reply was lost"),
]
RESULT = RunResult(
    Verdict.VIOLATES,
    1,
    1,
    9,
    90,
    TargetFacts("http://h/sdk"),
    ROWS,
    findings=[FOUND],
    waived={"A/b/Excused": "no lever"},
)


@pytest.mark.parametrize(
    ("row", "outcome", "said"),
    [
        ("A/b/Kept", "passed", ""),
        ("A/b/Wrong", "failed", "violates: its condition is false"),
        ("A/b/Wrong", "failed", "replay: vcontract replay R#0123456789ab"),
        ("A/b/Untried", "failed", "untested: no call succeeded"),
        ("A/b/Excused", "skipped", "Skipped: no call succeeded (waived: no lever)"),
        ("A/b/Unsure", "failed", "inconclusive: a reply was lost"),
        ("A/b/Unheard", "failed", "untested: the run has no row A/b/Unheard"),
    ],
)
def test_a_rows_test_says_what_the_run_says(row: str, outcome: str, said: str) -> None:
    """Whatever its function said."""
    report = pytest.TestReport("t.py::test_row[x]", ("t.py", 3, "test_row"), {}, "passed", None, "call")
    tell(report, row, RESULT)
    assert report.outcome == outcome
    assert said in str(report.longrepr or "")
