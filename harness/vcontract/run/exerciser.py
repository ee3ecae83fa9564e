"""Exercises one cell: arranges it, makes the call, and reads what a verdict needs."""

from __future__ import annotations

from contextlib import suppress

from vcontract.check import ABORTS
from vcontract.contract import Contract
from vcontract.model import Asked, Cell, passes, read_of
from vcontract.model.moves import DISTURBANCES, Move, On
from vcontract.strategies import Caller, Case
from vcontract.terms import Faulted, Operation, Ref, Returned
from vcontract.testbed.arranger import Arranger
from vcontract.testbed.driver import FULL, LEAVER, NotArrangedError, Stage
from vcontract.testbed.judged_call import judged_call, read_new_tasks, sandwiched, settled, task_of, unfinished
from vcontract.testbed.perform_move import perform


def disturbances(contract: Contract, method: str) -> tuple[str, ...]:
    """List what can be done to a VM while a method's task runs, where the contract says what may come of it."""
    if not contract.method(method).has_task:
        return ()
    spoken = {name for each in contract.situations if each.permitted(method) for name in each.when}
    return tuple(name for name, move in DISTURBANCES.items() if move.happens in spoken)


class Exerciser:
    """Makes the judged call of a cell and sees it through to its end.

    `shared` is the VM on which work was left running for the next cell; `arrangements` counts the states arranged for cells.
    """

    def __init__(self, stage: Stage, caller: Caller, arranger: Arranger) -> None:
        self.stage, self.caller, self.arranger = stage, caller, arranger
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
        self.stage.enter(label, self._block)
        before = self.arranger.arranged
        vm = self.shared or self.arranger.bring(cell)
        self.arrangements += self.arranger.arranged - before
        beside = unfinished(self.stage, vm)
        if vm is not None and not beside and not self._just_read(vm):
            self.stage.read_vm(vm)
        self.caller.facts = self.stage.facts
        done = sandwiched(self.stage, self.caller.call(cell.asked, vm), beside)
        stood = self._stood(cell, vm, beside, done)
        self.shared = vm if keep and beside and isinstance(done.outcome, Faulted) else None
        if self.shared is None:
            settled(self.stage, done, vm, beside)
            self._note_snapshots(beside)
        self.arranger.standing = vm.value if vm is not None and not beside else ""
        if not stood:
            raise NotArrangedError("the state had passed before the call was answered")

    def rest(self) -> None:
        """See what was left running to its end, so that its block is over."""
        if self.shared is not None:
            vm, self.shared = self.shared, None
            tasks = unfinished(self.stage, vm)
            for task in tasks:
                self.stage.follow(task)
            self.stage.read_vm(vm)
            read_new_tasks(self.stage, vm)
            self._note_snapshots(tasks)

    def end(self) -> None:
        """See all tasks to their ends, where the run ends in the middle of a step: what that has called is judged too."""
        self.rest()
        for life in [each for each in self.stage.tracker.tasks.values() if not each.over]:
            if self.stage.aside.chosen(life.vm):
                self.stage.follow(life.ref)

    def _note_snapshots(self, tasks: list[Ref]) -> None:
        finals = [self.stage.tracker.tasks[each.value].final for each in tasks]
        self.arranger.note_snapshots([final[1] for final in finals if final is not None])

    def _stood(self, cell: Cell, vm: Ref | None, beside: list[Ref], done: Operation) -> bool:
        """Whether a state that passes by itself was still there when the call had been answered.

        Work that was read running, and is over once a call was accepted, was cut by the call.
        """
        if vm is None or not passes(cell.state):
            return True
        if cell.state.tools == "starting":
            self.stage.read_vm(vm)
            if any(each.tools != "starting" for each in self.stage.states(vm)):
                return False
        lives = (self.stage.tracker.tasks[each.value] for each in beside)
        return isinstance(done.outcome, Returned) or all(not life.over for life in lives)

    def given(self, case: Case, label: str) -> None:
        """Make a call as a case of the input says, to a VM that is ready for it. Raises NotArrangedError, LookupError."""
        self.stage.enter(label)
        base = Cell(label, case.method, (), self.caller.start(case.method), Asked(case.method))
        vm = self.arranger.bring(base, nics=case.nics)
        if vm is None:
            raise NotArrangedError("no VM")
        if not self._just_read(vm):
            self.stage.read_vm(vm)
        self.caller.facts = self.stage.facts
        judged_call(self.stage, self.caller.broken(case, case.method, vm), vm, [])
        self.arranger.standing = vm.value

    def _just_read(self, vm: Ref) -> bool:
        """Whether the last operation was a read of the VM, so that another would tell nothing new."""
        last = read_of(self.stage.target.recorder.operations[-1])
        return last is not None and last[0] == vm

    def disturbed(self, method: str, what: str, label: str) -> None:
        """Make a valid call and disturb the VM while its task runs. Raises NotArrangedError."""
        self.stage.enter(label)
        base = Cell(label, method, (), self.caller.start(method), Asked(method))
        move = DISTURBANCES[what]
        vm = self.arranger.clone().ref if move.ends_vm else self.arranger.bring(base, on_host=move.on is On.HOST)
        if vm is None:
            raise NotArrangedError("no VM")
        self.stage.read_vm(vm)
        self.caller.facts = self.stage.facts
        actor = LEAVER if move.on is On.SESSION else FULL
        call = self.caller.call(base.asked, vm)
        if move.on is On.SESSION:
            self.stage.log_in(actor)
            call = type(call)(call.object, call.method, call.payload, actor)
        done = self.stage.judged(call)
        task = task_of(done)
        if task is not None:
            self.stage.until("the running task", lambda: self.stage.running(task))
            self._disturb(move, vm, task, actor)
            self.stage.follow(task)
        if move.on is On.HOST:
            perform(self.arranger, move.undone_by, vm)
        self.stage.read_vm(vm)

    def _disturb(self, move: Move, vm: Ref, task: Ref, actor: str) -> None:
        try:
            if "abort" in move.mid:
                self._abort(vm, task)
            else:
                perform(self.arranger, move.name, vm, task=task, actor=actor)
        except NotArrangedError:
            self.stage.read_vm(vm)  # refused, e.g. TaskInProgress: then nothing happened in mid-task

    def _abort(self, vm: Ref, task: Ref) -> None:
        """Abort what runs, in spaced tries while it runs on (oracle promise F5). Raises NotArrangedError when it is over."""
        for _ in range(ABORTS):
            with suppress(NotArrangedError):
                perform(self.arranger, "abort", vm)
            self.stage.until("the running task", lambda: self.stage.running(task))
            self.stage.target.recorder.sleep(self.stage.facts.publish)
