"""Markdown: a finding as a bug report for a tracker, a run as the summary of a job."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from vcontract._exchanges import WireExchange
from vcontract._report.bug_reports import BugReport
from vcontract._report.method_matrix import matrix
from vcontract._report.result import RunResult
from vcontract._report.safe_text import code_block, in_markdown, shortened
from vcontract._report.sentences import sentence, server

_BODY, _LINE, _SHOWN = 6_000, 2_000, 20
"""Characters of a body and of a line, and findings of a run, that are shown: trackers take some 65,000 characters."""


def finding_markdown(report: BugReport) -> str:
    """Give a finding as a bug report that stands alone."""
    about = {
        "Target": server(report.target),
        "VM": report.vm or "none",
        "Call": report.call,
        "operationID": report.operation_id,
        "Wrong": report.grade,
        "Fingerprint": report.id,
        "Known": report.known,
        "Found by": f"vcontract {report.version}" if report.version else "vcontract",
    }
    parts = [
        f"# {_said(report.title)}",
        "\n".join(["| | |", "|---|---|", *(f"| {name} | {_said(text)} |" for name, text in about.items() if text)]),
        _listed("State", report.state),
        "## Arguments\n\n" + code_block(report.arguments or "none are recorded", "json"),
        _listed("Expected", report.expected),
        _listed("Observed", report.observed),
        _contract(report),
        _listed("How often", report.seen),
        _numbered("The shortest calls that show it", report.calls),
        f"## See it again\n\n{code_block(shortened(report.replay, _BODY), 'sh')}" if report.replay else "",
        _wire(report),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def run_markdown(result: RunResult, reports: Sequence[BugReport]) -> str:
    """Give a run on a page: the verdict in a sentence, methods by faults, what was not tested and why, the findings."""
    unsure = [row for row in result.rows if row.verdict.value not in {"conforms", "violates"}]
    table = matrix(result)
    parts = [
        f"# vcontract: {result.verdict.value}",
        _said(sentence(result)),
        "\n".join(
            [
                f"| | {' | '.join(_said(each) for each in table.columns)} |",
                "|---" * (len(table.columns) + 1) + "|",
                *(f"| {_said(name)} | {' | '.join(cells)} |" for name, cells in table.worded()),
            ]
        )
        if table.lines
        else "",
        _listed(
            "Not tested, or not certain", [f"{row.id}: {row.verdict.value}: {row.reason}" for row in unsure[:_SHOWN]]
        ),
        "\n\n".join(_told(report) for report in reports[:_SHOWN]),
        f"{len(reports) - _SHOWN} more findings are in the report." if len(reports) > _SHOWN else "",
        f"See it again: {_said(result.replay)}" if result.replay else "",
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _told(report: BugReport) -> str:
    lines = [
        f"## {_said(report.title)}",
        f"VM {_said(report.vm)}: {_said('; '.join(report.state))}" if report.vm else "",
        f"Expected: {_said('; '.join(report.expected))}",
        f"Observed: {_said('; '.join(report.observed))}",
        f"Contract: {_said(report.promise.says or report.promise.id)}",
        code_block(shortened(report.replay, _BODY), "sh") if report.replay else "",
    ]
    return "\n\n".join(filter(None, lines))


def _said(text: str) -> str:
    return in_markdown(shortened(text, _LINE))


def _listed(title: str, lines: Iterable[str]) -> str:
    items = "\n".join(f"- {_said(line)}" for line in lines)
    return f"## {title}\n\n{items}" if items else ""


def _numbered(title: str, lines: Iterable[str]) -> str:
    items = "\n".join(f"{number}. {_said(line)}" for number, line in enumerate(lines, 1))
    return f"## {title}\n\n{items}" if items else ""


def _contract(report: BugReport) -> str:
    promise = report.promise
    lines = [f"## What the contract says\n\n> {_said(promise.says or promise.id)}", f"Row {_said(promise.id)}"]
    if promise.sources:
        link = f" ([page]({promise.page}))" if promise.page else ""
        lines.append(f"Source: {_said('; '.join(promise.sources))}{link}")
    lines += [
        f"- {_said(each.says)} ({_said(each.id)}: {_said('; '.join(each.sources))})" for each in report.situations
    ]
    return "\n\n".join(lines[:3]) + ("\n\n" + "\n".join(lines[3:]) if lines[3:] else "")


def _wire(report: BugReport) -> str:
    if not report.exchanges:
        return f"## On the wire\n\n{_said(report.unkept)}" if report.unkept else ""
    return "\n\n".join(["## On the wire", *map(_exchange, report.exchanges)])


def _exchange(exchange: WireExchange) -> str:
    sent = _http(f"POST {exchange.path}", exchange.headers, exchange.request)
    came = _http(f"HTTP {exchange.status}", exchange.answered, exchange.reply)
    answer = f"no answer: {shortened(exchange.lost, _LINE)}" if exchange.lost else came
    title = f"Operation {exchange.op}, {exchange.ended - exchange.sent:.3f} s"
    blocks = [code_block(sent, "http"), code_block(answer, "http")]
    return f"<details><summary>{title}</summary>\n\n" + "\n\n".join(blocks) + "\n\n</details>"


def _http(first: str, headers: Mapping[str, str], body: str) -> str:
    said = [first, *(f"{name}: {value}" for name, value in headers.items())]
    return "\n".join([*(shortened(line, _LINE) for line in said), "", shortened(body, _BODY)])
