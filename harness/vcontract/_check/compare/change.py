"""One way in which the second of two histories differs from the first, before it is classified."""

from __future__ import annotations

import hashlib
from enum import StrEnum

import msgspec

from vcontract._check.compare.sighting import Sighting


class Kind(StrEnum):
    """What differs; `rules.toml` says of each what it means for who met the old side and meets the new one."""

    ROW_BROKEN = "rowBroken"
    ROW_MENDED = "rowMended"
    OBJECT_GONE = "objectGone"
    OBJECT_NEW = "objectNew"
    NOW_REFUSED = "nowRefused"
    NOW_ACCEPTED = "nowAccepted"
    NOW_LOST = "nowLost"
    NOW_ANSWERED = "nowAnswered"
    PRECEDENCE_CHANGED = "precedenceChanged"
    FAULT_REFINED = "faultRefined"
    FAULT_FLATTENED = "faultFlattened"
    FAULT_CHANGED = "faultChanged"
    MOVED_TO_TASK = "movedToTask"
    MOVED_TO_CALL = "movedToCall"
    FIELD_DROPPED = "fieldDropped"
    FIELD_ADDED = "fieldAdded"
    VALUE_CHANGED = "valueChanged"
    TASK_FIELD_DROPPED = "taskFieldDropped"
    TASK_FIELD_ADDED = "taskFieldAdded"
    SLOWER = "slower"
    FASTER = "faster"
    ENTRY_CHANGED = "entryChanged"


class Change(msgspec.Struct, frozen=True):
    """What differs, where, how it was and is, and what shows it.

    `aspect` is what of a sighting tells the sides apart (`told` in aspects.py), with its value on either side; empty if no
    call does. `seen` names the circumstances, `before` and `after` are what either side showed. `measured`: what it was and
    is are numbers, which no fingerprint may hold.
    """

    kind: Kind
    path: str
    old: str
    new: str
    aspect: str = ""
    values: tuple[str, str] = ("", "")
    seen: tuple[str, ...] = ()
    before: tuple[Sighting, ...] = ()
    after: tuple[Sighting, ...] = ()
    measured: bool = False

    @property
    def fingerprint(self) -> str:
        """12 hex digits of SHA-256 over kind, path, old and new: the same change has the same one, whatever the runs."""
        parts = (self.kind.value, self.path) if self.measured else (self.kind.value, self.path, self.old, self.new)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
