"""TaskHistoryCollector: pages through all tasks that match a filter, also those that are no longer objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyVmomi import vim, vmodl

from vcontract._simulator.objects import Invocation, ManagedObject

if TYPE_CHECKING:
    from vcontract._simulator.task import Task
    from vcontract._simulator.vcenter import VCenter

_PAGE = 10
_MAX_PAGE = 1000
_TIMES = {"queuedTime": "queue_time", "startedTime": "start_time", "completedTime": "complete_time"}


class TaskHistoryCollector(ManagedObject):
    """A scrollable view over the task history, oldest first; its position starts before the oldest."""

    vmodl_type = vim.TaskHistoryCollector

    def __init__(self, vcenter: VCenter, moid: str, spec: vim.TaskFilterSpec) -> None:
        super().__init__(vcenter, moid)
        self.spec = spec
        self._page = _PAGE
        self._position: str | None = None  # the key of the task before the position; None: before the oldest

    def get_filter(self) -> vim.TaskFilterSpec:
        """Give the filter that the collector was made with."""
        return self.spec

    def get_latestPage(self) -> list[vim.TaskInfo]:
        """Give the newest tasks, at most a page of them, newest first."""
        return [task.get_info() for task in reversed(self._tasks()[-self._page :])]

    def ReadNextTasks(self, call: Invocation, maxCount: int) -> list[vim.TaskInfo]:  # noqa: ARG002 - every method gets the call
        """Give up to `maxCount` tasks newer than the position, oldest first, and move behind them."""
        tasks, here = self._located()
        page = tasks[here : here + _checked(maxCount)]
        if page:
            self._position = page[-1].moid
        return [task.get_info() for task in page]

    def ReadPreviousTasks(self, call: Invocation, maxCount: int) -> list[vim.TaskInfo]:  # noqa: ARG002 - every method gets the call
        """Give up to `maxCount` tasks older than the position, newest first, and move before them."""
        tasks, here = self._located()
        start = max(0, here - _checked(maxCount))
        self._position = tasks[start - 1].moid if start else None
        return [task.get_info() for task in reversed(tasks[start:here])]

    def RewindCollector(self, call: Invocation) -> None:  # noqa: ARG002 - every method gets the call
        """Move behind the newest task: ReadPreviousTasks then gives all, newest first."""
        tasks = self._tasks()
        self._position = tasks[-1].moid if tasks else None

    def ResetCollector(self, call: Invocation) -> None:  # noqa: ARG002 - every method gets the call
        """Move before the oldest task: ReadNextTasks then gives all, oldest first."""
        self._position = None

    def SetCollectorPageSize(self, call: Invocation, maxCount: int) -> None:  # noqa: ARG002 - every method gets the call
        """Set the size of `latestPage`."""
        self._page = _checked(maxCount)

    def DestroyCollector(self, call: Invocation) -> None:
        """End the collector; its reference is dead from now on."""
        self.vcenter.sessions.release(call, self)

    def _tasks(self) -> list[Task]:
        return [task for task in self.vcenter.tasks.history if _matches(self.spec, task)]

    def _located(self) -> tuple[list[Task], int]:
        tasks = self._tasks()
        keys = [task.moid for task in tasks]
        return tasks, keys.index(self._position) + 1 if self._position in keys else 0


def _checked(count: int) -> int:
    if not 0 < count <= _MAX_PAGE:
        raise vmodl.fault.InvalidArgument(invalidProperty="maxCount")
    return count


def _matches(spec: vim.TaskFilterSpec, task: Task) -> bool:
    wanted_users = spec.userName.userList if spec.userName and spec.userName.userList else None
    unsupported = (spec.alarm, spec.scheduledTask, spec.activationId, spec.tag, spec.parentTaskKey, spec.rootTaskKey)
    return (
        (spec.entity is None or _within(task.entity, spec.entity))
        and (spec.time is None or _in_time(spec.time, task))
        and (wanted_users is None or task.user in wanted_users)
        and (not spec.state or task.state in spec.state)
        and (not spec.eventChainId or task.event_chain_id in spec.eventChainId)
        and not any(unsupported)  # no task here was caused by any of these
    )


def _within(entity: ManagedObject, wanted: vim.TaskFilterSpec.ByEntity) -> bool:
    here: ManagedObject | None = entity
    depth = 0
    while here is not None:
        if here.moid == wanted.entity._moId:  # noqa: SLF001 - pyVmomi's only name for the moId
            return bool(wanted.recursion == "all" or (wanted.recursion == "self") == (depth == 0))
        parent = here.property("parent")
        here = None if parent is None else here.vcenter.registry.find(parent._moId)  # noqa: SLF001 - same
        depth += 1
    return False


def _in_time(wanted: vim.TaskFilterSpec.ByTime, task: Task) -> bool:
    moment: Any = getattr(task, _TIMES[wanted.timeType])
    return (
        moment is not None
        and (wanted.beginTime is None or moment >= wanted.beginTime)
        and (wanted.endTime is None or moment <= wanted.endTime)
    )
