"""The verbs about what an upgrade changes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from harness.cli import options as option

if TYPE_CHECKING:
    from harness.run.job import Job

_SIDE = "directory of a saved run, or a profile"


def compare(
    old: Annotated[Path, typer.Argument(metavar="OLD", help=f"Before: {_SIDE}.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help=f"After: {_SIDE}.")],
    *,
    fail_on: option.FailOn = "breaking",
    output: option.DiffFormat = "text",
    out: option.OutFile = None,
    deviations: option.Deviations = None,
) -> None:
    """Tell in what two targets answered differently, each difference with its class; exit 100 if it is breaking."""
    from harness.report.differences import FAIL_ON, FORMATS
    from harness.run.comparing import compare as comparing
    from harness.run.known import known_differences
    from harness.run.wsdl_diff import deliver

    option.one_of("--fail-on", fail_on, FAIL_ON)
    option.one_of("--format", output, tuple(FORMATS))
    found = comparing(old, new, fail_on, known_differences(deviations))
    typer.echo(deliver(found, output, out), nl=False)
    raise typer.Exit(found.exit_code)


def retried(difference: str, given: Job) -> NoReturn:
    """Send the calls of a difference again; exit 0 if the target answers as the old side, 1 as the new one, 5 otherwise."""
    from msgspec.structs import replace

    from harness.run.options import Options
    from harness.run.retrying import find_difference, retry

    found = find_difference(difference)
    options = Options(0, (found.program[-1].call.method,), replay=f"vcontract replay {difference}")
    answered = retry(found, replace(given, contract=found.object, options=options, output="none"))
    typer.echo(answered.text)
    raise typer.Exit(answered.exit_code)


def knowing(job: Job, deviations: Path | None, reason: str) -> Job:
    """Give a job with the known deviations of a file, or of the one beside its configuration; `reason` accepts new ones."""
    from msgspec.structs import replace

    from harness.run.known import listed

    return replace(job, options=replace(job.options, known=listed(job.config, deviations, reason)))
