"""`junit.xml`: a test case for each row, in the shape that both the Ant and the Jenkins schema accept."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from harness.report.events import RunEnded, RunEvent, printable
from harness.report.run_directory import write_whole
from harness.terms import Finding, RowVerdict, Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from harness.report.result import RunResult

JUNIT = "junit.xml"
_CHILD = {Verdict.VIOLATES: "failure", Verdict.UNTESTED: "skipped", Verdict.INCONCLUSIVE: "error"}


class JunitReporter:
    """Writes `junit.xml` into a run directory when the run ends."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / JUNIT

    def on(self, event: RunEvent) -> None:
        """Write the file at the end."""
        if isinstance(event, RunEnded):
            write_whole(self._file, junit(event.summary))


def junit(result: RunResult) -> bytes:
    """Give the document: violates is a failure, untested skipped with its reason, inconclusive an error."""
    count = {child: sum(row.verdict is verdict for row in result.rows) for verdict, child in _CHILD.items()}
    suites = ET.Element("testsuites")
    suite = ET.SubElement(
        suites,
        "testsuite",
        {
            "name": "vcontract",
            "timestamp": result.started[:19] or "1970-01-01T00:00:00",
            "hostname": "localhost",
            "tests": str(len(result.rows)),
            "failures": str(count["failure"]),
            "errors": str(count["error"]),
            "skipped": str(count["skipped"]),
            "time": f"{result.seconds:.3f}",
            "package": "vcontract",
            "id": "0",
        },
    )
    facts = {
        "seed": str(result.seed),
        "target": result.target.url,
        "api_version": result.target.api_version,
        "product": result.target.product,
        "build": result.target.build,
        "replay": result.replay,
    }
    properties = ET.SubElement(suite, "properties")
    for name, value in facts.items():
        ET.SubElement(properties, "property", {"name": name, "value": printable(value) or "-"})
    for row in result.rows:
        _case(suite, row, [each for each in result.findings if each.row == row.id])
    ET.SubElement(suite, "system-out").text = printable("\n".join(result.notes))
    ET.SubElement(suite, "system-err")
    ET.indent(suites)
    return bytes(ET.tostring(suites, encoding="UTF-8", xml_declaration=True)) + b"\n"


def _case(suite: ET.Element, row: RowVerdict, findings: list[Finding]) -> None:
    promise, _, name = row.id.rpartition("/")
    case = ET.SubElement(
        suite,
        "testcase",
        {
            "name": printable(name),
            "classname": printable(promise.replace("/", ".")) or "vcontract",
            "time": "0",
        },
    )
    child = _CHILD.get(row.verdict)
    if child is None:
        return
    told = ET.SubElement(case, child, {"message": printable(row.reason), "type": row.verdict.value})
    told.text = printable(
        "\n\n".join(
            f"{each.id} {each.grade.value}\nexpected: {each.expected}\nobserved: {each.observed}\nreplay: {each.replay}"
            for each in findings
        )
    )
