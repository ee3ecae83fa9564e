"""`vcontract judge --calls FILE`: calls that somebody recorded, judged, and told."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec

from vcontract import __version__
from vcontract._report.safe_text import console_document, one_line
from vcontract._terms import Verdict
from vcontract._traffic.archive import read_archive
from vcontract._traffic.calls import Conversation, heard
from vcontract._traffic.judging import JudgedCall, judged, worst_of

SCHEMA = "vcontract.calls/1"
_CODES = {Verdict.CONFORMS: 0, Verdict.VIOLATES: 1, Verdict.INCONCLUSIVE: 5, Verdict.UNTESTED: 5}
_NOTES = frozenset({"imprecise", "unsettled"})


class CallsReport(msgspec.Struct, frozen=True):
    """What `judge --calls --format json` prints: the verdict, and each call of the contracts' methods."""

    schema: str
    version: str
    verdict: Verdict
    exit_code: int
    entries: int
    calls: tuple[JudgedCall, ...]
    notes: tuple[str, ...] = ()

    @property
    def lines(self) -> list[str]:
        """What the console shows: what is wrong, what is suspect, what is told beside, and a sum."""
        told = [_line(call) for call in self.calls if call.verdict is not Verdict.CONFORMS or call.grade in _NOTES]
        return [*told, *(f"note: {note}" for note in self.notes), self._sum()]

    def _sum(self) -> str:
        counts = Counter(call.verdict for call in self.calls)
        suspect = sum(bool(call.rests_on) and call.verdict is Verdict.INCONCLUSIVE for call in self.calls)
        if not self.calls:
            return f"{self.verdict}: none of {self.entries} entries is a call of a contract's method"
        unsure = counts[Verdict.INCONCLUSIVE] - suspect
        return (
            f"{self.verdict}: {len(self.calls)} calls judged of {self.entries} entries, {counts[Verdict.VIOLATES]} violations,"
            f" {suspect} suspect, {unsure} without a whole answer"
        )


def judge_calls(file: Path, wsdl: str = "", contract: str = "") -> CallsReport:
    """Judge the calls of a file. Raises UsageError if it cannot be used, SchemaError for the WSDL."""
    told: Conversation = heard(read_archive(file), wsdl)
    calls = judged(told, contract)
    verdict = worst_of(calls)
    notes = list(told.notes)
    if told.others:
        notes.append(f"{told.others} of {told.entries} entries are no calls of vSphere's SOAP API")
    beside = Counter(each.operation.call.method for each in told.calls)
    beside.subtract(call.method for call in calls)
    if rest := sum(count for count in beside.values() if count > 0):
        notes.append(
            f"{rest} calls are of methods that are not judged; what they show of VMs, tasks and sessions counts"
        )
    return CallsReport(SCHEMA, __version__, verdict, _CODES[verdict], told.entries, calls, tuple(notes))


def as_json(report: CallsReport) -> str:
    """Write a report for programs."""
    return console_document(report)


def _line(call: JudgedCall) -> str:
    """Tell of one call."""
    reads = f"; it rests on what entries {', '.join(map(str, call.rests_on))} show" if call.rests_on else ""
    suspect = "suspect: " if call.rests_on and call.verdict is Verdict.INCONCLUSIVE else ""
    head = f"entry {call.entry}: {call.method} about {call.about}"
    came = f"{call.observed} ({call.channel})" if call.channel else call.observed
    grade = f"{call.grade}: " if call.grade != "conforms" else ""
    allowed = f"; allowed: {call.allowed}" if call.grade in {"wrong", "missing", "undeclared", "spurious"} else ""
    why = f"; {call.why}" if call.why else ""
    return one_line(f"{head}: {suspect}{grade}{came}{why}{allowed}{reads} [{call.row}]")
