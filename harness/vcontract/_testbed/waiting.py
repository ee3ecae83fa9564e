"""Waits until something has come about: the server wakes whoever waits, or he looks now and then."""

from __future__ import annotations

from collections.abc import Callable

from vcontract._client.updates import LONGEST, News, Updates
from vcontract._model import Tracker
from vcontract._terms import Json, Ref, as_ref
from vcontract._testbed.access import Access
from vcontract._testbed.not_arranged import NotArrangedError
from vcontract._testbed.patience import Patience

BRIEF = 0.002
"""The first pause in seconds between two looks where nobody wakes: a look costs about as much."""
_LONGEST_PAUSE = 1.0
"""The longest of these pauses: a signal is heeded after each."""
_LONGEST_SPAN = 16.0
"""The longest time in seconds without a look where the server would wake: it may not tell of everything."""
_WATCHED = {"VirtualMachine", "HostSystem"}
_SPARE = 8.0
"""Seconds before the end of a run from which on no call waits: each exchange then gets but a part of what is left."""


class Waiting:
    """Waits for states, each for as long as `patience` has it; what is looked at is what `access` was asked for last."""

    def __init__(self, access: Access, tracker: Tracker, updates: Updates, patience: Patience) -> None:
        self.patience = patience
        self._access, self._tracker, self._updates = access, tracker, updates

    @property
    def left(self) -> float:
        """The seconds that a wait may take before the run ends, a little even after that."""
        return max(self._access.target.left, 1.0)

    def until(
        self,
        what: str,
        reached: Callable[[], bool],
        *,
        whose: str = "",
        part: int = 1,
        patience: float | None = None,
    ) -> None:
        """Wait until something is so, for at most `patience` seconds (None: as learned). Raises NotArrangedError.

        `whose` is the VM that it is about. With `part` it gets that part of the patience: what may well never come about
        is not waited for so long.
        """
        clock = self._access.target.recorder
        given = patience
        if given is None:  # what has come about may be reported late
            given = self.patience.of(what) / part + self._tracker.facts.staleness * (part == 1)
        begun = clock.now()
        text, deadline = f"{what} of {whose}" if whose else what, begun + min(given, self.left)
        looks, learned = self.looks(deadline), patience is None and part == 1
        while not reached():
            self._access.check_target()
            if clock.now() >= deadline or (learned and self.patience.hopeless(what, whose)):
                if learned and given <= self.left:
                    self.patience.missed(what, whose)
                raise NotArrangedError(f"{text} did not come about within {given:g} s")
            looks.rest()
        if learned:
            self.patience.took(what, whose, clock.now() - begun)

    def looks(self, deadline: float) -> Looks:
        """Give the rests between the looks of a wait that lasts until a moment of the recorder's clock."""
        return Looks(self._access, self._tracker, self._updates, deadline)


class Looks:
    """The rests of one wait: until the server tells of something new, else ever longer."""

    def __init__(self, access: Access, tracker: Tracker, updates: Updates, deadline: float) -> None:
        self._access, self._tracker, self._updates = access, tracker, updates
        self._deadline = deadline
        self._pause, self._span = BRIEF, float(LONGEST)

    def rest(self, worth: Callable[[News], bool] | None = None) -> None:
        """Rest until it is time for the next look; with `worth` not every news is worth one."""
        target = self._access.target
        clock, entity = target.recorder, self._watched()
        until = min(clock.now() + self._span, self._deadline)
        while entity is not None and clock.now() + LONGEST <= self._deadline and target.left > _SPARE:
            news = self._updates.wait(entity)
            if news is None:
                break
            if worth(news) if worth is not None else self._is_new(news):
                return
            self._access.check_target()
            if clock.now() >= until:
                self._span = min(2 * self._span, _LONGEST_SPAN)
                return
        clock.sleep(max(0.0, min(self._pause, self._deadline - clock.now())))
        self._pause = min(1.5 * self._pause, _LONGEST_PAUSE)

    def _watched(self) -> Ref | None:
        """Give the entity that was looked at last; of a task, the one that it works on, as it says itself."""
        ref = self._access.looked_at
        if ref is None or ref.type == "VirtualMachine":
            return ref
        life = self._tracker.tasks.get(ref.value)
        told = (life.reads[-1][1] or {}) if life is not None and life.reads else {}
        entity = as_ref(told.get("entity"))
        return entity if entity is not None and entity.type in _WATCHED else None

    def _is_new(self, news: News) -> bool:
        """Whether something is told that no read has shown: what happened before the wait is told too."""
        return any(self._differs(moid, path, value) for moid, values in news.items() for path, value in values.items())

    def _differs(self, moid: str, path: str, value: Json) -> bool:
        if moid in self._tracker.tasks:
            reads = self._tracker.tasks[moid].reads
            return not reads or (reads[-1][1] or {}).get(path.partition(".")[2]) != value
        known = self._tracker.readings.get(moid)
        return known is None or known.get(path) != value
