"""Exercises one cell: arranges it, makes the call, and reads what a verdict needs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from vcontract.check import ABORTS
from vcontract.contract import Contract
from vcontract.model import Asked, Cell, passes, read_of
from vcontract.strategies import Caller, Case
from vcontract.terms import Faulted, Operation, Ref, Returned
from vcontract.testbed.arranger import Arranger
from vcontract.testbed.driver import FULL, Driver, NotArrangedError
from vcontract.testbed.judged_call import judged_call, read_new_tasks, sandwiched, settled, task_of, unfinished

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
_HAPPENS = {
    "midPowerOff": "mid.power",
    "midSuspend": "mid.power",
    "midReset": "mid.power",
    "midToolsStop": "mid.tools",
    "midHostLost": "mid.host",
    "midGone": "mid.gone",
    "midCancel": "mid.cancel",
    "midAbort": "mid.abort",
    "midLogout": "mid.session",
    "midEngineCrash": "engine.unusable",
}


def disturbances(contract: Contract, method: str) -> tuple[str, ...]:
    """List what can be done to a VM while a method's task runs, where the contract says what may come of it."""
    if not contract.method(method).has_task:
        return ()
    spoken = {name for each in contract.situations if each.permitted(method) for name in each.when}
    return tuple(each for each in MID if _HAPPENS[each] in spoken)


