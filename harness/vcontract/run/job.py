"""One `vcontract run`, from options to an exit code: the target, the run directory, the reporters."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from urllib.parse import unquote

import msgspec
from msgspec.structs import replace

from vcontract import __version__
from vcontract.client import Recorder, Secrets, Target
from vcontract.client.recording import Tape
from vcontract.client.replayed import Replay
from vcontract.client.wire import parse_url
from vcontract.config.config import Account, Config, config_for, read_password
from vcontract.config.options import Options
from vcontract.contract import Contract, load
from vcontract.errors import UsageError
from vcontract.report.console import ConsoleReporter, JsonReporter
from vcontract.report.events import Reporter
from vcontract.report.junit import JunitReporter
from vcontract.report.reproduction import ReproductionReporter
from vcontract.report.run_directory import RunDirectory
from vcontract.run.interrupted_run import Asked, Past, past_of
from vcontract.run.recorded_run import REPLAY, Recorded, opening, recorded, refuse
from vcontract.run.signals import Begun, terminable
from vcontract.terms import Finding, Json
from vcontract.testbed import Site, secrets_by_name, secrets_of
from vcontract.testbed.embedded_simulator import EMBEDDED, simulator_for


class Job(msgspec.Struct, frozen=True):
    """What the command line asks for.

    `target` empty: the embedded simulator, of version `api`. `output` is text, json or none. With `finding`, that one alone
    is replayed. `record` is the file that keeps every exchange, `recorded` the one that answers in the place of a server,
    `proxy` is used in the configuration's stead.
    """

    contract: str
    options: Options
    target: str = ""
    username: str = ""
    password: str = ""
    password_file: Path | None = None
    insecure: bool = False
    config: Path | None = None
    wsdl: str = ""
    report_dir: Path = Path("reports")
    output: str = "text"
    api: str = ""
    defects: frozenset[str] = frozenset()
    cells: bool = False
    past: Past | None = None
    finding: Finding | None = None
    record: Path | None = None
    recorded: Recorded | None = None
    proxy: str = ""

    def __repr__(self) -> str:
        """Leave the password out: a traceback may show it."""
        return f"Job({self.contract!r}, {self.options!r}, {self.target!r})"


def contract_of(job: Job) -> Contract:
    """Load the contract. Raises ContractError if it has no method of those that are asked for."""
    contract = load(job.contract)
    for method in job.options.methods:
        contract.method(method)
    return contract


class Ground(msgspec.Struct, frozen=True):
    """What a run stands on: its site, with the target reached, and those who hear of it; `directory` is the run's."""

    site: Site
    reporters: Sequence[Reporter] = ()
    directory: Path = Path()


@contextmanager
def underway(
    job: Job, *, stop: Callable[[], None] | None = None, clients: int = 1, keep: bool = True
) -> Iterator[Ground]:
    """Make a run's directory, reach its target, and end both well. Raises HarnessError for all that keeps it from running.

    With `keep` the recorder remembers every operation, else the file alone does. `stop` is called at the first SIGINT or
    SIGTERM once the run is under way; None: the next call does not begin.
    """
    contract, config = contract_of(job), configured(job)
    secrets = secrets_of(config) if job.recorded is None else secrets_by_name(config)
    replay = Replay(job.recorded.recording) if job.recorded else None
    new_parent = not job.report_dir.exists()
    again = job.past.directory if job.past else None
    directory = RunDirectory(job.report_dir, job.options.seed, again=again)
    begun = Begun()
    before = job.past or job.recorded  # what a run makes bears its mark: who repeats the run must say the same
    mark = (before.asked.id if before else "") or f"{directory.path.name}-{token_hex(3)}"
    asked = _asked(job) | {"id": mark, "version": __version__}
    options = replace(job.options, report=str(directory.path), asked=asked, id=mark)
    reporters: list[Reporter] = [
        begun,
        directory,
        JunitReporter(directory.path),
        ReproductionReporter(directory.path),
        *_console(job, directory),
    ]
    recorder = (
        Recorder.continued(directory.history, job.past.history)
        if job.past
        else Recorder(directory.history, clock=replay.clock if replay else None, keep=keep)
    )
    try:
        with (
            terminable(begun, stop or recorder.stop),
            opened(replace(job, options=options), config, secrets, recorder, clients, replay, begun) as target,
        ):
            yield Ground(Site(target, contract, config, options), reporters, directory.path)
    except BaseException:
        if not begun.yes and job.past is None:
            shutil.rmtree(directory.path, ignore_errors=True)
            if new_parent:
                with suppress(OSError):  # another run has come into it
                    job.report_dir.rmdir()
        raise


def _console(job: Job, directory: RunDirectory) -> list[Reporter]:
    """Give who prints: nobody if the output is none."""
    found: dict[str, list[Reporter]] = {"json": [JsonReporter()], "none": []}
    return found.get(job.output, [ConsoleReporter(directory.path, cells=job.cells)])


def _asked(job: Job) -> dict[str, Json]:
    """Give what a run that is cut needs to go on; it holds no secret."""
    options = job.options
    asked = Asked(
        contract=job.contract,
        seed=options.seed,
        started="",
        methods=options.methods,
        max_calls=options.max_calls,
        target=job.target,
        config=str(job.config.resolve()) if job.config else "",
        wsdl=job.wsdl,
        api=job.api,
        username=job.username,
        insecure=job.insecure,
        complete=options.complete,
        replay=options.replay,
        explore=options.explore,
        explore_only=options.explore_only,
    )
    plain: dict[str, Json] = msgspec.to_builtins(asked)
    return plain


