"""Each form of `--output`, and the bug report: valid whatever a server said, and nothing of it is obeyed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from lxml import etree
from markdown_it import MarkdownIt
from msgspec.structs import replace

from tests.hostile_texts import OBEYED, misleading
from tests.report.awkward_results import CLEAN, WRITABLE, events, several, told_of
from vcontract._errors import UsageError
from vcontract._report.bug_reports import BugReports
from vcontract._report.events import RunEnded
from vcontract._report.markdown import finding_markdown
from vcontract._report.outputs import FORMATS as OUTPUTS
from vcontract._report.outputs import outputs, step_summary
from vcontract._report.outputs.chosen import STEP_SUMMARY
from vcontract._report.page.page import page
from vcontract._report.result import RunResult
from vcontract._terms import Verdict


def written_as(form: str, text: str, result: RunResult, folder: Path) -> str:
    """Write a result with a text in it as an output."""
    said, reports = told_of(text, result)
    (reporter,) = outputs([f"{form}={folder / form}"], reports)
    for event in events(said):
        reporter.on(event)
    return (folder / form).read_text("utf-8")


@pytest.mark.parametrize("form", OUTPUTS)
def test_an_output_is_valid_and_nothing_in_it_is_obeyed(form: str, filled: RunResult, tmp_path: Path) -> None:
    """Each form is read by its own parser, and has as many parts as of any result; JSON says what was said."""
    plain = written_as(form, CLEAN, filled, tmp_path)
    for text in WRITABLE:
        told = written_as(form, text, filled, tmp_path)
        if form in {"json", "ndjson", "har", "gitlab"}:  # for programs, who read back what was said
            lines = told.strip("\n").split("\n") if form == "ndjson" else [told]
            assert all(json.loads(line) is not None for line in lines), (form, text)
            continue
        found = misleading(told)
        if form == "github":
            assert all(line.startswith(("::error title=", "::warning title=")) for line in told.strip("\n").split("\n"))
            assert told.count("\n") == plain.count("\n")
            assert not OBEYED.search(told), text
        else:
            assert found == [], (form, text)
        if text and form == "markdown":
            parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
            kinds = [[token.type for token in parser.parse(each)] for each in (told, plain)]
            assert kinds[0] == kinds[1], text
        if text and form in {"html", "junit"}:
            kind = etree.HTMLParser() if form == "html" else None
            trees = [etree.fromstring(each.encode(), kind) for each in (told, plain)]
            parts = [[(element.tag, sorted(element.attrib)) for element in tree.iter()] for tree in trees]
            assert parts[0] == parts[1], text


def test_a_page_holds_no_link_of_a_server(filled: RunResult, tmp_path: Path) -> None:
    """The only addresses are places in the page itself, and pages of the contract's own methods."""
    for text in WRITABLE:
        tree = etree.fromstring(written_as("html", text, filled, tmp_path).encode(), etree.HTMLParser())
        held = [str(element.get(name)) for element in tree.iter() for name in ("href", "src") if element.get(name)]
        assert all(value.startswith(("#", "data:image/svg+xml;base64,")) for value in held), (text, held)
        assert sum(element.tag == "script" for element in tree.iter()) == 1
        assert not [name for element in tree.iter() for name in element.attrib if str(name).startswith("on")]


@pytest.mark.parametrize("text", WRITABLE)
def test_the_bug_report_of_a_finding_has_the_same_parts_whatever_is_said(text: str, filled: RunResult) -> None:
    """Read by a parser of Markdown: the same headings, lists and blocks of code; no link, no element of HTML but ours."""
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    documents = [finding_markdown(told_of(each, filled)[1]._made[0]) for each in (text, CLEAN)]
    told, plain = (parser.parse(document) for document in documents)
    assert not text or [token.type for token in told] == [token.type for token in plain]
    assert misleading(documents[0]) == []
    inner = {child.type for token in told for child in token.children or ()}
    assert inner <= {"text", "code_inline", "softbreak"}


def test_a_reply_of_ten_megabytes_is_cut_with_its_length(filled: RunResult) -> None:
    """In the page and in Markdown: neither grows by more than what is shown of it."""
    said, reports = told_of("x" * 10_000_000, filled)
    drawn = page(said, reports.of(said))
    assert len(drawn) < 2_000_000
    assert "10,000,000 characters in all" in drawn
    assert len(finding_markdown(reports._made[0])) < 200_000


