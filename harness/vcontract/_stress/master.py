"""The master: it gives each worker its share, has Locust spread the clients, and merges the results."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from typing import TypeAlias

import msgspec
from locust import runners
from locust.runners import MasterRunner
from msgspec.structs import replace

from vcontract._config.request import record_of
from vcontract._errors import HarnessError, TargetError
from vcontract._report.events import FindingSeen, Note, Progressed, Reporter, RunEnded, RunEvent, RunStarted
from vcontract._report.outputs.listeners import listeners
from vcontract._report.result import RunResult, TargetFacts
from vcontract._report.run_directory import RunDirectory
from vcontract._run.signals import Begun, terminable
from vcontract._run.start import wanted
from vcontract._stress.brief import Brief
from vcontract._stress.crowd import Crowd
from vcontract._stress.judging import merged
from vcontract._stress.launch import start
from vcontract._stress.messages import END, FAILED, HELLO, JUDGED, OVER, READY, SHARE, STOP, LoadShare, Mail
from vcontract._stress.stressing import ROWS

_EVERYWHERE, _HERE = "*", "127.0.0.1"
_SILENCE = 600
"""Heartbeats that a worker may miss: it may be judging a long history, or its machine may be busy."""
_SURVEYED, _JUDGED = 120.0, 1800.0
_TICK = 0.1
Started: TypeAlias = list["subprocess.Popen[bytes]"]


class FailedWorkerError(HarnessError):
    """A worker failed; the run ends with its exit code."""

    def __init__(self, line: str, code: int) -> None:
        super().__init__(line)
        self.exit_code = code


class Master:
    """One run of several workers."""

    def __init__(self, brief: Brief, crowd: Crowd, directory: RunDirectory, reporters: Sequence[Reporter]) -> None:
        self._brief, self._crowd, self._directory, self._reporters = brief, crowd, directory, reporters
        self._notes: list[str] = []

    def run(self, runner: MasterRunner, mail: Mail, started: Started) -> RunResult:
        """Wait for the workers, send their shares, wait for the load to end, and merge their results."""
        brief, workers = self._brief, self._gathered(mail, started)
        claimant = f"{self._directory.path.name}-{token_hex(3)}"
        targets: list[str] = []
        for number, worker in enumerate(workers):
            share = replace(brief.load, share=(number, len(workers)), fail_if=())
            order = LoadShare(share, brief.request.seed, brief.request.contract, brief.replay, claimant)
            mail.send(SHARE, order, worker)
            if number == 0:  # nobody else logs in before its logins were accepted: one refusal is enough
                targets.append(self._awaited(mail, READY, _SURVEYED, started)[1])
        targets += [self._awaited(mail, READY, _SURVEYED, started)[1] for _ in workers[1:]]
        target = msgspec.json.decode(targets[0], type=TargetFacts)
        self._tell(RunStarted(target, brief.request.seed, ROWS, int(brief.load.seconds), "seconds"))
        runner.start(brief.load.clients, spawn_rate=brief.load.clients)
        self._wait(mail)
        for worker in workers:
            mail.send(STOP, to=worker)
        self._tell(Note(f"{len(workers)} workers are judging"))
        replies = [self._awaited(mail, JUDGED, _JUDGED, started)[1] for _ in workers]
        for worker in workers:
            mail.send(END, to=worker)
        result = self._result([msgspec.json.decode(reply, type=tuple[str, RunResult]) for reply in replies])
        for finding in result.findings:
            self._crowd.blame(finding.method, finding.row)
            self._tell(FindingSeen(finding))
        self._tell(RunEnded(result))
        runner.quit()
        return result

    def _gathered(self, mail: Mail, started: Started) -> list[str]:
        """Wait until every worker has said hello, without a limit; raises KeyboardInterrupt if the user ends it."""
        wanted, workers = self._brief.workers, list[str]()
        self._tell(Note(f"waiting for {wanted} workers"))
        while len(workers) < wanted:
            self._check_workers(mail, started)
            if self._crowd.rung:
                raise KeyboardInterrupt
            hello = mail.next(HELLO, _TICK)
            if hello is not None and hello[0] not in workers:
                workers.append(hello[0])
        return workers

    def _awaited(self, mail: Mail, type_: str, seconds: float, started: Started) -> tuple[str, str]:
        """Wait for the next message of a type. Raises HarnessError if a worker failed or died, or none came in time."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            message = mail.next(type_, _TICK)
            if message is not None:
                return message
            self._check_workers(mail, started)
        raise HarnessError(f"a worker said nothing for {seconds:.0f} s ({type_})")

    def _check_workers(self, mail: Mail, started: Started) -> None:
        if failed := mail.next(FAILED):
            line, code = msgspec.json.decode(failed[1])
            raise FailedWorkerError(f"a worker: {line.removeprefix('vcontract: ')}", code)
        dead = next((process for process in started if process.poll() is not None), None)
        if dead is not None and dead.returncode < 0:
            raise TargetError(f"a worker was killed by signal {-dead.returncode}")

    def _wait(self, mail: Mail) -> None:
        """Wait until the time is over, a worker stops early, or the user ends it."""
        began = time.monotonic()
        while (done := time.monotonic() - began) < self._brief.load.seconds and not self._crowd.rung:
            self._tell(Progressed(int(done), int(self._brief.load.seconds)))
            if over := mail.next(OVER):
                self._notes.append(f"a worker stopped early: {msgspec.json.decode(over[1])}")
                break
            time.sleep(_TICK)
        if self._crowd.rung:
            self._notes.append("interrupted: the load ended early")

    def _result(self, judged: Sequence[tuple[str, RunResult]]) -> RunResult:
        """Merge the results; histories on this machine are named relative to the run directory."""
        placed = []
        here = self._directory.path.resolve()
        for place, run in judged:
            inside = Path(place).relative_to(here) if Path(place).is_relative_to(here) else None
            stress = run.stress
            if stress is not None:
                files = [str(inside / history) for history in stress.histories] if inside else []
                stress = replace(stress, histories=files)
            placed.append(replace(run, stress=stress))
        whole = merged(placed, self._brief.load.fail_if)
        return replace(whole, notes=[*self._notes, *whole.notes], request=record_of(self._brief.request))

    def _tell(self, event: RunEvent) -> None:
        for reporter in self._reporters:
            reporter.on(event)


