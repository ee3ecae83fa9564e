"""`vcontract report`: a saved run again, one finding of it as a bug report, or several runs beside each other."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vcontract._cli import options as option
from vcontract._cli.output import say
from vcontract._errors import UsageError

_FINDING_FORMATS = ("text", "markdown", "json")


def report(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN...", help="Directory of a saved run, or RUN#ID; several: a trend.")
    ],
    output: Annotated[str, typer.Option("--format", help="text, json or markdown.")] = "text",
    outputs: option.Outputs = None,
    *,
    verbose: option.Verbose = False,
    quiet: option.Quiet = False,
) -> None:
    """Show a saved run again, and redraw its report.html and junit.xml; of RUN#ID the bug report."""
    option.one_of("--format", output, _FINDING_FORMATS)
    found = [text.rpartition("#") for text in runs]
    if any(place for place, _, _ in found):
        if len(runs) > 1 or outputs:
            raise UsageError("report: a finding, RUN#ID, is shown alone, without --output")
        place, _, id_ = found[0]
        say(_finding(Path(place), id_, output))
        return
    _whole(list(map(Path, runs)), output, tuple(outputs or ()), verbose=verbose, quiet=quiet)


def _finding(run: Path, id_: str, form: str) -> str:
    """Give the bug report of one finding. Raises UsageError if the run has none of that id, with those that it has."""
    from vcontract._report.bug_reports import BugReports
    from vcontract._report.markdown import finding_markdown
    from vcontract._report.outputs.text import finding_json, finding_text
    from vcontract._report.result import load_run

    result = load_run(run)
    place = next((place for place, each in enumerate(result.findings) if each.id == id_), None)
    if place is None:
        has = ", ".join(each.id for each in result.findings[:20]) or "none"
        raise UsageError(f"{run} has no finding {id_}; it has {has}")
    directory = run if run.is_dir() else run.parent
    told = BugReports(directory).of(result)[place]
    if form == "json":
        return finding_json(told)
    return (
        finding_markdown(told) if form == "markdown" else finding_text(result.findings[place], told, result)
    ).rstrip()


def _whole(runs: list[Path], form: str, outputs: tuple[str, ...], *, verbose: bool, quiet: bool) -> None:
    """Show the last of some runs, and redraw its files; the others are what came before it."""
    from vcontract._report.bug_reports import BugReports
    from vcontract._report.events import RunEnded
    from vcontract._report.markdown import run_markdown
    from vcontract._report.outputs.listeners import Wanted, listeners, verbosity
    from vcontract._report.outputs.text import trend
    from vcontract._report.result import load_run

    saved = sorted(((load_run(run), run) for run in runs), key=lambda each: each[0].started)
    results = [result for result, _ in saved]
    last, run = saved[-1]
    directory = run if run.is_dir() else run.parent
    if form == "markdown":
        say(run_markdown(last, BugReports(directory).of(last)).rstrip())
        form = "none"
    told = verbosity(verbose=verbose, quiet=quiet)
    wanted = Wanted(form, told, outputs=outputs, former=tuple(results[:-1]))
    for each in listeners(directory, wanted):
        each.on(RunEnded(last))
    if len(results) > 1 and form == "text":
        say(trend(results))
