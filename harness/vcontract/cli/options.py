"""The options of the verbs of `vcontract`, each written once: what it is called and what it does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from vcontract import __version__
from vcontract.errors import UsageError
from vcontract.shipped import page

MANAGER = "VirtualMachineGuestCustomizationManager"


def _print_version(asked: bool) -> None:  # noqa: FBT001 - Typer hands the value over
    if asked:
        typer.echo(f"vcontract {__version__}")
        raise typer.Exit


Version: TypeAlias = Annotated[
    bool,
    typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version, and do no more."),
]
Target: TypeAlias = Annotated[
    str,
    typer.Option(
        help="URL of the SDK, govc for GOVC_URL, replay:FILE for a recording; none: the simulator is started."
    ),
]
Username: TypeAlias = Annotated[str, typer.Option(help="Account with all privileges.")]
PasswordFile: TypeAlias = Annotated[
    Path | None, typer.Option(help="File whose first line is the password (or VCONTRACT_PASSWORD).")
]
Insecure: TypeAlias = Annotated[bool, typer.Option("--insecure", help="Do not verify the certificate.")]
ConfigFile: TypeAlias = Annotated[
    Path | None, typer.Option(help="vcontract.toml: accounts, VMs, levers, limits, waivers.")
]
ContractName: TypeAlias = Annotated[
    str, typer.Option("--contract", help="The managed object whose contract is judged.")
]
ContractChosen: TypeAlias = Annotated[
    str, typer.Option("--contract", help=f"The managed object whose contract is judged; {MANAGER} if none is given.")
]
Methods: TypeAlias = Annotated[list[str] | None, typer.Option("--method", help="Only this method; may be repeated.")]
Wsdl: TypeAlias = Annotated[str, typer.Option(help="A WSDL of your own, path or URL.")]
Seed: TypeAlias = Annotated[int | None, typer.Option(help="Repeats a run of the same build.")]
MaxCalls: TypeAlias = Annotated[int, typer.Option(min=0, help="Judge at most so many calls.")]
TimeLimit: TypeAlias = Annotated[float, typer.Option(min=0, help="Seconds.")]
Workers: TypeAlias = Annotated[
    int, typer.Option(min=1, help="So many processes share the work, each with VMs of its own.")
]
ReportDir: TypeAlias = Annotated[Path, typer.Option(help="Holds one folder a run.")]
Format: TypeAlias = Annotated[str, typer.Option("--format", help="text or json.")]
Api: TypeAlias = Annotated[str, typer.Option(help="API version of the simulator that is started.")]
Resume: TypeAlias = Annotated[
    Path | None,
    typer.Option("--resume", metavar="RUN", help="Go on with a run that was cut, without repeating what it did."),
]
Cells: TypeAlias = Annotated[bool, typer.Option("--cells", help="List every cell and what became of it.")]
Record: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write every exchange, without a secret, for --target replay:FILE."),
]
Complete: TypeAlias = Annotated[
    int | None, typer.Option(min=0, metavar="K", help="Find every deviation with K states more than the model.")
]
Alphabet: TypeAlias = Annotated[
    list[str] | None, typer.Option(help="An input of --complete: a deviation of a call, or a move; may be repeated.")
]
Explore: TypeAlias = Annotated[
    int, typer.Option(min=0, metavar="N", help="After the plan, N random programs of moves.")
]
ExploreOnly: TypeAlias = Annotated[bool, typer.Option("--explore-only", help="With --explore: leave the plan out.")]
ProfileFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--profile", metavar="FILE", help="Judge exactly, by what `learn` wrote of a target; none: documented."
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
Deviations: TypeAlias = Annotated[
    Path | None,
    typer.Option(help="File of known deviations; none: deviations.toml beside the configuration, if it is there."),
]
Accept: TypeAlias = Annotated[bool, typer.Option("--accept", help="List what is found as known; needs --reason.")]
Reason: TypeAlias = Annotated[str, typer.Option(help="Why what is accepted is lived with.")]
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
DiffFormat: TypeAlias = Annotated[str, typer.Option("--format", help="text, json, markdown, junit or sarif.")]
OutFile: TypeAlias = Annotated[Path | None, typer.Option("--out", help="File for the report; none: stdout.")]
WriteConfig: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Begin a vcontract.toml for this target; the file must not exist.")
]
PrintSchema: TypeAlias = Annotated[
    bool, typer.Option("--print-schema", help="Print the JSON Schema of vcontract.toml, and do no more.")
]
DryRun: TypeAlias = Annotated[
    bool,
    typer.Option("--dry-run", help="Print the plan: which calls on which VMs, how many, how long; send reads alone."),
]


def more(name: str) -> str:
    """Write the last line of a verb's help, which names its page by the path where it is installed."""
    return f"\b\nMore: {page(name)}"  # \b: a line that is not wrapped, for a path that is cut is none


def reason_for(*, accept: bool, reason: str) -> str:
    """Give the reason of what is to be accepted, empty if nothing is. Raises UsageError: one without the other."""
    if accept != bool(reason.strip()):
        raise UsageError("--accept needs --reason TEXT" if accept else "--reason goes with --accept")
    return reason


def one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    """Raise UsageError unless an option has one of the allowed values."""
    if value not in allowed:
        raise UsageError(f"{name} {value}: must be one of {', '.join(allowed)}")


def command(verb: str, **given: Sequence[object] | None) -> str:
    """Write the command that repeats a run."""
    told = [f"--{name} {each}" for name, values in given.items() for each in values or () if each not in {"", None}]
    return " ".join([f"vcontract {verb}", *told])
