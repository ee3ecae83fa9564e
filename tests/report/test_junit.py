"""`junit.xml` against a schema of our own that holds what the schemas of Ant and Jenkins both demand."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from msgspec.structs import replace

from vcontract import __version__
from vcontract._check import worst
from vcontract._report.deviations import KnownDeviation, Listed, excused
from vcontract._report.events import Note, RunEnded
from vcontract._report.junit import JunitReporter, junit
from vcontract._report.result import RunResult, TargetFacts
from vcontract._run.summary import exit_code
from vcontract._terms import Finding, Grade, RowVerdict, Verdict

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = b"""<grammar xmlns="http://relaxng.org/ns/structure/1.0"
  datatypeLibrary="http://www.w3.org/2001/XMLSchema-datatypes">
<define name="told"><attribute name="message"/><attribute name="type"/><text/></define>
<start><element name="testsuites"><element name="testsuite">
  <attribute name="name"><data type="token"/></attribute>
  <attribute name="timestamp"><data type="dateTime"><param name="pattern">[0-9-]{10}T[0-9:]{8}</param></data>
  </attribute>
  <attribute name="hostname"/><attribute name="package"/><attribute name="id"><data type="int"/></attribute>
  <attribute name="tests"><data type="int"/></attribute><attribute name="failures"><data type="int"/></attribute>
  <attribute name="errors"><data type="int"/></attribute><attribute name="skipped"><data type="int"/></attribute>
  <attribute name="time"><data type="decimal"/></attribute>
  <element name="properties"><zeroOrMore><element name="property">
    <attribute name="name"/><attribute name="value"/></element></zeroOrMore></element>
  <zeroOrMore><element name="testcase">
    <attribute name="name"><data type="token"><param name="minLength">1</param></data></attribute>
    <attribute name="classname"><data type="token"/></attribute>
    <attribute name="time"><data type="decimal"/></attribute>
    <optional><choice><element name="skipped"><ref name="told"/></element><element name="error"><ref name="told"/>
    </element><element name="failure"><ref name="told"/></element></choice></optional>
  </element></zeroOrMore>
  <element name="system-out"><text/></element><element name="system-err"><text/></element>
