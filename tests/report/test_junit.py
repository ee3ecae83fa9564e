"""`junit.xml` against a schema of our own that holds what the schemas of Ant and Jenkins both demand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from vcontract import __version__
from vcontract.report.events import Note, RunEnded
from vcontract.report.junit import JunitReporter, junit
from vcontract.report.result import RunResult, TargetFacts
from vcontract.terms import Verdict

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
