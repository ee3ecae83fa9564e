"""One `vcontract run`, from options to an exit code: the target, the run directory, the reporters."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

import msgspec
from msgspec.structs import replace

from harness.contract import load
from harness.errors import UsageError
from harness.report.console import ConsoleReporter, JsonReporter
from harness.report.events import Reporter
from harness.report.junit import JunitReporter
from harness.report.result import RunResult
from harness.report.run_directory import RunDirectory
from harness.run.config import Account, Config, config_for, read_password
from harness.run.conform import Conformance, Options
from harness.run.embedded import embedded
from harness.run.replaying import Recording
from harness.run.survey import secrets_of
from harness.target import Recorder, Target


class Job(msgspec.Struct, frozen=True):
    """What the command line asks for.

    `target` empty: the embedded simulator, of version `api`. With `finding`, that one alone is replayed.
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
    finding: Recording | None = None


def execute(job: Job) -> RunResult:
    """Run a job to its result; reports as it goes. Raises HarnessError for all that keeps it from running."""
    contract = load(job.contract)
    for method in job.options.methods:
        contract.method(method)
    directory = RunDirectory(job.report_dir, job.options.seed)
    options = replace(job.options, report=str(directory.path))
    console: Reporter = JsonReporter() if job.output == "json" else ConsoleReporter(directory.path)
    reporters: list[Reporter] = [directory, JunitReporter(directory.path), console]
    with terminable(), _opened(job, Recorder(directory.history)) as (target, config):
        return Conformance(target, contract, config, options, reporters, job.finding).run()


@contextmanager
def _opened(job: Job, recorder: Recorder) -> Iterator[tuple[Target, Config]]:
    """Reach the target with its configuration; close it afterwards, with the simulator if it was started here."""
    simulator, config = None, None
    try:
        if job.target or (job.config is not None and (config := _configured(job)).target):
            config = config or _configured(job)
            url = job.target or config.target
        else:
            simulator, config = embedded(job.options.seed, job.api, job.defects)
            simulator.start()
            url = simulator.url
        target = Target.open(
            url,
            wsdl=job.wsdl or None,
            insecure=job.insecure or config.insecure,
            ca_file=config.ca_file or None,
            recorder=recorder,
            secrets=secrets_of(config),
        )
        try:
            yield target, config
        finally:
            target.close()
    finally:
        recorder.close()
        if simulator is not None:
            simulator.stop()


def _configured(job: Job) -> Config:
    config = config_for(job.target, job.config)
    if not job.username:
        return config
    password = read_password(job.password_file) if job.password_file else job.password
    if not password:
        raise UsageError("--username needs --password-file, or the password in VCONTRACT_PASSWORD")
    others = tuple(each for each in config.account if each.role != "full")
    return replace(config, account=(Account("full", job.username, password=password), *others))


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM end a run as Ctrl-C does: cleanly, with what is known."""

    def stop(_: int, __: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def from_environment(environment: dict[str, str]) -> tuple[str, str, str, bool]:
    """Read `--target govc` from govc's variables: URL, user name, password, insecure. Raises UsageError."""
    url = environment.get("GOVC_URL", "")
    if not url:
        raise UsageError("--target govc: GOVC_URL is not set")
    if "://" not in url:
        url = f"https://{url}"
    url = url if url.rstrip("/").count("/") > 2 else url.rstrip("/") + "/sdk"
    insecure = environment.get("GOVC_INSECURE", "").lower() in {"1", "true", "yes"}
    return url, environment.get("GOVC_USERNAME", ""), environment.get("GOVC_PASSWORD", ""), insecure


__all__ = ["Job", "execute", "from_environment", "terminable"]
