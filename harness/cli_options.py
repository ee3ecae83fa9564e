"""The options of the verbs of `vcontract`, each written once: what it is called and what it does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

Target: TypeAlias = Annotated[
    str, typer.Option(help="URL of the SDK, or govc for GOVC_URL; none: the simulator is started.")
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
DryRun: TypeAlias = Annotated[
    bool,
    typer.Option("--dry-run", help="Print the plan: which calls on which VMs, how many, how long; send reads alone."),
]