</element></element></start></grammar>"""


def test_each_verdict_has_its_element(tmp_path: Path, result: RunResult) -> None:
    """Violates is a failure, untested skipped, inconclusive an error; the counts agree and the schema holds."""
    reporter = JunitReporter(tmp_path)
    reporter.on(Note("not yet"))
    assert not (tmp_path / "junit.xml").exists()
    reporter.on(RunEnded(result))
    root = etree.fromstring((tmp_path / "junit.xml").read_bytes())
    etree.RelaxNG(etree.fromstring(SCHEMA)).assertValid(root.getroottree())
    assert root.xpath("//property[@name='version']/@value") == [__version__]
    suite = root[0]
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4",
        "failures": "1",
        "errors": "1",
        "skipped": "1",
    }
    cases = {case.get("classname"): case for case in suite.iter("testcase")}
    skipped = cases["VirtualMachineGuestCustomizationManager.StartGuestNetwork_Task"]
    assert (skipped.get("name"), skipped[0].tag, skipped[0].get("message")) == (
        "privilege",
        "skipped",
        "no second account",
    )
    failure = root.find(".//failure")
    assert failure is not None
    assert failure.text is not None
    assert "TaskInProgress [bold]<&\ufffd[31m\ufffd\nreplay: vcontract replay latest#0123456789ab" in failure.text
    conforming = next(case for case in suite.iter("testcase") if case.get("name") == "Success")
    assert len(conforming) == 0


def test_an_empty_run_is_a_valid_document() -> None:
    """A run that selected no row still gives a document of the schema."""
    facts = TargetFacts("http://[::1]/sdk")
    empty = RunResult(verdict=Verdict.UNTESTED, exit_code=0, seed=0, calls=0, requests=0, target=facts)
    etree.RelaxNG(etree.fromstring(SCHEMA)).assertValid(etree.fromstring(junit(empty)).getroottree())


ROWS = tuple(
    f"{object_}/Method/{fault}" for object_ in ("Manager", "EveryMethod") for fault in ("Success", "InvalidState")
)


@st.composite
def results(draw: st.DrawFn) -> RunResult:
    """Draw a result as a run makes it: rows, findings of theirs or of others, known deviations; it may be cut or halted."""
    verdicts = draw(st.dictionaries(st.sampled_from(ROWS), st.sampled_from(Verdict)))
    where = draw(st.lists(st.sampled_from([*ROWS, "Manager/concurrency/guest-names"]), max_size=3))
    findings = [
        Finding(
            f"{number:012x}",
            row,
            "Manager",
            "Method",
            Grade.WRONG,
            "OK",
            "InvalidState",
            "vcontract replay x",
            "",
            1,
            (1,),
            "",
        )
        for number, row in enumerate(where)
    ]
    broken = {finding.row for finding in findings if draw(st.booleans())}
    rows = [RowVerdict(id_, Verdict.VIOLATES if id_ in broken else verdict) for id_, verdict in verdicts.items()]
    cut, safe = draw(st.booleans()), draw(st.integers(0, 4)) > 0
    told = [*(row.verdict for row in rows), *[Verdict.VIOLATES] * bool(findings), *[Verdict.INCONCLUSIVE] * cut]
    verdict = worst(told)
    whole = RunResult(
        verdict=verdict,
        exit_code=exit_code(verdict, safe=safe),
        seed=1,
        calls=1,
        requests=1,
        target=TargetFacts("http://127.0.0.1/sdk"),
        rows=rows,
        findings=findings,
        partial="1 of 2 cells (interrupted)" if cut else "",
    )
    known = tuple(KnownDeviation(each.id, each.row, "ours") for each in findings if draw(st.booleans()))
    return excused(whole, Listed("d.toml" if known else "", known), dt.date(2026, 1, 1), cut=cut)


@given(results())
def test_document_findings_and_exit_code_agree(result: RunResult) -> None:
    """A finding that counts is a failure, as rows and deviations are, and nothing else; then the exit code is 1, or 3."""
    root = etree.fromstring(junit(result))
    etree.RelaxNG(etree.fromstring(SCHEMA)).assertValid(root.getroottree())
    failures = root.xpath("//testcase[failure]")
    text = "\n".join(failure.text or "" for failure in root.iter("failure"))
    for finding in result.findings:
        counts = finding.id not in result.deviations.known
        assert (f"{finding.id} " in text) or not counts
    violated = any(row.verdict is Verdict.VIOLATES and row.id not in result.deviations.rows for row in result.rows)
    listed = result.deviations
    counted = [finding for finding in result.findings if finding.id not in listed.known]
    assert bool(failures) == bool(counted or violated or listed.stale or listed.expired)
    assert not failures or result.exit_code in {1, 3}
    assert bool(root.xpath("//testcase[failure or error]")) == bool(result.exit_code)


def test_a_case_says_how_long_it_took(result: RunResult) -> None:
    """The time of a case is that of its row's cells."""
    timed = replace(result, rows=[replace(row, seconds=1.5 + number) for number, row in enumerate(result.rows)])
    cases = etree.fromstring(junit(timed)).findall(".//testcase")
    assert [case.get("time") for case in cases][: len(timed.rows)] == [f"{1.5 + n:.3f}" for n in range(len(timed.rows))]


def test_what_spoils_rows_names_itself(result: RunResult) -> None:
    """A run that was halted, or cut, has a case that says by what, beside the rows that it left inconclusive."""
    rows = [RowVerdict("A/b/Success", Verdict.INCONCLUSIVE, "raced")]
    halted = replace(result, verdict=Verdict.VIOLATES, exit_code=3, notes=["odd", "halted for safety: a mark is gone"])
    cut = replace(
        result, verdict=Verdict.INCONCLUSIVE, exit_code=5, rows=rows, findings=[], partial="1 of 2 cells (cut)"
    )
    for each, told in ((halted, "3: halted for safety: a mark is gone"), (cut, "5: 1 of 2 cells (cut)")):
        root = etree.fromstring(junit(each))
        assert root.xpath("//testcase[@classname='run']/error/@message") == [told]
