"""How a run starts: the configuration, the target, the run directory, the reporters."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from vcontract._client import Recorder, Target
from vcontract._client.recording import Tape
from vcontract._client.replayed import Replay
from vcontract._client.wire import parse_url
from vcontract._config.config import Account, Config, address_of, config_for
from vcontract._config.elsewhere import polite
from vcontract._config.password_file import read_password
from vcontract._config.request import SIMULATOR, RunRequest
from vcontract._contract import Contract, load
from vcontract._errors import HarnessError, UsageError
from vcontract._redaction import without_userinfo
from vcontract._report.bug_reports import BugReports
from vcontract._report.events import Abandoned, Reaching, Reporter
from vcontract._report.outputs import outputs
from vcontract._report.outputs.listeners import Wanted, listeners, tell, told_meanwhile, verbosity
from vcontract._report.reproduction import ReproductionReporter
from vcontract._report.run_directory import RunDirectory
from vcontract._run.own_server.serving import served, watched
from vcontract._run.preparation import PLAIN, Preparation, context_of
from vcontract._run.recorded_run import opening
from vcontract._run.signals import Begun, terminable
from vcontract._server import StartedServer
from vcontract._testbed import Site, secrets_by_name, secrets_of
from vcontract._testbed.embedded_simulator import EMBEDDED, simulator_for


def contract_of(request: RunRequest) -> Contract:
    """Load the contract. Raises ContractError if it has no method of those that are asked for."""
    contract = load(request.contract)
    for method in request.methods:
        contract.method(method)
    return contract


class StartedRun(msgspec.Struct, frozen=True):
    """What a run stands on: its site, with the target reached, and those who hear of it; `directory` is the run's."""

    site: Site
    reporters: Sequence[Reporter] = ()
    directory: Path = Path()


@contextmanager
def underway(
    request: RunRequest,
    preparation: Preparation = PLAIN,
    *,
    stop: Callable[[], None] | None = None,
    keep: bool = True,
) -> Iterator[StartedRun]:
    """Make a run's directory, reach its target, and end both well. Raises HarnessError for all that keeps it from running.

    With `keep` the recorder remembers every operation, else the file alone does. `stop` is called at the first SIGINT or
    SIGTERM once the run is under way; None: the next call does not begin.
    """
    with told_meanwhile(without_userinfo(request.target) or str(request.config or "the simulator"), wanted(request)):
        contract, config = contract_of(request), configured(request, preparation)
    if keep and preparation.recorded is None:  # who keeps no operations loads the server on purpose
        config = polite(config, address_of(request, config))
    outputs(request.outputs, BugReports())  # refused before anything is made or sent
    interrupted, recorded = preparation.interrupted, preparation.recorded
    replay = Replay(recorded.recording) if recorded else None
    new_parent = not request.report_dir.exists()
    directory = RunDirectory(request.report_dir, request.seed, again=interrupted.directory if interrupted else None)
    begun = Begun()
    # what a run makes bears its mark: who repeats the run must say the same
    mark = (
        interrupted.note.run if interrupted else recorded.run if recorded else ""
    ) or f"{directory.path.name}-{token_hex(3)}"
    context = replace(context_of(preparation), run=mark, report=str(directory.path.absolute()))
    reporters: list[Reporter] = [begun, directory, *_heard(request, directory, config)]
    recorder = (
        Recorder.continued(directory.history, interrupted.history)
        if interrupted
        else Recorder(directory.history, clock=replay.clock if replay else None, keep=keep)
    )
    course = Course(replay, begun, mark, directory.path)
    tell(Reaching(without_userinfo(address_of(request, config)) or "the simulator that is started"), reporters)
    try:
        with (
            terminable(begun, stop or recorder.stop),
            reached(request, preparation, config, recorder, course) as (target, server),
        ):
            yield StartedRun(Site(target, contract, config, request, context, server), reporters, directory.path)
    except BaseException:
        with suppress(HarnessError):  # that it ended is the error to be told
            tell(Abandoned(), reporters)
        if not begun.yes and interrupted is None:
            shutil.rmtree(directory.path, ignore_errors=True)
            if new_parent:
                with suppress(OSError):  # another run has come into it
                    request.report_dir.rmdir()
        raise


