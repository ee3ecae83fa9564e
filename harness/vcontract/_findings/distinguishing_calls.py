"""Cuts out of a saved run the fewest calls whose last one shows in what two targets differ."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence

import msgspec

from vcontract._check.compare import Change, Sighting
from vcontract._findings.program import programs
from vcontract._history import History
from vcontract._model import Facts
from vcontract._model.moves import MOVES
from vcontract._terms import Faulted, Operation, ReplayStep, subject

_CLONING = MOVES["fork"].method
_FAR = 200
"""So many operations back the beginning of a sequence is looked for."""


class Witnessed(msgspec.Struct, frozen=True):
    """One history of a run, with what is known of it: `begun` says before which operations a fresh VM suffices."""

    history: History
    facts: Facts
    begun: Mapping[int, bool]


class Cut(msgspec.Struct, frozen=True):
    """Calls, and the moId and name of the VM that they are about."""

    program: tuple[ReplayStep, ...]
    root: tuple[str, str]


def shortest(change: Change, old: Sequence[Witnessed], new: Sequence[Witnessed]) -> Cut | None:
    """Give the shortest sequence of either run that shows a change; None if nothing recorded shows it."""
    found = [
        (*_reach(side[sighting.history], sighting), sighting, side[sighting.history])
        for side, sightings in ((old, change.before), (new, change.after))
        for sighting in sightings
    ]
    shown = [candidate for candidate in found if candidate[0] and _sendable(candidate[2], candidate[3])]
    if not shown:
        return None
    _, start, seen, source = min(shown, key=lambda candidate: (candidate[0], _size(candidate[2], candidate[3])))
    return _cut(start, seen, source)


def _payload(seen: Sighting, source: Witnessed) -> bytes:
    operations = source.history.operations
    return msgspec.json.encode(operations[_place(operations, seen.op)].call.payload)


def _sendable(seen: Sighting, source: Witnessed) -> bool:
    """Whether JSON kept all of a call's payload: a number that is none it does not."""
    return b"null" not in _payload(seen, source)


def _size(seen: Sighting, source: Witnessed) -> int:
    """Give the bytes of a call's payload: of two sequences as long, the one with the plainer input is shown."""
    return len(_payload(seen, source))


def _reach(source: Witnessed, seen: Sighting) -> tuple[int, int]:
    """Count the calls from the moment at which the VM was as a fresh one; 0 calls: there is none near."""
    operations = source.history.operations
    last = _place(operations, seen.op)
    vm, length = subject(operations[last].call), 0
    for place in range(last, max(-1, last - _FAR), -1):
        operation = operations[place]
        if place != last and (operation.purpose == "read" or subject(operation.call) != vm or _refused(operation)):
            continue
        length += 1
        if source.begun.get(operation.op):
            return length, place
    return 0, 0


def _birth(operations: Sequence[Operation], start: int) -> int:
    """Give the place of the last cloning before a place: a VM that the run itself made is made again."""
    near = range(start, max(-1, start - _FAR), -1)
    return next((place for place in near if operations[place].call.method == _CLONING), start)


def _refused(operation: Operation) -> bool:
    """Whether a call changed nothing, as its answer says."""
    return operation.purpose != "read" and isinstance(operation.outcome, Faulted)


def _place(operations: Sequence[Operation], op: int) -> int:
    return bisect_left(operations, op, key=lambda operation: operation.op)


def _cut(start: int, seen: Sighting, source: Witnessed) -> Cut:
    operations = source.history.operations
    if subject(operations[_place(operations, seen.op)].call) not in source.facts.vms:
        start = _birth(operations, start)
    before = [operation for operation in operations[max(0, start - _FAR) : start] if operation.purpose == "read"]
    kept = [operation for operation in operations[start:] if operation.op == seen.op or not _refused(operation)]
    root, blocks = programs([*before, *kept], seen.op)  # what was read before tells what the VM looked like
    steps = tuple(step for block in blocks for step in block)
    known = source.facts.vms.get(root)
    return Cut(steps, (root, known.name if known else ""))
