"""The verbs about schemas and contracts, `wsdl …` and `contract …`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vcontract._cli import options as option
from vcontract._cli.output import say, say_line, tell_line
from vcontract._config.request import MANAGER
from vcontract._errors import UsageError

wsdl_app = typer.Typer(no_args_is_help=True, help="WSDL of an API release.", epilog=option.more("wsdl/README.md"))
contract_app = typer.Typer(
    no_args_is_help=True, help="The rows of the contracts.", epilog=option.more("contracts/README.md")
)


@wsdl_app.command("build", epilog=option.more("wsdl/README.md"))
def wsdl_build(
    api: Annotated[str, typer.Option(help="Wire version, e.g. 8.0.3.0.")],
    root: Annotated[list[str], typer.Option(help="OBJECT[:METHOD,…]; may be repeated.")],
    out: Annotated[Path, typer.Option(help="Directory to write.")],
) -> None:
    """Build a WSDL and XSD set from the vendor's metadata."""
    from vcontract._schema.build import build, write_set

    files = build(api, root)
    write_set(files, out)
    say_line(f"{len(files)} files in {out}")


@wsdl_app.command("diff", epilog=option.more("_check/compare/README.md"))
def wsdl_diff(
    old: option.DiffOld,
    new: option.DiffNew,
    *,
    root: option.Roots = None,
    fail_on: option.FailOn = "breaking",
    output: option.DiffFormat = "text",
    out: option.OutFile = None,
    calls: option.Calls = None,
) -> None:
    """Tell what a client of A meets in B, each difference with its class; exit 100 if it is breaking."""
    from vcontract._commands import wsdl_diff as diff
    from vcontract._report.differences import FAIL_ON, FORMATS

    option.one_of("--fail-on", fail_on, FAIL_ON)
    option.one_of("--format", output, tuple(FORMATS))
    found = diff.wsdl_diff(old, new, tuple(root or ()), fail_on, calls)
    typer.echo(diff.deliver(found, output, out), nl=False)
    raise typer.Exit(found.exit_code)


@wsdl_app.command("fetch", epilog=option.more("wsdl/README.md"))
def wsdl_fetch(
    url: Annotated[str, typer.Argument(metavar="URL", help="URL of a server's SDK, or of its vimService.wsdl.")],
    *,
    out: Annotated[Path, typer.Option(help="Directory to write.")],
    insecure: option.Insecure = False,
    ca_file: Annotated[Path | None, typer.Option(help="File of the CA that signed the certificate.")] = None,
) -> None:
    """Take a live server's own WSDL and XSD, for `run --wsdl`."""
    from vcontract._commands.wsdl_fetch import fetch_wsdl

    version, count = fetch_wsdl(url, out, insecure=insecure, ca_file=ca_file)
    say_line(f"{count} files of API {version} in {out}")


@contract_app.command("list", epilog=option.more("contracts/README.md"))
def contract_list(contract: option.ContractName = MANAGER) -> None:
    """List the rows."""
    from vcontract._contract import load, rows
    from vcontract._schema import SHIPPED, bases_of
    from vcontract._schema import load as load_schema

    for row in rows(load(contract), bases_of(load_schema(SHIPPED[-1]))):
        say_line(f"{row.id}  {row.says}  [{row.source}]" + (f"  {' '.join(row.when)}" if row.when else ""))


@contract_app.command("lint", epilog=option.more("contracts/README.md"))
def contract_lint(
    folder: Annotated[Path | None, typer.Argument(help="Folder of contract files.")] = None,
    output: Annotated[str, typer.Option("--format", help="text or sarif.")] = "text",
) -> None:
    """Check the contract files against the model and the vendor's metadata."""
    from vcontract._commands.contract_lint import lint_folder, located
    from vcontract._report.sarif import lint_sarif

    option.one_of("--format", output, ("text", "sarif"))
    faults = lint_folder(folder)
    if output == "sarif":
        typer.echo(lint_sarif(located(faults, folder)), nl=False)
    else:
        for each in faults:
            tell_line(each)
    if faults:
        raise UsageError(f"{len(faults)} faults in the contract files")
    if output == "text":
        typer.echo("the contract files are sound")


@contract_app.command("explain", epilog=option.more("contracts/README.md"))
def contract_explain(
    method: Annotated[str, typer.Argument()],
    state: Annotated[str, typer.Option(help="name=value,… of the state and of the call.")] = "",
    contract: option.ContractName = MANAGER,
) -> None:
    """Print what a method may answer in a state, and the situations that say so."""
    from vcontract._commands.contract_explain import explain

    say(explain(contract, method, state))


def schema(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="Which file; none: a list of them.")] = "",
) -> None:
    """Print the JSON Schema of a file that is written for programs."""
    from vcontract._commands.file_schemas import file_schema, listed

    typer.echo(file_schema(name) if name else f"{listed()}\n", nl=False)
