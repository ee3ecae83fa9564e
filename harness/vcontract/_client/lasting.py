"""Servers that are busy or gone: reads are retried while one is busy, answers lost in a row show that one is gone.

HTTP 429, 502, 503 and 504 without a SOAP body come from a proxy in front of the server, as do connections that are closed
without a reply [O: vic 5672, KB 344920]. Whether a handler received the call is then not known. Only reads are sent again.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, TypeVar

from vcontract._terms import CRASHED, HUNG, LATER, SILENT, TURNED_AWAY, UNSENT, Lost, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from vcontract._client.wire import HttpReply

BUSY = frozenset({429, 502, 503, 504})
_TAKEN = frozenset({502, 504})
"""Of these the statuses that a proxy gives once it has handed the call on."""
_CUT = ("closed ", "connection reset", "broken pipe")
"""How the reason of a Lost begins if the connection was closed before the reply was whole."""
_AGAIN = "retry-after"
_PAUSES = (0.25, 0.5, 1.0)
_NAP = 0.25
"""Seconds after which a pause looks whether it must end."""
_LONGEST = 10.0
"""Seconds that a busy server is given in all for one read."""
_LONGEST_TIME = 40
"""Characters of a date."""
_MOST = {UNSENT: 2, HUNG: 3, TURNED_AWAY: 12, "": 20}
"""How many calls in a row may be lost, by the kind of loss, before the target counts as gone."""
_SAYS = {
    UNSENT: "the target cannot be reached any more",
    HUNG: "the target answers nothing any more",
    TURNED_AWAY: "the target is too busy to take any call",
    "": "the target gives no usable answer any more",
}
T = TypeVar("T")


def kind_of(outcome: Outcome) -> str:
    """Sort a lost outcome: UNSENT, TURNED_AWAY, HUNG, or empty."""
    reason = outcome.reason if isinstance(outcome, Lost) else ""
    return next((kind for kind in (UNSENT, TURNED_AWAY, HUNG) if reason.startswith(kind)), "")


def turned_away(reply: HttpReply, outcome: Outcome, purpose: str) -> Lost | None:
    """Give the Lost of a call that the server was too busy to take; None if it took the call.

    An arranging call, a login among them, may have been taken if its answer did not come in time.
    """
    if not isinstance(outcome, Lost) or reply.status not in BUSY or (purpose == "arrange" and reply.status in _TAKEN):
        return None
    again = reply.header(_AGAIN)
    # A longer one is no time; it is not cut, as half a secret would not be found.
    shown = f"{LATER}{again}" if 0 < len(again) <= _LONGEST_TIME else ""
    return Lost(f"{TURNED_AWAY}HTTP {reply.status}{shown}")


def was_cut(outcome: Outcome) -> bool:
    """Whether the connection was closed before the reply was whole."""
    return isinstance(outcome, Lost) and outcome.reason.startswith(_CUT)


def seconds_of(reply: HttpReply | Lost) -> float:
    """Read the seconds of Retry-After; 0 if there are none, or it is a date."""
    header = "" if isinstance(reply, Lost) else reply.header(_AGAIN)
    return float(header) if header.isascii() and header.isdigit() else 0.0


def patiently(
    once: Callable[[], T],
    busy: Callable[[T], float | None],
    left: float,
    stopped: Callable[[], bool] | None = None,
) -> T:
    """Retry `once` while the server is busy, a few times and for `left` seconds at most; gives the last result.

    `busy` gives, from a result, the seconds that the server asks to wait; None if it is not busy. Once `stopped`, nobody
    waits any more.
    """
    left = min(_LONGEST, left)
    for pause in _PAUSES:
        done = once()
        wanted = busy(done)
        if wanted is None or max(wanted, pause) > left:
            return done
        if not _paused(max(wanted, pause), stopped):
            return done
        left -= max(wanted, pause)
    return once()


def _paused(seconds: float, stopped: Callable[[], bool] | None) -> bool:
    """Pause, in naps if it may be stopped; False if it was."""
    if stopped is None:
        time.sleep(seconds)
        return True
    while seconds > 0 and not stopped():
        time.sleep(min(seconds, _NAP))
        seconds -= _NAP
    return not stopped()


class Pulse:
    """Counts the calls that are lost in a row; `stopped` gives in one line why the target counts as gone, else it is empty.

    `ended` gives the same if it is known that its server ended, or hangs: where that was started here.

    `calm` multiplies the number of losses that are accepted, for a run in which they are expected.
    """

    def __init__(self, calm: int = 1) -> None:
        self.stopped = self.ended = ""
        self._calm = calm
        self._lost: Counter[str] = Counter()

    def heard(self, method: str, outcome: Outcome) -> None:
        """Count the outcome of a call; an answer sets the counts back, for it shows that the target lives."""
        if not isinstance(outcome, Lost):
            self._lost.clear()
            return
        if outcome.reason.startswith((CRASHED, SILENT)):
            self.stopped = self.ended = self.ended or f"{method}: {outcome.reason}"
            return
        kind = kind_of(outcome)
        self._lost[kind] += 1
        if self._lost[kind] >= self._calm * _MOST[kind] and not self.stopped:
            self.stopped = f"{_SAYS[kind]}: {method} {outcome.reason}"

    def begin_again(self) -> None:
        """Forget all of it: the server was started again."""
        self.stopped = self.ended = ""
        self._lost.clear()
