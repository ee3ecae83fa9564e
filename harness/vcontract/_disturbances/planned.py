"""The disturbances that a schedule plans, and those that struck."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from vcontract._terms import Json


class Planned(msgspec.Struct, frozen=True):
    """One disturbance of a schedule: its name, from when to when, and its parameters.

    `start` and `end` are seconds from the start of the load; an end at the start is a moment.
    """

    name: str
    start: float
    end: float
    parameters: dict[str, Json] = {}


class Fired(msgspec.Struct, frozen=True):
    """One strike of a disturbance: the place of its plan in the schedule, the time, and facts about what it struck.

    `time` is that of `time.monotonic()`, which all processes of one machine share.
    """

    name: str
    place: int
    time: float
    facts: dict[str, Json] = {}


def unfired(planned: Sequence[Planned], fired: Iterable[Fired]) -> tuple[Planned, ...]:
    """List the planned disturbances that never struck; the run did not test them, so it is inconclusive."""
    struck = {strike.place for strike in fired}
    return tuple(disturbance for place, disturbance in enumerate(planned) if place not in struck)