class Exerciser:
    """Makes the judged call of a cell and sees it through to its end.

    `shared` is the VM on which work was left running for the next cell; `arrangements` counts the states arranged for cells.
    """

    def __init__(self, driver: Driver, caller: Caller, arranger: Arranger) -> None:
        self.driver, self.caller, self.arranger = driver, caller, arranger
        self.shared: Ref | None = None
        self._block = ""
        self.arrangements = 0

    def exercise(self, cell: Cell, label: str, *, keep: bool = False) -> None:
        """Exercise a cell under a label; the judge hears everything. Raises NotArrangedError.

        With `keep`, what runs on the VM is left running if the call was refused, for the next cell; both are of one block.
        """
        if self.shared is not None and not self.arranger.runs(self.shared, cell.state):
            self.rest()
        if self.shared is None:
            self._block = label if keep else ""
        self.driver.enter(label, self._block)
        before = self.arranger.arranged
        vm = self.shared or self.arranger.bring(cell)
        self.arrangements += self.arranger.arranged - before
        beside = unfinished(self.driver, vm)
        if vm is not None and not beside and not self._just_read(vm):
            self.driver.read_vm(vm)
        self.caller.facts = self.driver.facts
        done = sandwiched(self.driver, self.caller.call(cell.asked, vm), beside)
        stood = self._stood(cell, vm, beside, done)
        self.shared = vm if keep and beside and isinstance(done.outcome, Faulted) else None
        if self.shared is None:
            settled(self.driver, done, vm, beside)
            self._note_snapshots(beside)
        self.arranger.standing = vm.value if vm is not None and not beside else ""
        if not stood:
            raise NotArrangedError("the state had passed before the call was answered")

    def rest(self) -> None:
        """See what was left running to its end, so that its block is over."""
        if self.shared is not None:
            vm, self.shared = self.shared, None
            tasks = unfinished(self.driver, vm)
            for task in tasks:
                self.driver.follow(task)
            self.driver.read_vm(vm)
            read_new_tasks(self.driver, vm)
            self._note_snapshots(tasks)

    def end(self) -> None:
        """See all tasks to their ends, where the run ends in the middle of a step: what that has called is judged too."""
        self.rest()
        for life in [each for each in self.driver.tracker.tasks.values() if not each.over]:
            if self.driver.quarantine.chosen(life.vm):
                self.driver.follow(life.ref)

    def _note_snapshots(self, tasks: list[Ref]) -> None:
        finals = [self.driver.tracker.tasks[each.value].final for each in tasks]
        self.arranger.note_snapshots([final[1] for final in finals if final is not None])

    def _stood(self, cell: Cell, vm: Ref | None, beside: list[Ref], done: Operation) -> bool:
        """Whether a state that passes by itself was still there when the call had been answered.

        Work that was read running, and is over once a call was accepted, was cut by the call.
        """
        if vm is None or not passes(cell.state):
            return True
        if cell.state.tools == "starting":
            self.driver.read_vm(vm)
            if any(each.tools != "starting" for each in self.driver.states(vm)):
                return False
        lives = (self.driver.tracker.tasks[each.value] for each in beside)
        return isinstance(done.outcome, Returned) or all(not life.over for life in lives)

    def given(self, case: Case, label: str) -> None:
        """Make a call as a case of the input says, to a VM that is ready for it. Raises NotArrangedError, LookupError."""
        self.driver.enter(label)
        base = Cell(label, case.method, (), self.caller.start(case.method), Asked(case.method))
        vm = self.arranger.bring(base, nics=case.nics)
        if vm is None:
            raise NotArrangedError("no VM")
        if not self._just_read(vm):
            self.driver.read_vm(vm)
        self.caller.facts = self.driver.facts
        judged_call(self.driver, self.caller.broken(case, case.method, vm), vm, [])
        self.arranger.standing = vm.value

    def _just_read(self, vm: Ref) -> bool:
        """Whether the last operation was a read of the VM, so that another would tell nothing new."""
        last = read_of(self.driver.target.recorder.operations[-1])
        return last is not None and last[0] == vm

    def disturbed(self, method: str, what: str, label: str) -> None:
        """Make a valid call and disturb the VM while its task runs. Raises NotArrangedError."""
        self.driver.enter(label)
        base = Cell(label, method, (), self.caller.start(method), Asked(method))
        vm = (
            self.arranger.clone().ref if what == "midGone" else self.arranger.bring(base, on_host=what == "midHostLost")
        )
        if vm is None:
            raise NotArrangedError("no VM")
        self.driver.read_vm(vm)
        self.caller.facts = self.driver.facts
        actor = "leaver" if what == "midLogout" else FULL
        call = self.caller.call(base.asked, vm)
        if what == "midLogout":
            self.driver.log_in(actor)
            call = type(call)(call.object, call.method, call.payload, actor)
        done = self.driver.judged(call)
        task = task_of(done)
        if task is not None:
            self.driver.until("the running task", lambda: self.driver.running(task))
            self._do(what, vm, task, actor)
            self.driver.follow(task)
        self._put_back(what, vm)

    def _do(self, what: str, vm: Ref, task: Ref, actor: str) -> None:
        facts = self.driver.facts.vms[vm.value]
        actions: dict[str, Callable[[], object]] = {
            "midPowerOff": lambda: self.driver.done(vm, "PowerOffVM_Task"),
            "midSuspend": lambda: self.driver.done(vm, "SuspendVM_Task"),
            "midReset": lambda: self.driver.done(vm, "ResetVM_Task"),
            "midToolsStop": lambda: self.driver.pull(vm, "stopTools"),
            "midEngineCrash": lambda: self.driver.pull(vm, "crashEngine"),
            "midHostLost": lambda: self.driver.done(Ref("HostSystem", facts.host), "DisconnectHost_Task"),
            "midGone": lambda: self.arranger.destroy(vm),
            "midCancel": lambda: self.driver.call(task, "CancelTask", {}),
            "midAbort": lambda: self._abort(vm, task),
            "midLogout": lambda: self.driver.target.logout(actor),
        }
        try:
            actions[what]()
        except NotArrangedError:
            self.driver.read_vm(vm)  # refused, e.g. TaskInProgress: then nothing happened in mid-task

    def _abort(self, vm: Ref, task: Ref) -> None:
        """Abort what runs, in spaced tries while it runs on (promise F5). Raises NotArrangedError when it is over."""
        for _ in range(ABORTS):
            with suppress(NotArrangedError):
                self.arranger.abort(vm)
            self.driver.until("the running task", lambda: self.driver.running(task))
            self.driver.target.recorder.sleep(self.driver.facts.publish)

    def _put_back(self, what: str, vm: Ref) -> None:
        if what == "midHostLost":
            self.arranger.reconnect(self.driver.facts.vms[vm.value].host)
        self.driver.read_vm(vm)
