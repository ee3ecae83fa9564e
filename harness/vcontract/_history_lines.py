"""The lines of a history file: how an event is written, what it leaves to an earlier line, and how a line is read back.

A run reads the same objects again and again, and most reads say nothing new. So a call that an earlier line has, and an answer
that is word for word an earlier one, are written as `"same":N`: as those of operation N. N is at most NEAR operations back, and
its own line has the text in full; so a file that is cut anywhere says all that it said before the cut, and a reader keeps
only what is near. Fields with their usual values are left out. A body of more than PACKED bytes is compressed.
"""

from __future__ import annotations

import zlib
from collections import OrderedDict
from hashlib import blake2b
from typing import Any

import msgspec

from vcontract._errors import RunFileError
from vcontract._terms import Arguments, Call, Envelope, Event, Invoke, Json, Observed, Outcome, Ref

NEAR = 1 << 12
"""How many operations back a line may refer to."""
PACKED = 1 << 16
_SHORT, _LEAST = 1 << 13, 64
"""How many bytes a text may have, and must have, to be referred to."""
_LARGEST = 1 << 28
"""How large a compressed body may become."""
_MARK = b'"type":"packed"'
_NOTHING = msgspec.Raw(b"")


class _Packed(msgspec.Struct, frozen=True, tag="packed", omit_defaults=True):
    """An envelope whose body is compressed."""

    body: bytes
    breaks: str
    headers: dict[str, str] = {}
    origin: dict[str, Json] = {}
    pacing: tuple[float, ...] = ()


class _SavedCall(msgspec.Struct, frozen=True):
    """A call whose envelope may be packed."""

    object: Ref
    method: str
    payload: Arguments | Envelope | _Packed
    actor: str


class _Begun(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="event", tag="invoke"):
    """An Invoke as it is written: with its call, or the number of the operation that has it."""

    op: int
    time: float
    call: msgspec.Raw = _NOTHING
    same: int = 0
    purpose: str = "read"
    cell: str = ""
    block: str = ""


class Ended(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="event", tag="answer"):
    """An Answer as it is written: with what came, or the number of the operation that got the same."""

    op: int
    time: float
    outcome: Outcome | None = None
    same: int = 0
    status: int = 0
    problems: tuple[str, ...] = ()


LINES = _Begun | Ended | Observed
"""What a line is, as it is written; what stands in the place of Raw is a `SAVED_CALL`."""
SAVED_CALL = _SavedCall
_encoder = msgspec.json.Encoder()
_lines: msgspec.json.Decoder[Any] = msgspec.json.Decoder(LINES)
_calls: msgspec.json.Decoder[Call] = msgspec.json.Decoder(Call)
_saved_calls: msgspec.json.Decoder[_SavedCall] = msgspec.json.Decoder(_SavedCall)


def encode_event(event: Event) -> bytes:
    """Give the line of an event with all that it says, with its line feed."""
    return _encoder.encode(event) + b"\n"