def test_a_page_of_100000_operations_and_500_findings_has_at_most_5_mb(result: RunResult) -> None:
    """Each finding with all that was seen of it; what is folded in the later ones is left out, and that is said."""
    cells = replace(result.cells, seen=[f"CustomizeGuest_Task:state{number}" for number in range(1_100)])
    large = replace(result, findings=several(result.findings[0], 500), calls=100_000, requests=100_000, cells=cells)
    said, reports = told_of("x" * 200, large)
    drawn = page(said, reports.of(said))
    assert len(drawn.encode()) <= 5_000_000
    assert drawn.count("<article") == 500
    assert "100,000 judged calls" in drawn


def test_the_summary_of_a_step_is_added_to_what_is_there(result: RunResult, tmp_path: Path) -> None:
    """By the variable of GitHub; without it nobody writes; a file that takes nothing is an error that names it."""
    file = tmp_path / "summary"
    file.write_text("before\n")
    assert step_summary(BugReports(), {}) == []
    (reporter,) = step_summary(BugReports(), {STEP_SUMMARY: str(file)})
    for event in events(result):
        reporter.on(event)
    told = file.read_text("utf-8")
    assert told.startswith("before\n# vcontract: violates\n")
    assert "| InvalidPowerState | violates 2 |" in told
    (unable,) = step_summary(BugReports(), {STEP_SUMMARY: str(tmp_path)})
    with pytest.raises(UsageError, match=STEP_SUMMARY):
        unable.on(RunEnded(result))


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (["pdf=x"], "must be FORMAT=FILE, with one of the forms text, json"),
        (["json"], "must be FORMAT=FILE"),
        (["json="], "must be FORMAT=FILE"),
        (["json=none/there"], "there is no folder none"),
        (["json=."], "is a folder"),
        (["json=-", "text=-"], "is asked for twice"),
    ],
)
def test_an_output_that_cannot_be_written_is_refused_before_anything_is_sent(asked: list[str], says: str) -> None:
    """In one line that says what can be asked for, or what is wrong with the place."""
    with pytest.raises(UsageError, match=says) as refused:
        outputs(asked, BugReports())
    assert "\n" not in str(refused.value)


def test_an_output_may_be_standard_output(result: RunResult, capsys: pytest.CaptureFixture[str]) -> None:
    """Its file is then `-`."""
    (reporter,) = outputs(["gitlab=-"], BugReports())
    reporter.on(RunEnded(result))
    (issue,) = json.loads(capsys.readouterr().out)
    assert issue["fingerprint"] == result.findings[0].id
    assert issue["location"]["path"] == "contracts/VirtualMachineGuestCustomizationManager.toml"


def verdicts(result: RunResult, folder: Path) -> tuple[bool, bool, bool, bool]:
    """Give whether exit code, JUnit, summary and page each say that the run fails."""
    for form in ("junit", "markdown", "html"):
        (reporter,) = outputs([f"{form}={folder / form}"], BugReports())
        reporter.on(RunEnded(result))
    suite = etree.parse(folder / "junit").getroot()[0]
    head = (folder / "html").read_text("utf-8").partition("</h1>")[0]
    return (
        result.exit_code == 1,
        suite.get("failures") != "0",
        (folder / "markdown").read_text("utf-8").startswith("# vcontract: violates"),
        head.endswith(">violates</span>"),
    )


def test_exit_code_junit_summary_and_page_say_the_same(result: RunResult, tmp_path: Path) -> None:
    """Of a run that violates, and of those that conform, are inconclusive or untested."""
    assert verdicts(result, tmp_path) == (True,) * 4
    for verdict, code in ((Verdict.CONFORMS, 0), (Verdict.INCONCLUSIVE, 5), (Verdict.UNTESTED, 5)):
        rows = [replace(row, verdict=verdict) for row in result.rows]
        other = replace(result, verdict=verdict, exit_code=code, rows=rows, findings=[])
        assert verdicts(other, tmp_path) == (False,) * 4
