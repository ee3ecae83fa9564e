"""What is found among many clients reads as a bug report, too: with what went over the wire, and told alike everywhere."""

from __future__ import annotations

import re
from typing import Any

import pytest
from lxml import etree

from tests.report.test_bug_reports import ALONE, DRAWN
from tests.stress.test_concurrency_defects import found
from vcontract._report.bug_reports import BugReports
from vcontract._report.markdown import finding_markdown, run_markdown
from vcontract._report.result import load_run

CONCURRENT = tuple(name for name in DRAWN if name not in ALONE)
SOON = "each-session-has-its-own-lock"


@pytest.mark.parametrize("defect", [SOON, *(pytest.param(name, marks=pytest.mark.long) for name in CONCURRENT)])
def test_a_finding_of_a_load_is_told_alike_with_its_exchanges(defect: str, load: Any, simulator: Any) -> None:
    """Exit code, JUnit, summary and page say that the contract is broken; each report has the build and the exchanges."""
    assert found(load, simulator, defect, 1)
    directory = load.reports / "latest"
    result = load_run(directory)
    reports = BugReports(directory).of(result)
    assert result.exit_code == 1
    assert etree.parse(directory / "junit.xml").getroot()[0].get("failures") != "0"
    assert ">violates</span></h1>" in (directory / "report.html").read_text("utf-8")
    assert run_markdown(result, reports).startswith("# vcontract: violates\n")
    for finding, report in zip(result.findings, reports, strict=True):
        document = finding_markdown(report)
        assert f"build {result.target.build}" in document.replace("\\", "")
        assert set(report.observed) - set(report.expected), "what differs is told"
        assert any(each.op == finding.op for each in report.exchanges), (defect, finding.row, report.unkept)
        assert "## On the wire" in document
    shown = re.findall(r"password>([^<]*)<", (directory / "exchanges.jsonl").read_text("utf-8"))
    assert shown
    assert {text for text in shown if text in {"guest", "vcontract"}} == set(), "passwords are told by name"
