"""What a run needs of a server that is not always well: patience while it is busy, and a sense for when it is gone.

An HTTP 429 or 503 without a SOAP body says that the call came to no handler [I]. Nothing but reads is sent again for it.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, TypeVar

from vcontract.terms import HUNG, TURNED_AWAY, UNSENT, Lost, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from vcontract.client.wire import HttpReply

BUSY = frozenset({429, 503})
_AGAIN = "retry-after"
_PAUSES = (0.25, 0.5, 1.0)
_LONGEST = 10.0
"""Seconds that a busy server is given in all for one read."""
_MOST = {UNSENT: 2, HUNG: 3, TURNED_AWAY: 12, "": 20}
"""So many calls in a row may be lost in such a way before the target counts as gone."""
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
    """Give the Lost of a call that the server was too busy to take; None if it was not.

    A judged call counts as turned away only if the server says so: by 429, or by Retry-After. Without that a 503 is the
    answer of a server that answers other calls, and is judged.
    """
    if not isinstance(outcome, Lost) or reply.status not in BUSY:
        return None
    again = reply.header(_AGAIN)
    if purpose == "judge" and reply.status != 429 and not again:
        return None
    return Lost(f"{TURNED_AWAY}HTTP {reply.status}" + (f", Retry-After: {again[:40]}" if again else ""))


def seconds_of(reply: HttpReply | Lost) -> float:
    """Read the seconds of Retry-After; 0 if there are none, or it is a date."""
    header = "" if isinstance(reply, Lost) else reply.header(_AGAIN)
    return float(header) if header.isascii() and header.isdigit() else 0.0


def patiently(once: Callable[[], T], busy: Callable[[T], float | None], left: float) -> T:
    """Do something again as long as the server is busy, a few times and for some seconds (`left` at most); gives the last.

    `busy` gives the seconds that the server wants to be left alone, None if it is not busy.
    """
    left = min(_LONGEST, left)
    for pause in _PAUSES:
        done = once()
        wanted = busy(done)
        if wanted is None or max(wanted, pause) > left:
            return done
        time.sleep(max(wanted, pause))
        left -= max(wanted, pause)
    return once()


class Pulse:
    """Hears every outcome; `stopped` says in one line why the target is not worth asking any more, empty as long as it is.

    `calm` says how many times more than usual may be lost in a row, where that is to be expected.
    """

    def __init__(self, calm: int = 1) -> None:
        self.stopped = ""
        self._calm = calm
        self._lost: Counter[str] = Counter()

    def heard(self, method: str, outcome: Outcome) -> None:
        """Take in the outcome of a call; one answer shows that the target lives."""
        if not isinstance(outcome, Lost):
            self._lost.clear()
            return
        kind = kind_of(outcome)
        self._lost[kind] += 1
        if self._lost[kind] >= self._calm * _MOST[kind] and not self.stopped:
            self.stopped = f"{_SAYS[kind]}: {method} {outcome.reason}"
