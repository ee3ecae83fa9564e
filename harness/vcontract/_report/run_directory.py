"""A directory for each run, `<UTC time>-<seed>`, beside the link `latest` to the one that ended last."""

from __future__ import annotations

import errno
import os
import re
import stat
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from vcontract._errors import HarnessError, ReportError, UsageError
from vcontract._report.events import CellJudged, RunEnded, RunEvent
from vcontract._report.result import RUN_FILE, RunResult
from vcontract._saved_file import PRIVATE, PRIVATE_DIRECTORY, create

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

HISTORY = "history.jsonl"
FINDINGS = "findings.jsonl"
CELLS = "cells.jsonl"
LATEST = "latest"
RUN_DIRECTORY = re.compile(r"\d{8}T\d{6}Z-\d+(-\d+)?", re.ASCII)
"""How the directory of a run is called."""
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


class RunDirectory:
    """Writes `run.json`, `findings.jsonl` and `cells.jsonl` when the run ends, then turns `latest` to it.

    `path` exists from the start, for the history; `again` is that of an interrupted run that continues. Raises UsageError if
    the directory cannot be made or written.
    """

    def __init__(self, parent: Path, seed: int, started: datetime | None = None, again: Path | None = None) -> None:
        name = f"{(started or datetime.now(UTC)).astimezone(UTC):%Y%m%dT%H%M%SZ}-{seed}"
        self.path = again or _make(parent, name)
        self._cells: list[CellJudged] = []

    @property
    def history(self) -> Path:
        """The file for the recorder."""
        return self.path / HISTORY

    def on(self, event: RunEvent) -> None:
        """Keep the judged cells; write all files at the end."""
        if isinstance(event, CellJudged):
            self._cells.append(event)
        elif isinstance(event, RunEnded):
            write_run(self.path, event.summary, self._cells)
            _turn_latest(self.path)


def write_run(directory: Path, result: RunResult, cells: Iterable[CellJudged] | None = None) -> None:
    """Write a result into a run directory, each file whole or not at all; `cells` None leaves `cells.jsonl` alone."""
    if cells is not None:
        write_whole(directory / CELLS, _lines(cells))
    write_whole(directory / FINDINGS, _lines(result.findings))
    write_whole(directory / RUN_FILE, msgspec.json.format(msgspec.json.encode(result)) + b"\n")


def write_whole(file: Path, content: bytes, mode: int = PRIVATE) -> None:
    """Write a file whole or not at all, for its owner alone unless `mode` says otherwise. Raises UsageError, ReportError."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        try:
            draft.unlink(missing_ok=True)
            create(draft, content, mode)
            draft.replace(file)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise unwritten(f"{file}: cannot be written", error) from error


def unwritten(what: str, error: OSError) -> HarnessError:
    """Give the error of what could not be written: the user's, unless there is no room for it."""
    kind = ReportError if error.errno in _NO_ROOM else UsageError
    return kind(f"{what}: {error.strerror}")


def write_out(file: Path, content: bytes) -> None:
    """Write a file that the user names, whole or not at all; who may read it stays as it was. Raises as that does."""
    mode = stat.S_IMODE(file.stat().st_mode) if file.exists() else 0o666
    write_whole(file, content, mode)


def _lines(items: Iterable[msgspec.Struct]) -> bytes:
    return b"".join(msgspec.json.encode(item) + b"\n" for item in items)


def _make(parent: Path, name: str) -> Path:
    try:
        parent.mkdir(PRIVATE_DIRECTORY, parents=True, exist_ok=True)
        for number in range(1, 1000):
            path = parent / (name if number == 1 else f"{name}-{number}")
            try:
                path.mkdir(PRIVATE_DIRECTORY)
            except FileExistsError:
                continue
            return path
    except OSError as error:
        raise unwritten(f"{parent}: cannot hold the report", error) from error
    raise UsageError(f"{parent}: holds too many runs named {name}")


def _turn_latest(path: Path) -> None:
    draft = path.with_name(f".{LATEST}.{os.getpid()}")
    try:
        draft.unlink(missing_ok=True)
        draft.symlink_to(path.name, target_is_directory=True)
        draft.replace(path.with_name(LATEST))
    except OSError as error:
        raise unwritten(f"{path.with_name(LATEST)}: cannot be written", error) from error
