"""Writes the history of a run as it happens: one event a line, each line one write, so that a killed run loses nothing."""

from __future__ import annotations

import fcntl
import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vcontract._client.clock import Clock
from vcontract._errors import HaltedError, HarnessError, RunFileError, UsageError
from vcontract._history import RESUMED, History, operation
from vcontract._history_lines import Writer
from vcontract._saved_file import append_to, read_saved, write_line
from vcontract._terms import Answer, Call, Event, Invoke, Json, Observed, Operation, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


_NAP = 0.25
"""Seconds after which a wait looks whether it must end."""


class _Label(threading.local):
    """The cell and the block that a thread is in."""

    cell = ""
    block = ""


class Recorder:
    """Numbers the operations of a run, from `after` on, and times them in seconds on one clock, which starts at 0.

    With `path` None nothing is written. With `keep`, `operations` holds every finished operation in the order of
    their ends; each of `listeners` is called with every finished operation. Safe for many threads; each has its own cell and
    block. UsageError: the file cannot be opened, or another process has it.

    Where the file takes no more, `lost` says why, and nothing more is written. The call that would come next is not sent then
    (HaltedError, once), unless the recorder is `lenient`: those after it, which put back what was changed, are.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        keep: bool = True,
        clock: Clock | None = None,
        after: int = 0,
        lenient: bool = False,
    ) -> None:
        self.lost = ""
        self._lenient = lenient
        self.operations: list[Operation] = []
        self.requests = 0
        self.calls = 0
        self.slept = 0.0
        self.slept_until = -1.0
        self._label = _Label()
        self._after = after
        self._stopping = False
        self.listeners: list[Callable[[Operation], None]] = []
        self._keep = keep
        self._clock = clock or Clock()
        self._zero = self._clock.now()
        self._lock = threading.Lock()
        self._path = path
        self._writer = Writer()
        self._writing = threading.Lock()
        self._file = -1
        if path is not None:
            try:
                self._file = append_to(path)
            except OSError as error:
                raise UsageError(f"{path}: cannot be written: {error.strerror}") from error
            try:
                fcntl.flock(
                    self._file, fcntl.LOCK_EX | fcntl.LOCK_NB
                )  # the lock ends with the process, however that ends
            except OSError:
                os.close(self._file)
                raise UsageError(f"{path}: the run is under way: another process writes its history") from None

    @classmethod
    def continued(cls, path: Path, history: History, *, lenient: bool = False) -> Recorder:
        """Continue the file of an interrupted run: cut off a torn last line, note that, and count numbers and times on.

        RunFileError: the file cannot be mended.
        """
        recorder = cls(path, lenient=lenient)
        try:
            os.ftruncate(recorder._file, read_saved(path).rfind(b"\n") + 1)
        except OSError as error:
            raise RunFileError(f"{path}: cannot be written: {error.strerror}") from error
        recorder.operations = list(history.operations)
        recorder.requests = max((done.op for done in history.operations), default=0)
        recorder.calls = sum(done.purpose == "judge" for done in history.operations)
        recorder._zero -= max((done.end for done in history.operations), default=0.0)
        recorder.observed(RESUMED, {})
        return recorder

    def enter(self, cell: str, block: str = "") -> None:
        """Set the block of all further calls of this thread, and the cell of those that name none."""
        self._label.cell, self._label.block = cell, block

    @contextmanager
    def inside(self, cell: str) -> Iterator[None]:
        """Set another cell for a while, in the same block."""
        before = self._label.cell
        self._label.cell = cell
        try:
            yield
        finally:
            self._label.cell = before

    def now(self) -> float:
        """Give the seconds since the run began, that before an interruption included."""
        return self._clock.now() - self._zero

    def sleep(self, seconds: float) -> None:
        """Wait on that clock, in naps: once a stop is asked for the next call comes to nothing, and so does waiting for it.

        `slept` is the sum of all waits, in seconds, and the last one ended at `slept_until`.
        """
        left = max(0.0, seconds)
        while left > 0 and not self._stopping:
            nap = min(left, _NAP)
            self._clock.sleep(nap)
            self.slept += nap
            left -= nap
        self.slept_until = self.now()

    @property
    def path(self) -> Path | None:
        """The file of the history; None if nothing is written."""
        return self._path

    @property
    def last(self) -> int:
        """The number of the operation that began last."""
        return self._after + self.requests

    def observed(self, subject: str, facts: dict[str, Json]) -> None:
        """Write facts that no call shows."""
        self._write(Observed(subject, facts))

    def invoke(self, call: Call, purpose: str, cell: str) -> Invoke:
        """Write that a call is about to be sent; `calls` counts the judged ones, `requests` all."""
        with self._lock:
            if self._stopping:
                self._stopping = False
                raise KeyboardInterrupt
            self.requests += 1
            self.calls += purpose == "judge"
            event = Invoke(
                self._after + self.requests, self.now(), call, purpose, cell or self._label.cell, self._label.block
            )
        self._write(event)
        if self.lost and not self._lenient:
            self._lenient = True  # what comes now puts things back
            raise HaltedError(self.lost)
        return event

    def answer(
        self, invoke: Invoke, ended: float, outcome: Outcome, *, status: int = 0, problems: tuple[str, ...] = ()
    ) -> Operation:
        """Write the answer to a call, and give the operation; `ended` is the time (of `now`) after the last byte."""
        event = Answer(op=invoke.op, time=ended, outcome=outcome, status=status, problems=problems)
        self._write(event)
        done = operation(invoke, event)
        if self._keep:
            self.operations.append(done)
        for listener in self.listeners:
            listener(done)
        return done

    def outlive_file(self) -> None:
        """From now on let a file that takes no more keep no call from being sent: what was changed is put back all the same."""
        self._lenient = True

    def stop(self) -> None:
        """Make the next call raise KeyboardInterrupt, once, instead of being sent. A signal handler may call it."""
        self._stopping = True

    def stopping(self) -> bool:
        """Whether the next call will raise KeyboardInterrupt."""
        return self._stopping

    def close(self) -> None:
        """Close the file; later events are kept in memory only."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _write(self, event: Event) -> None:
        if self._file < 0:
            return
        # a line may refer to one before it, so they are in the file in the order in which they were made
        with self._writing:
            try:
                write_line(self._file, self._writer.line(event), self._path)
            except HarnessError as error:
                self.lost = str(error)
                self.close()
            else:
                self._writer.wrote()
