"""A finding reads as a bug report: the state, the values that differ, the contract's sentence, the build, the wire."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, ValidationError
from lxml import etree
from msgspec.structs import replace

from vcontract._check.concurrent import LEGAL_ORDER
from vcontract._check.guarantees import (
    BlamedTask,
    GuestNames,
    KeptTasks,
    OneCustomization,
    OwnSessions,
    Replies,
)
from vcontract._commands.file_schemas import file_schema
from vcontract._commands.run import execute
from vcontract._config.request import Budget, RunRequest
from vcontract._contract import load, names
from vcontract._errors import RunFileError
from vcontract._exchanges import read_exchanges
from vcontract._model.cells import DEVIATIONS
from vcontract._report.bug_reports import BugReport, BugReports, Evidence, bug_report
from vcontract._report.bug_reports.words import GRADES, GUARANTEES, UNUSUAL, outcomes
from vcontract._report.events import FindingSeen, Note, RunEnded, RunStarted
from vcontract._report.markdown import finding_markdown, run_markdown
from vcontract._report.outputs import outputs
from vcontract._report.outputs.text import finding_json
from vcontract._report.result import RunResult, load_run
from vcontract._run.preparation import Preparation
from vcontract._simulator.defects import DEFECTS, Defect
from vcontract._simulator.defects.registry import MANAGER
from vcontract._terms import Finding, Grade

DRAWN = tuple(random.Random(2028).sample(sorted(DEFECTS.known), 20))  # noqa: S311 - no secret
"""Twenty defects that nobody chose."""
ALONE = tuple(name for name in DRAWN if isinstance(each := DEFECTS.known[name], Defect) and not each.concurrent)
"""Those of them that one client sees."""
LINES = {
    "finding": "findings.jsonl",
    "cell": "cells.jsonl",
    "history": "history.jsonl",
    "exchange": "exchanges.jsonl",
}
"""The files of a run with a document a line, by the names of their schemas."""
MANY = 100
"""So many lines of a file are held against its schema from its beginning, and as many drawn from all."""
SHOWN = "host-name-not-applied"
BUILD = "00000000"
Made = Callable[[str], Path]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """Give the directory of a run on a simulator with a defect, ended at the first finding."""
    runs: dict[str, Path] = {}

    def run(name: str) -> Path:
        if name not in runs:
            told = getattr(DEFECTS.known[name], "row", "").partition("/")[0]
            request = RunRequest(
                seed=1, report_dir=tmp_path_factory.mktemp("runs"), output="none", max_calls=1500, stop_at_first=True,
                contract=told if told in names() else MANAGER, shrink=Budget(0, 0.0),
            )  # fmt: skip
            execute(request, Preparation(defects=frozenset({name})))
            (runs[name],) = (path.resolve() for path in request.report_dir.glob("latest"))
        return runs[name]

    yield run
    runs.clear()


def told_of(directory: Path) -> tuple[RunResult, list[BugReport]]:
    """Give a saved run with its bug reports."""
    result = load_run(directory)
    return result, BugReports(directory).of(result)


def sentence_of(finding: Finding) -> str:
    """Give what the contract file says of a finding's row, by itself."""
    contract, part = load(finding.object), finding.row.rpartition("/")[2]
    method = next((each for each in contract.methods if each.name == finding.method), None)
    faults = [*(method.fault if method else ()), *contract.every_fault]
    said = next((fault.says for fault in faults if fault.type == part), "")
    return said or (method.says if method and part == "Success" else "")


