"""The verbs of `vcontract`; each imports what it needs, so that start-up stays quick."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vcontract.cli import options as option
from vcontract.cli.credentials import named
from vcontract.cli.learn_verb import learn
from vcontract.cli.schema_verbs import contract_app, wsdl_app
from vcontract.cli.stress_verb import stress
from vcontract.cli.upgrade_verbs import compare, knowing, retried
from vcontract.errors import HaltedError, UsageError
from vcontract.report.mishap import mishap

if TYPE_CHECKING:
    from vcontract.run.job import Job

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Prove whether a vCenter keeps the contract of a managed object.",
    epilog=option.more("README.md"),
)


@app.callback()
def _before_every_verb(*, version: option.Version = False) -> None:
    """Hear of what goes without a verb."""
    del version  # it prints and ends by itself, before a verb is missed


app.command(epilog=option.more("stress/README.md"))(stress)
app.add_typer(wsdl_app, name="wsdl")
app.add_typer(contract_app, name="contract")
app.command(epilog=option.more("learn/README.md"))(learn)
app.command(epilog=option.more("check/compare/README.md"))(compare)

MANAGER = option.MANAGER


@app.command(epilog=option.more("run/README.md"))
def run(  # noqa: PLR0913 # long: the options that design fixes, a line each
    *,
    target: option.Target = "",
    username: option.Username = "",
    password_file: option.PasswordFile = None,
    insecure: option.Insecure = False,
    config: option.ConfigFile = None,
    contract: option.ContractChosen = "",
    method: option.Methods = None,
    wsdl: option.Wsdl = "",
    seed: option.Seed = None,
    max_calls: option.MaxCalls = 0,
    time_limit: option.TimeLimit = 0.0,
    report_dir: option.ReportDir = Path("reports"),
    output: option.Format = "text",
    api: option.Api = "",
    cells: option.Cells = False,
    workers: option.Workers = 1,
    resume: option.Resume = None,
    complete: option.Complete = None,
    alphabet: option.Alphabet = None,
    explore: option.Explore = 0,
    explore_only: option.ExploreOnly = False,
    record: option.Record = None,
    profile: option.ProfileFile = None,
    dry_run: option.DryRun = False,
    deviations: option.Deviations = None,
    accept: option.Accept = False,
    reason: option.Reason = "",
) -> None:
    """Judge a target: arrange, call, read, and give a verdict for every row."""
    from vcontract.commands.run import execute_on
    from vcontract.config.options import Options
    from vcontract.run.job import REPLAY, Job, replayed, resumed
    from vcontract.run.profile_source import pinned_by

    option.one_of("--format", output, ("text", "json"))
    if explore_only and not explore:
        raise UsageError("--explore-only needs --explore N, the number of programs")
    target, username, password, insecure = named(target, username, insecure=insecure)
    chosen = random.SystemRandom().randrange(2**31) if seed is None else seed
    command = option.command(
        "run", target=[target], contract=[contract] if contract not in {"", MANAGER} else [], seed=[chosen], method=method,
        complete=[complete], alphabet=alphabet, explore=[explore or None], profile=[profile],
    ) + (" --explore-only" if explore_only else "")  # fmt: skip
    options = Options(
        chosen, tuple(method or ()), max_calls, time_limit, replay=command, complete=complete,
        alphabet=tuple(alphabet or ()), explore=explore, explore_only=explore_only,
        pinned=pinned_by(profile, contract or MANAGER, resume),
    )  # fmt: skip
    job = Job(
        contract or MANAGER, options, target, username, password, password_file, insecure, config, wsdl, report_dir, output,
        api, cells=cells, record=record,
    )  # fmt: skip
    if target.startswith(REPLAY):
        job = replayed(job, seed, contract)
    if resume is not None:
        if seed is not None or method:
            raise UsageError("--resume: seed and methods are those of the run; leave --seed and --method out")
        job = resumed(resume, job)
    job = knowing(job, deviations, option.reason_for(accept=accept, reason=reason))
    if dry_run:
        from vcontract.commands.dry_run import told

        return typer.echo(told(job))
    raise typer.Exit(execute_on(job, workers).exit_code)


@app.command(epilog=option.more("commands/README.md"))
def doctor(  # noqa: PLR0913 - the options that design fixes
    *,
    target: option.Target = "",
    username: option.Username = "",
    password_file: option.PasswordFile = None,
    insecure: option.Insecure = False,
    config: option.ConfigFile = None,
    contract: option.ContractName = MANAGER,
    wsdl: option.Wsdl = "",
    api: option.Api = "",
    output: option.Format = "text",
    write_config: option.WriteConfig = None,
    print_schema: option.PrintSchema = False,
) -> None:
    """Say whether a target can be tested, and what to do about what cannot; changes nothing."""
    from vcontract.commands.doctor import diagnose
    from vcontract.config.json_schema import config_schema
    from vcontract.config.options import Options
    from vcontract.report.diagnosis import DiagnosisPrinter
    from vcontract.run.job import Job

    option.one_of("--format", output, ("text", "json"))
    if print_schema:
        typer.echo(config_schema(), nl=False)
        return
    target, username, password, insecure = named(target, username, insecure=insecure)
    job = Job(contract, Options(), target, username, password, password_file, insecure, config, wsdl, api=api)
    printer = DiagnosisPrinter(as_json=output == "json")
    diagnosis = diagnose(job, printer.check, write_config)
    printer.end(diagnosis)
    raise typer.Exit(diagnosis.exit_code)


@app.command(epilog=option.more("check/README.md"))
def judge(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Directory of a saved run; of stress several.")],
    wsdl: Annotated[str, typer.Option(help="The WSDL that the run used, if its own.")] = "",
    output: option.Format = "text",
    deviations: Annotated[Path | None, typer.Option(help="Known deviations; none: those of the run.")] = None,
) -> None:
    """Judge a saved run again, without a server."""
    from vcontract.report.console import ConsoleReporter, JsonReporter
    from vcontract.report.events import RunEnded
    from vcontract.run.rejudge import rejudge
    from vcontract.stress.judging import judge_several

    option.one_of("--format", output, ("text", "json"))
    result = judge_several(runs) or rejudge(runs[0], wsdl, deviations)
    (JsonReporter() if output == "json" else ConsoleReporter(runs[0])).on(RunEnded(result))
    raise typer.Exit(result.exit_code)


@app.command(epilog=option.more("report/README.md"))
def report(
    run_: Annotated[Path, typer.Argument(metavar="RUN", help="Directory of a saved run.")],
    output: option.Format = "text",
) -> None:
    """Show a saved run again and redraw its junit.xml."""
    from vcontract.report.console import ConsoleReporter, JsonReporter
    from vcontract.report.events import RunEnded
    from vcontract.report.junit import JunitReporter
    from vcontract.report.result import load_run

    option.one_of("--format", output, ("text", "json"))
    ended = RunEnded(load_run(run_))
    directory = run_ if run_.is_dir() else run_.parent
    JunitReporter(directory).on(ended)
    (JsonReporter() if output == "json" else ConsoleReporter(directory)).on(ended)


@app.command(epilog=option.more("check/README.md"))
def replay(
    finding: Annotated[str, typer.Argument(metavar="FINDING", help="RUN#id, or REPORT.json#id of a comparison")],
    *,
    target: Annotated[str, typer.Option(help="Another target; none: the run's kind of target.")] = "",
    username: Annotated[str, typer.Option()] = "",
    password_file: option.PasswordFile = None,
    insecure: Annotated[bool, typer.Option("--insecure")] = False,
    config: Annotated[Path | None, typer.Option()] = None,
    report_dir: Annotated[Path, typer.Option()] = Path("reports"),
) -> None:
    """Send one finding's recorded calls again; exit 1 if it shows again, or if a difference is answered as on the new side."""
    from vcontract.commands.replay_difference import is_report
    from vcontract.commands.run import execute
    from vcontract.config.options import Options
    from vcontract.findings.lookup import find
    from vcontract.run.job import Job
    from vcontract.run.profile_source import pinned_in

    if is_report(finding):
        given = _job("", target, username, password_file, config, insecure=insecure, report_dir=report_dir)
        retried(finding, given)
    found = find(finding)
    options = Options(0, (found.method,), replay=f"vcontract replay {finding}", pinned=pinned_in(finding))
    job = Job(
        found.object,
        options,
        target,
        username,
        os.environ.get("VCONTRACT_PASSWORD", ""),
        password_file,
        insecure,
        config,
        "",
        report_dir,
        finding=found,
    )
    result = execute(job)
    again = any(each.id == found.id for each in result.findings)
    typer.echo(f"{found.id} {'shows again' if again else 'does not show'}")
    halted = HaltedError.exit_code if result.exit_code == HaltedError.exit_code else 0
    raise typer.Exit(halted or int(again))


