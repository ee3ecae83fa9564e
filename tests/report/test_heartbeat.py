"""A log without a terminal is never silent for long, and a run that ends tells no more."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING

from vcontract._report import console
from vcontract._report.console import ConsoleReporter
from vcontract._report.events import Abandoned, CellJudged, Reaching, RunEnded, RunStarted
from vcontract._report.heartbeat import Heartbeat
from vcontract._terms import Grade

if TYPE_CHECKING:
    import pytest

    from vcontract._report.result import RunResult

PATIENCE = 60.0
"""Seconds after which a test gives up; none takes as long."""


def test_it_tells_again_and_again_until_it_is_stopped() -> None:
    """First after its first time, then every so often; who has stopped it hears no more."""
    told, thrice = [], threading.Event()

    def tell(seconds: float) -> None:
        told.append(seconds)
        if len(told) >= 3:
            thrice.set()

    beating = Heartbeat(tell, every=0.01, first=0.01)
    assert thrice.wait(PATIENCE)
    beating.stop()
    assert told == sorted(told)


def test_a_stream_that_was_closed_ends_it() -> None:
    """Nobody reads: the thread ends, and raises nothing."""
    tried = threading.Event()

    def tell(_: float) -> None:
        tried.set()
        raise ValueError("closed")

    Heartbeat(tell, every=0.01, first=0.0)
    assert tried.wait(PATIENCE)


def test_the_line_says_how_far_it_is(result: RunResult, monkeypatch: pytest.MonkeyPatch) -> None:
    """How long, how many steps of how many; none comes once the run has ended, or never began."""
    made: list[tuple[object, float]] = []

    class Still:
        """A heartbeat that beats when it is asked to."""

        def __init__(self, tell: object, every: float = 0.0, first: float = 0.0) -> None:
            made.append((tell, first or every))
            self.stopped = False

        def told(self) -> None:
            """Take note of nothing."""

        def stop(self) -> None:
            """Beat no more."""
            self.stopped = True

    monkeypatch.setattr(console, "Heartbeat", Still)
    err = io.StringIO()
    reporter = ConsoleReporter(out=io.StringIO(), err=err)
    reporter.on(Reaching("https://vc/sdk"))
    reporter.on(Abandoned())
    assert reporter._heartbeat is None
    reporter.on(RunStarted(result.target, 7, 4, 2048))
    reporter.on(CellJudged("a", "b", Grade.CONFORMS, "OK", 7, 2048))
    for tell, _ in made:
        assert callable(tell)
        tell(31.0)
    reporter.on(RunEnded(result))
    assert reporter._heartbeat is None
    assert "reaching https://vc/sdk and looking at it, for 31 s" in err.getvalue()
    assert "under way for 31 s: 7 of 2048 steps, 0 findings" in err.getvalue()