class Writer:
    """Writes the lines of one file in their order: `line`, and once that is in the file, `wrote`. Not for several threads."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, int] = OrderedDict()
        self._new: tuple[bytes, int] | None = None

    def line(self, event: Event) -> bytes:
        """Give the line of an event, with its line feed."""
        self._new = None
        if isinstance(event, Observed):
            return encode_event(event)
        if isinstance(event, Invoke):
            call = _encoder.encode(_packed(event.call))
            same = self._same(b"call", call, event.op)
            written = _NOTHING if same else msgspec.Raw(call)
            line = _Begun(event.op, event.time, written, same, event.purpose, event.cell, event.block)
            return _encoder.encode(line) + b"\n"
        said = _encoder.encode((event.outcome, event.status, event.problems))
        same = self._same(b"answer", said, event.op)
        if same:
            return _encoder.encode(Ended(event.op, event.time, same=same)) + b"\n"
        ended = Ended(event.op, event.time, event.outcome, 0, event.status, event.problems)
        return _encoder.encode(ended) + b"\n"

    def wrote(self) -> None:
        """Let later lines refer to the last one: it is in the file."""
        if self._new is not None:
            text, op = self._new
            self._known[text] = op
            self._known.move_to_end(text)
            if len(self._known) > 2 * NEAR:
                self._known.popitem(last=False)

    def _same(self, what: bytes, text: bytes, op: int) -> int:
        """Give the operation that has this text already; 0 if none near has it."""
        if not _LEAST <= len(text) <= _SHORT:
            return 0
        key = blake2b(text, digest_size=16, person=what).digest()
        known = self._known.get(key, 0)
        if 0 < op - known <= NEAR and known:
            return known
        self._new = key, op
        return 0


def _packed(call: Call) -> Call | _SavedCall:
    """Compress the body of a call that is very long."""
    sent = call.payload
    if not isinstance(sent, Envelope) or len(sent.body) <= PACKED:
        return call
    packed = _Packed(zlib.compress(sent.body), sent.breaks, sent.headers, sent.origin, sent.pacing)
    return _SavedCall(call.object, call.method, packed, call.actor)


class Reader:
    """Reads the lines of one file in their order; equal calls, and equal answers, are one object.

    `event` gives an Ended that says all that came, though its line refers to another. It raises msgspec.DecodeError,
    UnicodeDecodeError or RecursionError for a line that is none, RunFileError for one that refers to what is not there.
    """

    def __init__(self) -> None:
        # what may still be referred to is in the newer or in the older half
        self._calls: dict[int, Call] = {}
        self._older_calls: dict[int, Call] = {}
        self._answers: dict[int, Ended] = {}
        self._older_answers: dict[int, Ended] = {}
        self._texts: dict[bytes, Call] = {}

    def event(self, line: bytes) -> Observed | Invoke | Ended:
        """Give the event of a line."""
        event = _lines.decode(line)
        kind = type(event)
        if kind is _Begun:
            return Invoke(event.op, event.time, self._call(event), event.purpose, event.cell, event.block)
        if kind is not Ended:
            assert isinstance(event, Observed)
            return event
        same = event.same
        if same:
            said = self._answers.get(same) or self._older_answers.get(same)
            if said is None:
                raise _missing(event.op, same)
            return Ended(event.op, event.time, said.outcome, same, said.status, said.problems)
        if event.outcome is None:
            raise msgspec.ValidationError("an answer without an outcome")
        if len(line) <= _SHORT + _LEAST:
            self._answers[event.op] = event
            if len(self._answers) > NEAR:
                self._older_answers, self._answers = self._answers, {}
        assert isinstance(event, Ended)
        return event

    def _call(self, begun: _Begun) -> Call:
        same = begun.same
        if same:
            known = self._calls.get(same) or self._older_calls.get(same)
            if known is None:
                raise _missing(begun.op, same)
            return known
        text = bytes(begun.call)
        call = self._texts.get(text)
        if call is None:
            call = _decoded(text)
            if len(text) > _SHORT:
                return call
            if len(self._texts) >= NEAR:
                self._texts.clear()
            self._texts[text] = call
        self._calls[begun.op] = call
        if len(self._calls) > NEAR:
            self._older_calls, self._calls = self._calls, {}
        return call


def _decoded(text: bytes) -> Call:
    if _MARK not in text:
        return _calls.decode(text)
    saved = _saved_calls.decode(text)
    sent = saved.payload
    if isinstance(sent, _Packed):
        unpacking = zlib.decompressobj()
        try:
            body = unpacking.decompress(sent.body, _LARGEST)
        except zlib.error as error:
            raise msgspec.ValidationError(f"a packed body: {error}") from error
        if not unpacking.eof:
            raise msgspec.ValidationError("a packed body that is cut, or too large")
        sent = Envelope(body, sent.breaks, sent.headers, sent.origin, sent.pacing)
    return Call(saved.object, saved.method, sent, saved.actor)


def _missing(op: int, same: int) -> RunFileError:
    return RunFileError(f"operation {op} is said to be as operation {same}, which is not there")
