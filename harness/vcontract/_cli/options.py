"""The options of the verbs beside those of `run`, each written once: what it is called and what it does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from vcontract import __version__
from vcontract._cli.requests import declared_option
from vcontract._errors import UsageError
from vcontract._shipped import page


def _print_version(asked: bool) -> None:  # noqa: FBT001 - Typer hands the value over
    if asked:
        typer.echo(f"vcontract {__version__}")
        raise typer.Exit


Version: TypeAlias = Annotated[
    bool,
    typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version, and do no more."),
]
Insecure: TypeAlias = Annotated[bool, declared_option("insecure")]
ContractName: TypeAlias = Annotated[str, declared_option("contract")]
Format: TypeAlias = Annotated[str, declared_option("output")]
Outputs: TypeAlias = Annotated[list[str] | None, declared_option("outputs")]
Verbose: TypeAlias = Annotated[bool, declared_option("verbose")]
Quiet: TypeAlias = Annotated[bool, declared_option("quiet")]
Deviations: TypeAlias = Annotated[Path | None, declared_option("deviations")]
ReportTime: TypeAlias = Annotated[
    float | None, typer.Option(min=0, help="Seconds by which reports are late at most (0.01).")
]
Timing: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="NAME[:SPEED]",
        help="Times of a real server, drawn by the seed: vcenter, or vcenter:10 for ten times as quick.",
    ),
]
ExploreStates: TypeAlias = Annotated[
    bool,
    typer.Option("--explore", help="Then learn the machine of hidden states that answers an alphabet; needs AALpy."),
]
StatesOnly: TypeAlias = Annotated[
    bool, typer.Option("--explore-only", help="As --explore, with the table that --out holds, if there is one.")
]
States: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--alphabet", help="An input of --explore, named as for run --complete; may be repeated."),
]
Depth: TypeAlias = Annotated[
    int, typer.Option(min=0, metavar="K", help="With --explore: look for K hidden states more than were found.")
]
ProfileOut: TypeAlias = Annotated[Path, typer.Option("--out", metavar="FILE", help="File for the profile.")]
_SIDE = "a folder, a vimService.wsdl, a URL or an API version"
DiffOld: TypeAlias = Annotated[str, typer.Argument(metavar="A", help=f"What the client was made for: {_SIDE}.")]
DiffNew: TypeAlias = Annotated[str, typer.Argument(metavar="B", help=f"What it meets: {_SIDE}.")]
Roots: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--root", help="OBJECT[:METHOD,…] of an API version; may be repeated; none: those that ship."),
]
FailOn: TypeAlias = Annotated[
    str, typer.Option(help="Exit 100 from this class on: breaking, risky, addition; or none.")
]
DiffFormat: TypeAlias = Annotated[str, typer.Option("--format", help="text, json, markdown, junit, sarif or html.")]
Calls: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Calls that your client made, as a HAR file; only what these meet is told."),
]
OutFile: TypeAlias = Annotated[Path | None, typer.Option("--out", help="File for the report; none: stdout.")]
WriteConfig: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Begin a vcontract.toml for this target; the file must not exist.")
]
PrintSchema: TypeAlias = Annotated[
    bool, typer.Option("--print-schema", help="Print the JSON Schema of vcontract.toml, and do no more.")
]


def more(name: str) -> str:
    """Write the last line of a verb's help, which names its page by the path where it is installed."""
    return f"\b\nMore: {page(name)}"  # \b: a line that is not wrapped, for a path that is cut is none


def one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    """Raise UsageError unless an option has one of the allowed values."""
    if value not in allowed:
        raise UsageError(f"{name} {value}: must be one of {', '.join(allowed)}")
