"""Which boots of a guest its reads prove: not by the boot time, which a resume may change, but by what was seen down and up."""

from __future__ import annotations

from math import inf

from vcontract._model import State
from vcontract._model.moves import MOVES
from vcontract._model.state import OFF, ON

_HARD = frozenset(MOVES[name].method for name in ("powerOff", "reset", "terminate"))
"""What cuts the power: what a guest wrote just before may not be on its disk."""
_OFF = _HARD | {MOVES["shutDownGuest"].method}
_AGAIN = frozenset(MOVES[name].method for name in ("reset", "rebootGuest"))
BOOTING = _OFF | _AGAIN
"""The calls after which a guest is not the same boot any more, or soon will not be."""


class BootsSeen:
    """The boots of one VM: it was read off, or a reboot was called and then Tools were read down; then they were read ready.

    `late` is how many seconds old a reported power state may be. `cut` is when power was last cut by a call, `asked` when a
    call was last made that turns it off (both the ends of the calls; minus infinity: never).
    """

    __slots__ = ("_again", "_down", "_late", "asked", "cut")

    def __init__(self, late: float) -> None:
        self._late = late
        self._again: float | None = None
        self._down: float | None = None
        self.cut = self.asked = -inf

    def called(self, method: str, start: float, end: float, *, sure: bool = True) -> None:
        """Take a call that was not refused, and again the end of its task; `sure`: it did, or will do, what it is asked for."""
        if method in _HARD:
            self.cut = max(self.cut, end)
        if method in _OFF:
            self.asked = max(self.asked, end)
        if method in _AGAIN:
            self._again = start if sure else None

    def saw(self, start: float, state: State) -> float | None:
        """Take a read that began at a moment; gives the earliest begin of the boot that it shows to be over, if any."""
        if state.power == OFF:
            self._down = start - self._late
        elif state.power == ON and state.tools == "stopped" and self._again is not None:
            self._down = self._again
        elif state.power == ON and state.tools == "ready" and self._down is not None:
            began, self._down, self._again = self._down, None, None
            return began
        return None


def cuts_power(method: str) -> bool:
    """Whether a call cuts the power of a guest that may just have written something."""
    return method in _HARD
