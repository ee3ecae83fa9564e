"""Exploration: programs that were drawn whole are executed; what a move finds is recorded when it is seen."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress

from msgspec.structs import replace

from vcontract._check import Judge
from vcontract._errors import TargetError
from vcontract._model import VmFacts, cell_of, read_of
from vcontract._model.labels import Label, ProgramLabel
from vcontract._model.state import HOST_LOST
from vcontract._report.result import Explored
from vcontract._run.step_runner import TRIES
from vcontract._strategies.changes import CAST, ON_HOST
from vcontract._strategies.programs import (
    ENDED,
    OPEN,
    OTHER,
    SNAPSHOT,
    Move,
    Offer,
    Program,
    Seen,
    asked_of,
    inputs,
    programs,
)
from vcontract._terms import Call, Ref, Verdict
from vcontract._testbed import (
    FULL,
    LEAVER,
    SECOND,
    Lane,
    NotArrangedError,
    judged_call,
    perform,
    repeat_refused,
    still_running,
    task_of,
    unfinished,
)

_NUMBER = re.compile(r"\d+")
_ACTORS = {OTHER: SECOND, OPEN: LEAVER, ENDED: LEAVER}


class Explorer:
    """Executes programs on VMs of its own, cloned for each.

    `spent` says that the run has to end, `between` is called before each program.
    """

    def __init__(self, lane: Lane, spent: Callable[[], bool], between: Callable[[], None] = lambda: None) -> None:
        self.driver, self.caller, self.lane, self.spent = lane.driver, lane.caller, lane, spent
        self.between = between
        self.made = Explored()
        self._why: Counter[str] = Counter()
        self._parents = self._able()
        self._vms: list[VmFacts | None] = []
        self._open: list[tuple[Ref, str, Ref]] = []
        self._session = False

    def explore(
        self, methods: tuple[str, ...], seen: Seen, seed: int, count: int, before: frozenset[int]
    ) -> Generator[int, None, None]:
        """Draw and execute so many programs, but those made `before`; gives, after each move, how many there were.

        A program that shows a violation is made again until it was seen as often as the configuration wants.
        """
        contract, offer = self.caller.contract, self._offer(methods)
        for number, program in enumerate(programs(contract, offer, seen, seed, count)):
            if number in before:
                continue
            for again in range(1, self.driver.facts.confirm + 1):
                judged = len(self.driver.judge.judgements)
                self.between()
                try:
                    with self._staged(program, number):
                        yield from self._perform(program, number, again)
                except NotArrangedError as error:
                    self._leave_out(f"the VMs of program {number}", error, len(program.moves))
                if self.spent():
                    return
                if not violated(self.driver.judge, judged):
                    break

    def left_out(self) -> list[str]:
        """Say which moves turned out to be impossible, and why."""
        return [f"explored, left out: {why} ({count}x)" for why, count in self._why.most_common()]

    def _leave_out(self, what: str, why: Exception, moves: int = 1) -> None:
        self.made = replace(self.made, left_out=self.made.left_out + moves)
        self._why[f"{what}: {_NUMBER.sub('N', str(why))}"] += 1

    def _able(self) -> dict[str, VmFacts]:
        """Find a VM of each kind that can be cloned."""
        parents = {}
        for kind, state in CAST.items():
            with suppress(NotArrangedError):
                parents[kind] = self.lane.selection.choose(state, on_host=kind == ON_HOST)
        return parents

    def _offer(self, methods: tuple[str, ...]) -> Offer:
        """Say what the target offers to programs that call these methods."""
        levers = frozenset(lever.does for lever in self.driver.facts.levers)
        return Offer(tuple(self._parents), levers, {method: self._inputs(method) for method in methods})

    def _inputs(self, method: str) -> tuple[str, ...]:
        """List what a call may have wrong, as far as the accounts here and in the guest allow."""
        contract = self.caller.contract
        may = {guest.may_customize for guest in self.driver.facts.guests}
        possible = []
        for name in inputs(contract, method):
            if name == "loginMayNot" and False not in may:
                continue
            with suppress(LookupError):
                self.caller.actor(cell_of(contract, method, [name]).asked)
                possible.append(name)
        return tuple(possible)

    @contextmanager
    def _staged(self, program: Program, number: int) -> Iterator[None]:
        """Clone the VMs of a program; put everything away after it, however it ends."""
        self.driver.enter(str(ProgramLabel(number, "cast")))
        kept = len(self.lane.cloner.clones)
        try:
            self._vms = [self._clone(kind) for kind in program.cast]
            yield
        finally:
            self.driver.enter(str(ProgramLabel(number, "tidy")))
            self._open.clear()
            self._log_out()
            with suppress(NotArrangedError):
                self.lane.host.reconnect_all()
            for vm in reversed(self.lane.cloner.clones[kept:]):
                with suppress(NotArrangedError):  # what is still there is taken away at the end of the run
                    self.lane.cloner.destroy(vm)
            self.made = replace(self.made, programs=self.made.programs + 1)

    def _clone(self, kind: str) -> VmFacts:
        """Clone a VM of a kind, in a few tries: a server that soon forgets its tasks may not tell what one of them made."""
        for _ in range(TRIES - 1):
            with suppress(NotArrangedError):
                return self.lane.arranger.clone(self._parents[kind])
        return self.lane.arranger.clone(self._parents[kind])

    def _perform(self, program: Program, number: int, again: int) -> Generator[int, None, None]:
        """Make the moves; one that turns out to be impossible is left out."""
        for place, move in enumerate(program.moves):
            if self.spent():
                break
            if not self._open:
                what = f"{move.method}:{move.input}" if move.method else move.do
                self.driver.enter(str(Label(str(ProgramLabel(number, what, place))).tried(again)))
            try:
                with self.caller.drawing_for(f"{number}.{place}"):
                    self._make(move)
            except (NotArrangedError, LookupError, TargetError) as error:
                self._leave_out(move.method or move.do, error)
                with suppress(NotArrangedError):
                    repeat_refused(self.driver)
                if move.do == "fork":
                    self._vms.append(None)  # what comes after counts it
            else:
                self.made = replace(self.made, moves=self.made.moves + 1)
            yield self.made.moves + self.made.left_out
        self._end()

    def _make(self, move: Move) -> None:
        if move.do == "end":
            self._end()
            return
        vm = self._vms[move.vm]
        if vm is None:
            raise NotArrangedError("the clone that it is about was not made")
        self._look(vm, move)
        if move.do == "call":
            self._call(move, vm)
        elif move.do == "begin":
            self._begin(move, vm)
        else:
            self._change(move, vm)

    def _look(self, vm: VmFacts, move: Move) -> None:
        """Read the VM, until its Tools run if the model has them running and they still may come."""
        last = read_of(self.driver.target.recorder.operations[-1])
        if last is None or last[0] != vm.ref:
            self.driver.look(vm.ref)
        if move.ready:
            self.driver.wait.until("Tools", lambda: self._settled(vm), whose=vm.name)

    def _settled(self, vm: VmFacts, *tools: str) -> bool:
        """Whether Tools are as wanted (default: ready), or cannot become so."""
        now = next(iter(self.driver.states(vm.ref)))
        wanted = {"old", "never", *(tools or ("ready",))}
        if now.reachable and now.tools not in wanted:
            now = self.driver.now(vm)
        return not now.reachable or now.tools in wanted

    def _is_open(self, vm: VmFacts) -> bool:
        return any(on == vm.ref for _, _, on in self._open)

    def _drawn(self, move: Move, vm: VmFacts) -> Call:
        call = self.caller.call(asked_of(self.caller.contract, move), vm.ref, self.driver.facts.vms)
        return replace(call, actor=_ACTORS[move.input]) if move.input in _ACTORS else call

    def _call(self, move: Move, vm: VmFacts) -> None:
        """Make a judged call; beside work on the same VM it is not waited for."""
        call = self._drawn(move, vm)
        about = vm.ref if asked_of(self.caller.contract, move).vm == "ok" else None
        before = unfinished(self.driver, about)
        beside = still_running(self.driver, before)
        if beside != before:  # one has ended: what it left behind is not this call's doing
            self.driver.look(vm.ref)
        task = judged_call(self.driver, call, about, beside, settle=not (beside or self._is_open(vm)))
        if task is not None and (beside or self._is_open(vm)):
            self.driver.tasks.read(task, call.actor)
            self._open.append((task, call.actor, vm.ref))

    def _begin(self, move: Move, vm: VmFacts) -> None:
        """Begin work on a VM, and see it running."""
        if move.method == SNAPSHOT:
            task, actor = self.driver.begin(vm.ref, SNAPSHOT, self.driver.snapshot_arguments(memory=True)), FULL
        else:
            call = self._drawn(move, vm)
            task, actor = task_of(self.driver.send_judged(call)), call.actor
        if task is None:
            raise NotArrangedError(f"{move.method} was refused")
        self._open.append((task, actor, vm.ref))
        self.driver.wait.until("the running task", lambda: self.driver.tasks.running(task))

    def _end(self) -> None:
        """Await what runs, and look what became of the VMs."""
        for task, actor, _ in self._open:
            self.driver.tasks.follow(task, actor if actor in self.driver.facts.sessions else FULL)
        for vm in dict.fromkeys(on for _, _, on in self._open):
            self.driver.look(vm)
        self._open.clear()

    def _change(self, move: Move, vm: VmFacts) -> None:
        """Make a move of the catalogue, and see what is awaited of it come about."""
        if move.do == "logOut":
            self._log_out()
        else:
            task = next((task for task, _, on in self._open if on == vm.ref), None)
            made = perform(self.lane, move.do, vm.ref, task=task, actor=LEAVER)
            self._session = self._session or move.do == "logIn"
            self._vms += [made] if isinstance(made, VmFacts) else []
        wait, driver = self.driver.wait, self.driver
        if move.do == "hostLost":
            wait.until("the loss of the host", lambda: driver.now(vm).connection in HOST_LOST)
        elif move.do == "stopTools":
            wait.until("the stop of Tools", lambda: driver.now(vm).tools == "stopped", whose=vm.name)
        driver.look(vm.ref)
        if move.do == "resetHastily":  # as long as nothing is seen of them they may be taken for stopped
            wait.until("the start of Tools", lambda: self._settled(vm, "starting", "ready"), whose=vm.name)

    def _log_out(self) -> None:
        if self._session:
            self._session = False
            self.driver.target.logout(LEAVER)


def violated(judge: Judge, since: int = 0) -> bool:
    """Whether any judgement from the given place on is a violation."""
    return any(judgement.verdict is Verdict.VIOLATES for judgement in judge.judgements[since:])
