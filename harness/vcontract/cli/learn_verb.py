"""The verb `learn`: a profile of what a target answers where the documents leave it open."""

from __future__ import annotations

import random
from pathlib import Path

import typer

from vcontract.cli import options as option
from vcontract.cli.credentials import named
from vcontract.errors import UsageError


def learn(  # noqa: PLR0913 - the options that design fixes
    *,
    out: option.ProfileOut = Path("profile.json"),
    target: option.Target = "",
    username: option.Username = "",
    password_file: option.PasswordFile = None,
    insecure: option.Insecure = False,
    config: option.ConfigFile = None,
    contract: option.ContractName = option.MANAGER,
    method: option.Methods = None,
    wsdl: option.Wsdl = "",
    seed: option.Seed = None,
    max_calls: option.MaxCalls = 0,
    time_limit: option.TimeLimit = 0.0,
    report_dir: option.ReportDir = Path("reports"),
    api: option.Api = "",
    explore: option.ExploreStates = False,
    explore_only: option.StatesOnly = False,
    alphabet: option.States = None,
    depth: option.Depth = 0,
) -> None:
    """Learn what a target answers where the documents leave it open, and write it to a file, for `run --profile`."""
    from vcontract.config.options import Options
    from vcontract.learn.table import Table
    from vcontract.learn.table import learn as learned
    from vcontract.run.job import REPLAY, Job

    if target.startswith(REPLAY):
        raise UsageError("learn: a recording answers only what it was asked; name a server")
    target, username, password, insecure = named(target, username, insecure=insecure)
    chosen = random.SystemRandom().randrange(2**31) if seed is None else seed
    options = Options(chosen, tuple(method or ()), max_calls, time_limit, replay=f"vcontract learn --seed {chosen}")
    job = Job(
        contract, options, target, username, password, password_file, insecure, config, wsdl, report_dir, "none", api
    )
    if not explore and not explore_only:
        if alphabet:
            raise UsageError("--alphabet says what --explore is about, and goes with it alone")
        raise typer.Exit(learned(job, out, typer.echo, Table()))
    try:
        from vcontract.learn.automaton import explore as explored
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "aalpy":
            raise
        raise UsageError("learn --explore needs AALpy: pip install 'vcontract[learn]'") from error
    raise typer.Exit(explored(job, out, tuple(alphabet or ()), depth, typer.echo, table=not explore_only))
