"""The report of differences: five formats of the same facts, safe to print, and the exit code."""

from __future__ import annotations

import json
from typing import Any

import pytest
from lxml import etree

from tests.report.test_junit import SCHEMA
from vcontract import __version__
from vcontract._report.differences import FAIL_ON, FORMATS, DifferenceReport, Side, render
from vcontract._terms import Difference, Impact

GONE = Difference("0" * 12, Impact.BREAKING, "operationRemoved", "Do", "Do", "", "a call of it is refused")
ODD = Difference("1" * 12, Impact.RISKY, "valueAdded", "Co|or", "", "r\x1b[31med\x00<&*_", "not known", "received")
WIDER = Difference("2" * 12, Impact.ADDITION, "typeWidened", "In.a", "int", "long", "still allowed", "sent")
ALL = (GONE, ODD, WIDER)


def report(*found: Difference, fail_on: str = "breaking") -> DifferenceReport:
    """Give a report of some differences."""
    return DifferenceReport("wsdl diff", Side("old|wsdl", "old%7Cwsdl", "1"), Side("2", "urn:x/2", "2"), found, fail_on)


@pytest.mark.parametrize(
    ("fail_on", "codes"),
    [
        ("breaking", (100, 0, 0, 0)),
        ("risky", (100, 100, 0, 0)),
        ("addition", (100, 100, 100, 0)),
        ("none", (0, 0, 0, 0)),
    ],
)
def test_what_a_comparison_fails_for(fail_on: str, codes: tuple[int, ...]) -> None:
    """A class as bad as the one that was named, or worse."""
    assert fail_on in FAIL_ON
    assert tuple(report(*found, fail_on=fail_on).exit_code for found in (ALL, ALL[1:], ALL[2:], ())) == codes


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("found", [ALL, ()])
def test_every_format_is_safe_complete_and_the_same_each_time(form: str, found: tuple[Difference, ...]) -> None:
    """UTF-8 that ends in one line feed, without raw control characters, with every fingerprint."""
    told = render(report(*found), form)
    assert told == render(report(*found), form)
    text = told.decode("utf-8")
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert not {"\x1b", "\x00"} & set(text)
    assert [each.fingerprint for each in found if each.fingerprint not in text] == []


def test_text_groups_by_rule_and_ends_with_the_counts() -> None:
    """Worst first, the reason once, a line for each; the last line is the summary."""
    lines = render(report(GONE, *(ODD, WIDER)), "text").decode().splitlines()
    assert lines == [
        f"vcontract {__version__} wsdl diff",
        "breaking: operationRemoved: a call of it is refused (1)",
        "  000000000000  Do",
        "risky: valueAdded (received): not known (1)",
        "  111111111111  Co|or: r\ufffd[31med\ufffd<&*_",
        "addition: typeWidened (sent): still allowed (1)",
        "  222222222222  In.a: int -> long",
        "A old|wsdl -> B 2: 1 breaking, 1 risky, 1 addition",
    ]
    assert render(report(), "text").decode().splitlines()[1:] == ["A old|wsdl -> B 2: no difference"]


def test_json_holds_all_of_it() -> None:
    """The sides, what it fails for, the counts, and each difference with class and reason."""
    told = json.loads(render(report(*ALL, fail_on="risky"), "json"))
    assert (told["schema"], told["version"]) == ("vcontract.differences/1", __version__)
    assert told["old"] == {"name": "old|wsdl", "uri": "old%7Cwsdl", "api_version": "1"}
    assert (told["command"], told["fail_on"], told["exit_code"]) == ("wsdl diff", "risky", 100)
    assert told["counts"] == {"breaking": 1, "risky": 1, "addition": 1}
    assert told["differences"][2] == {
        "fingerprint": "222222222222",
        "class": "addition",
        "kind": "typeWidened",
        "path": "In.a",
        "old": "int",
        "new": "long",
        "reason": "still allowed",
        "position": "sent",
    }


def test_markdown_survives_what_it_shows() -> None:
    """A table a rule; what Markdown or a table would obey is escaped."""
    text = render(report(*ALL), "markdown").decode()
    assert f"Written by vcontract {__version__}." in text.splitlines()
    assert "For a client of A (old\\|wsdl) that meets B (2): 1 breaking, 1 risky, 1 addition." in text
    assert "| Co\\|or | - | r\ufffd\\[31med\ufffd\\<&\\*\\_ | 111111111111 |" in text
    assert [each for each in text.splitlines() if each.startswith("## ")] == [
        "## breaking (1)", "## risky (1)", "## addition (1)",
    ]  # fmt: skip


@pytest.mark.parametrize(("fail_on", "failures"), [("breaking", 1), ("addition", 3), ("none", 0)])
def test_junit_fails_for_what_the_comparison_fails_for(fail_on: str, failures: int) -> None:
    """A case for each difference with the path in its name; those that do not fail are in the output."""
    root = etree.fromstring(render(report(*ALL, fail_on=fail_on), "junit"))
    etree.RelaxNG(etree.fromstring(SCHEMA)).assertValid(root.getroottree())
    assert root.xpath("//property[@name='version']/@value") == [__version__]
    assert (root[0].get("tests"), root[0].get("failures")) == ("3", str(failures))
    cases = {str(case.get("name")): case for case in root.iter("testcase")}
    assert len(cases) == 3
    assert cases["Do 000000000000"].get("classname") == "wsdl.diff.operationRemoved"
    assert len(root.findall(".//failure")) == failures
    assert (root.findtext(".//system-out") or "").count("\n") == 3 - failures


def test_junit_of_no_difference_is_one_case_that_passes() -> None:
    """A suite without cases would be taken for a fault of the set-up."""
    root = etree.fromstring(render(report(), "junit"))
    etree.RelaxNG(etree.fromstring(SCHEMA)).assertValid(root.getroottree())
    assert [(case.get("name"), len(case)) for case in root.iter("testcase")] == [("no difference", 0)]


def test_sarif_has_what_code_scanning_needs() -> None:
    """Version, rules with levels, results that point at rules, places and fingerprints; levels follow the classes."""
    log: Any = json.loads(render(report(*ALL), "sarif"))
    assert (log["version"], log["$schema"].rpartition("/")[2]) == ("2.1.0", "sarif-schema-2.1.0.json")
    (run,) = log["runs"]
    assert run["tool"]["driver"]["version"] == __version__
    rules = run["tool"]["driver"]["rules"]
    assert [each["id"] for each in rules] == ["operationRemoved", "valueAdded.received", "typeWidened.sent"]
    assert [each["level"] for each in run["results"]] == ["error", "warning", "note"]
    for number, (each, found) in enumerate(zip(run["results"], ALL, strict=True)):
        assert rules[each["ruleIndex"]]["id"] == each["ruleId"]
        assert rules[number]["defaultConfiguration"]["level"] == each["level"]
        assert each["partialFingerprints"] == {"vcontract/v1": found.fingerprint}
        assert each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "urn:x/2"
        assert each["message"]["text"].startswith(f"{found.impact.value}: ")
    empty: Any = json.loads(render(report(), "sarif"))
    assert (empty["runs"][0]["results"], empty["runs"][0]["tool"]["driver"]["rules"]) == ([], [])
