"""The console: progress if there is a terminal, then rows, findings, and the verdict as the last line."""

from __future__ import annotations

import sys
from textwrap import wrap
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from vcontract._report.bug_reports import BugReports
from vcontract._report.console_text import (
    Verbosity,
    beside,
    covered,
    finding_lines,
    notes,
    shown_findings,
    table,
    unlike,
)
from vcontract._report.events import (
    Abandoned,
    CellJudged,
    FindingSeen,
    Note,
    Progressed,
    Reaching,
    RunEnded,
    RunEvent,
    RunStarted,
)
from vcontract._report.heartbeat import FIRST, Heartbeat
from vcontract._report.safe_text import console_document, one_line, printable, table_cell
from vcontract._report.sentences import explained
from vcontract._report.stress_table import latency_table, stress_lines, threshold_lines
from vcontract._terms import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from vcontract._report.result import RunResult

_STYLE = {
    Verdict.CONFORMS: "green",
    Verdict.UNTESTED: "yellow",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.VIOLATES: "bold red",
}
_PLAIN_WIDTH = 10_000
_INDENT = "    "


class ConsoleReporter:
    """Prints a run: results on `out`, progress and notes on `err`; the last line names `report`.

    With `cells` every cell is listed: exercised, never seen, or out of reach. `told` says how much; what is told of findings
    is from `reports` (None: from the result alone). On a terminal no line is longer than that is wide, but for a word that is.
    """

    def __init__(
        self,
        report: Path | None = None,
        *,
        out: TextIO | None = None,
        err: TextIO | None = None,
        cells: bool = False,
        told: Verbosity = Verbosity.USUAL,
        reports: BugReports | None = None,
    ) -> None:
        self._report, self._every_cell, self._told = report, cells, told
        self._reports = reports or BugReports()
        self._out = _console(out or sys.stdout)
        self._err = _console(err or sys.stderr)
        self._progress: Progress | None = None
        self._heartbeat: Heartbeat | None = None
        self._task = TaskID(0)
        self._findings: set[str] = set()
        self._done = (0, 0)

    def on(self, event: RunEvent) -> None:
        """Show one event."""
        if isinstance(event, Reaching):
            self._reach(event)
        elif isinstance(event, Abandoned):
            self.stop()
        elif isinstance(event, RunStarted):
            self._start(event)
        elif isinstance(event, CellJudged | Progressed):
            self._advance(event)
        elif isinstance(event, FindingSeen):
            self._finding(event)
        elif isinstance(event, Note):
            self._say_meanwhile(f"note: {explained(event.text)}")
        elif isinstance(event, RunEnded):
            self.stop()
            self._summary(event.summary)

    def stop(self) -> None:
        """Remove the progress bar, also when a run ends early."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
        if self._heartbeat is not None:
            self._heartbeat.stop()
            self._heartbeat = None

    def _reach(self, event: Reaching) -> None:
        """Say what is waited for, if that takes long: what is refused at once says so in one line of its own."""

        def tell(seconds: float) -> None:
            self._say(self._err, f"reaching {event.target} and looking at it, for {seconds:.0f} s")

        if self._told is not Verbosity.QUIET:
            self._heartbeat = Heartbeat(tell, first=FIRST)

    def _start(self, event: RunStarted) -> None:
        self.stop()
        product = event.target.product or "unknown product"
        about = f"{event.target.url}: {product}, API {event.target.api_version or 'unknown'}"
        planned = f"seed {event.seed}, {event.rows} rows, {event.planned} {event.unit} planned"
        self._say_meanwhile(f"{about}; {planned}")
        self._done = (0, event.planned)
        if self._told is Verbosity.QUIET:
            return
        if self._err.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._progress = Progress(*columns, console=self._err, transient=True)
            self._task = self._progress.add_task("judging", total=event.planned or None)
            self._progress.start()
        else:
            self._heartbeat = Heartbeat(self._still)

    def _advance(self, event: CellJudged | Progressed) -> None:
        self._done = (event.done, event.total)
        if self._progress is not None:
            self._progress.update(self._task, completed=event.done, total=event.total or None)

    def _still(self, seconds: float) -> None:
        done, total = self._done
        steps = f"{done} of {total} steps" if total else f"{done} steps"
        self._say(self._err, f"under way for {seconds:.0f} s: {steps}, {len(self._findings)} findings")

    def _finding(self, event: FindingSeen) -> None:
        finding = event.finding
        if finding.id not in self._findings:
            self._findings.add(finding.id)
            self._say_meanwhile(f"finding {finding.id}: {finding.row}: {finding.grade.value}: {finding.observed}")

    def _say_meanwhile(self, text: str) -> None:
        if self._heartbeat is not None:
            self._heartbeat.told()
        if self._told is not Verbosity.QUIET:
            self._say(self._err, text)

    def _say(self, console: Console, text: str, style: str = "", *, whole: bool = False) -> None:
        """Print a line; on a terminal broken where it ends, that the terminal breaks none itself.

        It is broken between words, and within one that is too long; if `whole`, words are for copying and stay so.
        """
        line = one_line(text)
        lines = wrap(line, console.width, subsequent_indent=_INDENT, break_long_words=not whole, break_on_hyphens=False)
        for each in (lines or [line]) if console.is_terminal else [line]:
            console.print(Text(each), soft_wrap=True, style=style)

    def _summary(self, result: RunResult) -> None:
        if result.partial:
            self._say(self._out, f"partial: {result.partial}")
        for line in threshold_lines(result.stress):
            self._say(self._out, line)
        if self._told is not Verbosity.QUIET:
            self._rows(result)
            self._findings_of(result)
            for note in notes(result, self._told):
                self._say(self._out, note)
            if result.stress is not None:
                self._out.print(latency_table(result.stress))
                for line in stress_lines(result, result.stress):
                    self._say(self._out, line)
            for line in covered(result, self._told):
                self._say(self._out, line)
            self._cells(result)
            if result.explored.programs:
                made = result.explored
                counts = f"explored: {made.programs} programs, {made.moves} moves made, {made.left_out} left out"
                self._say(self._out, counts)
        self._last_line(result)

    def _rows(self, result: RunResult) -> None:
        shown = Table(box=None, pad_edge=False, header_style="bold")
        lines = list(table(result, self._out.width))
        for name in (lines[0][0], *lines[0][1]) if lines else ():
            shown.add_column(table_cell(name), no_wrap=True)
        for name, cells in lines[1:]:
            shown.add_row(table_cell(name), *map(_verdict_cell, cells))
        if lines:
            self._out.print(shown)
        if line := beside(result):
            self._say(self._out, line)
        for row, said in unlike(result, self._told):
            style = "" if row.verdict is Verdict.CONFORMS else _STYLE[row.verdict]
            self._say(self._out, f"{row.verdict.value}: {said}", style=style)

    def _findings_of(self, result: RunResult) -> None:
        shown = shown_findings(result, self._told)
        for finding, report in zip(result.findings[:shown], self._reports.of(result), strict=False):
            self._out.print()
            mark = " (provisional, cannot be accepted: it was not shrunk)" * finding.provisional
            self._say(self._out, f"{finding.id}{mark}  {finding.row}  {finding.grade.value}", style="bold")
            for name, value in finding_lines(finding, report, result, self._told):
                if name == "detail":
                    # none of its lines looks like one of ours
                    for line in filter(str.strip, printable(f"  {name}: {value}").split("\n")):
                        self._say(self._out, line if line.startswith("  ") else f"{_INDENT}{line}")
                else:
                    self._say(self._out, f"  {name}: {value}", whole=name == "replay")
        if shown < len(result.findings):
            self._say(self._out, f"{len(result.findings) - shown} more findings: -v tells each; so does findings.jsonl")
        for what in ("stale", "expired", "outdated"):
            for id_, text in getattr(result.deviations, what).items():
                self._out.print()
                self._say(self._out, f"{id_}  known deviation, {what}: {text}")

    def _cells(self, result: RunResult) -> None:
        """List each cell and what became of it, if that is asked for."""
        if not self._every_cell:
            return
        cells = result.cells
        listed = [*((cell, "exercised") for cell in cells.seen), *((cell, "never seen") for cell in cells.unseen)]
        listed += [(cell, f"out of reach: {why}") for why, names in cells.unreachable.items() for cell in names]
        for name, what in sorted(listed):
            self._say(self._out, f"cell: {name}: {what}")

    def _last_line(self, result: RunResult) -> None:
        counts = f"{result.calls} calls judged, {result.requests} requests, {len(result.findings)} findings"
        listed = result.deviations
        counted = {"waived": result.waived, "known": listed.known, "stale": listed.stale, "expired": listed.expired}
        waived = "".join(f", {len(group)} {name}" for name, group in counted.items() if group)
        waived += f"; vcontract {result.version}" if result.version else ""
        place = f"; report: {self._report}" if self._report is not None else ""
        if self._told is not Verbosity.QUIET:
            self._out.print()
        self._say(self._out, f"{result.verdict.value} ({counts}{waived}){place}", _STYLE[result.verdict], whole=True)


class JsonReporter:
    """Prints the result of a run as JSON, as `run.json` has it, and nothing else."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout

    def on(self, event: RunEvent) -> None:
        """Print at the end."""
        if isinstance(event, RunEnded):
            print(console_document(event.summary), file=self._out, flush=True)


def _verdict_cell(text: str) -> Text:
    """Give a cell of the table of methods, coloured by the verdict that it names."""
    word = text.partition(" ")[0]
    styles = {**{verdict.value: style for verdict, style in _STYLE.items()}, "unsure": _STYLE[Verdict.INCONCLUSIVE]}
    return Text(one_line(text), styles.get(word, ""))


def _console(stream: TextIO) -> Console:
    # Without a terminal Rich would fold at 80 columns; a log is searched line by line, so it must not fold.
    return Console(
        file=stream, highlight=False, markup=False, emoji=False, width=None if stream.isatty() else _PLAIN_WIDTH
    )
