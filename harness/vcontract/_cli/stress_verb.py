"""`vcontract stress`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from vcontract._cli import options as option
from vcontract._cli.credentials import mention_config, with_password
from vcontract._cli.output import say
from vcontract._cli.requests import Given, requests
from vcontract._config.govc import PASSWORD
from vcontract._errors import UsageError

_PAGE, _PORT = 8089, 5557
_Rounds: TypeAlias = Annotated[
    int, typer.Option(min=1, metavar="N", help="Repeat the load until it fails, N times at most, and say how often.")
]
_ROUNDS = "--rounds repeats a load of this machine, and tells of it as text: not --master, --worker, --schedules, --format json"


@requests(
    *(
        "target",
        "username",
        "password_file",
        "insecure",
        "config",
        "wsdl",
        "seed",
        "report_dir",
        "output",
        "outputs",
        "verbose",
        "quiet",
        "break_claim",
    )
)
def stress(  # noqa: PLR0913 # long: the options that design fixes, a line each
    *,
    clients: Annotated[int, typer.Option(min=1, help="So many clients, each with a session of its own.")] = 8,
    vms: Annotated[int, typer.Option(min=1, help="On so many VMs.")] = 4,
    time_limit: Annotated[float, typer.Option(min=0.1, help="Seconds of load.")] = 60.0,
    rate: Annotated[float, typer.Option(min=0, help="Steps a second of all clients together; 0: no limit.")] = 0.0,
    mix: Annotated[Path | None, typer.Option(help="What the clients do, by weight (TOML).")] = None,
    disturb: Annotated[str, typer.Option(metavar="SCENARIO", help="Disturb the path or the system meanwhile.")] = "",
    fail_if: Annotated[
        list[str] | None,
        typer.Option(metavar="THRESHOLD", help="Exit 1 if it holds: 'p95(METHOD) > 2s'; may be repeated."),
    ] = None,
    schedules: Annotated[
        int, typer.Option(min=0, metavar="N", help="In place of a load: N drawn schedules; a race is made small.")
    ] = 0,
    rounds: _Rounds = 1,
    web: Annotated[bool, typer.Option("--web", help=f"Locust's page, on loopback port {_PAGE}.")] = False,
    processes: Annotated[int, typer.Option(min=1, help="So many workers share the VMs out.")] = 1,
    master: Annotated[bool, typer.Option("--master", help="Wait for --processes workers of other machines.")] = False,
    worker: Annotated[str, typer.Option(metavar="HOST[:PORT]", help="Work for the master there.")] = "",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where the master listens.")] = _PORT,
    given: Given,
) -> None:
    """Let many clients work at once, and judge whether some legal order of events explains what they saw."""
    from vcontract._config.printed_command import command
    from vcontract._config.request import with_whole_paths
    from vcontract._contract import load as load_contract
    from vcontract._disturbances import scenario
    from vcontract._races.hunt import hunt
    from vcontract._stress.brief import Brief, Role
    from vcontract._stress.launch import stress as launch
    from vcontract._stress.load import Load
    from vcontract._stress.mix import load_mix
    from vcontract._stress.thresholds import threshold

    option.one_of("--format", given.request.output, ("text", "json"))
    if worker and master:
        raise UsageError("--master and --worker: a process is one or the other")
    if rounds > 1 and (worker or master or schedules or given.request.output == "json"):
        raise UsageError(_ROUNDS)
    if clients < processes or vms < processes:
        raise UsageError(f"--processes {processes}: each worker needs a client and a VM of its own")
    request, preparation = with_password(given.request)
    mention_config(request)
    if preparation.password:
        os.environ[PASSWORD] = preparation.password  # a password goes to other processes by the environment alone
    methods = tuple(each.name for each in load_contract(request.contract).methods)
    host, at = _address(worker, port)
    role: Role = "worker" if worker else "master" if master or processes > 1 else "alone"
    whole = with_whole_paths(request)
    repeating = command(
        "stress",
        {
            "target": [whole.target], "config": [whole.config], "wsdl": [whole.wsdl],
            "clients": [clients], "vms": [vms], "time-limit": [time_limit], "seed": [request.seed],
            "fail-if": [threshold(text, methods).text for text in fail_if or ()], "rate": [rate or None],
            "mix": [mix and mix.absolute()], "disturb": [scenario.with_whole_paths(disturb)], "schedules": [schedules or None],
            "processes": [processes if processes > 1 else None], "rounds": [rounds if rounds > 1 else None],
        },
    )  # fmt: skip
    load = Load(clients, vms, time_limit, rate, load_mix(mix, methods), disturb, fail_if=tuple(fail_if or ()))
    brief = Brief(
        load, request, repeating, role, host, at if worker or master else 0, processes, starts=not master,
        web=_PAGE if web else 0,
    )  # fmt: skip
    if schedules:
        raise typer.Exit(int(hunt(request, brief.preparation(), schedules, time_limit, say)))
    raise typer.Exit(launch(brief, rounds, say))


def _address(worker: str, port: int) -> tuple[str, int]:
    """Read HOST[:PORT]; raises UsageError."""
    host, _, number = worker.partition(":")
    if number and not number.isdigit():
        raise UsageError(f"--worker {worker}: {number} is no port")
    return host, int(number) if number else port
