"""Checks the life of a task as the reads saw it (oracle rule A12): violations (`FIELD: why`) and mere notes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import pairwise

from vcontract._model import TaskLife
from vcontract._terms import Fault, Faulted, Json, Operation, moment

SLOW = 25.0
"""Seconds after which a server may have given a task up although the guest did what it was asked (oracle row S1)."""
_ORDER = {"queued": 0, "running": 1, "success": 2, "error": 2}


SLACK = 1.0
"""Seconds by which the times of a server may be wrong among themselves, where more than one clock may have told them."""


def earlier(one: Json, other: Json, slack: float) -> bool:
    """Whether one time of a server is certainly before another, which is wrong by less than `slack` seconds.

    Without slack whole seconds are compared. What is no time is before nothing.
    """
    if not slack:
        return str(one)[:19] < str(other)[:19]
    try:
        return (moment(other) - moment(one)).total_seconds() > slack
    except ValueError:
        return False


def broken(life: TaskLife, result: str, others: Iterable[TaskLife] = (), slack: float = 0.0) -> list[str]:
    """List the violations in a task's life; `result` is the documented result (`void`), `slack` that of its times.

    A task that its first read does not find is a violation, unless one of the `others` may have ended meanwhile: a server may
    keep only the last of the ended tasks (oracle rule A6).
    """
    seen = [info for _, info in life.reads if info]
    problems = [problem for info in seen if (problem := _one_read(info, slack))]
    states = [str(info.get("state")) for info in seen]
    if unknown := [state for state in states if state not in _ORDER]:
        return [*problems, f"info.state: {unknown[0]!r} is none of queued, running, success, error"]
    for before, after in pairwise(states):
        if before in {"success", "error"} and before != after:
            problems.append(f"info.state: it left the final state {before} for {after}")
        elif _ORDER[after] < _ORDER[before]:
            problems.append(f"info.state: it went back from {before} to {after}")
    if result == "void" and any(info.get("result") is not None for info in seen):
        problems.append("info.result: it has a result where void is documented")
    if life.ref.type != "Task":
        problems.append(f"returnval: the reference is of type {life.ref.type}, not Task")
    first = life.reads[0][0] if life.reads and not seen else None
    if first is not None and isinstance(first.outcome, Faulted):
        why = first.outcome.fault.type
        if why != "ManagedObjectNotFound" or not _supplanted(life, first, others):
            problems.append(f"info: the calling session cannot read it: {why}")
    return list(dict.fromkeys(problems))


def _supplanted(life: TaskLife, read: Operation, others: Iterable[TaskLife]) -> bool:
    """Whether another task may have ended between a call and a read of its task."""
    return any(
        other is not life
        and other.accepted.start < read.end
        and (not other.over or other.reads[-1][0].end > life.accepted.start)
        for other in others
    )


def _one_read(info: Mapping[str, Json], slack: float) -> str:
    state, error = info.get("state"), info.get("error")
    if state == "error" and error is None:
        return "info.error: it ended in error without saying which"
    if state != "error" and error is not None:
        return f"info.error: it carries an error in state {state}"
    start, complete = info.get("startTime"), info.get("completeTime")
    if start and complete and earlier(complete, start, slack):
        return "info.completeTime: it completed before it started"
    return ""


def lived(info: Mapping[str, Json]) -> tuple[datetime, datetime] | None:
    """Give the startTime and the completeTime of an info, both by the server's clock; None unless it has both."""
    try:
        start, complete = (moment(info.get(name, "")) for name in ("startTime", "completeTime"))
    except ValueError:
        return None
    return start, complete


def slow(info: Mapping[str, Json]) -> bool:
    """Whether a task ended in error so late that the server may only have lost patience (oracle row S1)."""
    life = lived(info) if info.get("state") == "error" else None
    return life is not None and (life[1] - life[0]).total_seconds() >= SLOW


def inside(one: Mapping[str, Json], other: Mapping[str, Json]) -> bool:
    """Whether one of two tasks lived wholly inside the life of the other, by the server's clock; not if that is unknown."""
    mine, others = lived(one), lived(other)
    if mine is None or others is None or (mine[0].tzinfo is None) != (others[0].tzinfo is None):
        return False
    (start, end), (first, last) = mine, others
    return (start < first and last < end) or (first < start and end < last)


def notes(life: TaskLife, vm: str) -> list[str]:
    """List what is unusual in a task's life and yet no violation."""
    seen = [info for _, info in life.reads if info]
    progress = [info["progress"] for info in seen if isinstance(info.get("progress"), int)]
    odd = []
    if any(after < before for before, after in pairwise(progress)):
        odd.append("progress fell")
    entity = next((info.get("entity") for info in seen if info.get("entity")), None)
    if isinstance(entity, Mapping) and entity.get("value") != vm:
        odd.append("entity is not the VM")
    if any(info.get("name") not in {None, life.accepted.call.method} for info in seen):
        odd.append("name is not the method's")
    return odd


def error_of(info: Mapping[str, Json]) -> Fault:
    """Read the fault of a task that ended in error: `info.error` is a LocalizedMethodFault."""
    error = info.get("error")
    error = error if isinstance(error, Mapping) else {}
    fault = error.get("fault")
    fields = dict(fault) if isinstance(fault, Mapping) else {}
    return Fault(str(fields.pop("_typeName", "none")), fields, str(error.get("localizedMessage", "")))
