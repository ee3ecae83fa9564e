"""The verb `judge`: a saved run, or calls that a client made, judged without a server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from vcontract._cli import options as option
from vcontract._cli.output import say_line
from vcontract._errors import UsageError


def judge(  # noqa: PLR0913 - the options that design fixes, and those of --calls
    runs: Annotated[
        list[Path] | None, typer.Argument(metavar="RUN...", help="Directory of a saved run; of stress several.")
    ] = None,
    wsdl: Annotated[str, typer.Option(help="The WSDL that the run, or the client, used, if its own.")] = "",
    output: option.Format = "text",
    deviations: Annotated[Path | None, typer.Option(help="Known deviations; none: those of the run.")] = None,
    outputs: option.Outputs = None,
    calls: Annotated[
        Path | None, typer.Option(metavar="FILE", help="In place of a run: calls that a client made, as a HAR file.")
    ] = None,
    contract: Annotated[
        str, typer.Option(metavar="OBJECT", help="With --calls: judge by this contract; none: by each.")
    ] = "",
    *,
    verbose: option.Verbose = False,
    quiet: option.Quiet = False,
) -> None:
    """Judge a saved run again, or calls that were recorded, without a server."""
    from vcontract._report.bug_reports import BugReports
    from vcontract._report.console import ConsoleReporter, JsonReporter
    from vcontract._report.events import RunEnded
    from vcontract._report.outputs import outputs as chosen
    from vcontract._report.outputs.listeners import verbosity
    from vcontract._run.rejudge import rejudge
    from vcontract._stress.judging import judge_several

    option.one_of("--format", output, ("text", "json"))
    if calls is not None:
        if runs or deviations is not None or outputs:
            raise UsageError("--calls takes the place of a run; leave RUN, --deviations and --output out")
        _judge_calls(calls, wsdl, contract, output)
    if not runs:
        raise UsageError("judge: name the directory of a saved run, or --calls FILE")
    if contract:
        raise UsageError("--contract is for --calls; a run is judged by its own")
    result = judge_several(runs) or rejudge(runs[0], wsdl, deviations)
    reports = BugReports(runs[0])
    told = verbosity(verbose=verbose, quiet=quiet)
    shown = JsonReporter() if output == "json" else ConsoleReporter(runs[0], told=told, reports=reports)
    for reporter in (shown, *chosen(outputs or (), reports)):
        reporter.on(RunEnded(result))
    raise typer.Exit(result.exit_code)


def _judge_calls(calls: Path, wsdl: str, contract: str, output: str) -> NoReturn:
    """Judge the calls of a file, and end with the exit code."""
    from vcontract._commands.judge_calls import as_json, judge_calls
    from vcontract._contract import load

    if contract:
        load(contract)  # one that does not exist is told before the file is read
    told = judge_calls(calls, wsdl, contract)
    if output == "json":
        typer.echo(as_json(told))
    else:
        for line in told.lines:
            say_line(line)
    raise typer.Exit(told.exit_code)
