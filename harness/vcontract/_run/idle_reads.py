"""Counts the reads of a run that could tell nothing new: requests that somebody else's server need not have answered."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from vcontract._client.updates import is_quiet
from vcontract._model import read_of
from vcontract._terms import Operation, Ref

_Asked: TypeAlias = tuple[Ref, tuple[str, ...], str]
"""What a read asks for: the object, the paths, and the actor who asks."""


def idle_reads(operations: Iterable[Operation]) -> int:
    """Count the reads that repeat one, with nothing in between but other reads and waits that were told of no change."""
    count = 0
    read: set[_Asked] = set()
    for done in operations:
        asked = _asked(done)
        if asked is not None:
            count += asked in read
            read.add(asked)
        elif not is_quiet(done):
            read.clear()
    return count


def _asked(done: Operation) -> _Asked | None:
    seen = read_of(done)
    if seen is None:
        return None
    wanted = (done.call.arguments.get("specSet") or [{}])[0].get("propSet") or [{}]
    return seen[0], tuple(wanted[0].get("pathSet") or ()), done.call.actor
