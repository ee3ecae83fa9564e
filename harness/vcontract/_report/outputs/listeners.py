"""Who hears a run: its files for people and machines, the console, and what the command line asks for beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from vcontract._report.bug_reports import BugReports
from vcontract._report.console import ConsoleReporter, JsonReporter
from vcontract._report.console_text import Verbosity
from vcontract._report.events import Reaching, Reporter, RunEvent
from vcontract._report.junit import JunitReporter
from vcontract._report.outputs.chosen import outputs, step_summary
from vcontract._report.page.reporter import PageReporter
from vcontract._report.result import RunResult

NOBODY, JSON = "none", "json"


class Wanted(msgspec.Struct, frozen=True):
    """What is to be shown: `console` is text, json or none; `outputs` are FORMAT=FILE; `former` are runs before this one."""

    console: str = "text"
    told: Verbosity = Verbosity.USUAL
    cells: bool = False
    outputs: tuple[str, ...] = ()
    former: tuple[RunResult, ...] = ()


def listeners(directory: Path, wanted: Wanted) -> list[Reporter]:
    """Give who hears a run of a directory. Raises UsageError for outputs that cannot be written."""
    reports = BugReports(directory)
    found: list[Reporter] = [JunitReporter(directory), PageReporter(directory, reports, wanted.former)]
    if wanted.console == JSON:
        found.append(JsonReporter())
    elif wanted.console != NOBODY:
        found.append(ConsoleReporter(directory, cells=wanted.cells, told=wanted.told, reports=reports))
    summary = [] if wanted.console == NOBODY else step_summary(reports)  # a worker: whoever has started it tells
    return [*found, *outputs(wanted.outputs, reports), *summary]


def verbosity(*, verbose: bool, quiet: bool) -> Verbosity:
    """Give how much is told; of both options the quiet one counts."""
    return Verbosity.QUIET if quiet else Verbosity.ALL if verbose else Verbosity.USUAL


def tell(event: RunEvent, reporters: Iterable[Reporter]) -> None:
    """Tell everybody of one event."""
    for reporter in reporters:
        reporter.on(event)


@contextmanager
def told_meanwhile(target: str, wanted: Wanted) -> Iterator[None]:
    """Say on the console what is waited for, if it takes long, before there is anybody who hears a run."""
    console = ConsoleReporter(told=wanted.told)
    if wanted.console not in {NOBODY, JSON}:
        console.on(Reaching(target))
    try:
        yield
    finally:
        console.stop()
