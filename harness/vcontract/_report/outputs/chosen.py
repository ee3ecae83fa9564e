"""The outputs that a command line asks for, and the summary of a step that GitHub asks for."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import msgspec

from vcontract._errors import UsageError
from vcontract._report.bug_reports import BugReports
from vcontract._report.console import ConsoleReporter
from vcontract._report.events import Reporter, RunEnded, RunEvent
from vcontract._report.junit import junit
from vcontract._report.markdown import run_markdown
from vcontract._report.outputs.annotations import code_quality, workflow_commands
from vcontract._report.outputs.har import har
from vcontract._report.outputs.stream import EventStream
from vcontract._report.page.page import page
from vcontract._report.result import RunResult
from vcontract._report.run_directory import unwritten, write_out

Made = Callable[[RunResult, BugReports], str | bytes]
STDOUT = "-"
STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
"""GitHub's name for the file that holds what a step shows."""
_LARGEST_SUMMARY = 1 << 20
"""GitHub shows no summary that has more bytes."""
_STREAM = "ndjson"


def _text(result: RunResult, reports: BugReports) -> str:
    told = io.StringIO()
    ConsoleReporter(out=told, err=io.StringIO(), reports=reports).on(RunEnded(result))
    return told.getvalue()


def _json(result: RunResult, _: BugReports) -> bytes:
    return msgspec.json.format(msgspec.json.encode(result)) + b"\n"


_MADE: Mapping[str, Made] = {
    "text": _text,
    "json": _json,
    "markdown": lambda result, reports: run_markdown(result, reports.of(result)),
    "html": lambda result, reports: page(result, reports.of(result)),
    "junit": lambda result, _: junit(result),
    "github": lambda result, reports: workflow_commands(result, reports.of(result)),
    "gitlab": lambda result, reports: code_quality(result, reports.of(result)),
    "har": lambda result, reports: har(result, reports.of(result)),
}
FORMATS = (*_MADE, _STREAM)
"""All that `--output` can write."""


class OutputReporter:
    """Writes a run in one form when it ends, whole or not at all. UsageError, ReportError: the file cannot be written."""

    def __init__(self, made: Made, file: Path | None, reports: BugReports) -> None:
        self._made, self._file, self._reports = made, file, reports

    def on(self, event: RunEvent) -> None:
        """Write at the end."""
        if not isinstance(event, RunEnded):
            return
        content = self._made(event.summary, self._reports)
        if self._file is None:
            sys.stdout.write(content.decode() if isinstance(content, bytes) else content)
            sys.stdout.flush()
        else:
            write_out(self._file, content if isinstance(content, bytes) else content.encode("utf-8", "replace"))


class StepSummary:
    """Adds the summary of a run to the file that GitHub shows for the step."""

    def __init__(self, file: Path, reports: BugReports) -> None:
        self._file, self._reports = file, reports

    def on(self, event: RunEvent) -> None:
        """Add it at the end."""
        if not isinstance(event, RunEnded):
            return
        told = run_markdown(event.summary, self._reports.of(event.summary)).encode("utf-8", "replace")
        try:
            with self._file.open("ab") as summary:
                summary.write(told[:_LARGEST_SUMMARY])
        except OSError as error:
            raise unwritten(f"{self._file} ({STEP_SUMMARY}): cannot be written", error) from error


def outputs(asked: Iterable[str], reports: BugReports) -> list[Reporter]:
    """Give who writes what `--output FORMAT=FILE` asks for; FILE `-` is standard output.

    Raises UsageError, before anything was sent, for an unknown form, no file, a folder that is not there or cannot be written,
    and for one file that is asked for twice.
    """
    found: list[Reporter] = []
    files: set[str] = set()
    for text in asked:
        name, equals, place = text.partition("=")
        if name not in FORMATS or not equals or not place:
            raise UsageError(f"--output {text}: must be FORMAT=FILE, with one of the forms {', '.join(FORMATS)}")
        if place in files:
            raise UsageError(f"--output {text}: {place} is asked for twice")
        files.add(place)
        file = None if place == STDOUT else _writable(Path(place), text)
        found.append(EventStream(file) if name == _STREAM else OutputReporter(_MADE[name], file, reports))
    return found


def step_summary(reports: BugReports, environment: Mapping[str, str] = os.environ) -> list[Reporter]:
    """Give who fills the summary of a step; nobody where there is none."""
    place = environment.get(STEP_SUMMARY, "")
    return [StepSummary(Path(place), reports)] if place else []


def _writable(file: Path, text: str) -> Path:
    folder = file.parent
    if file.is_dir() or not folder.is_dir():
        why = f"{file} is a folder" if file.is_dir() else f"there is no folder {folder}"
        raise UsageError(f"--output {text}: {why}")
    if not os.access(file if file.exists() else folder, os.W_OK):
        raise UsageError(f"--output {text}: {file} cannot be written")
    return file
