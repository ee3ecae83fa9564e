"""Compares how long calls and tasks last: a rank test, and bounds below which nobody would care or the machine is to blame.

The rule of evidence. A method is called slower, or faster, if all of this holds: at least LEAST samples on either side; the
two-sided test of Mann and Whitney gives a p below ALPHA, divided by the number of comparisons made (Bonferroni); the medians
differ RATIO times and by SECONDS at least; and by more than twice what the reads of the same run differ at their nine tenths,
for these measure the machine and the way to the server.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import erfc, sqrt
from statistics import median

from vcontract._check.compare.aspects import ANSWER, LASTED
from vcontract._check.compare.change import Change, Kind
from vcontract._check.compare.sighting import Sighting
from vcontract._contract import OK

ALPHA, LEAST, RATIO, SECONDS = 0.001, 8, 2.0, 0.01


def latency_changes(
    old: Sequence[Sighting], new: Sequence[Sighting], reads: tuple[Sequence[float], Sequence[float]]
) -> list[Change]:
    """Give the methods whose calls, or whose tasks that end well, last longer or shorter; `reads` are seconds of reads."""
    measured = [_samples(side) for side in (old, new)]
    shared = [key for key in sorted(measured[0].keys() & measured[1].keys()) if _enough(key, measured)]
    slack = 2 * abs(_tenth(reads[1]) - _tenth(reads[0]))
    changes = []
    for key in shared:
        before, after = ([_seconds(key[1], sightings) for sightings in side[key]] for side in measured)
        if mann_whitney(before, after) < ALPHA / len(shared) and (kind := _kind(median(before), median(after), slack)):
            changes.append(_change(kind, key, measured[0][key], measured[1][key]))
    return changes


def _samples(sightings: Iterable[Sighting]) -> dict[tuple[str, str], list[Sighting]]:
    """Group by method and aspect what was measured."""
    samples: dict[tuple[str, str], list[Sighting]] = {}
    for sighting in sightings:
        if sighting.outcome:
            samples.setdefault((sighting.method, ANSWER), []).append(sighting)
        if sighting.outcome == OK and sighting.lasted is not None:
            samples.setdefault((sighting.method, LASTED), []).append(sighting)
    return samples


def _seconds(aspect: str, seen: Sighting) -> float:
    return seen.answer if aspect == ANSWER else seen.lasted or 0.0


def _enough(key: tuple[str, str], measured: Sequence[Mapping[tuple[str, str], Sequence[object]]]) -> bool:
    return all(len(side[key]) >= LEAST for side in measured)


def _tenth(seconds: Sequence[float]) -> float:
    """Give the value below which nine tenths lie."""
    return sorted(seconds)[(9 * len(seconds)) // 10] if seconds else 0.0


def _kind(before: float, after: float, slack: float) -> Kind | None:
    least, most = sorted((before, after))
    if most - least <= SECONDS + slack or most < RATIO * least:
        return None
    return Kind.SLOWER if after > before else Kind.FASTER


def _change(kind: Kind, key: tuple[str, str], old: Sequence[Sighting], new: Sequence[Sighting]) -> Change:
    method, aspect = key
    medians = [median(_seconds(aspect, sighting) for sighting in side) for side in (old, new)]
    return Change(
        kind,
        f"{method} {'task' if aspect == LASTED else 'answer'}",
        f"{1000 * medians[0]:.0f} ms (median of {len(old)})",
        f"{1000 * medians[1]:.0f} ms (median of {len(new)})",
        aspect=aspect,
        values=(f"{medians[0]:.6f}", f"{medians[1]:.6f}"),
        before=tuple(old),
        after=tuple(new),
        measured=True,
    )


def mann_whitney(first: Sequence[float], second: Sequence[float]) -> float:
    """Give the two-sided p of the test by Mann and Whitney: normal approximation, corrected for ties and continuity.

    Source: Mann and Whitney, Annals of Mathematical Statistics 18 (1947), 50-60; good from 8 samples a side on.
    """
    count, other = len(first), len(second)
    every = count + other
    ranks: dict[float, float] = {}
    below = 0
    ties = Counter([*first, *second])
    for value in sorted(ties):
        ranks[value] = below + (ties[value] + 1) / 2
        below += ties[value]
    statistic = sum(ranks[value] for value in first) - count * (count + 1) / 2
    tied = sum(tie**3 - tie for tie in ties.values())
    variance = count * other / 12 * (every + 1 - tied / (every * (every - 1)))
    if variance <= 0:
        return 1.0
    distance = max(abs(statistic - count * other / 2) - 0.5, 0.0)
    return erfc(distance / sqrt(2 * variance))
