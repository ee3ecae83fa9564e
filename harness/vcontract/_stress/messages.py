"""The messages between master and workers, which travel through Locust beside its own."""

from __future__ import annotations

from collections import defaultdict
from queue import Empty, Queue
from typing import Any

import msgspec
from locust.runners import DistributedRunner

from vcontract._stress.load import Load

HELLO, SHARE, READY, STOP, OVER, JUDGED, FAILED, END = (
    f"vcontract.{name}" for name in ("hello", "share", "ready", "stop", "over", "judged", "failed", "end")
)
"""A worker is connected; its share; it has surveyed its VMs; it must stop; it cannot go on; its result; its error; it may end.

Locust's own message to stop is not used: it kills users in the middle of a call, and blocks the worker meanwhile.
"""


class LoadShare(msgspec.Struct, frozen=True):
    """What a master sends a worker: the load with its share, the seed, the contract, the command of the run, who claims VMs."""

    load: Load
    seed: int
    contract: str
    replay: str
    claimant: str


class Mail:
    """Queues the messages of a runner by their type; each is its sender and its data (JSON text)."""

    def __init__(self, runner: DistributedRunner, *types: str) -> None:
        self._runner = runner
        self._boxes: dict[str, Queue[tuple[str, str]]] = defaultdict(Queue)
        for type_ in types:
            runner.register_message(type_, self._take)

    def next(self, type_: str, seconds: float = 0.0) -> tuple[str, str] | None:
        """Give the next message of a type, after at most `seconds`; None if there is none."""
        try:
            return self._boxes[type_].get(timeout=seconds) if seconds else self._boxes[type_].get_nowait()
        except Empty:
            return None

    def send(self, type_: str, value: Any = None, to: str | None = None) -> None:
        """Send a value that JSON can carry; `to` is a worker, from a master."""
        text = msgspec.json.encode(value).decode()
        self._runner.send_message(type_, {"text": text}, to)

    def _take(self, environment: Any, msg: Any, **_: Any) -> None:
        del environment
        self._boxes[msg.type].put((str(msg.node_id), str((msg.data or {}).get("text", "null"))))
