"""Waits until something has come about, and ever less for what never came."""

from __future__ import annotations

from collections.abc import Callable

from vcontract.testbed.access import Access
from vcontract.testbed.not_arranged import NotArrangedError

BRIEF = 0.002
"""The first pause in seconds between two looks."""
_LONGEST = 1.0
_WEARIER = 4
"""What did not come about is waited for this many times shorter the next time."""


class Waiting:
    """Polls for states; each has `patience` seconds to come about."""

    def __init__(self, access: Access, patience: float = 60.0) -> None:
        self._access, self._patience = access, patience
        self._missed: dict[str, int] = {}

    @property
    def left(self) -> float:
        """The seconds that a wait may take before the run ends, a little even after that."""
        return max(self._access.target.left, 1.0)

    def until(self, what: str, reached: Callable[[], bool], *, part: int = 1, patience: float | None = None) -> None:
        """Poll until something is so, for at most `patience` seconds (None: the usual ones). Raises NotArrangedError.

        With `part` it gets that part of the patience: what may well never come about is not waited for so long.
        """
        clock = self._access.target.recorder
        given = self._patience if patience is None else patience
        given = given / part / _WEARIER ** self._missed.get(what, 0)
        deadline, pause = clock.now() + min(given, self.left), BRIEF
        while not reached():
            self._access.check_target()
            if clock.now() > deadline:
                self._missed[what] = self._missed.get(what, 0) + 1
                raise NotArrangedError(f"{what} did not come about within {given:g} s")
            clock.sleep(pause)
            pause = min(pause * 1.5, _LONGEST)
        self._missed.pop(what, None)
