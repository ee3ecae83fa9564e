"""Rounds of a run that is cut, perhaps resumed, and cleaned up after: in this process, each against a simulator of its own."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from msgspec.structs import replace

from tests.printed_findings import inventory
from tests.windows import skipping
from vcontract._commands.cleanup import clean_up
from vcontract._commands.run import execute
from vcontract._config.request import Budget, RunRequest
from vcontract._errors import ClaimedError, HarnessError, ReportError
from vcontract._run.former_runs import resumed
from vcontract._run.preparation import PLAIN
from vcontract._saved_file import write_line
from vcontract._simulator import SimulatorServer

KINDS = ("kill", "hangup", "full", "damaged line", "zeros", "no history", "damaged result")

NEVER = ["the run was cut before it began"]
"""What is said of a round in which there is nothing to clean up."""


class KilledError(BaseException):
    """Stands for SIGKILL: nothing is caught, nothing put back, nothing more written."""


class Round(NamedTuple):
    """How a round ended: what was done, the closing word (none: not clean), what was said, and whether all is as before."""

    kind: str
    resumed: bool
    closing: str
    said: list[str]
    restored: bool

    @property
    def falsely_clean(self) -> bool:
        """Whether it was called clean, and is not."""
        return bool(self.closing) and not self.restored


def cutting(kind: str, after: int) -> Callable[..., None]:
    """Give what writes a line in place of the recorder's, and cuts the run after so many."""
    written: list[int] = []

    def write(file: int, line: bytes, path: Path | None) -> None:
        written.append(len(line))
        if len(written) >= after:
            if kind == "full":
                raise ReportError(f"{path}: cannot be written: No space left on device")
            if kind != "hangup":
                raise KilledError
            if len(written) == after:
                signal.raise_signal(signal.SIGHUP)
        write_line(file, line, path)

    return write


def damage(kind: str, directory: Path, drawn: random.Random) -> None:
    """Do to a run's files what a crash of the machine, or somebody, may do."""
    history = directory / "history.jsonl"
    lines = history.read_bytes().splitlines(keepends=True)
    if kind == "damaged line":
        lines[drawn.randrange(len(lines) // 2, len(lines) - 1)] = b'{"event":"invo\n'
        history.write_bytes(b"".join(lines))
    elif kind == "zeros":
        history.write_bytes(b"".join(lines[: drawn.randrange(len(lines) // 2, len(lines))]) + bytes(4096))
    elif kind == "no history":
        history.unlink()
    elif kind == "damaged result":
        (directory / "run.json").write_bytes(b'{"schema": "vcontract.run/1", "ver')


def made(number: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Round:
    """Make one round; all of it is drawn by its number."""
    drawn = random.Random(number)  # noqa: S311 - no secret
    kind, reports = KINDS[number % len(KINDS)], folder / str(number)
    work: dict[str, Any] = drawn.choice(
        [{}, {"contract": "VirtualMachine"}, {"explore": 2, "explore_only": True}, {"explore": 2, "explore_only": True}]
    )
    with SimulatorServer(skipping(seed=number)) as server:
        before = inventory(server.url)
        asked = RunRequest(
            target=server.url, seed=number, report_dir=reports, output="none", shrink=Budget(attempts=0), max_calls=60, **work
        )  # fmt: skip
        with monkeypatch.context() as patched, suppress(KilledError, HarnessError, KeyboardInterrupt):
            patched.setattr("vcontract._client.recorder.write_line", cutting(kind, drawn.randrange(150, 600)))
            execute(asked)
        made_in = [each for each in reports.iterdir() if each.name != "latest"] if reports.exists() else []
        if not made_in:  # it was cut before it began
            return Round(kind, resumed=False, closing="", said=NEVER, restored=inventory(server.url) == before)
        (directory,) = made_in
        goes_on = kind in {"kill", "hangup", "full"} and not (directory / "run.json").exists() and drawn.random() < 0.5
        if goes_on:
            with suppress(HarnessError):
                execute(
                    *resumed(
                        directory, RunRequest(target=server.url, max_calls=70, output="none", shrink=Budget(attempts=0))
                    )
                )
        damage(kind, directory, drawn)
        said: list[str] = []
        cleaning = RunRequest(target=server.url, report_dir=reports)
        try:
            closing = clean_up(None, cleaning, PLAIN, said.append, dry=False)
        except ClaimedError as error:  # of a run whose files tell nothing any more nobody knows that it has ended
            said.append(str(error))
            closing = clean_up(None, replace(cleaning, break_claim=True), PLAIN, said.append, dry=False)
        return Round(kind, goes_on, closing, said, inventory(server.url) == before)
