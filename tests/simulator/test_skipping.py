"""The clock that skips: while everybody waits to be told of changes, time in which nothing happens passes at once."""

from __future__ import annotations

import pytest

from vcontract._simulator.timeline import Timeline


class Now:
    """A clock that stands."""

    seconds = 0.0

    def __call__(self) -> float:
        """Give the time."""
        return self.seconds


@pytest.fixture
def timeline() -> Timeline:
    """Give a timeline whose clock stands."""
    return Timeline(Now())


def test_it_goes_to_the_next_entry_and_no_further(timeline: Timeline) -> None:
    """What is due next happens at its own time, what comes after it does not."""
    seen: list[float] = []
    for delay in (30.0, 10.0):
        timeline.after(delay, lambda: seen.append(timeline.now()))
    assert timeline.skip(60.0)
    timeline.run_due()
    assert seen == pytest.approx([10.0])
    assert timeline.now() == pytest.approx(10.0)


def test_it_skips_no_more_than_it_may(timeline: Timeline) -> None:
    """What is too far away is waited for."""
    timeline.after(61.0, lambda: None)
    assert not timeline.skip(60.0)
    assert timeline.now() == 0.0


def test_nothing_to_do_is_nothing_to_skip_to(timeline: Timeline) -> None:
    """An agenda without entries of the server's own, or with cancelled ones, leaves the clock alone."""
    timeline.after(1.0, lambda: None, of_client=True)
    timeline.after(2.0, lambda: None).cancel()
    assert not timeline.skip(60.0)
    assert timeline.now() == 0.0


def test_what_a_client_has_patience_for_is_not_shortened(timeline: Timeline) -> None:
    """A call that waits for at most a second still has that second after an hour was skipped."""
    over: list[str] = []
    timeline.after(1.0, lambda: over.append("client"), of_client=True)
    timeline.after(3600.0, lambda: over.append("server"))
    assert timeline.skip(1e6)
    timeline.run_due()
    assert over == ["server"]
    due = timeline.next_due()
    assert due == pytest.approx(1.0)
