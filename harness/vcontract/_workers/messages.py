"""What the processes of one run say to each other, each message one frame of msgpack."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from vcontract._workers.worker import WorkerResult

STOP = b"stop"
"""The one word to a worker after its orders: its next call must not begin."""


class StepsDone(msgspec.Struct, frozen=True, tag=True):
    """A worker has done so many of its steps."""

    count: int


class Finished(msgspec.Struct, frozen=True, tag=True):
    """A worker is done with its share."""

    result: WorkerResult


class Failed(msgspec.Struct, frozen=True, tag=True):
    """A worker could not do its share; `reason` is one line."""

    reason: str


Message: TypeAlias = StepsDone | Finished | Failed


def encoded(message: Message) -> bytes:
    """Write a message."""
    return msgspec.msgpack.encode(message)


def decoded(frame: bytes) -> Message:
    """Read a message. Raises msgspec.DecodeError."""
    return msgspec.msgpack.decode(frame, type=Message)  # type: ignore[no-any-return] # a union is no class to mypy
