"""The file of events: one JSON object a line; how it is written, and how it is read back into operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from vcontract.errors import RunFileError
from vcontract.saved_file import open_saved, read_saved
from vcontract.terms import Answer, Call, Event, Invoke, Json, Lost, Observed, Operation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

UNANSWERED = "the run ended before an answer"
ASKED, FACTS, STEP, RESUMED, CLEANED, DISTURBED = "run", "facts", "step", "resumed", "cleaned", "disturbance"
"""The subjects of what a run notes beside its operations."""
_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Event)
_CALLS, _LONG = 1 << 13, 1 << 12
"""How many equal calls are shared while a file is streamed, since clients repeat themselves; longer ones than this are not."""


class _Begun(msgspec.Struct, frozen=True, tag_field="event", tag="invoke"):
    """An Invoke whose call is still as it was written."""

    op: int
    time: float
    call: msgspec.Raw
    purpose: str = "read"
    cell: str = ""
    block: str = ""


_lean: msgspec.json.Decoder[Any] = msgspec.json.Decoder(_Begun | Answer | Observed)
_calls: msgspec.json.Decoder[Call] = msgspec.json.Decoder(Call)


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


def encode_event(event: Event) -> bytes:
    """Give the line of an event, with its line feed."""
    return _encoder.encode(event) + b"\n"


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
    try:
        lines = read_saved(path).split(b"\n")
    except OSError as error:
        raise RunFileError(f"{path}: cannot be read: {error.strerror}") from error
    events: list[Event] = []
    for number, line in enumerate(lines, 1):
        try:
            if line or number < len(lines):
                events.append(_decoder.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            if number < len(lines):
                raise RunFileError(f"{path}:{number}: not an event: {error}") from error
    return _join(path, events)


def _join(path: Path, events: list[Event]) -> History:
    observed: list[Observed] = []
    invoked: dict[int, Invoke] = {}
    answered: dict[int, Answer] = {}
    last, resumed = 0.0, []

    def cut() -> None:
        for op in invoked.keys() - answered.keys():
            answered[op] = Answer(op=op, time=last, outcome=Lost(UNANSWERED))

    for number, event in enumerate(events, 1):
        if isinstance(event, Observed):
            observed.append(event)
            if event.subject == RESUMED:
                cut()
                resumed.append(len(invoked))
            continue
        last = max(last, event.time)
        if isinstance(event, Invoke) and event.op not in invoked:
            invoked[event.op] = event
        elif isinstance(event, Answer) and event.op in invoked and event.op not in answered:
            answered[event.op] = event
        else:
            raise RunFileError(f"{path}:{number}: operation {event.op} begins twice, ends twice or never began")
    cut()
    return History(observed, [operation(call, answered[op]) for op, call in invoked.items()], tuple(resumed))


def stream(path: Path) -> Iterator[Observed | Operation]:
    """Read a history file in one pass: what was noted, and each operation where it ended; equal calls are one object.

    What is open is all that is kept. Unanswered operations are Lost where the run was cut, or the file ends. Raises
    RunFileError as `read_history` does.
    """
    begun: dict[int, _Begun] = {}
    done = _Shared(path).operation
    last = 0.0
    for number, event in _events(path):
        if isinstance(event, Observed):
            if event.subject == RESUMED:
                yield from [done(call, Answer(call.op, last, Lost(UNANSWERED))) for call in begun.values()]
                begun.clear()
            yield event
            continue
        last = max(last, event.time)
        if isinstance(event, _Begun) and event.op not in begun:
            begun[event.op] = event
        elif isinstance(event, Answer) and event.op in begun:
            yield done(begun.pop(event.op), event)
        else:
            raise RunFileError(f"{path}:{number}: operation {event.op} begins twice, ends twice or never began")
    yield from [done(call, Answer(call.op, last, Lost(UNANSWERED))) for call in begun.values()]


def retold(path: Path) -> Iterator[Observed | Operation]:
    """Read a history file in one pass, with its operations in the order in which they began, as `read_history` gives them.

    An operation comes where it and all that began before it have ended. Raises RunFileError as `read_history` does.
    """
    waiting: dict[int, _Begun | Operation] = {}
    done, numbers = _Shared(path).operation, set[int]()
    last = 0.0
    for number, event in _events(path):
        if isinstance(event, Observed):
            if event.subject == RESUMED:
                yield from _cut(waiting, done, last)
                waiting.clear()
            yield event
            continue
        last = max(last, event.time)
        begun = waiting.get(event.op)
        if isinstance(event, _Begun) and event.op not in numbers:
            numbers.add(event.op)
            waiting[event.op] = event
        elif isinstance(event, Answer) and isinstance(begun, _Begun):
            waiting[event.op] = done(begun, event)
            while waiting and isinstance(first := next(iter(waiting.values())), Operation):
                del waiting[first.op]
                yield first
        else:
            raise RunFileError(f"{path}:{number}: operation {event.op} begins twice, ends twice or never began")
    yield from _cut(waiting, done, last)


def _cut(
    waiting: dict[int, _Begun | Operation], done: Callable[[_Begun, Answer], Operation], last: float
) -> list[Operation]:
    """Give the operations that were under way when a run was cut, and those that ended behind them."""
    return [
        each if isinstance(each, Operation) else done(each, Answer(each.op, last, Lost(UNANSWERED)))
        for each in waiting.values()
    ]


class _Shared:
    """Joins the events of operations; equal calls are decoded once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._calls: dict[bytes, Call] = {}

    def operation(self, asked: _Begun, answer: Answer) -> Operation:
        """Join the two events of an operation. RunFileError: the call is none."""
        written = bytes(asked.call)
        call = self._calls.get(written)
        if call is None:
            try:
                call = _calls.decode(written)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise RunFileError(f"{self._path}: operation {asked.op}: not a call: {error}") from error
            if len(written) <= _LONG:
                if len(self._calls) >= _CALLS:
                    self._calls.clear()
                self._calls[written] = call
        return operation(Invoke(asked.op, asked.time, call, asked.purpose, asked.cell, asked.block), answer)


def _events(path: Path) -> Iterator[tuple[int, _Begun | Answer | Observed]]:
    """Decode a file line by line; a last line that was cut is dropped."""
    try:
        with open_saved(path) as file:
            for number, line in enumerate(file, 1):
                try:
                    if line.strip():
                        yield number, _lean.decode(line)
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                    if line.endswith(b"\n"):
                        raise RunFileError(f"{path}:{number}: not an event: {error}") from error
    except OSError as error:
        raise RunFileError(f"{path}: cannot be read: {error.strerror}") from error
