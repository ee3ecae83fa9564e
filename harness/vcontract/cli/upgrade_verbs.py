"""The verbs about what an upgrade changes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeAlias

import typer

from vcontract.cli import options as option

if TYPE_CHECKING:
    from vcontract.run.job import Job

_SIDE = "directory of a saved run, or a profile; with --matrix a URL, or an API version of the simulator"
Matrix: TypeAlias = Annotated[
    bool, typer.Option("--matrix", help="Run against OLD and NEW, varying the client's API and the server separately.")
]


def compare(  # noqa: PLR0913 - the options that design fixes
    old: Annotated[str, typer.Argument(metavar="OLD", help=f"Before: {_SIDE}.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help=f"After: {_SIDE}.")],
    *,
    fail_on: option.FailOn = "breaking",
    output: option.DiffFormat = "text",
    out: option.OutFile = None,
    deviations: option.Deviations = None,
    matrix: Matrix = False,
    config: option.ConfigFile = None,
    contract: option.ContractChosen = "",
    method: option.Methods = None,
    seed: option.Seed = None,
    max_calls: option.MaxCalls = 0,
    insecure: option.Insecure = False,
    report_dir: option.ReportDir = Path("reports"),
) -> None:
    """Tell in what two targets answered differently, each difference with its class; exit 100 if it is breaking."""
    from vcontract.commands.compare import compare as comparing
    from vcontract.commands.compare_matrix import matrix as varying
    from vcontract.commands.wsdl_diff import deliver
    from vcontract.config.options import Options
    from vcontract.report.differences import FAIL_ON, FORMATS
    from vcontract.run.job import Job
    from vcontract.run.known_deviations import known_differences
    from vcontract.run.recorded_run import refuse

    option.one_of("--fail-on", fail_on, FAIL_ON)
    option.one_of("--format", output, tuple(FORMATS))
    known = known_differences(deviations)
    if matrix:
        options = Options(seed or 0, tuple(method or ()), max_calls)
        job = Job(
            contract or option.MANAGER, options, insecure=insecure, config=config, report_dir=report_dir, output="none"
        )
        found = varying(old, new, job, fail_on, known, lambda text: typer.echo(text, err=True))
    else:
        given = {
            "--config": config,
            "--contract": contract,
            "--method": method,
            "--seed": seed,
            "--max-calls": max_calls,
        }
        refuse("saved runs", because="which are compared as they are (--matrix runs anew)", given=given)
        found = comparing(Path(old), Path(new), fail_on, known)
    typer.echo(deliver(found, output, out), nl=False)
    raise typer.Exit(found.exit_code)


def retried(difference: str, given: Job) -> NoReturn:
    """Send the calls of a difference again; exit 0 if the target answers as the old side, 1 as the new one, 5 otherwise."""
    from msgspec.structs import replace

    from vcontract.commands.replay_difference import find_difference, retry
    from vcontract.config.options import Options

    found = find_difference(difference)
    options = Options(0, (found.program[-1].call.method,), replay=f"vcontract replay {difference}")
    answered = retry(found, replace(given, contract=found.object, options=options, output="none"))
    typer.echo(answered.text)
    raise typer.Exit(answered.exit_code)


def knowing(job: Job, deviations: Path | None, reason: str) -> Job:
    """Give a job with the known deviations of a file, or of the one beside its configuration; `reason` accepts new ones."""
    from msgspec.structs import replace

    from vcontract.run.known_deviations import listed

    return replace(job, options=replace(job.options, known=listed(job.config, deviations, reason)))
