"""What a row's test says: it passes only if the row conforms."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.hostile_texts import TEXTS, misleading
from vcontract._report.result import KnownDeviations, RunResult, TargetFacts
from vcontract._terms import Finding, Grade, RowVerdict, Verdict
from vcontract.conformance._verdicts import tell

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


@pytest.mark.parametrize(
    ("known", "outcome", "said"),
    [
        (KnownDeviations("d.toml", {FOUND.id: "we wait"}, rows=["A/b/Wrong"]), "skipped", "observed: Busy (call)"),
        (KnownDeviations("d.toml", {FOUND.id: "we wait"}), "failed", "violates"),
        (
            KnownDeviations(
                "d.toml", {FOUND.id: "we wait"}, {"f" * 12: "A/b/Wrong: was not seen: x"}, rows=["A/b/Wrong"]
            ),
            "failed",
            "A/b/Wrong: was not seen: x",
        ),
        (KnownDeviations("d.toml", expired={FOUND.id: "A/b/Wrong: expired"}), "failed", "A/b/Wrong: expired"),
    ],
)
def test_a_known_deviation_is_an_expected_failure(known: KnownDeviations, outcome: str, said: str) -> None:
    """As long as nothing else breaks the row, and each of its entries was seen and has not expired."""
    report = pytest.TestReport("t.py::test_row[x]", ("t.py", 3, "test_row"), {}, "passed", None, "call")
    tell(report, "A/b/Wrong", replace(RESULT, deviations=known))
    assert report.outcome == outcome
    assert said in str(report.longrepr)
    assert getattr(report, "wasxfail", "") == ("known deviation: we wait" if outcome == "skipped" else "")


def test_a_row_that_conforms_fails_if_its_deviation_is_stale() -> None:
    """The file must follow what the server does."""
    report = pytest.TestReport("t.py::test_row[x]", ("t.py", 3, "test_row"), {}, "passed", None, "call")
    tell(report, "A/b/Kept", replace(RESULT, deviations=KnownDeviations("d", stale={"f" * 12: "A/b/Kept: not seen"})))
    assert report.outcome == "failed"
    assert "A/b/Kept: not seen" in str(report.longrepr)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("row", ["A/b/Wrong", "A/b/Excused", "A/b/Unsure"])
def test_a_rows_test_prints_nothing_that_is_obeyed(text: str, row: str) -> None:
    """Pytest prints a failure's lines as they are, and a reason behind the test's name: they are ours in number and begin."""
    found = replace(FOUND, expected=text, observed=text, replay=text)
    rows = [replace(each, reason=text) for each in ROWS]
    for listed in (
        KnownDeviations(),
        KnownDeviations("d", {FOUND.id: text}, {"s": text}, {"e": f"{row}: {text}"}, [row]),
    ):
        told = replace(RESULT, rows=rows, findings=[found], waived={"A/b/Excused": text}, deviations=listed)
        report = pytest.TestReport("t.py::test_row[x]", ("t.py", 3, "test_row"), {}, "passed", None, "call")
        tell(report, row, told)
        shown = [report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)]
        shown += [getattr(report, "wasxfail", "")]
        assert [line for each in shown for line in misleading(each)] == []
        assert sum(each.count("\n") for each in shown) <= 7