def _heard(request: RunRequest, directory: RunDirectory, config: Config) -> list[Reporter]:
    """Give who writes further files of a run, and who prints. Raises UsageError for an output that cannot be written."""
    guests = [guest.username for guest in config.guest]
    return [
        ReproductionReporter(directory.path, config.owner, guests),
        *listeners(directory.path, wanted(request)),
    ]


def wanted(request: RunRequest) -> Wanted:
    """Say what of a run is to be shown."""
    told = verbosity(verbose=request.verbose, quiet=request.quiet)
    return Wanted(request.output, told, request.cells, request.outputs)


@contextmanager
def opened(request: RunRequest, preparation: Preparation, config: Config, recorder: Recorder) -> Iterator[Target]:
    """Reach the target; close it afterwards, with the server if it was started here."""
    with reached(request, preparation, config, recorder, Course()) as (target, _):
        yield target


class Course(NamedTuple):
    """What a run is, beside what is asked of it: what answers in a server's place, whether it began, its mark and directory."""

    replay: Replay | None = None
    begun: Begun | None = None
    mark: str = ""
    directory: Path | None = None


@contextmanager
def reached(
    request: RunRequest, preparation: Preparation, config: Config, recorder: Recorder, course: Course
) -> Iterator[tuple[Target, StartedServer | None]]:
    """Reach the target, and give it with its server if that was started for it; both are ended afterwards.

    What the server prints is kept in the directory of the `course`.
    """
    secrets = secrets_of(config) if preparation.recorded is None else secrets_by_name(config)
    tape = None
    try:
        with (
            address(request, preparation, config) as url,
            served(request, preparation, config, secrets, course.directory) as server,
        ):
            if request.record is not None:
                began = opening(parse_url(url).url, request, course.mark, config)
                tape = Tape(request.record, began, secrets, recorder)
            target = Target.open(
                url,
                wsdl=request.wsdl or None,
                trust=config.trust(insecure=request.insecure),
                proxy=preparation.proxy or config.proxy,
                recorder=recorder,
                secrets=secrets,
                connect=course.replay.connect if course.replay else watched(server, url, config, request),
                tape=tape,
                pacing=config.pacing() if course.replay is None else None,
                logins=preparation.logins,
                run=course.mark if course.replay is None else "",
            )
            try:
                yield target, server
            finally:
                target.close()
    finally:
        recorder.close()
        if tape is not None:
            tape.close(keep=course.begun is not None and course.begun.yes)


@contextmanager
def address(request: RunRequest, preparation: Preparation, config: Config) -> Iterator[str]:
    """Give the URL of the target; if none is named, that of a simulator started for as many workers as are asked for."""
    if preparation.recorded is not None:
        yield preparation.recorded.recording.opening.url
        return
    if url := address_of(request, config):
        yield url
        return
    simulator = simulator_for(request.seed, request.api, preparation.defects, max(request.workers, request.lanes))
    simulator.start()
    try:
        yield simulator.url
    finally:
        simulator.stop()


def configured(request: RunRequest, preparation: Preparation = PLAIN) -> Config:
    """Give the configuration: the file's, else the built-in one if the target is our simulator, else an empty one.

    A target at a loopback address is asked whether it is (`config_for`).
    The account that the command line names stands in for its own.
    """
    if preparation.recorded is not None and request.config is None:
        return preparation.recorded.config
    named = (request.target if request.target != SIMULATOR else "") or request.config
    config = config_for(request.target, request.config, insecure=request.insecure) if named else EMBEDDED
    address = address_of(request, config)
    if not address:
        config = replace(config, proxy="")  # the simulator is started on this machine
    if request.api and address:
        raise UsageError("--api is the version of the simulator that is started; a target has its own")
    if not request.username:
        if request.password_file:
            raise UsageError("--password-file needs --username")
        return config
    password = read_password(request.password_file) if request.password_file else preparation.password
    if not password:
        raise UsageError("--username needs --password-file, or the password in VCONTRACT_PASSWORD")
    others = tuple(account for account in config.account if account.role != "full")
    return replace(config, account=(Account("full", request.username, password=password), *others))
