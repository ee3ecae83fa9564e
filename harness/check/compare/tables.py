"""Compares two tables of answers by the id of each entry: what a learned profile holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from harness.check.compare.change import Change, Kind
from harness.terms import Json


def table_changes(old: Mapping[str, Json], new: Mapping[str, Json]) -> list[Change]:
    """Give the entries that changed, came and went; an entry is what is said under its id, order of its lists aside."""
    found = []
    for name in sorted(old.keys() | new.keys()):
        before, after = (_plain(side[name]) if name in side else "" for side in (old, new))
        if before != after:
            kind = Kind.ENTRY_GONE if not after else Kind.ENTRY_NEW if not before else Kind.ENTRY_CHANGED
            found.append(Change(kind, name, before, after))
    return found


def _plain(value: Json) -> str:
    """Write what was observed as one text: a list in the order of its texts."""
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence):
        return ", ".join(sorted(map(_plain, value))) or "nothing"
    return msgspec.json.encode(value, order="deterministic").decode()
