"""`report.html`: a run, or several of them, as one file; text of a server stands in it as text, whatever it holds."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from markupsafe import Markup, escape

from vcontract._report.bug_reports import BugReport
from vcontract._report.method_matrix import matrix, worded
from vcontract._report.page.drawings import states_drawing
from vcontract._report.page.environment import BODY, rendered
from vcontract._report.page.heat import heat
from vcontract._report.result import RunResult
from vcontract._report.safe_text import console_json
from vcontract._report.sentences import explained, sentence

PAGE = "report.html"
_LINES = 20
"""So many lines has a finding, about."""
_TEXT, _LEAST = 2_000, 250
"""Characters of a line that are shown at most, and those that always are."""
_BUDGET = 1_500_000
"""Characters of what is folded, and of lines, in all: a page of many findings still opens at once. Of what is folded the rest
is left out, and that is said."""


def page(
    result: RunResult, reports: Sequence[BugReport], former: Sequence[RunResult] = (), timelines: Mapping[str, str] = {}
) -> str:
    """Give the page of a run; `former` are earlier ones, oldest first, for the trend.

    `timelines` are drawings (SVG) of the smallest window without a legal order, by the finding.
    """
    return rendered(
        "page.html.j2",
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
    )


def _findings(result: RunResult, reports: Sequence[BugReport], timelines: Mapping[str, str]) -> list[dict[str, Any]]:
    """Prepare the findings: each once, what is folded as long as there is room for it."""
    left = _BUDGET
    found = []
    for finding, report in zip(result.findings, reports, strict=False):
        line = msgspec.json.encode(finding).decode()
        size = (
            len(line)
            + len(report.arguments)
            + sum(min(BODY, len(each.request)) + min(BODY, len(each.reply)) for each in report.exchanges)
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
