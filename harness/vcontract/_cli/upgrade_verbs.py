"""The verbs about what an upgrade changes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeAlias

import typer

from vcontract._cli import options as option
from vcontract._cli.output import say_line, tell_line
from vcontract._cli.requests import Given, requests
from vcontract._config.request import DECLARED, RunRequest
from vcontract._errors import UsageError

if TYPE_CHECKING:
    from vcontract._run.preparation import Preparation

_SIDE = "directory of a saved run, or a profile; with --matrix a URL, or an API version of the simulator"
Matrix: TypeAlias = Annotated[
    bool, typer.Option("--matrix", help="Run against OLD and NEW, varying the client's API and the server separately.")
]


@requests("config", "contract", "methods", "seed", "max_calls", "insecure", "report_dir")
def compare(  # noqa: PLR0913 - the options that design fixes
    old: Annotated[str, typer.Argument(metavar="OLD", help=f"Before: {_SIDE}.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help=f"After: {_SIDE}.")],
    *,
    fail_on: option.FailOn = "breaking",
    output: option.DiffFormat = "text",
    out: option.OutFile = None,
    deviations: option.Deviations = None,
    matrix: Matrix = False,
    given: Given,
) -> None:
    """Tell in what two targets answered differently, each difference with its class; exit 100 if it is breaking."""
    from msgspec.structs import replace

    from vcontract._commands.compare import compare as comparing
    from vcontract._commands.compare_matrix import matrix as varying
    from vcontract._commands.wsdl_diff import deliver
    from vcontract._report.differences import FAIL_ON, FORMATS
    from vcontract._run.known_deviations import known_differences
    from vcontract._run.recorded_run import refuse

    option.one_of("--fail-on", fail_on, FAIL_ON)
    option.one_of("--format", output, tuple(FORMATS))
    known = known_differences(deviations)
    if matrix:
        seed = given.request.seed if "seed" in given.said else 0
        request = replace(given.request, seed=seed, output="none")
        found = varying(old, new, request, fail_on, known, tell_line)
    else:
        shared = ("config", "contract", "methods", "seed", "max_calls")
        refused = {f"--{DECLARED[name].name}": name in given.said for name in shared}
        refuse("saved runs", because="which are compared as they are (--matrix runs anew)", given=refused)
        found = comparing(Path(old), Path(new), fail_on, known)
    typer.echo(deliver(found, output, out), nl=False)
    raise typer.Exit(found.exit_code)


def retried(difference: str, request: RunRequest, preparation: Preparation) -> NoReturn:
    """Send the calls of a difference again; exit 0 if the target answers as the old side, 1 as the new one, 5 otherwise."""
    from msgspec.structs import replace

    from vcontract._commands.replay_difference import find_difference, retry

    found = find_difference(difference)
    methods = (found.program[-1].call.method,)
    answered = retry(found, replace(request, contract=found.object, methods=methods, output="none"), preparation)
    say_line(answered.text)
    raise typer.Exit(answered.exit_code)


def knowing(request: RunRequest, preparation: Preparation) -> Preparation:
    """Give the preparation with the known deviations that are asked for, or of the file beside the configuration.

    Raises UsageError, also if what is to be accepted has no reason.
    """
    from msgspec.structs import replace

    from vcontract._run.known_deviations import listed

    if request.accept != bool(request.reason.strip()):
        raise UsageError("--accept needs --reason TEXT" if request.accept else "--reason goes with --accept")
    return replace(preparation, known=listed(request.config, request.deviations, request.reason))
