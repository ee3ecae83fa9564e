"""The verbs of `vcontract`; each imports what it needs, so that start-up stays quick."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from typing import Annotated, Any

import typer

from vcontract._cli import options as option
from vcontract._cli.credentials import mention_config, with_password
from vcontract._cli.help_verb import help_
from vcontract._cli.inject_verb import inject
from vcontract._cli.judge_verb import judge
from vcontract._cli.learn_verb import learn
from vcontract._cli.output import say, say_line
from vcontract._cli.report_verb import report
from vcontract._cli.requests import Given, requests
from vcontract._cli.schema_verbs import contract_app, schema, wsdl_app
from vcontract._cli.spec_verb import spec_app
from vcontract._cli.standard_streams import patient_streams
from vcontract._cli.stress_verb import stress
from vcontract._cli.upgrade_verbs import compare, knowing, retried
from vcontract._errors import HaltedError, UsageError
from vcontract._report.mishap import mishap

app = typer.Typer(
    no_args_is_help=True,
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


app.command(epilog=option.more("_stress/README.md"))(stress)
app.add_typer(wsdl_app, name="wsdl")
app.add_typer(contract_app, name="contract")
app.add_typer(spec_app, name="spec")
app.command(epilog=option.more("_report/README.md"))(schema)
app.command(epilog=option.more("_learn/README.md"))(learn)
app.command(epilog=option.more("_inject/README.md"))(inject)
app.command(epilog=option.more("_check/compare/README.md"))(compare)
app.command("help", epilog=option.more("README.md"))(help_)


@app.command(epilog=option.more("_run/README.md"))
@requests()
def run(given: Given) -> None:
    """Judge a target: arrange, call, read, and give a verdict for every row."""
    from msgspec.structs import replace

    from vcontract._commands.run import execute_on
    from vcontract._config.printed_command import repeating_command
    from vcontract._config.request import REPLAY
    from vcontract._config.risk import decided
    from vcontract._run.former_runs import replayed, resumed
    from vcontract._run.profile_source import pinned_by

    option.one_of("--format", given.request.output, ("text", "json"))
    if given.request.explore_only and not given.request.explore:
        raise UsageError("--explore-only needs --explore N, the number of programs")
    request, preparation = with_password(given.request)
    mention_config(request)
    pinned = pinned_by(request.profile, request.contract, request.resume)
    preparation = replace(preparation, replay=repeating_command(request), pinned=pinned)
    request = decided(request)
    if request.target.startswith(REPLAY):
        request, preparation = replayed(request, given.said, preparation)
    if request.resume is not None:
        if given.said & {"seed", "methods"}:
            raise UsageError("--resume: seed and methods are those of the run; leave --seed and --method out")
        request, preparation = resumed(request.resume, request, preparation)
    preparation = knowing(request, preparation)
    if request.dry_run:
        from vcontract._commands.dry_run import told

        return say(told(request, preparation))
    raise typer.Exit(execute_on(request, preparation).exit_code)


@app.command(epilog=option.more("_commands/README.md"))
@requests(
    "target",
    "username",
    "password_file",
    "insecure",
    "config",
    "contract",
    "wsdl",
    "api",
    "output",
    closed=("contract",),
)
def doctor(
    given: Given,
    *,
    write_config: option.WriteConfig = None,
    print_schema: option.PrintSchema = False,
) -> None:
    """Say whether a target can be tested, and what to do about what cannot; changes nothing."""
    from vcontract._commands.doctor import diagnose
    from vcontract._config.json_schema import config_schema
    from vcontract._report.diagnosis import DiagnosisPrinter

    option.one_of("--format", given.request.output, ("text", "json"))
    if print_schema:
        typer.echo(config_schema(), nl=False)
        return
    request, preparation = with_password(given.request)
    printer = DiagnosisPrinter(as_json=request.output == "json")
    diagnosis = diagnose(request, printer.check, write_config, preparation)
    printer.end(diagnosis)
    raise typer.Exit(diagnosis.exit_code)


app.command(epilog=option.more("_check/README.md"))(judge)
app.command(epilog=option.more("_report/README.md"))(report)


@app.command(epilog=option.more("_check/README.md"))
@requests(
    *(
        *("target", "username", "password_file", "insecure", "config", "wsdl", "profile", "api", "report_dir"),
        *("risk", "break_claim"),
    ),
    helps={
        "risk": "How much may be disturbed: observe, refusals, clones or full; none: full.",
        "target": "Where the calls go, also to another target than the run's; none: the simulator is started.",
        "profile": "Judge by this profile; none: by that of the run.",
        **dict.fromkeys(("username", "insecure", "config", "wsdl", "api", "report_dir"), ""),
    },
)
def replay(
    finding: Annotated[str, typer.Argument(metavar="FINDING", help="RUN#id, or REPORT.json#id of a comparison")],
    given: Given,
) -> None:
    """Send one finding's recorded calls again; exit 1 if it shows again, or if a difference is answered as on the new side."""
    from msgspec.structs import replace

    from vcontract._commands.replay_difference import is_report
    from vcontract._commands.run import execute
    from vcontract._config.printed_command import with_judging
    from vcontract._config.risk import arranges, existing, level_of
    from vcontract._findings.lookup import find, judged_methods
    from vcontract._report.safe_text import shell_word
    from vcontract._run.profile_source import pinned_by, pinned_in

    request, preparation = with_password(given.request)
    existing(request)
    preparation = replace(preparation, replay=with_judging(f"replay {shell_word(finding)}", request))
    if is_report(finding):
        retried(finding, request, preparation)
    saved = find(finding, named=bool(request.target or request.config))
    pinned = pinned_by(request.profile, saved.object) if request.profile is not None else pinned_in(finding)
    preparation = replace(preparation, pinned=pinned, finding=saved)
    result = execute(replace(request, contract=saved.object, methods=judged_methods(saved)), preparation)
    again = any(shown.id == saved.id for shown in result.findings)
    nothing = "none of its calls could be sent"
    if not arranges(level_of(request)):
        nothing = f"no marked VM looks as then, and --risk {request.risk} brings none into a state (clones and full do)"
    sent = result.calls or not any(step.purpose == "judge" for step in saved.program)
    unsent = "" if again else result.partial or ("" if sent else nothing)
    say_line(f"{saved.id} {'shows again' if again else f'is inconclusive: {unsent}' if unsent else 'does not show'}")
    halted = HaltedError.exit_code if result.exit_code == HaltedError.exit_code else 0
    raise typer.Exit(halted or (5 if unsent else int(again)))


