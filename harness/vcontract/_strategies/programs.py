"""Programs: long sequences of moves, each drawn whole by walking the model; nothing is executed meanwhile.

A program is drawn as bytes, three a move; which move they stand for depends on the model's state and on what was seen
least, never on the target.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec
from hypothesis import strategies as st
from msgspec.structs import replace

from vcontract._contract import OK, Contract
from vcontract._model import BY_NAME, DEVIATIONS, EFFECTS, Asked, State, cell_of, deviations_of, expect, settle, settled
from vcontract._model.cells import VALID, shown
from vcontract._model.followed_task import KINDS
from vcontract._model.moves import MOVES
from vcontract._model.state import ABORT, CUSTOMIZE, EXCLUSIVE, NETWORK
from vcontract._strategies.changes import CAST, CHANGES, DISTURB, ON_HOST, PLAIN, ModelVm, able, changed
from vcontract._strategies.pool import draw

LENGTH = 120
"""How many moves are drawn for a program; awaiting what still runs may add one."""
SCENE = 3
"""How many moves are made beside running work before it is awaited."""
MOST = 5
"""How many VMs a program may have."""
SNAPSHOT = MOVES["snapshot"].method
OTHER, OPEN, ENDED = "otherSession", "openSession", "endedSession"
INPUTS = frozenset(deviation.name for deviation in DEVIATIONS if deviation.asked)
"""The deviations of a call, by name."""
PAST = 2
"""How many moves on a VM before the next one count as its past."""
T = TypeVar("T")
_BYTES = 3
_APART = 2**20  # the distance between the programs of two seeds
_STAY = 12
_WAY_BACK = {"powerOn": 8, "restoreEngine": 8, "hostBack": 8, "destroy": 1}
_OFTEN = 1000
_CELL = 2  # a new cell weighs more than a new way to a known one


class Move(msgspec.Struct, frozen=True):
    """One step of a program.

    `do` is call, begin (a call whose task is left to run), end (what runs is awaited) or a change: powerOff, suspend,
    powerOn, reset, resetHastily (nobody waits for Tools), a lever, hostLost, hostBack, snapshot, revert, fork, destroy, cancel,
    logIn, logOut. `vm` is the VM's place in the program. `input` is `valid`, a deviation of the call, or the session that
    makes it. `ready`: the model has its Tools running, so they are awaited. `beside`: other work of the program runs.
    """

    do: str
    vm: int = 0
    method: str = ""
    input: str = VALID
    ready: bool = False
    beside: bool = False


class Offer(msgspec.Struct, frozen=True):
    """What a target offers to programs: kinds of VM, levers, and the methods to call with what a call may have wrong."""

    kinds: tuple[str, ...]
    levers: frozenset[str]
    inputs: dict[str, tuple[str, ...]]


@dataclass
class Seen:
    """How often each cell was visited (deviations of the state, method, what is wrong with the call), and after which past."""

    cells: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    paths: Counter[tuple[tuple[str, ...], str]] = field(default_factory=Counter)


class Program(msgspec.Struct, frozen=True):
    """The kinds of the VMs with which it begins, and its moves in order."""

    cast: tuple[str, ...]
    moves: tuple[Move, ...]


def programs(contract: Contract, offer: Offer, seen: Seen, seed: int, count: int) -> Iterator[Program]:
    """Draw so many programs, each biased towards what `seen` has least; `seen` counts what each would visit.

    The same seed draws the same programs, whatever the target answers and however many are wanted.
    """
    size = _BYTES * LENGTH
    strategy = st.binary(
        min_size=size, max_size=size
    )  # bytes are one draw; integers would be one draw each, biased to small ones
    for number in range(count):
        drawn = draw(strategy, seed * _APART + number, 2)[-1]  # the first example is the simplest one, all zeros
        yield Walk(contract, offer, seen).program(drawn)


@dataclass
class _Dice:
    """Makes a sequence of weighted picks from a single number in [0, 1)."""

    left: float

    def pick(self, weights: Mapping[T, int]) -> T:
        """Pick a key; each weight is positive."""
        place = self.left * sum(weights.values())
        for key, weight in weights.items():
            if place < weight:
                self.left = place / weight
                return key
            place -= weight
        return next(reversed(list(weights)))


@dataclass
class Walk:
    """A walk through the model; every precondition is read from it."""

    contract: Contract
    offer: Offer
    seen: Seen
    vms: list[ModelVm] = field(default_factory=list)
    running: dict[int, str] = field(default_factory=dict)
    beside: int = 0
    leaver: str = ""
    last: int = 0

    def program(self, drawn: bytes) -> Program:
        """Decode the bytes into a program."""
        parts = [drawn[start : start + _BYTES] for start in range(0, len(drawn), _BYTES)]
        dice = [_Dice(int.from_bytes(part) / 256 ** len(part)) for part in parts]
        others = {kind: 1 for kind in self.offer.kinds if kind != PLAIN} or {PLAIN: 1}
        cast = (PLAIN, PLAIN, dice[0].pick(others))
        self.vms = [ModelVm(CAST[kind], kind) for kind in cast]
        moves = [self._move(die) for die in dice[1:]]
        if self.running:
            moves.append(self._made(Move("end")))
        return Program(cast, tuple(moves))

    def _move(self, dice: _Dice) -> Move:
        """Pick a move that the model allows, and apply it to the model."""
        near = set(self.running) or set(range(len(self.vms)))
        far = set(range(len(self.vms))) - near
        index = dice.pick({vm: self._pull(vm) for vm in sorted(near)})
        group = dice.pick(self._groups(self.vms[index].state))
        if group == "end":
            return self._made(Move("end"))
        makers = {"begin": self._begins, "change": self._changes, "disturb": self._disturbances}
        able = makers.get(group, self._calls)(index)
        if group == "elsewhere" and far:
            index = dice.pick(dict.fromkeys(sorted(far), 1))
            able = {**self._calls(index), **self._begins(index), **self._changes(index)}
        return self._made(dice.pick(self._weighed(able or self._calls(index))))

    def _groups(self, state: State) -> dict[str, int]:
        """Weigh the groups of moves for the next one: a VM that can do little is more often changed than called."""
        if self.running:
            return {"end": 1} if self.beside >= SCENE else {"call": 30, "disturb": 30, "elsewhere": 15, "end": 25}
        if state.tools_up:
            return {"call": 55, "begin": 20, "change": 25}
        return {"call": 40, "change": 60}

    def _pull(self, index: int) -> int:
        """Weigh a VM for the next move; the VM of the last move weighs most, so that much happens to the same VM."""
        return (_STAY if index == self.last else 3) if self.vms[index].state.exists else 1

    def _weighed(self, able: Mapping[Move, int]) -> dict[Move, int]:
        """Raise the weight of each move by how rarely the cell that it visits was seen."""
        return {move: share * self._novelty(move) for move, share in able.items()}

    def _novelty(self, move: Move) -> int:
        """Compute how rarely a move was seen: by its cell, and by its cell together with the past of its VM."""
        cell_, path = self.seen.cells[self._visits(move)], self.seen.paths[self.vms[move.vm].past, _name(move)]
        return 1 + _CELL * _OFTEN // (1 + cell_) + _OFTEN // (1 + path)

    def _visits(self, move: Move) -> tuple[str, str, str]:
        """Name the cell that a call visits, or the state to which a change leads."""
        vm = self.vms[move.vm]
        if move.method:
            return "+".join(shown(vm.state)), move.method, move.input
        after = changed(move.do, vm).state if move.do in CHANGES else vm.state
        return "+".join(shown(after)), "", move.do

    def _calls(self, index: int) -> dict[Move, int]:
        """Weigh the calls that may be made on a VM; valid ones lead to new states, so they weigh more."""
        sessions = [OTHER, *([self.leaver] if self.leaver else [])]
        weights = {}
        for method, names in self.offer.inputs.items():
            for name in (VALID, *sessions, *names):
                move = Move("call", index, method, name)
                again = 3 if _name(move) in self.vms[index].past[-1:] else 1
                weights[move] = _share(name) * again * (3 if self._moves_on(move) else 1)
        return weights

    def _moves_on(self, move: Move) -> bool:
        """Whether a call certainly succeeds and leads to another state, in which every later answer may differ."""
        state = self.vms[move.vm].state
        if move.input in INPUTS or move.input == ENDED or not self._succeeds(state, asked_of(self.contract, move)):
            return False
        return shown(_effect(self.contract, move.method, state)) != shown(state)

    def _begins(self, index: int) -> dict[Move, int]:
        """Weigh the tasks that may be begun on a VM and left running: calls that must be accepted, and a snapshot."""
        vm = self.vms[index]
        weights = {
            Move("begin", index, method.name, name): 2
            for method in self.contract.methods
            if method.name in KINDS and self._succeeds(vm.state, Asked(method.name))
            for name in (VALID, OTHER, *([OPEN] if self.leaver == OPEN else []))
        }
        if vm.state.tools_up and vm.state.tools == "ready" and not vm.state.running:
            weights[Move("begin", index, SNAPSHOT)] = 2
        return weights

    def _changes(self, index: int) -> dict[Move, int]:
        """Weigh the changes of a VM, and of the session that logs in and out."""
        vm = self.vms[index]
        weights = {Move(name, index): _WAY_BACK.get(name, 2) for name in CHANGES if self._may(name) and able(name, vm)}
        if vm.state.tools == "stopped" and Move("reset", index) in weights:
            weights[Move("reset", index)] = _WAY_BACK["powerOn"]
        return weights | {Move("logOut" if self.leaver == OPEN else "logIn", index): 1}

    def _disturbances(self, index: int) -> dict[Move, int]:
        """Weigh what may happen to a VM while its task runs; beside an exclusive VM task nothing may."""
        vm = self.vms[index]
        if vm.state.running == EXCLUSIVE:
            return {}
        weights = {Move(name, index): 2 for name in DISTURB if self._may(name) and able(name, vm)}
        if vm.state.running:
            weights[Move("cancel", index)] = 1
            weights |= {Move("call", index, call): 4 for call in self.offer.inputs if KINDS.get(call) == ABORT}
        return weights | ({Move("logOut", index): 1} if self.leaver == OPEN else {})

    def _may(self, name: str) -> bool:
        """Whether the target and the other VMs allow a change."""
        if name == "destroy":
            return sum(vm.state.exists for vm in self.vms) > 2
        if name == "fork":
            return len(self.vms) < MOST
        return MOVES[name].lever in {"", *self.offer.levers}

    def _succeeds(self, state: State, asked: Asked) -> bool:
        return settled(expect([state], asked, self.contract)) == {OK}

    def _made(self, move: Move) -> Move:
        """Apply a move to the model; return it with `ready` and `beside` filled in."""
        vm = self.vms[move.vm]
        ready = vm.state.reachable and vm.state.tools == "ready"
        made = replace(move, ready=ready, beside=bool(self.running) and move.do != "end")
        self._note(move)
        self.beside += bool(self.running)
        if vm.state.tools == "starting":  # a moment later they are up
            vm.state = replace(vm.state, tools="ready")
        if move.do in CHANGES:
            self._change(move.do, move.vm)
        elif move.do in {"logIn", "logOut"}:
            self.leaver = OPEN if move.do == "logIn" else ENDED
        elif move.do != "cancel":
            {"call": self._call, "begin": self._begin, "end": self._end}[move.do](move)
        return made

    def _note(self, move: Move) -> None:
        vm = self.vms[move.vm]
        if move.do != "end":
            self.seen.cells[self._visits(move)] += 1
            self.seen.paths[vm.past, _name(move)] += 1
            vm.past = (*vm.past, _name(move))[-PAST:]
            self.last = move.vm

    def _change(self, name: str, index: int) -> None:
        vm = self.vms[index]
        if name == "fork":
            lost = vm.state.orphaned or vm.state.running == CUSTOMIZE
            self.vms.append(ModelVm(replace(vm.state, running="", orphaned=lost), vm.kind, vm.quiet, past=vm.past))
        elif name in {"hostLost", "hostBack"}:
            for machine in self.vms:
                if machine.kind == ON_HOST and machine.state.exists:
                    machine.state = changed(name, machine).state
        else:
            self.vms[index] = changed(name, vm)

    def _begin(self, move: Move) -> None:
        vm = self.vms[move.vm]
        if move.method == SNAPSHOT:
            vm.kept = vm.state, vm.quiet
        vm.state = replace(vm.state, running=KINDS.get(move.method, EXCLUSIVE))
        self.running[move.vm] = move.method

    def _call(self, move: Move) -> None:
        vm = self.vms[move.vm]
        if move.input == ENDED:
            return
        if self._succeeds(vm.state, asked_of(self.contract, move)):
            vm.state = _effect(self.contract, move.method, vm.state)
        elif move.input == VALID and KINDS.get(move.method) == ABORT and vm.state.running in {CUSTOMIZE, NETWORK}:
            vm.state = replace(_effect(self.contract, move.method, vm.state), running=ABORT)

    def _end(self, _: Move) -> None:
        for index, method in self.running.items():
            vm = self.vms[index]
            if vm.state.running and vm.state.running == KINDS.get(method):
                vm.state = _effect(self.contract, method, vm.state)
            vm.state = replace(vm.state, running="")
        self.running.clear()
        self.beside = 0


def _share(name: str) -> int:
    """Weigh an input: `valid` most, inputs whose answer depends on no state least."""
    if name == VALID:
        return 24
    asked = BY_NAME[name].asked if name in INPUTS else {}
    return 5 if "login" in asked else 3 if "spec" in asked or name not in INPUTS else 1


def _name(move: Move) -> str:
    return f"{move.method}:{move.input}" if move.method else move.do


def asked_of(contract: Contract, move: Move) -> Asked:
    """Build the oracle's view of the call of a move, without the session that it uses."""
    return cell_of(contract, move.method, [move.input] if move.input in INPUTS else []).asked


def inputs(contract: Contract, method: str) -> tuple[str, ...]:
    """List the deviations that a call of a method may have."""
    return tuple(
        deviation.name for deviation in deviations_of(contract, contract.method(method)) if deviation.name in INPUTS
    )


def visits(cells: Iterable[tuple[State, Asked, Sequence[str]]]) -> Seen:
    """Count what was exercised already: states, calls, and the names of their deviations."""
    return Seen(
        Counter(
            ("+".join(shown(state)), asked.method, "+".join(name for name in names if name in INPUTS) or VALID)
            for state, asked, names in cells
        )
    )


def _effect(contract: Contract, method: str, state: State) -> State:
    return settle(replace(EFFECTS[contract.method(method).effect](state), running="", task=""))
