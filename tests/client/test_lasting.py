"""Patience with a server that is busy, and when it is at an end."""

from __future__ import annotations

import pytest

from vcontract._client.lasting import Pulse, patiently, seconds_of, turned_away
from vcontract._client.wire import HttpReply
from vcontract._terms import Fault, Faulted, Lost, Outcome, Returned

PAGE = Lost("status 503 with an HTML page")


def reply(status: int, *headers: tuple[str, str]) -> HttpReply:
    """Make a reply."""
    return HttpReply(status, headers, b"<html/>")


@pytest.mark.parametrize(("status", "after", "purpose", "away"), [
    (503, "", "read", "turned away: HTTP 503"),
    (503, "", "arrange", "turned away: HTTP 503"),
    (503, "", "judge", "turned away: HTTP 503"),
    (503, "2", "judge", "turned away: HTTP 503, Retry-After: 2"),
    (429, "", "judge", "turned away: HTTP 429"),
    (502, "2", "judge", "turned away: HTTP 502, Retry-After: 2"),
    (504, "", "judge", "turned away: HTTP 504"),
    (502, "", "read", "turned away: HTTP 502"),
    (504, "", "arrange", ""),
    (500, "", "read", ""),
])  # fmt: skip
def test_what_counts_as_turned_away(status: int, after: str, purpose: str, away: str) -> None:
    """What a proxy says in front of a server; an arranging call that it handed on, a login perhaps, may have been taken."""
    found = turned_away(reply(status, *([("retry-after", after)] if after else [])), PAGE, purpose)
    assert (found.reason if found else "") == away


@pytest.mark.parametrize("outcome", [Returned(1), Faulted(Fault("SystemError"))])
def test_a_soap_body_is_an_answer(outcome: Outcome) -> None:
    """Whatever the status."""
    assert turned_away(reply(503, ("retry-after", "1")), outcome, "read") is None


@pytest.mark.parametrize(("given", "seconds"), [
    ("3", 3.0), ("0", 0.0), ("", 0.0), ("-1", 0.0), ("1.5", 0.0), ("²", 0.0), ("Fri, 01 Jan 2027 00:00:00 GMT", 0.0),
])  # fmt: skip
def test_retry_after(given: str, seconds: float) -> None:
    """Whole seconds count; a date, and what is neither, is no number of seconds."""
    assert seconds_of(reply(503, ("retry-after", given))) == seconds
    assert seconds_of(Lost("x")) == 0.0


@pytest.mark.parametrize(("wants", "left", "times", "slept"), [
    ([0.0] * 9, 60.0, 4, [0.25, 0.5, 1.0]),
    ([3.0, None], 60.0, 2, [3.0]),
    ([3.0] * 9, 60.0, 4, [3.0, 3.0, 3.0]),
    ([6.0] * 9, 60.0, 2, [6.0]),
    ([3600.0], 60.0, 1, []),
    ([2.0], 1.0, 1, []),
    ([None], 60.0, 1, []),
])  # fmt: skip
def test_patience_is_bounded(
    wants: list[float | None], left: float, times: int, slept: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few times, ten seconds in all, and never beyond the end of the run."""
    pauses: list[float] = []
    monkeypatch.setattr("vcontract._client.lasting.time.sleep", pauses.append)
    made = iter(range(100))
    last = patiently(lambda: next(made), lambda number: wants[number], left)
    assert (last + 1, pauses) == (times, slept)


@pytest.mark.parametrize(("reason", "most"), [
    ("not sent: connection refused", 2), ("no whole reply within 5 s", 3), ("turned away: HTTP 503", 12), ("closed", 20),
])  # fmt: skip
def test_a_target_is_gone_after_so_many_losses_in_a_row(reason: str, most: int) -> None:
    """One answer in between, and it lives."""
    pulse = Pulse()
    for _ in range(most - 1):
        pulse.heard("X", Lost(reason))
    pulse.heard("X", Returned())
    for _ in range(most - 1):
        pulse.heard("X", Lost(reason))
    assert not pulse.stopped
    pulse.heard("Y", Lost(reason))
    assert pulse.stopped.endswith(f": Y {reason}")


def test_nobody_waits_for_a_busy_server_who_is_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """What asks for a stop during the pause ends that soon, and nothing is sent again."""
    pauses: list[float] = []
    monkeypatch.setattr("vcontract._client.lasting.time.sleep", pauses.append)
    made = iter(range(100))
    assert patiently(lambda: next(made), lambda _: 9.0, 10.0, lambda: len(pauses) >= 3) == 0
    assert sum(pauses) <= 2
