"""The tasks of a vCenter: it starts them, drops completed ones, and shows them in the TaskManager."""

from __future__ import annotations

import itertools
from collections import deque
from typing import TYPE_CHECKING, Any

from pyVmomi import vim, vmodl

from vcontract._simulator.objects import Invocation, ManagedObject
from vcontract._simulator.task import Plan, Task
from vcontract._simulator.task_history_collector import TaskHistoryCollector

if TYPE_CHECKING:
    from collections.abc import Callable

    from vcontract._simulator.timeline import Handle
    from vcontract._simulator.vcenter import VCenter

_HISTORY = 10_000
_MAX_COLLECTOR = 32
_METHOD_TEXTS = {
    "vm.GuestCustomizationManager.customize": "Customize guest",
    "vm.GuestCustomizationManager.startNetwork": "Start guest network",
    "vm.GuestCustomizationManager.abortCustomization": "Abort guest customization",
}


class Tasks:
    """Starts tasks, and drops completed ones as real servers do: after some time, beyond a number, with their object."""

    def __init__(self, vcenter: VCenter) -> None:
        self.vcenter = vcenter
        self.history: deque[Task] = deque(maxlen=_HISTORY)
        self.executing: Task | None = None
        self._retained: dict[str, Task] = {}
        self._done: deque[Task] = deque()
        self._expiry: Handle | None = None
        self._chains = itertools.count(1)

    def start(  # noqa: PLR0913 - the callers give each by name, and most are left out
        self,
        call: Invocation,
        entity: ManagedObject,
        *,
        name: str,
        description_id: str,
        body: Callable[[], Any],
        duration: float | None = None,
        on_start: Callable[[], None] | None = None,
        cancelable: bool = False,
        on_cancel: Callable[[], None] | None = None,
        check: Callable[[], None] | None = None,
        after: Task | None = None,
    ) -> Task:
        """Create a task in state queued; it turns running at the next tick, or when `after` has ended.

        `name` is the WSDL method, `duration` in seconds (None: the setting `task_time`). `check` is called before the
        task turns running, `on_start` after; after `duration`, `body`, whose value is the result. A pyVmomi fault
        raised by any of them ends the task in error. `on_cancel` is called before a cancelled task ends.
        """
        usual = self.vcenter.settings.task_time
        lasts = self.vcenter.timing.task(name, usual, whose=entity.moid) if duration is None else duration
        plan = Plan(name, description_id, lasts, body, on_start, cancelable, on_cancel, check)
        task = Task(self, self.vcenter.new_moid("task"), call, entity, plan)
        self._retained[task.moid] = task
        self.history.append(task)
        self.vcenter.registry.add(task)
        if after is None or after.final:
            task.enqueue()
        else:
            after.followers.append(task)
        self._announce(task)
        return task

    def next_chain(self) -> int:
        """Give the next event chain id."""
        return next(self._chains)

    def recent(self, entity: ManagedObject | None = None) -> list[Task]:
        """List the remembered tasks, oldest first; of one entity if given."""
        return [task for task in self._retained.values() if entity is None or task.entity is entity]

    def finished(self, task: Task) -> None:
        """Note that a task has ended, so that it may be dropped."""
        self._done.append(task)
        while len(self._done) > self.vcenter.settings.task_retention_count:
            self._forget(self._done[0])
        if self._expiry is None:
            self._arm()
        self._announce(task)

    def _arm(self) -> None:
        """Schedule the drop of the task that ended first, for the end of its time."""
        kept = self.vcenter.settings.task_retention_seconds
        now = self.vcenter.timeline.datetime()
        while self._done and (age := (now - self._done[0].complete_time).total_seconds()) >= kept:
            self._forget(self._done[0])
        self._expiry = self.vcenter.timeline.after(kept - age, self._arm) if self._done else None

    def entity_removed(self, entity: ManagedObject) -> None:
        """Drop the completed tasks of a removed object, and end its others, but not the one that removes it."""
        for task in self.recent(entity):
            if task is self.executing:
                continue
            task.fail(vmodl.fault.ManagedObjectNotFound(obj=entity.ref))
            self._forget(task)

    def _forget(self, task: Task) -> None:
        if self._retained.pop(task.moid, None) is not None:
            self._done.remove(task)
            self.vcenter.registry.remove(task.moid)
            self._announce(task)

    def _announce(self, task: Task) -> None:
        task.entity.changed()
        manager = self.vcenter.registry.find("TaskManager")
        if manager is not None:
            manager.changed()


class TaskManager(ManagedObject):
    """The vim.TaskManager: the recent tasks, and collectors over the history."""

    vmodl_type = vim.TaskManager

    def get_recentTask(self) -> list[Any]:
        """Give the references of all remembered tasks."""
        return [task.ref for task in self.vcenter.tasks.recent()]

    def get_description(self) -> vim.TaskDescription:
        """Give the texts of states and of the one reason that occurs; of the methods only those this project is about."""
        return vim.TaskDescription(
            methodInfo=[_described(key, text) for key, text in _METHOD_TEXTS.items()],
            state=[_described(state, state.capitalize()) for state in vim.TaskInfo.State.values],
            reason=[vim.TypeDescription(key=vim.TaskReasonUser, label="User", summary="Started by a user")],
        )

    def get_maxCollector(self) -> int:
        """Give the number of collectors that a session may have."""
        return _MAX_COLLECTOR

    def CreateCollectorForTasks(self, call: Invocation, filter: vim.TaskFilterSpec) -> Any:  # noqa: A002 - the WSDL's name
        """Create a TaskHistoryCollector for this session."""
        collector = TaskHistoryCollector(self.vcenter, self.vcenter.session_moid(call), filter)
        self.vcenter.sessions.own(call, collector)
        return collector.ref


def _described(key: str, text: str) -> vim.ElementDescription:
    return vim.ElementDescription(key=str(key), label=text, summary=text)
