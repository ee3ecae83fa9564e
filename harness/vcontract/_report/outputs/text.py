"""A finding, and several runs beside each other, as plain text."""

from __future__ import annotations

from collections.abc import Sequence

from vcontract._report.bug_reports import BugReport
from vcontract._report.console_text import Verbosity, finding_lines
from vcontract._report.result import RunResult
from vcontract._report.safe_text import console_document, one_line
from vcontract._report.sentences import server
from vcontract._terms import Finding


def finding_text(finding: Finding, report: BugReport, result: RunResult) -> str:
    """Give a finding in full, a line for each thing that is known of it."""
    lines = [f"{finding.id}  {report.title}", f"  server: {server(report.target)}"]
    lines += [f"  {name}: {value}" for name, value in finding_lines(finding, report, result, Verbosity.ALL)]
    for each in report.exchanges:
        answer = f"no answer: {each.lost}" if each.lost else f"HTTP {each.status} {each.reply}"
        lines += [f"  operation {each.op} sent: {each.request}", f"  operation {each.op} got: {answer}"]
    if report.unkept:
        lines.append(f"  exchanges: {report.unkept}")
    return "\n".join(map(one_line, lines))


def finding_json(report: BugReport) -> str:
    """Give the bug report of a finding as JSON."""
    return console_document(report)


def trend(results: Sequence[RunResult]) -> str:
    """Give a line for each of several runs, oldest first: when, build, verdict, and which findings are new or gone."""
    lines = []
    before: set[str] | None = None
    for each in results:
        now = {finding.id for finding in each.findings}
        changes = "" if before is None else _changes(now - before, before - now)
        lines.append(
            f"{each.started}  build {each.target.build or 'unknown'}  {each.verdict.value}  {len(now)} findings{changes}"
        )
        before = now
    return "\n".join(map(one_line, lines))


def _changes(new: set[str], gone: set[str]) -> str:
    told = [f"{word} {', '.join(sorted(ids))}" for word, ids in (("new", new), ("gone", gone)) if ids]
    return f"; {'; '.join(told)}" if told else "; the same"
