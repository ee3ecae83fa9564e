"""Walks a plan without a target: where each VM stands before each step, which moves that takes, and what the step costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from msgspec.structs import replace

from vcontract._contract import OK, Contract
from vcontract._model import Asked, Cell, State, VmFacts, changes, ground, passes, refused, step
from vcontract._model.followed_task import KINDS
from vcontract._model.moves import DISTURBANCES, MOVES, On
from vcontract._model.state import CUSTOMIZE, EXCLUSIVE, HOST_LOST, SUSPENDED
from vcontract._run.estimates import cost
from vcontract._run.estimates.cost import MAYBE, ONE, Cost, Range, sends
from vcontract._run.estimates.moves import cost_of_move, cost_of_moves, moves_between
from vcontract._run.plan import Step
from vcontract._run.preludes import SHOWN_BY, THEN_BOOT, THEN_START, THEN_START_TWO, ends_in_a_boot
from vcontract._run.step_runner import TRIES
from vcontract._strategies.calls import Caller
from vcontract._strategies.case import AS_IS, UNSETTLED
from vcontract._testbed import NotArrangedError

_METHODS = {kind: method for method, kind in KINDS.items()}
_CLONE = ("fork",)
_AWAY = ("powerOff", "destroy")
_PASTS: dict[str, tuple[str, ...]] = {
    "afterCustomize": ("valid",),
    "twice": ("valid",),
    "afterSuspend": ("suspend", "powerOn"),
    "afterRevert": ("snapshot", "revert", "removeSnapshot"),
    "afterOrphanAbort": ("abort",),
    "afterCutBoot": ("customize", "abort", "reset"),
    "onClone": (*_CLONE, *_AWAY),
    "otherSession": (),
    "endedSession": ("logIn", "logOut"),
    "beside": ("customize",),
    THEN_START: ("valid",),
    THEN_START_TWO: ("valid",),
    THEN_BOOT: ("shutDownGuest", "powerOn"),
}
"""What a call with a past takes beside itself; `valid` is another valid call."""
_BESIDE, _ABORTS = 4, 3
_OVER = 0.5
"""Of the cells that a boot is to serve, at most every other one finds it over: a boot takes far longer than a call."""
Choose = Callable[[State, bool, int], VmFacts]


def wanted(step: Step, caller: Caller) -> tuple[State, bool, int]:
    """Say which VM a step asks the lane for: its state, whether on a host that may be lost, and how many NICs (0: any)."""
    if step.cell is not None:
        return (step.cell.state if step.cell.state.exists else State()), False, 0
    start = caller.start(step.method)
    if step.case is not None:
        return start, False, step.case.nics
    if step.prior:
        return (
            State(orphaned=True) if step.prior == "afterOrphanAbort" else start,
            False,
            2 * (step.prior in {"onTwoNics", THEN_START_TWO}),
        )
    return start, DISTURBANCES[step.disturb].on is On.HOST, 0


class Walk:
    """Goes through steps in their order; `moves` counts by method what arranges states, `judged` what is judged, by VM.

    `choose` gives the VM for a state, as the lane does. Nothing is sent.
    """

    def __init__(self, contract: Contract, caller: Caller, choose: Choose) -> None:
        self.moves: Counter[str] = Counter()
        self.judged: dict[str, Counter[str]] = {}
        self.states: dict[str, State] = {}
        self._contract, self._caller, self._choose = contract, caller, choose
        self._standing: tuple[str, State] | None = None
        self._kept = self._gone = self._doubted = False
        self._watched = ""

    def cost_of(self, step: Step) -> Cost:
        """Take a step; gives what it costs."""
        state, on_host, nics = wanted(step, self._caller)
        name = "none"
        with suppress(NotArrangedError):
            name = self._choose(state, on_host, nics).name
        self.judged.setdefault(name, Counter())[step.cell.method if step.cell is not None else step.method] += 1
        if step.cell is not None:
            return self._cell(step, step.cell, name)
        brought = self._moved(name, state)
        if step.case is not None:
            self._standing = (name, State())
            return brought + self._case(step)
        self._standing = None
        return brought + (self._past(step) if step.prior else self._disturbance(step, name))

    def restoring(self) -> Cost:
        """Say what it costs to make each VM ready again."""
        total = Cost()
        for name, state in self.states.items():
            total += self._moved(name, State(template=True, power="poweredOff") if state.template else State())
        return total

    def _cell(self, step: Step, cell: Cell, name: str) -> Cost:
        want = cell.state
        if not want.exists:
            self._standing, made = None, Cost() if self._gone else self._made((*_CLONE, *_AWAY))
            self._gone = True
            return made + cost.REFUSED
        if cell.asked.vm != "ok" and want == State():
            self._doubted = True  # no VM is looked at, so that the last one may not be known to stand
            return cost.UNSEEN
        shared, self._kept = self._kept, step.keep
        arranged = Cost()
        stands = self._standing == (name, ground(want))
        if stands and passes(want) and not want.running:  # a boot may be over by now, which then must begin anew
            self._standing = None
            arranged = self._arranged(name, want).times(0, _OVER)
        elif stands and self._doubted:
            arranged = sends(0, 1, arrangements=MAYBE)
        elif not shared and not stands:
            arranged = self._arranged(name, want)
            if self._work_refused(want):
                self._standing = None
                return replace(arranged.times(TRIES, TRIES), arrangements=Range())
        self._standing, self._doubted = None, False
        judged = cost.REFUSED if refused(cell, self._contract) else cost.OPEN
        judged += cost.FREED if self._may_leave_lock(cell) else Cost()
        if not want.running:
            if not changes(cell, self._contract):
                self._standing = (name, ground(want))
            return arranged + judged
        # what runs is read before and after the call, and followed to its end unless the next cell meets it too
        self.states[name] = want if want.running == EXCLUSIVE else replace(want, running="")
        return arranged + judged + sends(1, 2) + (Cost() if step.keep else cost.ENDED)

    def _may_leave_lock(self, cell: Cell) -> bool:
        """Whether a network start must end in an error here, maybe one after which its lock is left."""
        if self._contract.method(cell.method).effect != "networkStarted" or not cell.state.tools_up:
            return False
        branches = step(cell.state, cell.asked, self._contract)
        left = any(branch.after.orphaned > cell.state.orphaned for branch in branches)
        return left and all(branch.outcome != OK for branch in branches)

    def _arranged(self, name: str, want: State) -> Cost:
        """Bring a VM into the state of a cell, with the work that must run."""
        total = self._moved(name, want) + Cost(arrangements=ONE)
        if want.running == EXCLUSIVE:
            return total + self._made(("snapshot",), sends(2, 5))
        return total + (cost.BEGUN if want.running else Cost())

    def _work_refused(self, want: State) -> bool:
        """Whether the work that a state needs cannot be begun there, so that the step is given up after some tries."""
        if want.running == EXCLUSIVE:
            return want.connection in HOST_LOST
        if _METHODS.get(want.running) not in {method.name for method in self._contract.methods}:
            return False  # begun by a method of another contract, of which this one says nothing
        branches = step(replace(want, running="", task=""), Asked(_METHODS[want.running]), self._contract)
        return all(branch.outcome != OK for branch in branches)

    def _moved(self, name: str, want: State) -> Cost:
        """Bring a VM into a state, unless it stands in it."""
        if self._standing == (name, ground(want)):
            return Cost()
        now = self.states.get(name, State(template=want.template, power=want.power))
        moves = moves_between(now, want)
        self.states[name] = replace(want, running="")
        self.moves.update(MOVES[move].method for move in moves)
        other, self._watched = name != self._watched, name
        resumed = now.power == SUSPENDED and "powerOn" in moves  # its Tools need not be seen to go down and come up
        return cost_of_moves(moves) + (cost.WATCHED if other else Cost()) + Cost(reports=MAYBE if resumed else Range())

    def _made(self, moves: tuple[str, ...], price: Cost | None = None) -> Cost:
        """Make moves that bring no VM of the lane into a state."""
        self.moves.update(MOVES[move].method for move in moves)
        total = price or Cost()
        for move in moves if price is None else ():
            total += cost_of_move(move)
        return total

    def _case(self, step: Step) -> Cost:
        """Say what a call costs whose input is of one kind: broken inputs are refused, odd and legal ones are not."""
        assert step.case is not None  # as the caller saw
        if step.case.expects == UNSETTLED:
            return cost.OPEN
        if step.case.expects != AS_IS:
            return cost.REFUSED
        if self._contract.method(step.method).effect != "customized":
            return cost.OPEN if step.case.tier == "valid" else cost.ACCEPTED
        return cost.DOUBTFUL if step.case.tier == "semantic" else cost.CUSTOMIZED

    def _past(self, step: Step) -> Cost:
        """Say what a valid call costs with what comes before it, or beside it."""
        total = cost.LOOK_AGAIN
        for move in _PASTS.get(step.prior, ("valid",) * (step.method != MOVES["customize"].method)):
            total += cost.ACCEPTED if move == "valid" else self._made((move,))
        if step.prior == "beside" or (step.prior == "otherSession" and step.method == MOVES["abort"].method):
            begun = Cost() if step.prior == "beside" else cost.BEGUN
            return total + begun + sends(4, calls=ONE).times(1, _BESIDE) + cost.ENDED
        boots = ends_in_a_boot(self._contract, step.method, step.prior)
        if boots or step.prior in SHOWN_BY:
            show = ("shutDownGuest", "powerOn") if boots else ("startNetwork",)
            self.moves.update(MOVES[move].method for move in show)
            total += cost.SHOWN + (cost.OFF if boots else Cost())
        if boots and step.prior == "twice":
            total += cost.BOOT
        return total + (cost.REFUSED if step.prior == "endedSession" else cost.ACCEPTED)

    def _disturbance(self, step: Step, name: str) -> Cost:
        """Say what a valid call costs, and the move that is made while its task runs."""
        move = DISTURBANCES[step.disturb]
        total = self._made(("logIn",)) if move.on is On.SESSION else Cost()
        if move.ends_vm:
            return total + cost.BEGUN + self._made((*_CLONE, *_AWAY)) + cost.ENDED
        if move.name == "abort":
            tries = sends(2, 4, calls=ONE).times(1, _ABORTS)
            return total + cost.BEGUN + tries + cost.ENDED
        total += cost.BEGUN + self._made((move.name,)) + cost.ENDED
        if move.on is On.HOST:
            return total + self._made((move.undone_by,))
        self.states[name] = replace(move.follows(State(running=CUSTOMIZE)), running="")
        return total