@app.command(epilog=option.more("_testbed/README.md"))
@requests("target", "username", "password_file", "insecure", "config", "break_claim")
def adopt(
    vm: Annotated[str, typer.Option(metavar="PATTERN", help="Names of VMs (shell pattern).")],
    *,
    release: Annotated[bool, typer.Option("--release", help="Take the mark off.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    given: Given,
) -> None:
    """Mark VMs as yours to be disturbed, after showing which."""
    from vcontract._commands.adopt import adopt as marking

    def sure(lines: list[str]) -> bool:
        for line in lines:
            say_line(line)
        if not yes and not sys.stdin.isatty():
            raise UsageError("adopt: there is no terminal to ask on; --yes says that the above is meant")
        return yes or typer.confirm("Go on?")

    marking(*with_password(given.request), vm, sure, release=release)


@app.command(epilog=option.more("_testbed/README.md"))
@requests("report_dir", "target", "username", "password_file", "insecure", "config", "break_claim")
def cleanup(
    run_: Annotated[Path | None, typer.Argument(metavar="[RUN]", help="Directory of a run that was cut.")] = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    given: Given,
) -> None:
    """Put back what runs that were cut left on a target: this one, or all below --report-dir and whatever bears a mark."""
    from vcontract._commands.cleanup import clean_up

    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a terminal that is closed does not end it halfway
    closing = clean_up(run_, *with_password(given.request), say_line, dry=dry_run)
    if not closing:
        raise typer.Exit(HaltedError.exit_code)
    say_line(closing)


@app.command(epilog=option.more("_simulator/README.md"))
def simulate(  # noqa: PLR0913 - the options that design fixes
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free port.")] = 0,
    tls: Annotated[bool, typer.Option("--tls", help="Serve https with a certificate made now.")] = False,
    api: Annotated[str, typer.Option(help="Newest API version served.")] = "8.0.3.0",
    vms: Annotated[int | None, typer.Option(min=0, help="So many more Linux VMs.")] = None,
    task_time: Annotated[float | None, typer.Option(min=0, help="Seconds that a task takes (0.008).")] = None,
    boot_time: Annotated[float | None, typer.Option(min=0, help="Seconds until Tools are up (0.03).")] = None,
    report_time: option.ReportTime = None,
    timing: option.Timing = "",
    inventory: Annotated[Path | None, typer.Option(help="An inventory of your own (TOML).")] = None,
    seed: Annotated[int, typer.Option()] = 0,
    defect: Annotated[list[str] | None, typer.Option(help="A bug to plant; may be repeated.")] = None,
    variant: Annotated[list[str] | None, typer.Option(help="Another way to keep the contract; repeatable.")] = None,
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
    from dataclasses import replace

    from vcontract._simulator import Settings, serve_forever
    from vcontract._simulator.defects import listed_defects
    from vcontract._simulator.upgrades import listed_upgrades
    from vcontract._simulator.variants import listed_variants

    lists = ((list_defects, listed_defects), (list_variants, listed_variants), (list_upgrade_defects, listed_upgrades))
    if any(asked for asked, _ in lists):
        typer.echo("\n".join(line for asked, listed in lists if asked for line in listed()))
        return
    settings = Settings(
        port=port,
        tls=tls,
        api=api,
        vms=vms,
        inventory=inventory,
        seed=seed,
        defects=frozenset(defect or ()),
        variants=frozenset(variant or ()),
        upgrades=frozenset(upgrade_defect or ()),
    )
    times = _times(timing, task_time=task_time, boot_time=boot_time, report_time=report_time)
    serve_forever(replace(settings, **times), lambda url: typer.echo(f"listening on {url}"))


def _times(timing: str, **seconds: float | None) -> dict[str, Any]:
    """Give the settings of times that were asked for; one time and a timing contradict each other."""
    given = {name: value for name, value in seconds.items() if value is not None}
    if timing and given:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise UsageError(f"{options}: --timing {timing} says how long everything takes; leave one of them out")
    return {"timing": timing, **given}


def _thread_ended(ended: threading.ExceptHookArgs) -> None:
    """Say by what a thread ended that should not have, without a secret."""
    if ended.exc_value is not None:
        typer.echo(mishap(ended.exc_value)[0], err=True)


def main() -> None:
    """Run the command line; every mistake is one line on stderr and an exit code, never a traceback.

    What is printed changes no exit code: it may be read to its end or not.
    """
    before, threading.excepthook = threading.excepthook, _thread_ended
    try:
        with patient_streams() as out:
            code = _ended()
            out.flush()
            if out.lost:
                typer.echo(f"vcontract: what was printed is not whole: {out.lost}", err=True)
    finally:
        threading.excepthook = before
    sys.exit(code)


def _ended() -> int:
    """Run a verb; gives the exit code."""
    try:
        app()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - whatever it is, it is ours
        line, code = mishap(error)
        if line:
            typer.echo(line, err=True)
        return code
    return 0
