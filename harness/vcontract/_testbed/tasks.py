"""Reads tasks, and follows them to their ends."""

from __future__ import annotations

from collections.abc import Mapping

from vcontract._client.properties import read
from vcontract._client.tasks import FINAL, GOING, follow, info
from vcontract._model import TASK_PATHS, Tracker
from vcontract._terms import Json, Operation, Ref
from vcontract._testbed.access import Access
from vcontract._testbed.actors import FULL
from vcontract._testbed.not_arranged import NotArrangedError, RefusedError
from vcontract._testbed.waiting import Waiting


class Tasks:
    """Reads tasks; one that does not end within the limit of the facts puts its VM into quarantine.

    `ended` are the tasks of others that were read ended. All methods raise what Access raises.
    """

    def __init__(self, access: Access, tracker: Tracker, waiting: Waiting) -> None:
        self.ended: set[str] = set()
        self._access, self._tracker, self._waiting = access, tracker, waiting
        self._limit = tracker.facts.task_wait

    def read(self, task: Ref, actor: str = FULL) -> dict[str, Json]:
        """Read a task's info; empty if it could not be read."""
        vm = self._vm_of(task)
        self._access.check(vm)
        self._access.look_at(task)
        return info(self._access.heard(read(self._access.target, actor, task, TASK_PATHS), vm))

    def look(self, task: Ref) -> dict[str, Json]:
        """Give a task's info; it is read again unless that would tell nothing new."""
        life = self._tracker.tasks.get(task.value)
        if life is None or not life.reads or not self._access.tells_nothing_new(life.reads[-1][0]):
            return self.read(task)
        self._access.look_at(task)
        return dict(life.reads[-1][1] or {})

    def running(self, task: Ref) -> bool:
        """Whether a task runs as one looks; NotArrangedError if it has already ended, or cannot be read."""
        told = self.look(task)
        state = told.get("state")
        if state is None:
            raise NotArrangedError(f"{task.value} cannot be read")
        if state == "error":
            raise _refused(told)
        if state == "success":
            raise NotArrangedError(f"{told.get('name', task.value)} ended before it was seen running")
        return bool(state == "running")

    def result(self, task: Ref, actor: str = FULL) -> Json:
        """Wait for a task and give its result. Raises NotArrangedError if it ends in error or not in time."""
        reads = self.follow(task, actor)
        last = info(reads[-1]) if reads else {}
        if last.get("state") == "success":
            return last.get("result")
        if last.get("state") == "error":
            raise _refused(last)
        raise NotArrangedError(f"{last.get('name', task.value)}: no end in time")

    def follow(self, task: Ref, actor: str = FULL) -> list[Operation]:
        """Read a task until it is final or the limit passes, each time that the server tells of its end, else now and then."""
        life = self._tracker.tasks.get(task.value)
        clock = self._access.target.recorder
        method = life.accepted.call.method if life else ""
        begun = life.accepted.end if life else clock.now()
        self._access.check(self._vm_of(task))
        # one that was read ended is read once more: if it runs again it is broken, and waiting would tell no more
        limit = min(self._limit, self._waiting.left) if life is None or life.final is None else 0.0
        looks = self._waiting.looks(clock.now() + limit)

        def rest(pause: float) -> None:
            shown = info(clock.operations[-1]).get("state")
            if shown in GOING:
                worth = FINAL | {"queued"} if shown == "running" else FINAL  # what ran and is queued again is read, too
                self._access.look_at(task)
                looks.rest(lambda news: news.get(task.value, {}).get("info.state") in worth)
            else:  # it was not read, or shows a state that no task has: nobody tells of that
                clock.sleep(pause)

        known = life.reads[-1][0] if life is not None and life.reads else None
        known = known if known is not None and self._access.tells_nothing_new(known) else None
        reads = follow(self._access.target, actor, task, deadline_seconds=limit, sleep=rest, known=known)
        self._access.heard(reads[-1], self._vm_of(task))
        if life and limit == self._limit and info(reads[-1]).get("state") in {"queued", "running"}:
            vms = self._tracker.facts.vms
            name = vms[life.vm].name if life.vm in vms else life.vm
            never = "" if method in self._waiting.patience.slowest else method
            self._access.quarantine.stuck_task(life.vm, name, f"its {method} did not end within {limit:g} s", never)
        if life and info(reads[-1]).get("state") == "success":
            self._waiting.patience.took(method, "", reads[-1].end - begun)
        return reads

    def _vm_of(self, task: Ref) -> str:
        life = self._tracker.tasks.get(task.value)
        return life.vm if life else ""


def _refused(told: Mapping[str, Json]) -> RefusedError:
    error = told.get("error") or {}
    return RefusedError(f"the target refuses {told.get('name')}: {error.get('fault', {}).get('_typeName')}")
