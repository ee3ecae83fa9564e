"""Compares two learned profiles: their answers as what two histories saw of the same circumstances, and their tasks' times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vcontract._check.compare.change import Change, Kind
from vcontract._check.compare.circumstances import by_circumstance, choices, circumstance_changes
from vcontract._check.compare.latency import latency_changes
from vcontract._check.compare.sighting import TASK, Sighting
from vcontract._contract import OK
from vcontract._model import PASSING, VARIED
from vcontract._profile import SUCCESS, Answer, Observed, Profile

_MARKS = "~?"
"""What stands before a permitted answer that is imprecise, or that no source settles."""


def profile_changes(old: Profile, new: Profile, bases: Mapping[str, str]) -> list[Change]:
    """Give what differs in what both know: answers by the rule of evidence of histories, and the times of tasks.

    An entry with too few observations for the rule is reported as changed unless chance explains it: both sides gave one
    answer in common, or one side is known to choose between the two. `bases` maps each fault to its parent.
    """
    before, after = by_circumstance(_seen(old)), by_circumstance(_seen(new))
    claimed = circumstance_changes(before, after, bases)
    named = {circumstance for change in claimed for circumstance in change.seen}
    chosen = [choices(before), choices(after)]
    others = [
        Change(Kind.ENTRY_CHANGED, name, _texts(before[name]), _texts(after[name]))
        for name in sorted((before.keys() & after.keys()) - named)
        if not _chance(before[name], after[name], chosen)
    ]
    return [*claimed, *others, *latency_changes(_timed(old), _timed(new), ((), ()))]


def comparable(profile: Profile) -> list[Answer]:
    """List the entries of a profile but for those that stand for many inputs, or pass by themselves: they differ by the run."""
    return [answer for answer in profile.answers if not {*VARIED, PASSING} & set(answer.conditions)]


def _texts(seen: Sequence[Sighting]) -> str:
    return ", ".join(sorted({answer.text for answer in seen}))


def _seen(profile: Profile) -> list[Sighting]:
    """Tell each answer as often as it came."""
    return [
        sighting
        for entry in comparable(profile)
        for answer in entry.observed
        for sighting in [_sighting(entry, answer)] * answer.count
    ]


def _sighting(entry: Answer, answer: Observed) -> Sighting:
    return Sighting(
        0,
        entry.method,
        entry.id,
        OK if answer.fault == SUCCESS else answer.fault,
        answer.channel,
        frozenset(permitted.lstrip(_MARKS) for permitted in entry.permitted),
    )


def _chance(
    old: Sequence[Sighting], new: Sequence[Sighting], chosen: Sequence[Mapping[str, set[frozenset[str]]]]
) -> bool:
    """Whether both sides gave one answer, or one is known to choose between two: `chosen` is what `choices` gives of each."""
    before, after = ({observed.text for observed in side} for side in (old, new))
    pairs = {frozenset({a, b}) for a in before for b in after}
    return bool(before & after) or any(pairs & side.get(old[0].method, set()) for side in chosen)


def _timed(profile: Profile) -> Sequence[Sighting]:
    """Tell each task that ended well, with its time by the server's own clock."""
    return [
        Sighting(0, latency.method, "", OK, TASK, lasted=seconds)
        for latency in profile.latency
        if (latency.outcome, latency.channel) == (SUCCESS, TASK)
        for seconds in latency.seconds
    ]
