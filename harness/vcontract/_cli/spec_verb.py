"""The verb `spec check`: which fields of a specification a vCenter will refuse, before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from vcontract._cli import options as option
from vcontract._cli.output import say_line

if TYPE_CHECKING:
    from vcontract._api.check_spec import Problem, SpecReport

spec_app = typer.Typer(
    no_args_is_help=True, help="A specification, before it is sent.", epilog=option.more("docs/api.md")
)
_UNKNOWN = "none: not known, and what depends on it is no more than 'may be refused'."
File: TypeAlias = Annotated[
    str, typer.Argument(metavar="FILE", help="JSON, YAML or XML of govc, pyVmomi or PowerCLI; -: standard input.")
]
Api: TypeAlias = Annotated[
    str | None, typer.Option("--api", help=f"API version of the vCenter, as 8.0.3.0; {_UNKNOWN}")
]
Guest: TypeAlias = Annotated[
    str | None, typer.Option(help="The guest: linux, windows, other, or a guestId as ubuntu64Guest.")
]
Nics: TypeAlias = Annotated[int | None, typer.Option(help="How many network adapters the VM has.")]
Method: TypeAlias = Annotated[
    str | None, typer.Option(help="What it is sent with: CustomizeGuest_Task, CustomizeVM_Task or CloneVM_Task.")
]
Generator: TypeAlias = Annotated[
    bool | None,
    typer.Option("--generator/--no-generator", help="Whether the vCenter has an application that makes up names."),
]
Decrypts: TypeAlias = Annotated[
    bool | None,
    typer.Option("--decrypts/--no-decrypts", help="Whether the vCenter knows the key of encrypted passwords."),
]


@spec_app.callback()
def _group() -> None:
    """Keep `check` a word of its own, though it is the only one."""


@spec_app.command("check", epilog=option.more("docs/api.md"))
def spec_check(  # noqa: PLR0913 - the facts, each an option
    file: File,
    *,
    api: Api = None,
    guest: Guest = None,
    nics: Nics = None,
    method: Method = None,
    generator: Generator = None,
    decrypts: Decrypts = None,
    output: option.Format = "text",
) -> None:
    """Tell which fields a vCenter will refuse, and which it may, with the sentence and source of each rule; sends nothing.

    Exit 0: none will be refused; 1: one will; 2: the file is no specification that can be read.
    """
    from vcontract._api.check_spec import SpecFacts, report
    from vcontract._report.safe_text import console_document

    option.one_of("--format", output, ("text", "json"))
    facts = SpecFacts(api=api, guest=guest, nics=nics, method=method, generator=generator, decrypts=decrypts)
    found = report(file, facts)
    if output == "json":
        typer.echo(console_document(found))
    else:
        _tell(found)
    raise typer.Exit(int(any(each.certainty == "will" for each in found.problems)))


def _tell(found: SpecReport) -> None:
    """Print the problems, those that are certain first, and at the end how many there are."""
    for each in found.problems:
        say_line(f"{each.certainty} be refused: {each.path}: {each.says}{_more(each)} [{each.rule}, {each.source}]")
        if each.faults:
            say_line(f"    by {', '.join(each.faults)}")
        for place in each.evidence:
            say_line(f"    source: {place}")
    will = sum(each.certainty == "will" for each in found.problems)
    may = len(found.problems) - will
    say_line(f"{found.file} ({found.dialect}): {will or 'nothing'} will be refused, {may or 'nothing'} may be refused")


def _more(each: Problem) -> str:
    """Say what is wrong in particular, and what would settle it."""
    detail = f": {each.detail}" if each.detail else ""
    return f"{detail} (not known: {', '.join(each.unknown)})" if each.unknown else detail