def lead(brief: Brief) -> RunResult:
    """Do a run as its master. Raises HarnessError for all that keeps it from running, or if a worker is lost."""
    runners.HEARTBEAT_LIVENESS = _SILENCE
    directory = RunDirectory(brief.request.report_dir, brief.request.seed)
    reporters: list[Reporter] = [directory, *listeners(directory.path, wanted(brief.request))]
    crowd = Crowd(brief.load)
    port = brief.port or _free_port()
    runner = crowd.environment.create_master_runner(_HERE if brief.starts else _EVERYWHERE, port)
    mail = Mail(runner, HELLO, READY, OVER, JUDGED, FAILED)
    page = crowd.environment.create_web_ui(_HERE, brief.web) if brief.web else None
    begun = Begun(yes=True)  # the workers themselves end what they have begun
    with (
        TemporaryDirectory(prefix="vcontract-logins-") as logins,
        terminable(begun, crowd.ring),
        _workers(replace(brief, logins=logins), port, directory.path) as started,
    ):
        result = Master(brief, crowd, directory, reporters).run(runner, mail, started)
    if page is not None:
        page.stop()  # type: ignore[no-untyped-call] # Locust's page has no types
    return result


@contextmanager
def _workers(brief: Brief, port: int, directory: Path) -> Iterator[Started]:
    """Start the workers of this machine, if the brief says so; none of them outlives the run."""
    started: Started = []
    try:
        for number in range(brief.workers if brief.starts else 0):
            place = str(directory / f"worker-{number + 1}")
            request = replace(brief.request, report_dir=place, output="none", outputs=())
            worker_brief = replace(brief, request=request, role="worker", host=_HERE, port=port, web=0)
            started.append(start(worker_brief))
        yield started
        for process in started:
            process.wait(_SURVEYED)
    finally:
        for process in started:
            if process.poll() is None:
                process.terminate()
                process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HERE, 0))
        port: int = probe.getsockname()[1]
        return port
