"""How long is waited, and when it is looked again: by news where a server tells, by pauses where it does not."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from vcontract._client.updates import News
from vcontract._terms import Ref
from vcontract._testbed import NotArrangedError
from vcontract._testbed.patience import LEAST, MISSES, TIMES, Patience
from vcontract._testbed.waiting import Waiting

VM = Ref("VirtualMachine", "vm-1")


class Clock:
    """A clock that only sleeps and waits move."""

    def __init__(self) -> None:
        self.time = 0.0
        self.pauses: list[float] = []

    def now(self) -> float:
        """Give the time."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.pauses.append(seconds)
        self.time += seconds


class Bench:
    """A waiting with a clock, readings and news of the test's own."""

    def __init__(self, news: Callable[[float], News | None], first: float = 600.0, left: float = 1e6) -> None:
        self.clock = Clock()
        self.waits = 0
        self.readings: dict[str, dict[str, Any]] = {}
        self._news = news
        target = SimpleNamespace(recorder=self.clock, left=left, over="", pulse=SimpleNamespace(stopped=""))
        access = SimpleNamespace(target=target, looked_at=VM, check_target=lambda: None)
        tracker = SimpleNamespace(tasks={}, readings=self.readings, facts=SimpleNamespace(staleness=0.0))
        self.waiting = Waiting(
            cast("Any", access), cast("Any", tracker), cast("Any", SimpleNamespace(wait=self._wait)), Patience(first)
        )

    def _wait(self, entity: Ref) -> News | None:
        assert entity == VM
        self.waits += 1
        told = self._news(self.clock.time)
        if told is not None and not told:
            self.clock.time += 1.0
        return told

    def until(self, reached: Callable[[], bool], **more: Any) -> None:
        """Wait."""
        self.waiting.until("Tools", reached, whose="one", **more)


def test_news_wake_and_nothing_is_looked_at_in_between() -> None:
    """A boot of twenty seconds takes the first look, a few where nothing was told, and the one after the news."""
    news: dict[str, dict[str, Any]] = {VM.value: {"guest.toolsRunningStatus": "guestToolsRunning"}}
    bench = Bench(lambda now: news if now >= 20 else {})
    looks: list[float] = []

    def reached() -> bool:
        looks.append(bench.clock.time)
        return bench.clock.time >= 20

    bench.until(reached)
    assert looks[-1] == 20.0
    assert len(looks) <= 6
    assert bench.clock.pauses == []


def test_news_that_a_read_has_shown_are_none() -> None:
    """What happened before the wait is told too: it is worth no look."""
    old = {VM.value: {"runtime.powerState": "poweredOn"}}
    told = iter([old, {}])
    bench = Bench(lambda _: next(told, {}))
    bench.readings[VM.value] = {"runtime.powerState": "poweredOn"}
    looks: list[float] = []

    def reached() -> bool:
        looks.append(bench.clock.time)
        return len(looks) == 2

    bench.until(reached)
    assert (looks, bench.waits) == ([0.0, 1.0], 2)


def test_a_server_that_cannot_tell_is_looked_at_ever_less_often() -> None:
    """Pauses grow from two milliseconds to a second."""
    bench = Bench(lambda _: None)
    bench.until(lambda: bench.clock.time > 10)
    assert bench.clock.pauses[0] == pytest.approx(0.002)
    assert max(bench.clock.pauses) == 1.0
    assert bench.clock.pauses == sorted(bench.clock.pauses)


def test_no_call_waits_beyond_the_end() -> None:
    """In the last second of a wait, and in the last ones of a run, it is looked by pauses."""
    short, ending = Bench(lambda _: {}), Bench(lambda _: {}, left=5.0)
    for bench in (short, ending):
        with pytest.raises(NotArrangedError):
            bench.until(lambda: False, patience=0.5)
        assert bench.waits == 0
        assert bench.clock.time == pytest.approx(0.5, abs=0.1)


def test_the_first_wait_is_generous_and_later_ones_know_better() -> None:
    """A multiple of the slowest that was seen, never less than a machine may stall for, never more than the first."""
    patience = Patience(600.0)
    assert patience.of("Tools") == 600.0
    patience.took("Tools", "one", 20.0)
    patience.took("Tools", "two", 3.0)
    assert patience.of("Tools") == TIMES * 20.0
    patience.took("the package", "one", 0.01)
    assert patience.of("the package") == LEAST
    assert patience.slowest == {"Tools": 20.0, "the package": 0.01}
    assert Patience(4.0).of("Tools") == 4.0


def test_a_failed_wait_does_not_shorten_the_next() -> None:
    """A slow server is given as much again; what never came about in all its time is not waited for a third time."""
    bench = Bench(lambda _: {}, first=100.0)
    for number in range(MISSES):
        with pytest.raises(NotArrangedError, match="Tools of one did not come about within 100 s"):
            bench.until(lambda: False)
        assert bench.clock.time == pytest.approx(100.0 * (number + 1), abs=2.0 * (number + 1))
    before = bench.clock.time
    with pytest.raises(NotArrangedError):
        bench.until(lambda: False)
    assert bench.clock.time == before
    bench.until(lambda: True)
    assert not bench.waiting.patience.hopeless("Tools", "one")


def test_a_wait_of_a_length_of_its_own_teaches_nothing() -> None:
    """Who says how long he waits, as a replay does, neither gives up for others nor makes them hasty."""
    bench = Bench(lambda _: {}, first=100.0)
    for _ in range(MISSES + 1):
        with pytest.raises(NotArrangedError, match="within 5 s"):
            bench.until(lambda: False, patience=5.0)
    assert bench.clock.time == pytest.approx(5.0 * (MISSES + 1), abs=1.0)
    bench.until(lambda: True, patience=5.0)
    assert bench.waiting.patience.of("Tools") == 100.0
    assert not bench.waiting.patience.hopeless("Tools", "one")
