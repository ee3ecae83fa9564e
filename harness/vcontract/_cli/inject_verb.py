"""`vcontract inject`."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from vcontract._cli.credentials import with_password
from vcontract._cli.output import say, tell_line
from vcontract._cli.requests import Given, requests


@requests("target", "username", "password_file", "insecure", "config", "seed")
def inject(
    *,
    listen: Annotated[
        str, typer.Option(metavar="127.0.0.1:PORT", help="Where clients call; loopback alone, port 0: any free one.")
    ] = "127.0.0.1:0",
    rules: Annotated[
        Path | None, typer.Option(metavar="FILE", help="inject.toml; without it all is passed on.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A new folder for the table of what followed.")
    ] = None,
    lint: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Say what is wrong with a file of rules, and do no more.")
    ] = None,
    print_schema: Annotated[
        bool, typer.Option("--print-schema", help="Print the JSON Schema of inject.toml, and do no more.")
    ] = False,
    given: Given,
) -> None:
    """Stand before a server (none: the simulator) and inject what the contract permits, until Ctrl-C."""
    from vcontract._commands.inject import Asked
    from vcontract._commands.inject import inject as conducted
    from vcontract._commands.inject import lint as lint_of
    from vcontract._config.config import target_named
    from vcontract._inject.rules import rules_schema
    from vcontract._simulator import Settings, SimulatorServer

    if print_schema:
        typer.echo(rules_schema(), nl=False)
        return
    if lint is not None:
        raise typer.Exit(lint_of(lint, own=not target_named(given.request), tell=say, complain=tell_line))
    request, preparation = with_password(given.request)
    with ExitStack() as stack:
        own = ""
        if not target_named(request):
            own = stack.enter_context(SimulatorServer(Settings(seed=request.seed))).url
        asked = Asked(listen, rules, report, request.seed if "seed" in given.said else None, own)
        raise typer.Exit(conducted(asked, request, preparation, say))
