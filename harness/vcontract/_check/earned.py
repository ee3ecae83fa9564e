"""Whether a success counts, where only the lives of tasks can tell: the outcome conditions of a contract (`task.…`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from vcontract._check.tasklife import inside
from vcontract._model import State, TaskLife, Tracker, observe
from vcontract._model.state import ABORT, CUSTOMIZE, EXCLUSIVE
from vcontract._terms import Json, Operation, Ref

Reads: TypeAlias = Sequence[tuple[Operation, Ref, Mapping[str, Json] | None]]


class Success(msgspec.Struct, frozen=True):
    """A call whose task ended in success, with what else is known: the tracker, and the reads of its cell."""

    call: Operation
    life: TaskLife
    tracker: Tracker
    reads: Reads


def _started_after(success: Success) -> str:
    """Oracle row B1: it began after the end of the task that had the VM to itself."""
    started = str(_info(success.life).get("startTime", ""))
    for other in _beside(success, EXCLUSIVE):
        if started < str(_info(other).get("completeTime", "")):
            return f"it ran while {other.ref.value} ran"
    return ""


def _apart(success: Success) -> str:
    """Oracle row K1: no other customization that succeeded lies wholly inside it, nor it inside that one."""
    for other in _beside(success, CUSTOMIZE):
        if _info(other).get("state") == "success" and inside(_info(success.life), _info(other)):
            return f"it and {other.ref.value} both succeeded, and one of them lies wholly inside the other"
    return ""


def _ended_soon(success: Success) -> str:
    """Oracle row M7: it ended no later than d_pub after the abort that began while it ran."""
    life, tracker = success.life, success.tracker
    unfinished = [read.start for read, info in life.reads if info and info.get("state") in {"queued", "running"}]
    for abort in tracker.lives(life.vm):
        if abort.kind != ABORT or abort.final is None or abort.final[1].get("state") != "success":
            continue
        limit = abort.final[0].end + tracker.facts.publish
        if life.accepted.end <= abort.accepted.start and any(start > limit for start in unfinished):
            return f"it went on after {abort.ref.value} had aborted it"
    return ""


def _thawed(success: Success) -> str:
    """Oracle row T5: each read since the call shows the VM frozen."""
    since, vm = success.call.start, success.life.vm
    seen = [observe(State(), values) for read, ref, values in success.reads if read.start > since and ref.value == vm]
    frozen = bool(seen) and all(state.frozen for state in seen)
    return "its guest is frozen and executes nothing" if frozen else ""


CONDITIONS: dict[str, Callable[[Success], str]] = {
    "task.startedAfter": _started_after,
    "task.apart": _apart,
    "task.endedSoon": _ended_soon,
    "task.thawed": _thawed,
}
"""Why a success does not count (empty: it does), by the names that contract files use."""
ALONE = frozenset({"task.apart"})
"""The conditions that are hard only where nothing else changes the VMs, and a note elsewhere."""


def unearned(conditions: Sequence[str], success: Success) -> tuple[str, bool]:
    """Say why a success does not count by some conditions (empty: it does), and whether that is more than a note."""
    told = [
        (why, name not in ALONE or success.tracker.facts.alone)
        for name in conditions
        if (why := CONDITIONS[name](success))
    ]
    return max(told, key=lambda each: each[1], default=("", False))


def _beside(success: Success, kind: str) -> list[TaskLife]:
    """List the ended tasks of a kind that are known to have run during the call."""
    call, life = success.call, success.life
    work = success.tracker.running(life.vm, call.start, call.end, life.ref.value)
    return [other for other, certain in work if certain and other.kind == kind and other.final is not None]


def _info(life: TaskLife) -> dict[str, Json]:
    return dict(life.final[1]) if life.final is not None else {}
