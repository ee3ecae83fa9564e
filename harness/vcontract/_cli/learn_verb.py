"""The verb `learn`: a profile of what a target answers where the documents leave it open."""

from __future__ import annotations

from pathlib import Path

import typer

from vcontract._cli import options as option
from vcontract._cli.credentials import with_password
from vcontract._cli.output import say_line
from vcontract._cli.requests import Given, requests
from vcontract._errors import UsageError


@requests(
    *("target", "username", "password_file", "insecure", "config", "contract", "methods", "wsdl", "seed", "max_calls"),
    *("time_limit", "report_dir", "api", "break_claim"),
    closed=("contract",),
)
def learn(
    *,
    out: option.ProfileOut = Path("profile.json"),
    given: Given,
    explore: option.ExploreStates = False,
    explore_only: option.StatesOnly = False,
    alphabet: option.States = None,
    depth: option.Depth = 0,
) -> None:
    """Learn what a target answers where the documents leave it open, and write it to a file, for `run --profile`."""
    from msgspec.structs import replace

    from vcontract._config.printed_command import repeating_command
    from vcontract._config.request import REPLAY
    from vcontract._learn.table import TableLesson
    from vcontract._learn.table import learn as learned

    if given.request.target.startswith(REPLAY):
        raise UsageError("learn: a recording answers only what it was asked; name a server")
    request, preparation = with_password(given.request)
    preparation = replace(preparation, replay=repeating_command(request, "learn"))
    request = replace(request, output="none")
    if not explore and not explore_only:
        if alphabet:
            raise UsageError("--alphabet says what --explore is about, and goes with it alone")
        raise typer.Exit(learned(request, preparation, out, say_line, TableLesson()))
    try:
        from vcontract._learn.automaton import explore as explored
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "aalpy":
            raise
        raise UsageError("learn --explore needs AALpy: pip install 'vcontract[learn]'") from error
    code = explored(request, preparation, out, tuple(alphabet or ()), depth, say_line, table=not explore_only)
    raise typer.Exit(code)