def holding(directory: Path, name: str) -> int:
    """Assert that each bug report of a run says what a reader needs; gives how many there are."""
    result, reports = told_of(directory)
    assert reports, name
    assert result.exit_code == 1
    assert etree.parse(directory / "junit.xml").getroot()[0].get("failures") != "0"
    assert ">violates</span></h1>" in (directory / "report.html").read_text("utf-8")
    assert run_markdown(result, reports).startswith("# vcontract: violates\n")
    for finding, report in zip(result.findings, reports, strict=True):
        document = finding_markdown(report).replace("\\", "")
        assert f"build {BUILD}" in document
        assert f"API {result.target.api_version}" in document
        assert sentence_of(finding) in document
        assert GRADES[finding.grade] in document
        assert all(UNUSUAL.get(each, each) in document for each in finding.cause if ":" not in each and "." not in each)
        assert finding.program[-1].call.method in document or finding.shown
        assert report.vm or finding.observed.startswith("ManagedObjectNotFound") or not finding.op
        assert finding.replay in document
        assert any(each.op == finding.op for each in report.exchanges), (name, finding.id)
        assert {finding.op - 1, finding.op - 2, finding.op - 3} <= {each.op for each in report.exchanges}
        assert finding.detail.replace("`", "") in document.replace("`", "")
        assert "OK" not in report.expected
        assert set(report.observed) - set(report.expected), "what differs is told"
    return len(reports)


def test_what_was_shown_and_what_must_be_shown_stand_in_the_report(made: Made) -> None:
    """Of a host name that a customization did not set: the VM, its state before, the name that was given and the one seen."""
    assert holding(made(SHOWN), SHOWN) == 1
    result, (report,) = told_of(made(SHOWN))
    (finding,) = result.findings
    given = finding.program[0].call.arguments["spec"]["identity"]["hostName"]["name"]
    shown = f"guest host name {report.vm.partition(' ')[0]}"
    document = finding_markdown(report)
    assert f'"name": "{given}"' in document
    assert any(shown in line for line in report.observed)
    assert report.vm == f"{finding.root[1]} ({finding.root[0]})"
    assert "powered on, VMware Tools running, guest operations ready, host connected" in document
    assert "administrator@vsphere.local" in document
    assert "/CustomizeGuest_Task/post/" in document
    assert '"password": "secret:guest.root"' in document
    assert "guest</" not in document.partition("## On the wire")[2].replace("vim25:guest", "")


@pytest.mark.long
@pytest.mark.parametrize("name", ALONE)
def test_a_finding_of_a_drawn_defect_says_all(name: str, made: Made) -> None:
    """State, values that differ, sentence and build, by the record of the defect: its row is the one that is told broken."""
    assert holding(made(name), name)


def test_the_exchanges_hold_what_went_over_the_wire_and_no_secret(made: Made) -> None:
    """The request as XML with its SOAPAction, the reply with its status; passwords and cookies by name."""
    kept = read_exchanges(made(SHOWN) / "exchanges.jsonl")
    result = load_run(made(SHOWN))
    call = kept[result.findings[0].op]
    assert "<vim25:CustomizeGuest_Task>" in call.request
    assert "secret:guest.root" in call.request
    assert call.status == 200
    assert "<returnval" in call.reply
    assert 'vmware_soap_session="secret:' in call.headers["Cookie"]
    assert call.ended >= call.sent > 0


def test_every_file_of_a_run_is_valid_by_its_schema(made: Made) -> None:
    """Each line of each, by the schemas that `vcontract schema` prints."""
    directory = made(SHOWN)
    checked = {"run": [(directory / "run.json").read_bytes()]}
    for name, file in LINES.items():
        lines = (directory / file).read_bytes().splitlines()
        checked[name] = lines if len(lines) < MANY else [*lines[:MANY], *random.Random(1).sample(lines, MANY)]  # noqa: S311 - no secret
    for name, documents in checked.items():
        validator = Draft202012Validator(json.loads(file_schema(name)))
        for document in documents:
            found = [error.message for error in validator.iter_errors(json.loads(document))]
            assert found == [], (name, document[:300])
        assert documents
    (report,) = told_of(directory)[1]
    Draft202012Validator(json.loads(file_schema("bug-report"))).validate(json.loads(finding_json(report)))
    out = directory.parent / "events"
    (stream,) = outputs([f"ndjson={out}"], BugReports(directory))
    result = load_run(directory)
    for event in (RunStarted(result.target, 1, 2, 3), FindingSeen(result.findings[0]), Note("a"), RunEnded(result)):
        stream.on(event)
    events = Draft202012Validator(json.loads(file_schema("event")))
    for line in out.read_bytes().splitlines():
        events.validate(json.loads(line))
    with pytest.raises(ValidationError):
        events.validate({"event": "Note", "text": 3})


