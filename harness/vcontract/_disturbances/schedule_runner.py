"""Runs a schedule: strikes the disturbances of the system and heals them, and notes when each one begins and ends."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Self

import msgspec

from vcontract._disturbances.planned import Fired, Planned
from vcontract._disturbances.system.catalogue import SYSTEM
from vcontract._disturbances.system.disturbance import Strike, StrikeContext
from vcontract._errors import HarnessError
from vcontract._terms import Json

_AGAIN, _PATIENCE = 0.05, 5.0
"""Seconds between two retries of what was refused, and the seconds after which it is given up."""
_HEALING = 60.0
"""Seconds for which healing is retried at the end."""

Note = Callable[[dict[str, Json]], None]


class ScheduleRunner:
    """Runs a schedule in a thread of its own: `with ScheduleRunner(planned, context, seed, note): …load…`, then all is healed.

    `note` is called for every disturbance, those of the path too, with facts: `what` (`start`, `struck`, `end`, or `failed`
    with the reason `why`), `name`, `place` in the schedule, `time` (monotonic seconds), and what was struck.
    """

    def __init__(self, planned: Sequence[Planned], context: StrikeContext, seed: int, note: Note) -> None:
        self._planned, self._note = tuple(planned), note
        self._strikes = {
            place: Strike(context, Random(f"{seed} {place}"))  # noqa: S311 - no secret
            for place, disturbance in enumerate(planned)
            if disturbance.name in SYSTEM
        }
        self._does = {
            place: msgspec.convert(planned[place].parameters, SYSTEM[planned[place].name]) for place in self._strikes
        }
        self._fired: list[Fired] = []
        self._agenda: list[tuple[float, int, Callable[[int], None], int]] = []
        self._order = itertools.count()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="vcontract-disturbances", daemon=True)
        self._zero = 0.0
        self._tried: dict[int, float] = {}
        self.unhealed: list[str] = []

    def begin(self, zero: float | None = None) -> None:
        """Start the schedule; its times count from a monotonic time, or from now."""
        self._zero = time.monotonic() if zero is None else zero
        for place, disturbance in enumerate(self._planned):
            self._at(disturbance.start, self._start, place)
        self._thread.start()

    def stop(self) -> None:
        """Heal what is not healed yet, and end. `unhealed` then lists what could not be healed, a line each."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def events(self) -> tuple[Fired, ...]:
        """Give the strikes on the system so far."""
        return tuple(self._fired)

    def __enter__(self) -> Self:
        self.begin()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _at(self, when: float, act: Callable[[int], None], place: int) -> None:
        heapq.heappush(self._agenda, (when, next(self._order), act, place))

    def _now(self) -> float:
        return time.monotonic() - self._zero

    def _run(self) -> None:
        while self._agenda and not self._stop.wait(max(0.0, self._agenda[0][0] - self._now())):
            _, _, act, place = heapq.heappop(self._agenda)
            act(place)
        for place in self._strikes:
            self._restore(place)

    def _start(self, place: int) -> None:
        self._say("start", place)
        if place in self._strikes:
            self._tried[place] = self._now()
            self._strike(place)
        else:
            self._at(self._planned[place].end, self._end, place)

    def _strike(self, place: int) -> None:
        """Strike, with retries while it is refused, as it may be while other work is going on."""
        disturbance = self._planned[place]
        try:
            facts = self._does[place].strike(self._strikes[place])
        except HarnessError as error:
            if self._now() - self._tried[place] < max(_PATIENCE, disturbance.end - disturbance.start):
                self._at(self._now() + _AGAIN, self._strike, place)
            else:
                self._say("failed", place, why=str(error))
                self._heal(place)
            return
        self._fired.append(Fired(disturbance.name, place, time.monotonic(), facts))
        self._say("struck", place, **facts)
        self._at(max(self._now(), disturbance.end), self._end, place)

    def _end(self, place: int) -> None:
        if place in self._strikes:
            self._tried[place] = self._now()
            self._heal(place)
        else:
            self._say("end", place)

    def _heal(self, place: int) -> None:
        try:
            facts = self._does[place].heal(self._strikes[place])
        except HarnessError as error:
            if self._now() - self._tried[place] < _PATIENCE:
                self._at(self._now() + _AGAIN, self._heal, place)
            else:
                self._say("failed", place, why=str(error))
            return
        self._say("end", place, **facts)

    def _restore(self, place: int) -> None:
        """Heal what is still disturbed after the load, with retries for `_HEALING` seconds."""
        strike, until = self._strikes[place], time.monotonic() + _HEALING
        while strike.struck is not None:
            try:
                facts = self._does[place].heal(strike)
            except HarnessError as error:
                if time.monotonic() > until:
                    self.unhealed.append(
                        f"{self._planned[place].name} of {strike.struck.value} could not be healed: {error}"
                    )
                    return
                time.sleep(_AGAIN)
            else:
                self._say("end", place, **facts)

    def _say(self, what: str, place: int, **facts: Any) -> None:
        self._note({"what": what, "name": self._planned[place].name, "place": place, "time": time.monotonic(), **facts})
