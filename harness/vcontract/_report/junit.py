"""`junit.xml`: a test case for each row, in the shape that both the Ant and the Jenkins schema accept."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from xml.etree import ElementTree as ET

from vcontract._report.events import RunEnded, RunEvent
from vcontract._report.run_directory import write_whole
from vcontract._report.safe_text import printable
from vcontract._terms import Ended, Finding, RowVerdict, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from vcontract._report.result import RunResult

JUNIT = "junit.xml"
_CHILD = {Verdict.VIOLATES: "failure", Verdict.UNTESTED: "skipped", Verdict.INCONCLUSIVE: "error"}
_BY_ROWS = frozenset({0, 1, 5})
"""The exit codes that rows may give; any other has a cause beside them, which names itself."""
_SPOILING = frozenset({Ended.HALTED, Ended.HALTED_FOR_SAFETY, Ended.NOT_RESTORED})
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", re.ASCII)


class JunitReporter:
    """Writes `junit.xml` into a run directory when the run ends."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / JUNIT

    def on(self, event: RunEvent) -> None:
        """Write the file at the end."""
        if isinstance(event, RunEnded):
            write_whole(self._file, junit(event.summary))


class Case(NamedTuple):
    """One test case; `child` is `failure`, `error` or `skipped`, with message, type and text; empty if the case passed."""

    classname: str
    name: str
    child: str = ""
    message: str = ""
    type: str = ""
    text: str = ""
    seconds: float = 0.0


def junit(result: RunResult) -> bytes:
    """Give the document: a row that violates fails, an untested one is skipped, an inconclusive one is an error.

    A finding that counts fails even if its row is not told or does not fail, and what the exit code says beside the rows is an
    error: whoever reads the document alone comes to the same end.
    """
    facts = {
        "version": result.version,
        "seed": str(result.seed),
        "target": result.target.url,
        "api_version": result.target.api_version,
        "product": result.target.product,
        "build": result.target.build,
        "replay": result.replay,
    }
    known = result.deviations.known if result.deviations.rows else {}
    cases = [
        _case(
            row,
            [finding for finding in result.findings if finding.breaks(row.id)],
            known if _spared(row, result) else {},
        )
        for row in result.rows
    ]
    for what, listed in (("stale", result.deviations.stale), ("expired", result.deviations.expired)):
        cases += [Case("deviations", id_, "failure", f"{what}: {text}", what, text) for id_, text in listed.items()]
    failing = result.stress.crossed if result.stress else {}
    cases += [Case("thresholds", text, "failure", said, "threshold", said) for text, said in failing.items()]
    cases += _findings_alone(result, {f"{case.classname}.{case.name}" for case in cases if case.child == "failure"})
    if why := _beside_rows(result, told=any(case.child in {"failure", "error"} for case in cases)):
        cases.append(Case("run", "exit code", "error", f"{result.exit_code}: {why}", result.verdict.value))
    notes = [*([f"partial: {result.partial}"] if result.partial else []), *result.notes]
    return document(cases, facts, notes, started=result.started, seconds=result.seconds)


def document(
    cases: Sequence[Case],
    facts: Mapping[str, str],
    notes: Iterable[str] = (),
    *,
    started: str = "",
    seconds: float = 0.0,
) -> bytes:
    """Give a document with one suite of cases, facts as properties, notes as output; `started` is UTC in ISO 8601."""
    count = {child: sum(case.child == child for case in cases) for child in _CHILD.values()}
    moment = _MOMENT.match(started)
    suites = ET.Element("testsuites")
    suite = ET.SubElement(
        suites,
        "testsuite",
        {
            "name": "vcontract",
            "timestamp": moment[0] if moment else "1970-01-01T00:00:00",
            "hostname": "localhost",
            "tests": str(len(cases)),
            "failures": str(count["failure"]),
            "errors": str(count["error"]),
            "skipped": str(count["skipped"]),
            "time": f"{seconds:.3f}",
            "package": "vcontract",
            "id": "0",
        },
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in facts.items():
        ET.SubElement(properties, "property", {"name": printable(name), "value": printable(value) or "-"})
    for case in cases:
        name, group = printable(case.name).strip() or "-", printable(case.classname) or "vcontract"
        element = ET.SubElement(suite, "testcase", {"name": name, "classname": group, "time": f"{case.seconds:.3f}"})
        if case.child:
            outcome = ET.SubElement(
                element, case.child, {"message": printable(case.message), "type": printable(case.type)}
            )
            outcome.text = printable(case.text)
    ET.SubElement(suite, "system-out").text = printable("\n".join(notes))
    ET.SubElement(suite, "system-err")
    ET.indent(suites)
    return bytes(ET.tostring(suites, encoding="UTF-8", xml_declaration=True)) + b"\n"


def _findings_alone(result: RunResult, failing: set[str]) -> list[Case]:
    """Make a case for each finding that counts and that no failing row tells of."""
    return [
        Case("findings", finding.id, "failure", f"{finding.row}: {finding.detail}", finding.grade.value, _told(finding))
        for finding in result.findings
        if finding.id not in result.deviations.known and finding.row.replace("/", ".") not in failing
    ]


def _beside_rows(result: RunResult, *, told: bool) -> str:
    """Name what the exit code says beside the rows, or what spoiled them; empty if they say it all (`told`)."""
    spoiled = [note for note in result.notes if Ended.of_note(note) in _SPOILING]
    unsafe = result.exit_code not in _BY_ROWS
    cut = result.partial if result.verdict is Verdict.INCONCLUSIVE else ""
    if not result.exit_code or (told and not unsafe and not cut):
        return ""
    reason = next((row.reason for row in result.rows if row.verdict is result.verdict), "")
    return next(iter(spoiled), "") or result.partial or reason or "see the notes"


def _told(finding: Finding) -> str:
    named = f"operationID: {finding.operation_id}\n" if finding.operation_id else ""
    return (
        f"{finding.id} {finding.grade.value}\nexpected: {finding.expected}\nobserved: {finding.observed}\n"
        f"{named}replay: {finding.replay}"
    )


def _spared(row: RowVerdict, result: RunResult) -> bool:
    return row.id in result.deviations.rows


def _case(row: RowVerdict, findings: list[Finding], known: Mapping[str, str]) -> Case:
    """Make the case of a row; one that violates by `known` deviations alone is skipped, with their reasons."""
    promise, _, name = row.id.rpartition("/")
    child = "skipped" if known else _CHILD.get(row.verdict, "")
    text = "\n\n".join(map(_told, findings))
    reasons = "; ".join(dict.fromkeys(known[finding.id] for finding in findings if finding.id in known)) or row.reason
    message = f"known: {reasons}" if known else row.reason
    return Case(promise.replace("/", "."), name, child, message, row.verdict.value, text, row.seconds)