def test_a_file_of_exchanges_may_be_cut_and_may_not_be_wrong(tmp_path: Path, made: Made) -> None:
    """A last line that was cut is dropped; any other that is none is told with its place; no file is no exchanges."""
    whole = (made(SHOWN) / "exchanges.jsonl").read_bytes()
    file = tmp_path / "exchanges.jsonl"
    file.write_bytes(whole[:-10])
    assert len(read_exchanges(file)) == whole.count(b"\n") - 1
    file.write_bytes(b"{}\n" + whole)
    with pytest.raises(RunFileError, match=r"exchanges.jsonl:1: not an exchange"):
        read_exchanges(file)
    assert read_exchanges(tmp_path / "none.jsonl") == {}


def test_without_a_history_the_finding_alone_is_told(made: Made, tmp_path: Path) -> None:
    """And that exchanges are not there; a history that cannot be read is named, and keeps nothing from being told."""
    result = load_run(made(SHOWN))
    report = bug_report(result.findings[0], result)
    assert report.vm
    assert "not kept" in report.unkept
    (tmp_path / "history.jsonl").write_text("no history\n")
    reports = BugReports(tmp_path)
    assert reports.of(result)[0].title == report.title
    assert "history.jsonl:1" in reports.unread


def test_everything_unusual_has_words() -> None:
    """Each deviation that the model knows, and each grade that fails."""
    assert set(UNUSUAL) == {each.name for each in DEVIATIONS}
    known = {kind.name for kind in (BlamedTask, GuestNames, KeptTasks, OneCustomization, OwnSessions, Replies)}
    assert set(GUARANTEES) == known | {LEGAL_ORDER}
    assert set(GRADES) == {grade for grade in Grade if grade.fails}


@pytest.mark.parametrize(
    ("actor", "said"),
    [
        ("full", "by root@x;"),
        ("other", "by root@x in the session 'other';"),
        ("weak", "by viewer@x;"),
        ("nobody", "by nobody, without a session;"),
        ("stranger", "by a stranger, with a session that is made up;"),
        ("c7", "by the session 'c7';"),
    ],
)
def test_who_called_is_said_in_words(actor: str, said: str, made: Made) -> None:
    """The account, the session where it is one of several, or that there was none."""
    result = load_run(made(SHOWN))
    (step, *_) = result.findings[0].program
    finding = replace(result.findings[0], program=(replace(step, call=replace(step.call, actor=actor)),))
    accounts = {"full": "root@x", "other": "root@x", "weak": "viewer@x"}
    (line,) = bug_report(finding, result, Evidence(accounts=accounts)).calls
    assert said in line


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        ("OK", ["success"]),
        ("InvalidPowerState ~InvalidState", ["InvalidPowerState", "InvalidState (less precise, accepted)"]),
        ("OK ?SystemError", ["success", "SystemError (no document settles it, accepted)"]),
        ("settings that show as the documents say", ["settings that show as the documents say"]),
        ("", []),
    ],
)
def test_an_expectation_is_said_in_words(expected: str, said: list[str]) -> None:
    """Without the marks by which a contract file grades."""
    assert outcomes(expected) == said


def test_a_finding_about_an_object_of_no_contract_is_told_all_the_same(made: Made) -> None:
    """A saved run may come from anybody: no name in it is looked up as a file, or becomes an address."""
    result = load_run(made(SHOWN))
    strange = replace(result.findings[0], object="../../x", method="../y", row="../../x/../y/Success")
    report = bug_report(strange, result)
    assert report.promise.page == ""
    assert report.situations == ()
