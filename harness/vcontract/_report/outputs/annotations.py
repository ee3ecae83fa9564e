"""Findings as a build server shows them: annotations of GitHub, code quality of GitLab."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from vcontract._report.bug_reports import BugReport
from vcontract._report.result import RunResult
from vcontract._report.safe_text import one_line, shortened
from vcontract._report.sentences import sentence
from vcontract._terms import Verdict

_LONGEST, _MOST = 1_000, 50
_LEVELS = {Verdict.CONFORMS: "notice", Verdict.VIOLATES: "error"}
_PERCENT = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = {**_PERCENT, ":": "%3A", ",": "%2C"}


def workflow_commands(result: RunResult, reports: Sequence[BugReport]) -> str:
    """Give workflow commands of GitHub: the verdict, and an error for each finding that counts (a warning if it is known)."""
    failing = bool(result.stress and result.stress.crossed)
    lines = [
        _command(
            "error" if failing else _LEVELS.get(result.verdict, "warning"),
            f"vcontract: {result.verdict.value}",
            sentence(result),
        )
    ]
    for report in reports[:_MOST]:
        said = f"VM {report.vm}: {'; '.join(report.state)}. Expected {' or '.join(report.expected)}; observed "
        said += f"{'; '.join(report.observed)}. {report.replay}"
        lines.append(_command("warning" if report.known else "error", report.title, said))
    return "".join(f"{line}\n" for line in lines)


def code_quality(result: RunResult, reports: Sequence[BugReport]) -> bytes:
    """Give the report of code quality that GitLab reads: an issue for each finding, at the file of its contract."""
    issues = [
        {
            "description": one_line(shortened(report.title, _LONGEST)),
            "check_name": one_line(report.promise.id),
            "fingerprint": report.id,
            "severity": "info" if report.known else "major",
            "location": {"path": f"contracts/{_object(result, report)}.toml", "lines": {"begin": 1}},
        }
        for report in reports
    ]
    return msgspec.json.format(msgspec.json.encode(issues)) + b"\n"


def _object(result: RunResult, report: BugReport) -> str:
    found = next((finding.object for finding in result.findings if finding.id == report.id), "")
    return found if found.isidentifier() else "contract"


def _command(level: str, title: str, text: str) -> str:
    return f"::{level} title={_escaped(title, _PROPERTY)}::{_escaped(text, _PERCENT)}"


def _escaped(text: str, table: Mapping[str, str]) -> str:
    return one_line(shortened(text, _LONGEST)).translate({ord(letter): code for letter, code in table.items()})
