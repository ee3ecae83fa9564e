"""How a signal ends a run: once it is under way cleanly, with what is known, before that at once."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from vcontract._report.events import RunEvent, RunStarted


def ending() -> tuple[signal.Signals, ...]:
    """List the signals that end a run: Ctrl-C's, that of `kill`, and that of a closed terminal unless `nohup` ignores it."""
    nohup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return (signal.SIGINT, signal.SIGTERM, *(() if nohup else (signal.SIGHUP,)))


class Begun:
    """Hears whether the run got under way; `yes`: it is already."""

    def __init__(self, *, yes: bool = False) -> None:
        self.yes = yes

    def on(self, event: RunEvent) -> None:
        """Take one event."""
        self.yes = self.yes or isinstance(event, RunStarted)


@contextmanager
def terminable(begun: Begun, end: Callable[[], None]) -> Iterator[None]:
    """Let SIGTERM and SIGHUP end a run as Ctrl-C does: cleanly, with what is known.

    Once it is under way, `end` is called and must let it end before its next call: one that is cut in the middle would be
    judged by half of what was said. A second signal ends it at once.
    """
    told: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        told.append(number)
        if not begun.yes or len(told) > 1:
            raise KeyboardInterrupt
        end()

    before = [(number, signal.signal(number, stop)) for number in ending()]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)