@app.command(epilog=option.more("testbed/README.md"))
def adopt(  # noqa: PLR0913 - the options that design fixes
    vm: Annotated[str, typer.Option(metavar="PATTERN", help="Names of VMs (shell pattern).")],
    *,
    release: Annotated[bool, typer.Option("--release", help="Take the mark off.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    target: option.Target = "",
    username: option.Username = "",
    password_file: option.PasswordFile = None,
    insecure: option.Insecure = False,
    config: option.ConfigFile = None,
) -> None:
    """Mark VMs as yours to be disturbed, after showing which."""
    from vcontract.commands.adopt import adopt as marking

    def sure(lines: list[str]) -> bool:
        for each in lines:
            typer.echo(each)
        if not yes and not sys.stdin.isatty():
            raise UsageError("adopt: there is no terminal to ask on; --yes says that the above is meant")
        return yes or typer.confirm("Go on?")

    marking(_job(MANAGER, target, username, password_file, config, insecure=insecure), vm, sure, release=release)


@app.command(epilog=option.more("testbed/README.md"))
def cleanup(  # noqa: PLR0913 - the options that design fixes
    run_: Annotated[Path | None, typer.Argument(metavar="[RUN]", help="Directory of a run that was cut.")] = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    report_dir: option.ReportDir = Path("reports"),
    target: option.Target = "",
    username: option.Username = "",
    password_file: option.PasswordFile = None,
    insecure: option.Insecure = False,
    config: option.ConfigFile = None,
) -> None:
    """Put back what runs that were cut left on a target: this one, or all below --report-dir and whatever bears a mark."""
    from vcontract.commands.cleanup import clean_up

    given = _job(MANAGER, target, username, password_file, config, insecure=insecure, report_dir=report_dir)
    if not clean_up(run_, given, MANAGER, typer.echo, dry=dry_run):
        raise typer.Exit(HaltedError.exit_code)
    typer.echo("nothing was changed" if dry_run else "clean")


@app.command(epilog=option.more("simulator/README.md"))
def simulate(  # noqa: PLR0913 - the options that design fixes
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free port.")] = 0,
    tls: Annotated[bool, typer.Option("--tls", help="Serve https with a certificate made now.")] = False,
    api: Annotated[str, typer.Option(help="Newest API version served.")] = "8.0.3.0",
    vms: Annotated[int | None, typer.Option(min=0, help="So many more Linux VMs.")] = None,
    task_time: Annotated[float, typer.Option(min=0, help="Seconds that a task takes.")] = 0.008,
    boot_time: Annotated[float, typer.Option(min=0, help="Seconds until Tools are up.")] = 0.03,
    inventory: Annotated[Path | None, typer.Option(help="An inventory of your own (TOML).")] = None,
    seed: Annotated[int, typer.Option()] = 0,
    defect: Annotated[list[str] | None, typer.Option(help="A bug to plant; may be repeated.")] = None,
    variant: Annotated[
        list[str] | None, typer.Option(help="Another way to keep the contract; may be repeated.")
    ] = None,
    upgrade_defect: Annotated[
        list[str] | None, typer.Option(help="What an upgrade may change; may be repeated.")
    ] = None,
    list_defects: Annotated[
        bool, typer.Option("--list-defects", help="List the bugs, with the row each breaks.")
    ] = False,
    list_variants: Annotated[bool, typer.Option("--list-variants", help="List the variants.")] = False,
    list_upgrade_defects: Annotated[
        bool, typer.Option("--list-upgrade-defects", help="List what an upgrade may change.")
    ] = False,
) -> None:
    """Serve a simulated vCenter on loopback until SIGTERM."""
    from vcontract.simulator import Settings, serve_forever
    from vcontract.simulator.defects import listed_defects
    from vcontract.simulator.upgrades import listed_upgrades
    from vcontract.simulator.variants import listed_variants

    lists = ((list_defects, listed_defects), (list_variants, listed_variants), (list_upgrade_defects, listed_upgrades))
    if any(asked for asked, _ in lists):
        typer.echo("\n".join(line for asked, listed in lists if asked for line in listed()))
        return
    settings = Settings(
        port=port,
        tls=tls,
        api=api,
        vms=vms,
        task_time=task_time,
        boot_time=boot_time,
        inventory=inventory,
        seed=seed,
        defects=frozenset(defect or ()),
        variants=frozenset(variant or ()),
        upgrades=frozenset(upgrade_defect or ()),
    )
    serve_forever(settings, lambda url: typer.echo(f"listening on {url}"))


def _job(
    contract: str,
    target: str,
    username: str,
    password_file: Path | None,
    config: Path | None,
    *,
    insecure: bool,
    report_dir: Path = Path("reports"),
) -> Job:
    """Make the job of a verb that judges nothing."""
    from vcontract.config.options import Options
    from vcontract.run.job import Job

    target, username, password, insecure = named(target, username, insecure=insecure)
    return Job(contract, Options(), target, username, password, password_file, insecure, config, report_dir=report_dir)


def main() -> None:
    """Run the command line; every mistake is one line on stderr and an exit code, never a traceback."""
    try:
        app()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - whatever it is, it is ours
        line, code = mishap(error)
        if line:
            typer.echo(line, err=True)
        sys.exit(code)
