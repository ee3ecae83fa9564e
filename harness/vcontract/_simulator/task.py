"""Tasks: each runs one operation, by agenda entries that take it from queued through running to its end."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pyVmomi import VmomiSupport, vim, vmodl

from vcontract._simulator.data_objects import make
from vcontract._simulator.messages import describe
from vcontract._simulator.objects import Invocation, ManagedObject
from vcontract._simulator.times.timing import TASK_REPORT

if TYPE_CHECKING:
    from collections.abc import Callable

    from vcontract._simulator.task_manager import Tasks
    from vcontract._simulator.timeline import Handle

_LOG = logging.getLogger(__name__)
_STATE = vim.TaskInfo.State
_PROGRESS = (0.25, 0.5, 0.75)


@dataclass(frozen=True)
class Plan:
    """What a task will do: see `Tasks.start`."""

    name: str
    description_id: str
    duration: float
    body: Callable[[], Any]
    on_start: Callable[[], None] | None = None
    cancelable: bool = False
    on_cancel: Callable[[], None] | None = None
    check: Callable[[], None] | None = None


class Task(ManagedObject):
    """A vim.Task: `state` is queued, running, then success or error for good.

    `TaskInfo` fields and their meaning are those of the vSphere Web Services API; times are UTC with microseconds.
    """

    vmodl_type = vim.Task

    def __init__(self, tasks: Tasks, moid: str, call: Invocation, entity: ManagedObject, plan: Plan) -> None:
        super().__init__(tasks.vcenter, moid)
        self._tasks = tasks
        self.plan = plan
        self.entity = entity
        self.entity_name: str | None = entity.property("name")
        self.user = call.session.account.user_name if call.session else ""
        self.state = _STATE.queued
        self.cancelled = False
        self.error: vmodl.MethodFault | None = None
        self.result: Any = None
        self.progress: int | None = None
        self.queue_time = self.vcenter.timeline.datetime()
        self.start_time: Any = None
        self.complete_time: Any = None
        self.event_chain_id = tasks.next_chain()
        self.followers: list[Task] = []
        self._agenda: list[Handle] = []
        self._done = False

    @property
    def over(self) -> bool:
        """Whether nothing of this task will ever change again."""
        return self.final

    @property
    def runs(self) -> bool:
        """Whether the task is at work."""
        return self.start_time is not None and not self.final

    @property
    def final(self) -> bool:
        """Whether the task has ended; it never leaves such a state."""
        return self.state in {_STATE.success, _STATE.error}

    def enqueue(self) -> None:
        """Let the task turn running at the next tick of the timeline."""
        self._agenda.append(self.vcenter.timeline.after(0.0, self._run))

    def fail(self, fault: vmodl.MethodFault) -> None:
        """End the task in error now, whatever its body would have done; no effect on one whose body has acted."""
        if not self._done:
            self._finish(error=fault)

    def put_off(self, seconds: float) -> None:
        """Let a running task end `seconds` from now, and report no progress until then."""
        for handle in self._agenda:
            handle.cancel()
        self._agenda = [self.vcenter.timeline.after(seconds, self._complete)]

    def _run(self) -> None:
        self.start_time = self.vcenter.timeline.datetime()
        for step in (self.plan.check, self._mark_running, self.plan.on_start):
            if step is not None and not self.final:
                self._guarded(step)
        if self.final:
            return
        after = self.vcenter.timeline.after
        for share in _PROGRESS:
            self._agenda.append(after(self.plan.duration * share, lambda share=share: self._report(int(share * 100))))  # type: ignore[misc] # mypy cannot type a lambda's default
        self._agenda.append(after(self.plan.duration, self._complete))

    def _mark_running(self) -> None:
        self.state = _STATE.running
        self._report(0)

    def _report(self, progress: int) -> None:
        self.progress = progress
        self.changed()

    def _complete(self) -> None:
        self._tasks.executing = self
        try:
            result = self._guarded(self.plan.body)
        finally:
            self._tasks.executing = None
        if self.final:
            return
        self._done, self.complete_time = True, self.vcenter.timeline.datetime()
        shown = result.ref if isinstance(result, ManagedObject) else result
        late = self.vcenter.timing.late(TASK_REPORT, self.entity.moid)
        if late:  # nobody may begin before the end is shown: the same server tells of it and admits others
            self.vcenter.timeline.after(late, lambda: self._finish(result=shown))
        else:
            self._finish(result=shown)

    def _guarded(self, step: Callable[[], Any]) -> Any:
        try:
            return step()
        except vmodl.MethodFault as fault:
            self._finish(error=fault)
        except Exception as mistake:  # noqa: BLE001 - our own mistake must end the task as a fault, and reach the log
            _LOG.exception("task %s (%s) broke", self.moid, self.plan.name)
            self._finish(error=vmodl.fault.SystemError(reason=type(mistake).__name__))
        return None

    def _finish(self, result: Any = None, error: vmodl.MethodFault | None = None) -> None:
        if self.final:
            return
        for handle in self._agenda:
            handle.cancel()
        self.state = _STATE.success if error is None else _STATE.error
        self.result, self.error, self.progress = result, error, None
        self.complete_time = self.complete_time or self.vcenter.timeline.datetime()
        # The history keeps this task, and must not keep all objects alive that its callbacks refer to.
        self.plan = replace(self.plan, body=_nothing, on_start=None, on_cancel=None, check=None)
        self.changed()
        for follower in self.followers:
            follower.enqueue()
        self._tasks.finished(self)

    def get_info(self) -> vim.TaskInfo:
        """Give the task's TaskInfo as it is now."""
        error = self.error
        if error is not None and not error.msg:
            error.msg = describe(error)
        return make(
            vim.TaskInfo,
            key=self.moid,
            task=self.ref,
            name=VmomiSupport.GetWsdlMethod("urn:vim25", self.plan.name),
            descriptionId=self.plan.description_id,
            entity=self.entity.ref,
            entityName=self.entity_name,
            state=self.state,
            cancelled=self.cancelled,
            cancelable=self.plan.cancelable,
            error=error,
            result=self.result,
            progress=self.progress,
            reason=make(vim.TaskReasonUser, userName=self.user),
            queueTime=self.queue_time,
            startTime=self.start_time,
            completeTime=self.complete_time,
            eventChainId=self.event_chain_id,
        )

    def CancelTask(self, call: Invocation) -> None:
        """End the task in RequestCanceled; NotSupported if it is not cancelable, InvalidState if it is over."""
        account = call.session.account if call.session else None
        if account is None or (account.user_name != self.user and not account.holds("Global.CancelTask")):
            raise vim.fault.NoPermission(object=self.ref, privilegeId="Global.CancelTask")
        if self.final or self._done or self.cancelled:
            raise vim.fault.InvalidState
        if not self.plan.cancelable:
            raise vmodl.fault.NotSupported
        self.cancelled = True
        if self.plan.on_cancel is not None:
            self._guarded(self.plan.on_cancel)
        self._finish(error=vmodl.fault.RequestCanceled())


def _nothing() -> None:
    """Do nothing, in place of the callbacks of a task that has ended."""
