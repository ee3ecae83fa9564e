"""Makes a long run's directory of a short one's: its own operations over and over, each turn later and with other tasks."""

from __future__ import annotations

import math
import re
import shutil
from datetime import datetime, timedelta
from pathlib import Path

NUMBERED = re.compile(rb'"op":(\d+),"time":([\d.e-]+)(?:,"same":(\d+))?')
"""The number of an operation in a line, the moment, and the operation that the line refers to."""
_TASK = re.compile(rb'"task-(\d+)"')
_MOMENT = re.compile(rb'"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z)"')
_NOTE = b'{"event":"observed"'


def longer(run: Path, place: Path, operations: int) -> int:
    """Copy a run's directory, with a history of at least so many operations; gives how many they are.

    A run puts back what it changed, so it could do the same again; of its notes the copy has only those of the first turn.
    """
    shutil.copytree(run, place)
    lines = (run / "history.jsonl").read_bytes().splitlines(keepends=True)
    numbered = [found for line in lines if not line.startswith(_NOTE) and (found := NUMBERED.search(line))]
    last, span = max(int(found[1]) for found in numbered), max(float(found[2]) for found in numbered) + 1
    tasks = 1 + max(int(found[1]) for line in lines for found in _TASK.finditer(line))
    turns = math.ceil(operations / last)
    with (place / "history.jsonl").open("wb") as file:
        for turn in range(turns):
            file.writelines(
                _moved(line, turn, last, span, tasks) for line in lines if not (turn and line.startswith(_NOTE))
            )
    return turns * last


def _moved(line: bytes, turn: int, last: int, span: float, tasks: int) -> bytes:
    """Give a line as it would be so many turns later: number, times, and the numbers of tasks."""
    if not turn:
        return line
    line = moved(line, turn * last, turn * span)
    line = _TASK.sub(lambda task: b'"task-%d"' % (int(task[1]) + turn * tasks), line)
    return _MOMENT.sub(lambda then: _later(then[1].decode(), turn * span).encode(), line)


def moved(line: bytes, operations: int, seconds: float) -> bytes:
    """Give a line of an operation as it would be so many operations and seconds later."""
    found = NUMBERED.search(line)
    assert found is not None
    same = b',"same":%d' % (int(found[3]) + operations) if found[3] else b""
    number, moment = int(found[1]) + operations, float(found[2]) + seconds
    return b'%s"op":%d,"time":%r%s%s' % (line[: found.start()], number, moment, same, line[found.end() :])


def _later(moment: str, seconds: float) -> str:
    later = datetime.fromisoformat(moment) + timedelta(seconds=seconds)
    return f'"{later.isoformat(timespec="microseconds").removesuffix("+00:00")}Z"'
