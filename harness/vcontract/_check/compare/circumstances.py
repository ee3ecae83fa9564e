"""Compares what two histories saw of the same circumstances: outcomes, channels, fields, values, the last of the task.

The rule of evidence. A change is claimed where both histories met a circumstance for certain, each answered it in one way, and
the two ways differ. At least PAIRS pairs of calls must show it (of any circumstance and method), and none the opposite. Two
answers that one side gave in the same circumstance are that target's choice, no change. If a side is known to choose among its
answers, one answer is weaker evidence: the change must then be seen in so many circumstances (CHOOSING) that chance would
produce it once in a hundred times.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from vcontract._check.compare.aspects import FIELD, LIFE, OUTCOME, VALUE, told
from vcontract._check.compare.change import Change, Kind
from vcontract._check.compare.rules import PLAIN, VALUES
from vcontract._check.compare.sighting import LOST, TASK, Sighting
from vcontract._contract import OK, ancestors

PAIRS, CHOOSING = 2, 8
"""2 ** (1 - 8) < 0.01: the chance that a fair coin falls the same way eight times."""

Grouped = Mapping[str, Sequence[Sighting]]


def by_circumstance(sightings: Iterable[Sighting]) -> dict[str, list[Sighting]]:
    """Group what was seen for certain by its circumstance."""
    groups: dict[str, list[Sighting]] = defaultdict(list)
    for sighting in sightings:
        if sighting.circumstance and sighting.outcome:
            groups[sighting.circumstance].append(sighting)
    return dict(groups)


def circumstance_changes(old: Grouped, new: Grouped, bases: Mapping[str, str]) -> list[Change]:
    """List every change that the rule of evidence supports, in the order of their paths."""
    claims = _Claims(choices(old), choices(new))
    for name in sorted(old.keys() & new.keys()):
        before, after = old[name], new[name]
        outcomes = [{sighting.text for sighting in side} for side in (before, after)]
        if any(len(texts) > 1 for texts in outcomes):
            continue
        if outcomes[0] != outcomes[1]:
            kind = _kind(before[0], after[0], bases)
            claims.note(kind, before[0].method, name, OUTCOME, before, after)
            continue
        _details(claims, name, before, after)
    return claims.changes()


def _details(claims: _Claims, name: str, before: Sequence[Sighting], after: Sequence[Sighting]) -> None:
    """Compare what stands in equal outcomes."""
    fault = before[0].outcome
    for path in _topmost(_always("fields", before) ^ _always("fields", after)):
        kind = Kind.FIELD_DROPPED if path in before[0].fields else Kind.FIELD_ADDED
        claims.note(kind, f"{fault}.{path}", name, f"{FIELD} {path}", before, after)
    for path in VALUES:
        if all(path in sighting.values for sighting in (*before, *after)):
            where = f"{before[0].method}/{fault}.{path}"
            claims.note(Kind.VALUE_CHANGED, where, name, f"{VALUE} {path}", before, after)
    if all(sighting.life for sighting in (*before, *after)):
        for path in sorted(_always("life", before) ^ _always("life", after)):
            kind = Kind.TASK_FIELD_DROPPED if path in before[0].life else Kind.TASK_FIELD_ADDED
            claims.note(kind, f"TaskInfo.{path}", name, f"{LIFE} {path}", before, after)


def _topmost(paths: Iterable[str]) -> list[str]:
    """Leave out the paths below another path of the list."""
    kept: list[str] = []
    for path in sorted(paths):
        if not any(path.startswith((f"{longer}.", f"{longer}[")) for longer in kept):
            kept.append(path)
    return kept


def _always(name: str, sightings: Sequence[Sighting]) -> frozenset[str]:
    sets = [getattr(sighting, name) for sighting in sightings]
    return frozenset.intersection(*sets)


def _kind(old: Sighting, new: Sighting, bases: Mapping[str, str]) -> Kind:
    """Name the change of an outcome."""
    before, after = old.outcome, new.outcome
    if LOST in {before, after}:
        return Kind.NOW_LOST if after == LOST else Kind.NOW_ANSWERED
    if OK in {before, after}:
        return Kind.NOW_REFUSED if before == OK else Kind.NOW_ACCEPTED
    if before == after:
        return Kind.MOVED_TO_TASK if new.channel == TASK else Kind.MOVED_TO_CALL
    if before in ancestors(after, dict(bases)):
        return Kind.FAULT_REFINED
    if after in ancestors(before, dict(bases)) or after in PLAIN:
        return Kind.FAULT_FLATTENED
    may = {before, after} <= old.allowed | new.allowed
    return Kind.PRECEDENCE_CHANGED if may else Kind.FAULT_CHANGED


def choices(grouped: Grouped) -> dict[str, set[frozenset[str]]]:
    """List by method the pairs of outcomes between which one side chose, in one and the same circumstance."""
    answers: dict[str, set[frozenset[str]]] = defaultdict(set)
    for name, seen in grouped.items():
        texts = {sighting.text for sighting in seen}
        answers[name.partition(":")[0]] |= {frozenset({a, b}) for a in texts for b in texts if a < b}
    return answers


class _Claims:
    """Collects candidate changes and keeps those with enough evidence."""

    def __init__(self, *choices: Mapping[str, set[frozenset[str]]]) -> None:
        self._choices = choices
        self._found: dict[
            tuple[Kind, str, str, str], list[tuple[str, str, Sequence[Sighting], Sequence[Sighting]]]
        ] = {}

    def note(
        self,
        kind: Kind,
        path: str,
        circumstance: str,
        aspect: str,
        before: Sequence[Sighting],
        after: Sequence[Sighting],
    ) -> None:
        """Note that an aspect differs in a circumstance, if either side has one value of it."""
        values = [{told(aspect, sighting) for sighting in side} for side in (before, after)]
        if len(values[0]) == len(values[1]) == 1 and values[0] != values[1]:
            key = (kind, path, values[0].pop(), values[1].pop())
            self._found.setdefault(key, []).append((circumstance, aspect, before, after))

    def changes(self) -> list[Change]:
        """List the changes with enough evidence."""
        other_way = {(path, new, old) for _, path, old, new in self._found}
        pairs: Counter[tuple[str, str, str, str]] = Counter()
        for key, shown in self._found.items():
            pairs[_evidence(*key)] += sum(min(len(before), len(after)) for _, _, before, after in shown)
        changes = []
        for (kind, path, old, new), shown in self._found.items():
            method = shown[0][2][0].method
            pair = frozenset({old, new})
            if (path, old, new) in other_way or any(pair in choice.get(method, ()) for choice in self._choices):
                continue
            chooses = any(choice.get(method) for choice in self._choices)
            if (len(shown) < CHOOSING) if chooses else (pairs[_evidence(kind, path, old, new)] < PAIRS):
                continue
            changes.append(_change(kind, path, old, new, shown))
        return sorted(changes, key=lambda change: (change.path, change.kind, change.old, change.new))


def _evidence(kind: Kind, path: str, old: str, new: str) -> tuple[str, str, str, str]:
    """Compute the key by which claims share evidence: outcomes across methods, each field only with itself."""
    return kind, "" if path.isidentifier() else path, old, new


def _change(
    kind: Kind, path: str, old: str, new: str, shown: Sequence[tuple[str, str, Sequence[Sighting], Sequence[Sighting]]]
) -> Change:
    return Change(
        kind,
        path,
        old,
        new,
        aspect=shown[0][1],
        values=(old, new),
        seen=tuple(circumstance for circumstance, *_ in shown),
        before=tuple(sighting for _, _, before, _ in shown for sighting in before),
        after=tuple(sighting for _, _, _, after in shown for sighting in after),
    )
