"""What master and workers say to each other through Locust, beside what Locust says itself."""

from __future__ import annotations

from collections import defaultdict
from queue import Empty, Queue
from typing import Any

import msgspec
from locust.runners import DistributedRunner

from vcontract.stress.load import Load

HELLO, SHARE, READY, STOP, OVER, JUDGED, FAILED, END = (
    f"vcontract.{name}" for name in ("hello", "share", "ready", "stop", "over", "judged", "failed", "end")
)
"""A worker is there; gets its share; has surveyed its VMs; is to stop; cannot go on; its verdict; its error; it may go.

Locust's own way to stop kills users in the middle of a call, and a worker then hears nothing for as long as it lets them.
"""


class LoadShare(msgspec.Struct, frozen=True):
    """What a master gives a worker: the load, with the share that is its own, the seed, and the command of the whole."""

    load: Load
    seed: int
    contract: str
    replay: str


class Mail:
    """Collects the messages of a runner by their type; each is the sender with the data (JSON text)."""

    def __init__(self, runner: DistributedRunner, *types: str) -> None:
        self._runner = runner
        self._boxes: dict[str, Queue[tuple[str, str]]] = defaultdict(Queue)
        for each in types:
            runner.register_message(each, self._take)

    def next(self, type_: str, seconds: float = 0.0) -> tuple[str, str] | None:
        """Give the next message of a type, after so many seconds at most; None if there is none."""
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
