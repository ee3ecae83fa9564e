"""What a schedule plans, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from vcontract.terms import Json


class Planned(msgspec.Struct, frozen=True):
    """One disturbance of a schedule: its name, from when to when, and its parameters.

    `start` and `end` are seconds from the start of the load; an end at the start is a moment.
    """

    name: str
    start: float
    end: float
    parameters: dict[str, Json] = {}


class Fired(msgspec.Struct, frozen=True):
    """A disturbance struck: the place of its plan in the schedule, when, and what it met.

    `time` is that of `time.monotonic()`, which all processes of one machine share.
    """

    name: str
    place: int
    time: float
    facts: dict[str, Json] = {}


def unfired(planned: Sequence[Planned], fired: Iterable[Fired]) -> tuple[Planned, ...]:
    """List what was planned and never struck: of such a scenario nothing is known, so its run is inconclusive."""
    struck = {strike.place for strike in fired}
    return tuple(disturbance for place, disturbance in enumerate(planned) if place not in struck)
