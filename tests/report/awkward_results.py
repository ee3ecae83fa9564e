"""Results and bug reports in which one text stands wherever a server or a file can have said it."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec
from lxml import etree
from msgspec.structs import replace

from tests.hostile_texts import SURROGATE, TEXTS
from vcontract._check.latencies import Latency
from vcontract._exchanges import WireExchange
from vcontract._report.bug_reports import BugReports, Evidence, bug_report
from vcontract._report.events import CellJudged, FindingSeen, Note, Reaching, RunEnded, RunEvent, RunStarted
from vcontract._report.result import Clones, KnownDeviations, RunResult, Stress, Worker
from vcontract._terms import Arguments, Call, Envelope, Finding, Grade, Operation, Ref, ReplayStep, Returned

WRITABLE = [text for text in TEXTS if text != SURROGATE]
"""Those that JSON in UTF-8 can hold; a reply, which is XML, holds no other."""
CLEAN = "plain"
METHODS = ("CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task")


def said_everywhere(value: Any, text: str) -> Any:
    """Put a text in the place of every text of a value: fields, keys and items, but for what is one of an enumeration's."""
    if isinstance(value, StrEnum) or not isinstance(value, str | dict | list | tuple | msgspec.Struct):
        return value
    if isinstance(value, str):
        return text
    if isinstance(value, dict):
        return {said_everywhere(key, text): said_everywhere(item, text) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(said_everywhere(item, text) for item in value)
    fields = {name: said_everywhere(getattr(value, name), text) for name in value.__struct_fields__ if name != "schema"}
    return replace(value, **fields)


def program(text: str) -> tuple[ReplayStep, ...]:
    """Give calls in which a text stands wherever a server can have said it."""
    call = Call(Ref(text, text), text, Arguments({"name": text}), text)
    edited = Call(Ref(text, text), text, Envelope(text.encode("utf-8", "replace"), text, {text: text}), "full")
    return (ReplayStep(call, gave=(text, text)), ReplayStep(edited))


def several(finding: Finding, count: int) -> list[Finding]:
    """Give so many findings, of each method in turn, with calls."""
    return [
        replace(
            finding, id=f"{number:012x}", method=METHODS[number % 3], cell=f"{METHODS[number % 3]}:suspended",
            program=program("plain") * 4, row=finding.row.replace("CustomizeGuest_Task", METHODS[number % 3]),
        )
        for number in range(count)
    ]  # fmt: skip


def filled_everywhere(result: RunResult) -> RunResult:
    """Give a result with something in every place that is shown."""
    latency = Latency("M", "OK", 1, 1.0, 1.0, 1.0, 1.0)
    finding = replace(
        result.findings[0], detail="d", program=program("p"), root=("vm-1", "web"), repeats="3 of 3", cell="c"
    )
    return replace(
        result,
        findings=[finding],
        cells=replace(result.cells, seen=["a"], unseen=["b"], unreachable={"why": ["c"]}),
        sharpness={"pivot_mean": 2.5, "weakest": [["C:a", 9]]},
        inputs={"M": {"types": (1, 2)}},
        workers=[Worker("history-1.jsonl")],
        clones=Clones(1, ["left"]),
        stress=Stress(1, 1, 1.0, [latency], {"yes": 1}, 0, ["h"], "storm", {"cut": 1}, ["why"]),
        deviations=KnownDeviations("f", {finding.id: "r"}, {"s": "x"}, {"e": "y"}, []),
    )


def events(result: RunResult) -> list[RunEvent]:
    """Give the events of a run with this result."""
    text = result.target.product
    cell = CellJudged(text, text, Grade.WRONG, text, 1, 2)
    return [
        Reaching(text),
        RunStarted(result.target, 7, 4, 2, text),
        cell,
        FindingSeen(result.findings[0]),
        Note(text),
        RunEnded(result),
    ]


def elements(document: bytes) -> list[str]:
    """Give the names of a document's elements, in their order."""
    return [str(element.tag) for element in etree.fromstring(document).iter()]


def told_of(text: str, result: RunResult) -> tuple[RunResult, BugReports]:
    """Give a result in which a text stands everywhere, with bug reports in which it stands in all that was seen, too."""
    said = said_everywhere(result, text)
    exchange = WireExchange(1, text, text, 0.0, 0.1, {text: text}, text, 500, {text: text}, text, text)
    operation = said_everywhere(Operation(1, program("p")[0].call, 0.0, 0.1, Returned({"a": "b"}), 200, ("p",)), text)
    seen = Evidence(text, text, {text: text}, operation, operation, {"guest.hostName": text, text: text}, {text: text})
    seen = replace(seen, at_work=({"name": text},), task={"state": text, "error": {text: text}}, exchanges=(exchange,))
    reports = BugReports()
    reports._of, reports._made = said, [bug_report(finding, said, seen) for finding in said.findings]
    return said, reports
