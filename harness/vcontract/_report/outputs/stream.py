"""The events of a run as they come, one JSON object a line: for whoever follows a run with a program."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO

import msgspec

from vcontract._report.events import Abandoned, RunEnded, RunEvent
from vcontract._report.run_directory import unwritten


class EventStream:
    """Writes each event as `{"event": NAME, …}` with the fields of `report/events.py`, each line at once.

    UsageError, ReportError: the file cannot be written.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._opened: IO[bytes] | None = None

    def on(self, event: RunEvent) -> None:
        """Write one event."""
        said = msgspec.to_builtins(event)
        line = msgspec.json.encode({"event": type(event).__name__, **said}) + b"\n"
        try:
            if self._opened is None:
                self._opened = sys.stdout.buffer if self._file is None else self._file.open("wb")
            self._opened.write(line)
            self._opened.flush()
            if isinstance(event, RunEnded | Abandoned) and self._file is not None:
                self._opened.close()
        except OSError as error:
            raise unwritten(f"{self._file or 'standard output'}: cannot be written", error) from error
