"""Exercises one cell: arranges it, makes the call, and reads what a verdict needs."""

from __future__ import annotations

from collections.abc import Callable

from harness.model import Asked, Cell, State
from harness.run.arrange import Arranger
from harness.run.stage import FULL, NotArrangedError, Stage
from harness.strategies import Caller
from harness.terms import Faulted, Operation, Ref, Returned, as_ref

MID = (
    "midPowerOff",
    "midSuspend",
    "midReset",
    "midToolsStop",
    "midHostLost",
    "midGone",
    "midCancel",
    "midAbort",
    "midLogout",
    "midEngineCrash",
)
"""What is done to a VM while the task of a valid call runs."""


class Exerciser:
    """Makes the judged call of a cell and sees it through to its end."""

    def __init__(self, stage: Stage, caller: Caller, arranger: Arranger) -> None:
        self.stage, self.caller, self.arranger = stage, caller, arranger

    def exercise(self, cell: Cell, label: str) -> None:
        """Exercise a cell under a label; the judge hears everything. Raises NotArrangedError."""
        self.stage.enter(label)
        vm = self.arranger.bring(cell)
        beside = [
            life.ref for life in self.stage.tracker.tasks.values() if vm and life.vm == vm.value and not life.final
        ]
        if vm is not None and not beside and cell.state.exists:
            self.stage.read_vm(vm)
        self.caller.facts = self.stage.facts
        self._judged(cell, vm, beside)

    def _judged(self, cell: Cell, vm: Ref | None, beside: list[Ref]) -> None:
        call = self.caller.call(cell.asked, vm)
        for task in beside:
            self.stage.running(task)
        done = self.stage.target.send(call, "judge")
        for task in beside:
            self.stage.read_task(task)
        self._named_task(done)
        if (own := _task(done)) is not None:
            self.stage.follow(own, call.actor)
        for other in beside:
            self.arranger.note_snapshots([self.stage.read_task(each) for each in self._finish(other)])
        if vm is not None:
            self.stage.read_vm(vm)
            self._new_tasks(done, vm)

    def _finish(self, task: Ref) -> list[Ref]:
        self.stage.follow(task)
        return [task]

    def _named_task(self, done: Operation) -> None:
        """Read the task that a TaskInProgress names, so that it can be judged."""
        if isinstance(done.outcome, Faulted):
            named = as_ref(done.outcome.fault.fields.get("task"))
            if named is not None and named.value not in self.stage.tracker.tasks:
                self.stage.read_task(named)

    def _new_tasks(self, done: Operation, vm: Ref) -> None:
        """After a refusal, read every task of the VM that no call of ours was given (promise F1)."""
        reading = self.stage.tracker.readings.get(vm.value)
        if isinstance(done.outcome, Faulted) and reading:
            for each in reading.get("recentTask") or ():
                ref = as_ref(each)
                if ref is not None and ref.value not in self.stage.tracker.tasks:
                    self.stage.read_task(ref)

    def disturbed(self, method: str, what: str, label: str) -> None:
        """Make a valid call and disturb the VM while its task runs. Raises NotArrangedError."""
        self.stage.enter(label)
        base = Cell(label, method, (), State(), Asked(method))
        vm = (
            self.arranger.clone().ref if what == "midGone" else self.arranger.bring(base, on_host=what == "midHostLost")
        )
        if vm is None:
            raise NotArrangedError("no VM")
        self.stage.read_vm(vm)
        self.caller.facts = self.stage.facts
        actor = "leaver" if what == "midLogout" else FULL
        call = self.caller.call(base.asked, vm)
        if what == "midLogout":
            call = type(call)(call.object, call.method, call.payload, actor)
        done = self.stage.target.send(call, "judge")
        task = _task(done)
        if task is not None:
            self.stage.until("the running task", lambda: self.stage.running(task))
            self._do(what, vm, task, actor)
            self.stage.follow(task)
        self._put_back(what, vm)

    def _do(self, what: str, vm: Ref, task: Ref, actor: str) -> None:
        facts = self.stage.facts.vms[vm.value]
        actions: dict[str, Callable[[], object]] = {
            "midPowerOff": lambda: self.stage.done(vm, "PowerOffVM_Task"),
            "midSuspend": lambda: self.stage.done(vm, "SuspendVM_Task"),
            "midReset": lambda: self.stage.done(vm, "ResetVM_Task"),
            "midToolsStop": lambda: self.stage.pull(vm, "stopTools"),
            "midEngineCrash": lambda: self.stage.pull(vm, "crashEngine"),
            "midHostLost": lambda: self.stage.done(Ref("HostSystem", facts.host), "DisconnectHost_Task"),
            "midGone": lambda: self.arranger.destroy(vm),
            "midCancel": lambda: self.stage.call(task, "CancelTask", {}),
            "midAbort": lambda: self.arranger.abort(vm),
            "midLogout": lambda: self.stage.target.logout(actor),
        }
        try:
            actions[what]()
        except NotArrangedError:
            self.stage.read_vm(vm)  # refused, e.g. TaskInProgress: then nothing happened in mid-task

    def _put_back(self, what: str, vm: Ref) -> None:
        if what == "midHostLost":
            self.arranger.reconnect(self.stage.facts.vms[vm.value].host)
        self.stage.read_vm(vm)


def _task(done: Operation) -> Ref | None:
    ref = as_ref(done.outcome.value) if isinstance(done.outcome, Returned) else None
    return ref if ref is not None and ref.type == "Task" else None
