"""`report.html`: a run, or several of them, as one file; text of a server stands in it as text, whatever it holds."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from vcontract.report.bug_reports import BugReport
from vcontract.report.bug_reports.words import counted, unusual
from vcontract.report.method_matrix import matrix, worded
from vcontract.report.page.drawings import states_drawing
from vcontract.report.page.heat import heat
from vcontract.report.result import RunResult
from vcontract.report.safe_text import console_json, printable, shortened
from vcontract.report.sentences import explained, sentence

PAGE = "report.html"
_HERE = Path(__file__).parent
_LINES = 20
"""So many lines has a finding, about."""
_BODY, _TEXT, _LEAST = 20_000, 2_000, 250
"""Characters of a body and of a line that are shown at most, and those of a line that always are."""
_BUDGET = 1_500_000
"""Characters of what is folded, and of lines, in all: a page of many findings still opens at once. Of what is folded the rest
is left out, and that is said."""


def page(
    result: RunResult, reports: Sequence[BugReport], former: Sequence[RunResult] = (), timelines: Mapping[str, str] = {}
) -> str:
    """Give the page of a run; `former` are earlier ones, oldest first, for the trend.

    `timelines` are drawings (SVG) of the smallest window without a legal order, by the finding.
    """
    template, script, style = _template(), _file("page.js"), _file("page.css")
    text: str = template.render(
        result=result,
        sentence=sentence(result),
        matrix=matrix(result),
        worded=worded,
        unsure=[row for row in result.rows if row.verdict.value in {"untested", "inconclusive"}],
        broken=[row for row in result.rows if row.verdict.value == "violates"],
        notes=[explained(note) for note in result.notes],
        heat=heat(result),
        states=Markup(states_drawing(result)),  # noqa: S704 - of our own numbers and words, and escaped by in_xml
        findings=_findings(result, reports, timelines),
        methods=sorted({finding.method for finding in result.findings}),
        trend=[*former, result] if former else [],
        longest=max(_LEAST, min(_TEXT, _BUDGET // (_LINES * (len(reports) or 1)))),
        style=Markup(style),  # noqa: S704 - a file of ours
        script=Markup(script),  # noqa: S704 - a file of ours
        policy=f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'",
    )
    return text


def _findings(result: RunResult, reports: Sequence[BugReport], timelines: Mapping[str, str]) -> list[dict[str, Any]]:
    """Prepare the findings: each once, what is folded as long as there is room for it."""
    left = _BUDGET
    found = []
    for finding, report in zip(result.findings, reports, strict=False):
        line = msgspec.json.encode(finding).decode()
        size = (
            len(line)
            + len(report.arguments)
            + sum(min(_BODY, len(each.request)) + min(_BODY, len(each.reply)) for each in report.exchanges)
        )
        whole = size <= left
        left -= size if whole else 0
        drawn = timelines.get(finding.id, "")
        found.append(
            {
                "finding": finding,
                "report": report,
                # the line of findings.jsonl; of what must not be shown raw the same values
                "json": escape(console_json(line)) if whole else "",
                "whole": whole,
                "timeline": base64.b64encode(drawn.encode("utf-8", "replace")).decode() if drawn else "",
            }
        )
    return found


@cache
def _template() -> Any:
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_cleaned,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "cut": _cut,
        "body": lambda text: shortened(str(text), _BODY),
        "unusual": unusual,
        "counted": counted,
        "number": lambda value: f"{value:,}",
    }
    return environment.get_template("page.html.j2")


@pass_context
def _cut(context: Context, text: object) -> str:
    """Cut a line to what a page of so many findings has room for."""
    return shortened(str(text), context["longest"])


def _cleaned(value: Any) -> Any:
    """Make every text that is put in harmless to read; what is markup of ours stays."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _file(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
