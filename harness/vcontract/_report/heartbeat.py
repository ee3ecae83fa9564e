"""A line now and then where there is no terminal to draw a bar on: a log that is silent looks like a run that hangs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

EVERY, FIRST = 25.0, 1.0
"""Seconds after which a line comes (on a busy machine: within 30), and the first one, which says what is waited for."""


class Heartbeat:
    """Calls `tell` with the seconds since the start, whenever that long nothing else was told (`told`), until `stop`.

    The first time it does so after `first` seconds.
    """

    def __init__(self, tell: Callable[[float], None], every: float = EVERY, first: float = EVERY) -> None:
        self._tell, self._every, self._next = tell, every, first
        self._began = self._last = time.monotonic()
        self._ended = threading.Event()
        # it keeps no process alive: who never stops it has ended without a word
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()

    def told(self) -> None:
        """Take note that something was told just now."""
        self._last = time.monotonic()

    def stop(self) -> None:
        """Tell no more."""
        self._ended.set()

    def _beat(self) -> None:
        while not self._ended.wait(max(0.05, self._last + self._next - time.monotonic())):
            now = time.monotonic()
            if now - self._last < self._next:
                continue
            self._last, self._next = now, self._every
            try:
                self._tell(now - self._began)
            except (OSError, ValueError):  # the stream was closed: nobody reads any more
                return