def resumed(directory: Path, given: Job) -> Job:
    """Make the job that goes on with a run; of what is given now, the target, the login and the limits count.

    Raises RunFileError if the directory holds no run that could go on.
    """
    return going_on(past_of(directory), given)


def going_on(past: Past, given: Job) -> Job:
    """Make the job that goes on with what a run did; of what is given now, the target, the login and the limits count."""
    asked = past.asked
    if given.record or given.recorded or asked.target.startswith(REPLAY):
        raise UsageError("--resume: a recording is of a whole run; record or replay one from its begin")
    calls = sum(each.purpose == "judge" for each in past.history.operations)
    limit = given.options.max_calls or (asked.max_calls if calls < asked.max_calls else 0)
    options = replace(
        given.options,
        seed=asked.seed,
        methods=asked.methods,
        max_calls=limit,
        **{name: getattr(asked, name) for name in ("explore", "explore_only", "replay")},
        pinned=past.facts.pinned,
    )
    return replace(
        given,
        contract=asked.contract,
        options=options,
        target=given.target or asked.target,
        username=given.username or asked.username,
        insecure=given.insecure or asked.insecure,
        config=given.config or (Path(asked.config) if asked.config else None),
        wsdl=given.wsdl or asked.wsdl,
        api=asked.api,
        past=past,
    )


def replayed(given: Job, seed: int | None, contract: str) -> Job:
    """Make the job that repeats a recorded run: with its options, where nothing else is given (`contract` empty: nothing).

    Raises RunFileError if the file is no recording, UsageError for what needs a server.
    """
    needs = {
        "--username": given.username,
        "--password-file": given.password_file,
        "--insecure": given.insecure,
        "--api": given.api,
        "--record": given.record,
    }
    refuse("a recording", because="which is no server", given=needs)
    found = recorded(given.target)
    return replace(
        given,
        contract=contract or found.asked.contract,
        options=found.options(given.options, seed=seed),
        wsdl=given.wsdl or found.asked.wsdl,
        recorded=found,
    )


@contextmanager
def opened(
    job: Job,
    config: Config,
    secrets: Secrets,
    recorder: Recorder,
    clients: int,
    replay: Replay | None = None,
    begun: Begun | None = None,
) -> Iterator[Target]:
    """Reach the target; close it afterwards, with the simulator if it was started here."""
    tape = None
    try:
        with address(job, config, clients) as url:
            if job.record is not None:
                began = opening(parse_url(url).url, job.contract, job.wsdl, job.options, config)
                tape = Tape(job.record, began, secrets, recorder)
            target = Target.open(
                url,
                wsdl=job.wsdl or None,
                trust=config.trust(insecure=job.insecure),
                proxy=job.proxy or config.proxy,
                recorder=recorder,
                secrets=secrets,
                connect=replay.connect if replay else None,
                tape=tape,
                pacing=config.pacing() if replay is None else None,
            )
            try:
                yield target
            finally:
                target.close()
    finally:
        recorder.close()
        if tape is not None:
            tape.close(keep=begun is not None and begun.yes)


@contextmanager
def address(job: Job, config: Config, clients: int = 1) -> Iterator[str]:
    """Give the URL of the target, which is that of a simulator, started for so many clients, if none is named."""
    if job.recorded is not None:
        yield job.recorded.recording.opening.url
        return
    if url := job.target or config.target:
        yield url
        return
    simulator = simulator_for(job.options.seed, job.api, job.defects, clients)
    simulator.start()
    try:
        yield simulator.url
    finally:
        simulator.stop()


def configured(job: Job) -> Config:
    """Give the configuration: the file's, else the built-in one of the simulator or of loopback, else an empty one.

    The account that the command line names stands in for its own.
    """
    if job.recorded is not None and job.config is None:
        return job.recorded.config
    config = config_for(job.target, job.config) if job.target or job.config else EMBEDDED
    if not (job.target or config.target):
        config = replace(config, proxy="")  # the simulator is started on this machine
    if job.api and (job.target or config.target):
        raise UsageError("--api is the version of the simulator that is started; a target has its own")
    if not job.username:
        if job.password_file:
            raise UsageError("--password-file needs --username")
        return config
    password = read_password(job.password_file) if job.password_file else job.password
    if not password:
        raise UsageError("--username needs --password-file, or the password in VCONTRACT_PASSWORD")
    others = tuple(each for each in config.account if each.role != "full")
    return replace(config, account=(Account("full", job.username, password=password), *others))


def from_environment(environment: dict[str, str]) -> tuple[str, str, str, bool]:
    """Read `--target govc` from govc's variables: URL, user name, password, insecure. Raises UsageError.

    As with govc, the URL may lack scheme and path, and may hold the user name and password.
    """
    given = environment.get("GOVC_URL", "")
    if not given:
        raise UsageError("--target govc: GOVC_URL is not set")
    scheme, _, place = given.rpartition("://")
    authority, _, path = place.partition("/")
    credentials, _, host = authority.rpartition("@")
    name, _, secret = (unquote(each) for each in credentials.partition(":"))
    insecure = environment.get("GOVC_INSECURE", "").lower() in {"1", "true", "yes"}
    return (
        f"{scheme or 'https'}://{host}/{path or 'sdk'}",
        environment.get("GOVC_USERNAME", "") or name,
        environment.get("GOVC_PASSWORD", "") or secret,
        insecure,
    )


__all__ = [
    "REPLAY",
    "Job",
    "configured",
    "from_environment",
    "going_on",
    "opened",
    "replayed",
]
