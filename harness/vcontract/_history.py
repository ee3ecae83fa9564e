"""The file of events, one JSON object a line, read back into operations; what the lines are is in `history_lines.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from vcontract._errors import RunFileError
from vcontract._history_lines import Ended, Reader
from vcontract._saved_file import open_saved
from vcontract._terms import Answer, Invoke, Json, Lost, Observed, Operation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

UNANSWERED = "the run ended before an answer"
ASKED, FACTS, STEP, RESUMED, CLEANED, DISTURBED = "run", "facts", "step", "resumed", "cleaned", "disturbance"
"""The subjects of what a run notes beside its operations."""


class History(msgspec.Struct, frozen=True):
    """What a run noted, and its operations in the order in which they began.

    `resumed` tells, for each time that the run was cut and went on, how many operations had begun by then.
    """

    observed: list[Observed]
    operations: list[Operation]
    resumed: tuple[int, ...] = ()

    def noted(self, subject: str) -> list[dict[str, Json]]:
        """Give all that was noted under a subject, in order."""
        return [note.facts for note in self.observed if note.subject == subject]


def operation(invoke: Invoke, answer: Answer) -> Operation:
    """Join the two events of an operation."""
    return Operation(
        op=invoke.op,
        call=invoke.call,
        start=invoke.time,
        end=answer.time,
        outcome=answer.outcome,
        status=answer.status,
        problems=answer.problems,
        purpose=invoke.purpose,
        cell=invoke.cell,
        block=invoke.block,
    )


def read_history(path: Path) -> History:
    """Read a history file.

    A last line that was cut is dropped; an operation without an answer is Lost, and ends when the file does.
    Raises RunFileError, with file and line, for anything else that is not a history.
    """
    observed: list[Observed] = []
    operations: list[Operation] = []
    resumed: list[int] = []
    for event in retold(path):
        if isinstance(event, Operation):
            operations.append(event)
            continue
        observed.append(event)
        if event.subject == RESUMED:
            resumed.append(len(operations))
    return History(observed, operations, tuple(resumed))


def stream(path: Path) -> Iterator[Observed | Operation]:
    """Read a history file in one pass: what was noted, and each operation where it ended; equal calls are one object.

    What is open is all that is kept. Unanswered operations are Lost where the run was cut, or the file ends. Raises
    RunFileError as `read_history` does.
    """
    begun: dict[int, Invoke] = {}
    last = 0.0
    for number, event in _events(path):
        if isinstance(event, Observed):
            if event.subject == RESUMED:
                yield from _cut(begun, last)
                begun.clear()
            yield event
            continue
        last = max(last, event.time)
        if isinstance(event, Invoke) and event.op not in begun:
            begun[event.op] = event
        elif isinstance(event, Ended) and event.op in begun:
            yield _joined(begun.pop(event.op), event)
        else:
            raise RunFileError(f"{path}:{number}: operation {event.op} begins twice, ends twice or never began")
    yield from _cut(begun, last)


def retold(path: Path) -> Iterator[Observed | Operation]:
    """Read a history file in one pass, with its operations in the order in which they began.

    An operation comes where it and all that began before it have ended; what was noted meanwhile comes before it. Raises
    RunFileError as `read_history` does.
    """
    waiting: dict[int, Invoke | Operation] = {}
    numbers: set[int] = set()
    last = 0.0
    for number, event in _events(path):
        if isinstance(event, Observed):
            if event.subject == RESUMED:
                yield from _cut(waiting, last)
                waiting.clear()
            yield event
            continue
        last = max(last, event.time)
        begun = waiting.get(event.op)
        if isinstance(event, Invoke) and event.op not in numbers:
            numbers.add(event.op)
            waiting[event.op] = event
        elif isinstance(event, Ended) and isinstance(begun, Invoke):
            done = _joined(begun, event)
            if len(waiting) == 1:  # most often nothing else is under way
                waiting.clear()
                yield done
                continue
            waiting[event.op] = done
            while waiting and isinstance(first := next(iter(waiting.values())), Operation):
                del waiting[first.op]
                yield first
        else:
            raise RunFileError(f"{path}:{number}: operation {event.op} begins twice, ends twice or never began")
    yield from _cut(waiting, last)


def _joined(invoke: Invoke, ended: Ended) -> Operation:
    outcome = ended.outcome
    assert outcome is not None
    return Operation(
        invoke.op,
        invoke.call,
        invoke.time,
        ended.time,
        outcome,
        ended.status,
        ended.problems,
        invoke.purpose,
        invoke.cell,
        invoke.block,
    )


def _cut(waiting: Mapping[int, Invoke | Operation], last: float) -> list[Operation]:
    """Give the operations that were under way when a run was cut, which are Lost, and those that ended behind them."""
    return [
        each if isinstance(each, Operation) else operation(each, Answer(each.op, last, Lost(UNANSWERED)))
        for each in waiting.values()
    ]


def _events(path: Path) -> Iterator[tuple[int, Observed | Invoke | Ended]]:
    """Decode a file line by line; a last line that was cut is dropped."""
    read = Reader().event
    try:
        with open_saved(path) as file:
            for number, line in enumerate(file, 1):
                try:
                    event = read(line)
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                    if line.endswith(b"\n"):
                        raise RunFileError(f"{path}:{number}: not an event: {error}") from error
                    if b"\0" in line:
                        raise RunFileError(
                            f"{path}:{number}: it ends in zeros: what was written last is lost"
                        ) from error
                    return
                except RunFileError as error:
                    raise RunFileError(f"{path}:{number}: {error}") from error
                yield number, event
    except OSError as error:
        raise RunFileError(f"{path}: cannot be read: {error.strerror}") from error
