"""What holds after a call (oracle promises F1 to F6): each check says what is broken as `FIELD: why`, or nothing.

FIELD is part of a finding's id, so it holds no value of a run.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from vcontract._check.tasklife import SLACK
from vcontract._model import TaskLife, Tracker, recent_tasks
from vcontract._terms import TIME, Faulted, Json, Operation, Ref, Returned, as_ref, moment, subject

ABORTS = 3
"""So many refused aborts in one run of a customization break F5."""
_TASK = "_task"
GHOST = "recentTask"
"""The field of a finding that a refused call has begun a task."""
Reading = Mapping[str, Json]


class Newcomers:
    """Tells whose the tasks are that come to a VM and that no call of ours was given (F1; oracle rule A5; oracle section D).

    A call of ours began one if its TaskInfo says so, by method, entity and user, where these are set, and by the moment of the
    server at which it was queued. Its clock may run ahead of ours between two answers of CurrentTime, and never falls behind.
    """

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._times: list[tuple[Operation, datetime]] = []

    def feed(self, operation: Operation) -> None:
        """Take an operation: what the server said its time was."""
        if operation.call.method == TIME and isinstance(operation.outcome, Returned):
            with suppress(ValueError):
                self._times.append((operation, moment(operation.outcome.value)))

    def settle(self) -> None:
        """Let go of all that the next cell does not need."""
        del self._times[:-1]

    def after_refusal(
        self, refused: Operation, before: Reading | None, after: Reading | None, infos: Mapping[str, Reading]
    ) -> list[str]:
        """F1: after a synchronous fault no task of ours is new on the VM. `infos` maps a task to its info as read since."""
        method, new = refused.call.method, self._new(before, after)
        ghosts = [task for task in new if task in infos and self._began(refused, infos[task])]
        return [f"{GHOST}: {task}, a {method}, is new although the call was refused" for task in ghosts]

    def foreign(
        self, block: Sequence[Operation], before: Reading | None, after: Reading | None, infos: Mapping[str, Reading]
    ) -> bool:
        """Whether a task is new on a VM that no call of the block can have begun without being given it.

        Then someone else was at work, perhaps by an account of ours: a refused call has begun none. Where nobody else is, a
        task that bears the name of our call is its, whoever the server says began it: govmomi's says `vcsim` of what methods
        without a task do.
        """
        ours = [each for each in block if each.purpose != "read" and not isinstance(each.outcome, Faulted)]
        new = self._new(before, after)
        alone = self._tracker.facts.alone
        return any(
            task not in infos or not any(self._began(each, infos[task], anybody=alone) for each in ours) for task in new
        )

    def in_the_way(self, refused: Operation, infos: Mapping[str, Reading]) -> bool:
        """Whether a refusal names a task that is there, on its VM, and that no call of ours was given: someone else's."""
        outcome = refused.outcome
        named = as_ref(outcome.fault.fields.get("task")) if isinstance(outcome, Faulted) else None
        if named is None or named.value in self._tracker.tasks or named.value not in infos:
            return False
        entity = entity_of(infos[named.value])
        return entity is not None and entity.value == subject(refused.call)

    def _new(self, before: Reading | None, after: Reading | None) -> list[str]:
        return [] if before is None or after is None else new_tasks(before, after, self._tracker.tasks)

    def _began(self, call: Operation, info: Reading, *, anybody: bool = False) -> bool:
        entity, account = entity_of(info), self._tracker.facts.sessions.get(call.call.actor, "")
        name = str(info.get("name") or str(info.get("descriptionId", "")).rpartition(".")[2]).lower()
        return (
            name.removesuffix(_TASK) == call.call.method.lower().removesuffix(_TASK)
            and (entity is None or entity.value == subject(call.call))
            and (anybody or _user(info) in {"", account_name(account)})
            and self._during(call, info.get("queueTime"))
        )

    def _during(self, call: Operation, queued: Json) -> bool:
        """Whether a moment of the server may lie within a call; not if it told no time before, or none after."""
        before = [(told, time) for told, time in self._times if told.end <= call.start]
        after = [(told, time) for told, time in self._times if told.start >= call.end]
        if not before or not after:
            return False
        (first, earlier), (last, later) = before[-1], after[0]
        earliest = earlier + timedelta(seconds=call.start - first.end - SLACK)
        latest = later - timedelta(seconds=last.start - call.end - SLACK)
        try:
            return earliest <= moment(queued) <= latest
        except ValueError:
            return False


def new_tasks(before: Reading, after: Reading, known: Container[str]) -> list[str]:
    """List the tasks that came to recentTask between two reads and are not known."""
    old = set(recent_tasks(before))
    return [task for task in recent_tasks(after) if task not in old and task not in known]


def infos_of(reads: Sequence[tuple[Operation, Ref, Reading | None]]) -> dict[str, Reading]:
    """Give the info of each task as it was read last."""
    return {
        ref.value: values["info"]
        for _, ref, values in reads
        if ref.type == "Task" and values and isinstance(values.get("info"), Mapping)
    }


def ended_before(refused: Operation, tracker: Tracker) -> frozenset[str]:
    """Name the task that a refusal names, if it had ended before the call."""
    outcome = refused.outcome
    named = as_ref(outcome.fault.fields.get("task")) if isinstance(outcome, Faulted) else None
    life = tracker.tasks.get(named.value) if named else None
    ended = life is not None and life.final is not None and life.final[0].end < refused.start
    return frozenset({life.ref.value} if ended and life is not None else ())


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
