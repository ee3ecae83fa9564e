"""What holds after a call (oracle promises F1 to F6): each check says what is broken as `FIELD: why`, or nothing.

FIELD is part of a finding's id, so it holds no value of a run.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from vcontract.model import TaskLife, recent_tasks
from vcontract.terms import Json, Operation, Ref, Returned, as_ref

ABORTS = 3
"""So many refused aborts in one run of a customization break F5."""
Reading = Mapping[str, Json]


def no_task_after_refusal(
    operation: Operation,
    before: Reading | None,
    after: Reading | None,
    infos: Mapping[str, Reading],
    known: Container[str],
    account: str,
) -> str:
    """F1: after a synchronous fault no task of ours is new on the VM.

    `infos` maps a task to its info as read since, `known` are the tasks that other calls of ours were given. The task must
    be of our method and our user to count (oracle section D).
    """
    if before is None or after is None:
        return ""
    for task in new_tasks(before, after, known):
        info = infos.get(task, {})
        if info.get("name") == operation.call.method and _user(info) in {"", account_name(account)}:
            return f"recentTask: {task}, a {operation.call.method}, is new although the call was refused"
    return ""


def new_tasks(before: Reading, after: Reading, known: Container[str]) -> list[str]:
    """List the tasks that came to recentTask between two reads and are not known."""
    old = set(recent_tasks(before))
    return [task for task in recent_tasks(after) if task not in old and task not in known]


def foreign(new: Sequence[str], infos: Mapping[str, Reading], users: frozenset[str], methods: frozenset[str]) -> str:
    """Name a new task that none of our accounts (lower case) began: someone else was at work (oracle rule A5)."""

    def ours(info: Reading) -> bool:
        return _user(info) in users or (not _user(info) and info.get("name") in methods)

    return next((task for task in new if task in infos and not ours(infos[task])), "")


def cut_customizations(
    abort: TaskLife, lives: Sequence[TaskLife], publish: float, limit: float
) -> tuple[list[TaskLife], list[TaskLife]]:
    """F4: list the customizations that ran into a successful abort and were read unfinished well after its end.

    Of the first ones it is certain that they went on: they succeeded then, or outlived the `limit` of a task (0: none). The
    others ended later than the end of a task may be published, but it was the abort that ended them.
    """
    if abort.final is None:
        return [], []
    end = abort.final[0].end

    def unfinished(life: TaskLife, moment: float) -> bool:
        return any(op.start > moment and info and info.get("state") in {"queued", "running"} for op, info in life.reads)

    cut = [
        life
        for life in lives
        if life.kind == "customize" and life.vm == abort.vm and life.accepted.end <= abort.accepted.start
        if unfinished(life, end + publish)
    ]
    on = [
        life
        for life in cut
        if (life.final is not None and life.final[1].get("state") == "success")
        or (limit and unfinished(life, end + max(publish, limit)))
    ]
    return on, [life for life in cut if life not in on]


class Refusals:
    """F5: counts the aborts, at least `spacing` seconds apart, that were refused during each running customization."""

    def __init__(self, spacing: float) -> None:
        self._spacing = spacing
        self._ends: dict[str, list[float]] = {}

    def note(self, customization: str, abort: Operation) -> str:
        """Count a refused abort that only the customization can have blocked; say why if it is one too many."""
        ends = self._ends.setdefault(customization, [])
        if not ends or abort.start >= ends[-1] + self._spacing:
            ends.append(abort.end)
        return f"{len(ends)} spaced aborts could not reach {customization}" if len(ends) >= ABORTS else ""


def singleton(reads: Sequence[Operation], content: str) -> str:
    """Every session sees the same reference; `content` is the property of ServiceContent that carries it."""
    seen = {
        ref
        for read in reads
        if isinstance(read.outcome, Returned) and isinstance(read.outcome.value, dict)
        if (ref := as_ref(read.outcome.value.get(content)))
    }
    return f"sessions see different references: {sorted(seen)}" if len(seen) > 1 else ""


def _user(info: Reading) -> str:
    reason = info.get("reason")
    return account_name(str(reason.get("userName", ""))) if isinstance(reason, Mapping) else ""


def account_name(name: str) -> str:
    r"""Write an account one way, for a login says `user@domain` and a task's reason `DOMAIN\user`."""
    domain, backslash, user = name.lower().partition("\\")
    return f"{user}@{domain}" if backslash else domain


def entity_of(info: Reading) -> Ref | None:
    """Give the entity that a TaskInfo names."""
    return as_ref(info.get("entity"))
