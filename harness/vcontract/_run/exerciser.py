"""Exercises one cell: arranges it, makes the call, and reads what a verdict needs."""

from __future__ import annotations

from contextlib import suppress

from vcontract._check import ABORTS
from vcontract._contract import Contract
from vcontract._model import Asked, Cell, passes
from vcontract._model.labels import Label
from vcontract._model.moves import DISTURBANCES, Move, On
from vcontract._strategies.case import Case
from vcontract._terms import Faulted, Operation, Ref, Returned
from vcontract._testbed import (
    FULL,
    LEAVER,
    Lane,
    NotArrangedError,
    judged_call,
    perform,
    read_new_tasks,
    repeat_refused,
    sandwiched,
    settled,
    task_of,
    unfinished,
)


def disturbances(contract: Contract, method: str) -> tuple[str, ...]:
    """List what can be done to a VM while a method's task runs, where the contract says what may come of it."""
    if not contract.method(method).has_task:
        return ()
    spoken = {name for situation in contract.situations if situation.permitted(method) for name in situation.when}
    return tuple(name for name, move in DISTURBANCES.items() if move.happens in spoken)


class Exerciser:
    """Makes the judged call of a cell and sees it through to its end.

    `shared` is the VM on which work was left running for the next cell; `arrangements` counts the states arranged for cells.
    """

    def __init__(self, lane: Lane) -> None:
        self.driver, self.caller, self.lane = lane.driver, lane.caller, lane
        self.shared: Ref | None = None
        self._block = ""
        self.arrangements = 0

    def exercise(self, cell: Cell, label: str, *, keep: bool = False) -> None:
        """Exercise a cell under a label; the judge hears everything. Raises NotArrangedError.

        With `keep`, what runs on the VM is left running if the call was refused, for the next cell; both are of one block.
        """
        if self.shared is not None and not self.lane.arranger.runs(self.shared, cell.state):
            self.rest()
        if self.shared is None:
            self._block = label if keep else ""
        self.driver.enter(label, self._block)
        before = self.lane.arranger.arranged
        vm = self.shared or self.lane.arranger.bring(cell)
        self.arrangements += self.lane.arranger.arranged - before
        beside = unfinished(self.driver, vm)
        if vm is not None and not beside:
            self.driver.look(vm)
        with self.caller.drawing_for(Label.parse(label).step):
            call = self.caller.call(cell.asked, vm, self.driver.facts.vms)
        done = sandwiched(self.driver, call, beside)
        stood = self._stood(cell, vm, beside, done)
        self.shared = vm if keep and beside and isinstance(done.outcome, Faulted) else None
        if self.shared is None:
            settled(self.driver, done, vm, beside)
            repeat_refused(self.driver)
            self._note_snapshots(beside)
        self.lane.arranger.leave(None if beside else vm)
        if not stood:
            raise NotArrangedError("the state had passed before the call was answered")

    def count_from(self, arrangements: int) -> None:
        """Go on counting from those of a run that was cut."""
        self.arrangements = arrangements

    def rest(self) -> None:
        """See what was left running to its end, so that its block is over."""
        if self.shared is not None:
            vm, self.shared = self.shared, None
            tasks = unfinished(self.driver, vm)
            for task in tasks:
                self.driver.tasks.follow(task)
            self.driver.look(vm)
            read_new_tasks(self.driver, vm)
            self._note_snapshots(tasks)

    def end(self) -> None:
        """See all tasks to their ends, where the run ends in the middle of a step: what that has called is judged too."""
        self.rest()
        for life in [life for life in self.driver.tracker.tasks.values() if not life.over]:
            if self.driver.quarantine.chosen(life.vm):
                self.driver.tasks.follow(life.ref)

    def _note_snapshots(self, tasks: list[Ref]) -> None:
        finals = [self.driver.tracker.tasks[task.value].final for task in tasks]
        self.lane.snapshots.note([final[1] for final in finals if final is not None])

    def _stood(self, cell: Cell, vm: Ref | None, beside: list[Ref], done: Operation) -> bool:
        """Whether a state that passes by itself was still there when the call had been answered.

        Work that was read running, and is over once a call was accepted, was cut by the call.
        """
        if vm is None or not passes(cell.state):
            return True
        if cell.state.tools == "starting":
            self.driver.look(vm)
            if any(state.tools != "starting" for state in self.driver.states(vm)):
                return False
        lives = (self.driver.tracker.tasks[task.value] for task in beside)
        return isinstance(done.outcome, Returned) or all(not life.over for life in lives)

    def given(self, case: Case, label: str) -> None:
        """Make a call as a case of the input says, to a VM that is ready for it. Raises NotArrangedError, LookupError."""
        self.driver.enter(label)
        base = Cell(label, case.method, (), self.lane.usual(case.method), Asked(case.method))
        vm = self.lane.arranger.bring(base, nics=case.nics)
        if vm is None:
            raise NotArrangedError("no VM")
        self.driver.look(vm)
        with self.caller.drawing_for(Label.parse(label).step):
            call = self.caller.broken(case, case.method, vm, self.driver.facts.vms)
        judged_call(self.driver, call, vm, [])
        self.lane.arranger.leave(vm)

    def disturbed(self, method: str, what: str, label: str) -> None:
        """Make a valid call and disturb the VM while its task runs. Raises NotArrangedError."""
        self.driver.enter(label)
        base = Cell(label, method, (), self.lane.usual(method), Asked(method))
        arranger, move = self.lane.arranger, DISTURBANCES[what]
        vm = arranger.clone().ref if move.ends_vm else arranger.bring(base, on_host=move.on is On.HOST)
        if vm is None:
            raise NotArrangedError("no VM")
        self.driver.look(vm)
        actor = LEAVER if move.on is On.SESSION else FULL
        with self.caller.drawing_for(Label.parse(label).step):
            call = self.caller.call(base.asked, vm, self.driver.facts.vms)
        if move.on is On.SESSION:
            self.driver.log_in(actor)
            call = type(call)(call.object, call.method, call.payload, actor)
        done = self.driver.send_judged(call)
        task = task_of(done)
        if task is not None:
            self.driver.wait.until("the running task", lambda: self.driver.tasks.running(task))
            self._disturb(move, vm, task, actor)
            self.driver.tasks.follow(task)
        if move.on is On.HOST:
            perform(self.lane, move.undone_by, vm)
        self.driver.look(vm)
        repeat_refused(self.driver)

    def _disturb(self, move: Move, vm: Ref, task: Ref, actor: str) -> None:
        try:
            if move.name == "abort":
                self._abort(vm, task)
            else:
                perform(self.lane, move.name, vm, task=task, actor=actor)
        except NotArrangedError:
            self.driver.look(vm)  # refused, e.g. TaskInProgress: then nothing happened in mid-task

    def _abort(self, vm: Ref, task: Ref) -> None:
        """Abort what runs, in spaced tries while it runs on (oracle promise F5). Raises NotArrangedError when it is over."""
        for _ in range(ABORTS):
            with suppress(NotArrangedError):
                perform(self.lane, "abort", vm)
            self.driver.wait.until("the running task", lambda: self.driver.tasks.running(task))
            self.driver.target.recorder.sleep(self.driver.facts.publish)
