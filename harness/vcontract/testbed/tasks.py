"""Reads tasks, and follows them to their ends."""

from __future__ import annotations

from collections.abc import Mapping

from vcontract.client.properties import read
from vcontract.client.tasks import follow, info
from vcontract.model import TASK_PATHS, Tracker
from vcontract.terms import Json, Operation, Ref
from vcontract.testbed.access import Access
from vcontract.testbed.actors import FULL
from vcontract.testbed.not_arranged import NotArrangedError, RefusedError
from vcontract.testbed.waiting import Waiting

LONGEST = 5.0
"""The longest pause in seconds between two reads of a task."""
_LIMIT = 600.0
"""Seconds that a task may take where the configuration does not say."""


class Tasks:
    """Reads tasks; one that does not end within the limit of the facts puts its VM into quarantine.

    `ended` are the tasks of others that were read ended. All methods raise what Access raises.
    """

    def __init__(self, access: Access, tracker: Tracker, waiting: Waiting) -> None:
        self.ended: set[str] = set()
        self._access, self._tracker, self._waiting = access, tracker, waiting
        self._limit = tracker.facts.task_seconds or _LIMIT
        self._lasted: dict[str, float] = {}

    def read(self, task: Ref, actor: str = FULL) -> dict[str, Json]:
        """Read a task's info; empty if it could not be read."""
        vm = self._vm_of(task)
        self._access.check(vm)
        return info(self._access.heard(read(self._access.target, actor, task, TASK_PATHS), vm))

    def running(self, task: Ref) -> bool:
        """Whether a task is read running; NotArrangedError if it has already ended, or cannot be read."""
        told = self.read(task)
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
        """Read a task until it is final or the limit passes, first after what such tasks have lasted so far."""
        life = self._tracker.tasks.get(task.value)
        clock = self._access.target.recorder
        method = life.accepted.call.method if life else ""
        begun = life.accepted.end if life else clock.now()
        wait = self._lasted.get(method, 0.0) - (clock.now() - begun)
        self._access.check(self._vm_of(task))
        limit, wait = min(self._limit, self._waiting.left), max(0.0, min(wait, LONGEST))
        reads = follow(self._access.target, actor, task, deadline_seconds=limit, expected=wait)
        self._access.heard(reads[-1], self._vm_of(task))
        if life and limit == self._limit and info(reads[-1]).get("state") in {"queued", "running"}:
            vms = self._tracker.facts.vms
            name = vms[life.vm].name if life.vm in vms else life.vm
            self._access.quarantine.stuck_task(life.vm, name, f"its {method} did not end within {limit:g} s")
        if info(reads[-1]).get("state") == "success":
            # the shortest seen: a wait that is too long costs more than one more read, and would feed on itself
            lasted = reads[-1].end - begun
            self._lasted[method] = min(lasted, self._lasted.get(method, lasted))
        return reads

    def _vm_of(self, task: Ref) -> str:
        life = self._tracker.tasks.get(task.value)
        return life.vm if life else ""


def _refused(told: Mapping[str, Json]) -> RefusedError:
    error = told.get("error") or {}
    return RefusedError(f"the target refuses {told.get('name')}: {error.get('fault', {}).get('_typeName')}")
