"""What the console says of a result, as lines: in full, in what differs from a run in which all conforms, or as a verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import IntEnum

from vcontract._report.bug_reports import BugReport
from vcontract._report.method_matrix import matrix, worded
from vcontract._report.result import RunResult
from vcontract._report.safe_text import shortened
from vcontract._report.sentences import explained, kinds
from vcontract._terms import Finding, Grade, RowVerdict, Verdict

_CELLS, _NOTES, _FINDINGS, _LONGEST = 5, 4, 20, 600
"""Cells of a finding, notes, findings and characters of a text that are told where not all are asked for."""
_FOLDED = frozenset({Grade.UNSETTLED.value, Grade.IMPRECISE.value, "not exercised"})
"""Kinds of notes that say what no source settles, or what no lever brings about: they come by the dozen."""


class Verbosity(IntEnum):
    """How much is told: the verdict alone, what a reader needs, everything."""

    QUIET = 0
    USUAL = 1
    ALL = 2


def table(result: RunResult, width: int) -> Iterator[tuple[str, list[str]]]:
    """Give the table of methods by promises: first its head; where it is too wide, a line for each method instead."""
    made = matrix(result)
    head = [column.removesuffix("_Task") for column in made.columns]
    lines = list(made.worded())
    wide = max((len(name) for name, _ in lines), default=0) + sum(
        2 + max(len(name), *(len(cells[place]) for _, cells in lines)) for place, name in enumerate(head)
    )
    if not lines:
        return
    if wide <= width:
        yield "promise", head
        yield from lines
        return
    yield "method", ["promises"]
    for place, method in enumerate(made.columns):
        rows = [cells[place] for _, cells in made.lines]
        yield method, [_counted([row for row in rows if row is not None])]


def beside(result: RunResult) -> str:
    """Sum up the rows that are of no method, in a line; empty if there are none."""
    rows = matrix(result).beside
    return f"beside methods: {_counted(list(rows))}" if rows else ""


def unlike(result: RunResult, told: Verbosity) -> Iterator[tuple[RowVerdict, str]]:
    """Give the rows that are told in full, each with its line: those that do not conform, or all."""
    for row in result.rows:
        if row.verdict is Verdict.CONFORMS and told < Verbosity.ALL:
            continue
        reason = f"{row.reason} (waived: {result.waived[row.id]})" if row.id in result.waived else row.reason
        reason += " (known)" * (row.id in result.deviations.rows)
        observed = ", ".join(f"{name} {count}" for name, count in sorted(row.observed.items()))
        said = "; ".join(filter(None, (reason, f"observed: {observed}" if observed else "")))
        yield row, f"{row.id}{f': {said}' if said else ''}"


def finding_lines(finding: Finding, report: BugReport, result: RunResult, told: Verbosity) -> Iterator[tuple[str, str]]:
    """Give the lines of one finding, each with its name."""
    call = f"{report.call}; arguments {' '.join(report.arguments.split())}" if report.arguments else report.call
    promise = report.promise
    contract = f"{promise.says} [{'; '.join(promise.sources)}]" if promise.says else promise.id
    observed = [*report.observed[:1], *(line for line in report.observed[1:] if line != finding.detail)]
    lines = {
        "known": result.deviations.known.get(finding.id, ""),
        "wrong": report.grade,
        "VM": report.vm,
        "state": "; ".join(report.state),
        "call": call,
        "expected": " or ".join(report.expected),
        "observed": "; ".join(observed),
        "detail": finding.detail,
        "operationID": finding.operation_id,
        "contract": contract,
        "decided by": "; ".join(finding.reasons),
        "breaks too": ", ".join(finding.rows[1:]),
        "cells": _some(finding.cells),
        "calls": " > ".join(step.call.method for step in finding.program),
        "seen again": finding.repeats,
        "replay": finding.replay,
    }
    for name, value in lines.items():
        if value:
            yield name, value if told is Verbosity.ALL or name == "replay" else shortened(value, _LONGEST)


def shown_findings(result: RunResult, told: Verbosity) -> int:
    """Say how many findings are told one by one."""
    return len(result.findings) if told is Verbosity.ALL else min(len(result.findings), _FINDINGS)


def notes(result: RunResult, told: Verbosity) -> Iterator[str]:
    """Give the notes: all, or where there are many of a kind that asks nothing of a reader, how many of it there are."""
    said = [explained(note) for note in result.notes]
    whole = told is Verbosity.ALL or len(said) <= _NOTES
    folded = [note for note in said if not whole and note.partition(":")[0] in _FOLDED]
    yield from (f"note: {note}" for note in said if note not in folded)
    if folded:
        yield f"notes: {kinds(folded)} (-v tells each; so does run.json)"


def covered(result: RunResult, told: Verbosity) -> Iterator[str]:
    """Say how much of the space was exercised, and how sharp the predictions were."""
    if told is Verbosity.ALL:
        for method, shares in result.inputs.items():
            counts = ", ".join(f"{reached} of {all_} {part}" for part, (reached, all_) in shares.items())
            yield f"inputs: {method}: {counts}"
    cells, made = result.cells, result.cells.arrangements
    if cells.reachable:
        away = sum(map(len, cells.unreachable.values()))
        line = f"cells: {cells.exercised} of {cells.reachable} exercised, {away} out of reach on this target"
        yield f"{line}; states arranged: {made.made} times, {made.planned} planned, {made.least} at the least"
    if cells.reachable and "weakest" in result.sharpness:
        line = f"sharpness: where one thing is wrong, {result.sharpness.get('pivot_mean')} outcomes are permitted on average"
        yield line
        if told is Verbosity.ALL:
            weakest = ", ".join(f"{name} ({count})" for name, count in result.sharpness["weakest"])
            yield f"the cells in which the most outcomes are permitted, and so the least is found out: {weakest}"


def _counted(rows: Sequence[RowVerdict]) -> str:
    counts = {verdict: sum(row.verdict is verdict for row in rows) for verdict in Verdict}
    said = [f"{counts[verdict]} of {len(rows)} {_words(verdict)}" for verdict in Verdict if counts[verdict]]
    return ", ".join(said)


def _words(verdict: Verdict) -> str:
    return {Verdict.CONFORMS: "conform", Verdict.VIOLATES: "are broken", Verdict.INCONCLUSIVE: "are unsure"}.get(
        verdict, "are untested"
    )


def _some(cells: Sequence[str]) -> str:
    """Name the first cells of a finding, and count the others."""
    more = len(cells) - _CELLS
    return ", ".join(cells[:_CELLS]) + f" and {more} more" * (more > 0)


__all__ = ["Verbosity", "beside", "covered", "finding_lines", "notes", "shown_findings", "table", "unlike", "worded"]
