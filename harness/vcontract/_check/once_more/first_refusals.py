"""Marks, among the calls of many clients, the customizations that may be refused once after an abort (oracle promise F4)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from math import inf, nextafter

from msgspec.structs import replace

from vcontract._check.call_spans import UNJUDGED, CallSpan, Intervals
from vcontract._contract import OK
from vcontract._model import Asked
from vcontract._model.followed_task import KINDS

_OTHER, _WORK = "other", "work"
_OF_LOCK = frozenset({"CustomizationFault", "CustomizationPending"})
"""Faults that nothing which passes by itself explains, but the lock."""


def note_first_refusals(spans: Iterable[CallSpan]) -> None:
    """Mark each valid customization that was refused and may have been the first one since an abort that succeeded.

    One that was read running had begun, and was not refused. A refusal was surely earlier if nothing else was under way then
    that may have been its reason. If nothing at all was since the abort, it left no lock behind: else it would excuse the next.
    """
    listed = list(spans)
    aborts = sorted(span.until for span in listed if span.does == "aborted" and span.outcome == OK)
    refused = [span for span in listed if _is_refused(span)]
    if not aborts or not refused:
        return
    won = _Latest(span for span in listed if span.customized)
    works = ((_WORK, span.start, span.until) for span in listed if span.method in KINDS and not span.refused)
    others = ((_OTHER, span.start, span.until) for span in listed if span.method not in KINDS)
    beside = Intervals([*works, *others])
    plain = _Latest(
        span for span in refused if not beside.meeting(span.start, span.until, () if span.refused else (_WORK,))
    )
    for span in refused:
        place = bisect_right(aborts, span.start)
        if not place or won.start_before(span.start) >= aborts[place - 1]:
            continue
        abort = aborts[place - 1]
        changed = _OTHER in beside.meeting(abort, span.start)
        span.first = changed or plain.start_before(span.start) < abort
        alone = not beside.meeting(nextafter(abort, inf), span.until, () if span.refused else (_WORK,))
        span.left_nothing = span.first and alone and span.outcome in _OF_LOCK


class _Latest:
    """Of some calls the latest start among those that were over at a moment."""

    def __init__(self, spans: Iterable[CallSpan]) -> None:
        over = sorted((span.until, span.start) for span in spans)
        self._ends = [until for until, _ in over]
        self._starts = list(accumulate((start for _, start in over), max))

    def start_before(self, moment: float) -> float:
        place = bisect_right(self._ends, moment)
        return self._starts[place - 1] if place else -inf


def _is_refused(span: CallSpan) -> bool:
    """Whether a call is a valid customization that was refused, by itself or by its task before that was seen to run."""
    asked = span.asked
    if span.does != "customized" or asked is None or span.outcome in {"", OK, UNJUDGED} or span.running < inf:
        return False
    return replace(asked, api=()) == Asked(asked.method)
