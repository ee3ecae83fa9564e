"""`stress --fail-if`: what a threshold may say, what it is held against, and that each report tells of one that was crossed."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree
from msgspec.structs import replace

from vcontract._check.latencies import Latencies
from vcontract._errors import UsageError
from vcontract._report.bug_reports import BugReports
from vcontract._report.events import RunEnded
from vcontract._report.outputs import outputs
from vcontract._report.result import RunResult, Stress, TargetFacts
from vcontract._stress.judging import merged
from vcontract._stress.thresholds import crossed, threshold
from vcontract._terms import Arguments, Call, Fault, Faulted, Operation, Outcome, Ref, Returned, Verdict

METHODS = ("CustomizeGuest_Task", "AbortCustomization_Task")
CUSTOMIZE = Call(Ref("A", "a"), METHODS[0], Arguments({}), "c1")


def answered(seconds: float, outcome: Outcome) -> Operation:
    """Give an operation that took so long."""
    return Operation(1, CUSTOMIZE, 0.0, seconds, outcome)


@pytest.fixture(scope="module")
def latencies() -> Latencies:
    """Give those of 90 quick successes and ten slow refusals."""
    found = Latencies()
    for _ in range(90):
        found.feed(answered(0.1, Returned(None)))
    for _ in range(10):
        found.feed(answered(3.0, Faulted(Fault("TaskInProgress"))))
    return found


@pytest.mark.parametrize(
    ("text", "fails"),
    [
        ("p95(CustomizeGuest_Task) > 2s", True),
        ("p50(CustomizeGuest_Task) > 2s", False),
        ("p50(CustomizeGuest_Task)>=90ms", True),
        ("p99(CustomizeGuest_Task, OK) > 200 ms", False),
        ("longest( CustomizeGuest_Task , TaskInProgress ) <= 2.5s", False),
        ("count(CustomizeGuest_Task) < 100", False),
        ("count(CustomizeGuest_Task) < 101", True),
        ("count(CustomizeGuest_Task, Nothing) < 1", True),
    ],
)
def test_a_threshold_is_held_against_all_answers_or_those_of_an_outcome(
    text: str, *, fails: bool, latencies: Latencies
) -> None:
    """Percentiles of all outcomes together are those of all answers, not of the worst outcome."""
    found, unmeasured = crossed([text], latencies.table())
    assert (bool(found), unmeasured) == (fails, [])


def test_what_was_not_measured_is_not_certain(latencies: Latencies) -> None:
    """No answer of that kind came: it is neither kept nor crossed."""
    text = "p95(CustomizeGuest_Task, InvalidState) > 2s"
    assert crossed([text], latencies.table()) == ({}, [f"not measured: {text}"])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("p95 > 2s", "is no threshold; for example"),
        ("p95(CustomizeGuest_Task) > 2", "a time in s or ms"),
        ("count(CustomizeGuest_Task) > 2s", "a count without"),
        ("p95(PowerOnVM_Task) > 2s", "no client calls PowerOnVM_Task; they call CustomizeGuest_Task"),
        ("p95(CustomizeGuest_Task) > 2s; rm -rf /", "is no threshold"),
        ("", "is no threshold"),
    ],
)
def test_what_is_no_threshold_is_refused_in_one_line(text: str, says: str) -> None:
    """With an example of one."""
    with pytest.raises(UsageError, match=says) as refused:
        threshold(text, METHODS)
    assert "\n" not in str(refused.value)


def test_a_crossed_threshold_fails_a_run_that_conforms_and_is_told_by_each_report(
    latencies: Latencies, tmp_path: Path
) -> None:
    """Exit 1, a failure for JUnit, an error for GitHub; text, Markdown and the page say what was measured."""
    text = "p95(CustomizeGuest_Task) > 2s"
    stress = Stress(4, 2, 1.0, latencies.table(), {"yes": 2})
    run = RunResult(Verdict.CONFORMS, 0, 1, 100, 200, TargetFacts("http://127.0.0.1/sdk"), stress=stress)
    assert merged([run]).exit_code == 0
    result = merged([run], [text])
    assert (result.verdict, result.exit_code) == (Verdict.CONFORMS, 1)
    assert merged([replace(run, exit_code=3)], [text]).exit_code == 3
    for form in ("text", "markdown", "html", "junit", "github", "json"):
        (reporter,) = outputs([f"{form}={tmp_path / form}"], BugReports())
        reporter.on(RunEnded(result))
        told = (tmp_path / form).read_text("utf-8")
        assert "it was 2.9" in told, form
    assert etree.parse(tmp_path / "junit").getroot()[0].get("failures") == "1"
    assert (tmp_path / "github").read_text("utf-8").startswith("::error ")
