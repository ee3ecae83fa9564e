"""The console: progress if there is a terminal, then rows, findings, and the verdict as the last line."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TextIO

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from vcontract.report.events import CellJudged, FindingSeen, Note, Progressed, RunEnded, RunEvent, RunStarted
from vcontract.report.safe_text import console_json, one_line, printable, table_cell
from vcontract.report.stress_table import latency_table, stress_lines
from vcontract.terms import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from vcontract.report.result import RunResult

_STYLE = {
    Verdict.CONFORMS: "green",
    Verdict.UNTESTED: "yellow",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.VIOLATES: "bold red",
}
_PLAIN_WIDTH = 10_000
_CELLS = 5
"""So many cells of a finding are named, at most; run.json names all."""


class ConsoleReporter:
    """Prints a run: results on `out`, progress and notes on `err`; the last line names `report`.

    With `cells` every cell is listed: exercised, never seen, or out of reach.
    """

    def __init__(
        self,
        report: Path | None = None,
        *,
        out: TextIO | None = None,
        err: TextIO | None = None,
        cells: bool = False,
    ) -> None:
        self._report, self._every_cell = report, cells
        self._out = _console(out or sys.stdout)
        self._err = _console(err or sys.stderr)
        self._progress: Progress | None = None
        self._task = TaskID(0)
        self._findings: set[str] = set()

    def on(self, event: RunEvent) -> None:
        """Show one event."""
        if isinstance(event, RunStarted):
            self._start(event)
        elif isinstance(event, CellJudged | Progressed):
            self._advance(event)
        elif isinstance(event, FindingSeen):
            self._finding(event)
        elif isinstance(event, Note):
            self._err.print(_text(f"note: {event.text}"), soft_wrap=True)
        elif isinstance(event, RunEnded):
            self.stop()
            self._summary(event.summary)

    def stop(self) -> None:
        """Remove the progress bar, also when a run ends early."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _start(self, event: RunStarted) -> None:
        product = event.target.product or "unknown product"
        about = f"{event.target.url}: {product}, API {event.target.api_version or 'unknown'}"
        planned = f"seed {event.seed}, {event.rows} rows, {event.planned} {event.unit} planned"
        self._err.print(_text(f"{about}; {planned}"), soft_wrap=True)
        if self._err.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._progress = Progress(*columns, console=self._err, transient=True)
            self._task = self._progress.add_task("judging", total=event.planned or None)
            self._progress.start()

    def _advance(self, event: CellJudged | Progressed) -> None:
        if self._progress is not None:
            self._progress.update(self._task, completed=event.done, total=event.total or None)

    def _finding(self, event: FindingSeen) -> None:
        finding = event.finding
        if finding.id not in self._findings:
            self._findings.add(finding.id)
            seen = f"finding {finding.id}: {finding.row}: {finding.grade.value}: {finding.observed}"
            self._err.print(_text(seen), soft_wrap=True)

    def _summary(self, result: RunResult) -> None:
        if result.partial:
            self._out.print(_text(f"partial: {result.partial}"), soft_wrap=True)
        self._rows(result)
        self._findings_of(result)
        for note in result.notes:
            self._out.print(_text(f"note: {note}"), soft_wrap=True)
        if result.stress is not None:
            self._out.print(latency_table(result.stress))
            for line in stress_lines(result, result.stress):
                self._out.print(_text(line), soft_wrap=True)
        self._inputs(result)
        self._cells(result)
        if result.explored.programs:
            made = result.explored
            counts = f"explored: {made.programs} programs, {made.moves} moves made, {made.left_out} left out"
            self._out.print(_text(counts), soft_wrap=True)
        self._last_line(result)

    def _rows(self, result: RunResult) -> None:
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("row", overflow="fold")
        table.add_column("verdict", no_wrap=True)
        table.add_column("reason", overflow="fold")
        table.add_column("observed", overflow="fold")
        for row in result.rows:
            reason = f"{row.reason} (waived: {result.waived[row.id]})" if row.id in result.waived else row.reason
            reason += " (known)" * (row.id in result.deviations.rows)
            observed = ", ".join(f"{name} {count}" for name, count in sorted(row.observed.items()))
            verdict = Text(row.verdict.value, _STYLE[row.verdict])
            table.add_row(table_cell(row.id), verdict, table_cell(reason), table_cell(observed))
        if result.rows:
            self._out.print(table)

    def _findings_of(self, result: RunResult) -> None:
        for finding in result.findings:
            self._out.print()
            mark = " (provisional, cannot be accepted: it was not shrunk)" * finding.provisional
            title = f"{finding.id}{mark}  {finding.row}  {finding.grade.value}"
            self._out.print(_text(title), style="bold", soft_wrap=True)
            calls = " > ".join(step.call.method for step in finding.program)
            known = result.deviations.known.get(finding.id, "")
            lines = {"known": known, "expected": finding.expected, "observed": finding.observed, "detail": finding.detail,
                     "operationID": finding.operation_id,
                     "decided by": "; ".join(finding.reasons), "breaks too": ", ".join(finding.rows[1:]),
                     "cells": _some(finding.cells), "calls": calls, "seen again": finding.repeats,
                     "replay": finding.replay}  # fmt: skip
            for name, value in lines.items():
                if value:
                    told = _lines(f"  {name}: {value}") if name == "detail" else _text(f"  {name}: {value}")
                    self._out.print(told, soft_wrap=True)
        for what in ("stale", "expired", "outdated"):
            for id_, text in getattr(result.deviations, what).items():
                self._out.print()
                self._out.print(_text(f"{id_}  known deviation, {what}: {text}"), soft_wrap=True)

    def _inputs(self, result: RunResult) -> None:
        for method, shares in result.inputs.items():
            counts = ", ".join(f"{reached} of {all_} {part}" for part, (reached, all_) in shares.items())
            self._out.print(_text(f"inputs: {method}: {counts}"), soft_wrap=True)

    def _cells(self, result: RunResult) -> None:
        """Print how many cells were exercised, how sharp the predictions were, and what was out of reach."""
        cells, made = result.cells, result.cells.arrangements
        if self._every_cell:
            listed = [*((cell, "exercised") for cell in cells.seen), *((cell, "never seen") for cell in cells.unseen)]
            listed += [(cell, f"out of reach: {why}") for why, names in cells.unreachable.items() for cell in names]
            for name, what in sorted(listed):
                self._out.print(_text(f"cell: {name}: {what}"), soft_wrap=True)
        if cells.reachable:
            away = sum(map(len, cells.unreachable.values()))
            line = f"cells: {cells.exercised} of {cells.reachable} exercised, {away} out of reach on this target"
            line += f"; states arranged: {made.made} times, {made.planned} planned, {made.least} at the least"
            self._out.print(_text(line), soft_wrap=True)
        if cells.reachable and "weakest" in result.sharpness:
            weakest = ", ".join(f"{name} ({count})" for name, count in result.sharpness["weakest"])
            line = f"sharpness: {result.sharpness.get('pivot_mean')} outcomes permitted where one thing is wrong"
            self._out.print(_text(f"{line}; weakest cells: {weakest}"), soft_wrap=True)

    def _last_line(self, result: RunResult) -> None:
        counts = f"{result.calls} calls judged, {result.requests} requests, {len(result.findings)} findings"
        listed = result.deviations
        counted = {"waived": result.waived, "known": listed.known, "stale": listed.stale, "expired": listed.expired}
        waived = "".join(f", {len(group)} {name}" for name, group in counted.items() if group)
        waived += f"; vcontract {result.version}" if result.version else ""
        place = f"; report: {self._report}" if self._report is not None else ""
        line = Text("\n") + Text(result.verdict.value, _STYLE[result.verdict]) + _text(f" ({counts}{waived}){place}")
        self._out.print(line, soft_wrap=True)


class JsonReporter:
    """Prints the result of a run as JSON, as `run.json` has it, and nothing else."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout

    def on(self, event: RunEvent) -> None:
        """Print at the end."""
        if isinstance(event, RunEnded):
            document = msgspec.json.format(msgspec.json.encode(event.summary)).decode()
            print(console_json(document), file=self._out, flush=True)


def _some(cells: Sequence[str]) -> str:
    """Name the first cells of a finding, and count the others."""
    more = len(cells) - _CELLS
    return ", ".join(cells[:_CELLS]) + f" and {more} more" * (more > 0)


def _console(stream: TextIO) -> Console:
    # Without a terminal Rich would fold at 80 columns; a log is searched line by line, so it must not fold.
    return Console(
        file=stream, highlight=False, markup=False, emoji=False, width=None if stream.isatty() else _PLAIN_WIDTH
    )


def _text(text: str) -> Text:
    return Text(one_line(text))


def _lines(text: str) -> Text:
    """Keep the lines of a text of several; all but the first are indented, so that none looks like a line of ours."""
    return Text("\n    ".join(printable(text).split("\n")))
