"""Builds a machine from a contract and an alphabet: what a sequence of judged calls and arranging moves may do to a VM.

Each input is followed to its end, so nothing runs when the next one is made. The state is a VM of `vcontract._model.state`
without the network, on which no expectation depends; a machine state is the set of such states that the answers so far leave
possible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec
from msgspec.structs import replace

from vcontract._contract import OK, Contract
from vcontract._errors import UsageError
from vcontract._model.cells import BY_NAME, VALID, cell_of, deviations_of
from vcontract._model.expect import expect
from vcontract._model.moves import MOVES
from vcontract._model.state import ON, Asked, State, settle
from vcontract._model.step import step
from vcontract._model.suite import MealyMachine
from vcontract._terms import Grade

DONE = "done"
"""The answer to a move; the contract does not judge moves."""
BEFORE, SPEC = "before", "spec"
"""Which host name the guest has: as after the reset, or as the specification has it."""
States = frozenset[State]


def _up(state: State) -> bool:
    return state.power == ON and state.tools == "ready"


def _surely_boots(state: State) -> bool:
    """Whether the state after a boot is certain: no source says whether a boot frees an orphaned lock."""
    return not state.orphaned


ARRANGING: dict[str, Callable[[State], bool]] = {
    "powerOn": lambda _: True,
    "powerOff": _surely_boots,
    "suspend": _up,
    "reset": _surely_boots,
    "stopTools": _up,
    "orphanLock": _up,
    "removeEngine": _up,
    "breakEngine": _up,
    "restoreEngine": _up,
}
"""The moves that may come between judged calls, each followed to its end. The predicate says, beside what the catalogue
requires, when the move leads to exactly one state."""
ALIASES = {
    "poweredOff": "powerOff",
    "suspended": "suspend",
    "toolsStopped": "stopTools",
    "orphanedLock": "orphanLock",
    "engineAbsent": "removeEngine",
    "engineBroken": "breakEngine",
}
"""Deviations of the state, and the moves that bring them about."""
DEFAULT = (VALID, "loginRejected", "powerOn", "powerOff", "suspend", "reset", "orphanLock")
"""What a proof is about unless it is said; the deviation is one of the first method alone."""


class Alphabet(msgspec.Struct, frozen=True):
    """The inputs of a machine: judged calls by the id of their cell, and the names of moves."""

    calls: dict[str, Asked]
    moves: tuple[str, ...]

    @property
    def inputs(self) -> tuple[str, ...]:
        """All names, the calls first."""
        return (*self.calls, *self.moves)


def alphabet(contract: Contract, names: Sequence[str], methods: Sequence[str]) -> Alphabet:
    """Read the names of an alphabet; none means the default one.

    A name is `valid`, a deviation of the call (`loginRejected`, two joined by `+`) for every chosen method that can have it,
    the same of one method (`CustomizeGuest_Task:loginRejected`), a move, or a deviation of the state that a move brings about.
    Raises UsageError for any other, with those that there are.
    """
    chosen = [method.name for method in contract.methods if not methods or method.name in methods]
    calls: dict[str, Asked] = {}
    moves: set[str] = set()
    for name in names or (DEFAULT[0], f"{chosen[0]}:{DEFAULT[1]}", *DEFAULT[2:]):
        if (move := ALIASES.get(name, name)) in ARRANGING:
            moves.add(move)
            continue
        method, _, deviations = name.rpartition(":")
        for method_name in [contract.method(method).name] if method else chosen:
            if (asked := _asked(contract, method_name, deviations)) is not None:
                calls[f"{method_name}:{deviations}"] = asked
    if not calls:
        raise UsageError(
            f"--alphabet {' '.join(names)}: no call of {', '.join(chosen)} is in it, so nothing can be judged"
        )
    return Alphabet(calls, tuple(move for move in ARRANGING if move in moves))


def _asked(contract: Contract, method: str, deviations: str) -> Asked | None:
    """Give the call of a method with the named deviations; None if it has not the parameter that one is about."""
    parts = [] if deviations == VALID else deviations.split("+")
    able = {name: deviation for name, deviation in BY_NAME.items() if deviation.asked and not deviation.state}
    for name in parts:
        if name not in able:
            raise UsageError(f"--alphabet {name}: unknown; known are {', '.join([VALID, *able, *ARRANGING, *ALIASES])}")
    possible = {deviation.name for deviation in deviations_of(contract, contract.method(method))}
    return cell_of(contract, method, parts).asked if possible >= set(parts) else None


class Spoken(msgspec.Struct, frozen=True):
    """A machine with its meaning: `states[n]` are the VM states that are possible in machine state n."""

    machine: MealyMachine
    states: tuple[States, ...]

    def name(self, state: int) -> str:
        """Describe a machine state in words."""
        return " or ".join(sorted({_named(possible) for possible in self.states[state]}))


def spoken(contract: Contract, vocabulary: Alphabet) -> Spoken:
    """Build the machine of an alphabet: from a ready VM with a free lock, every input and every permitted answer.

    A refused call leaves the state unchanged. The contract promises that for the fault of a call (F1). After a fault that ends
    the task of a customization the lock may stay behind (F3); then the run says that nothing is proved.
    """
    known = {frozenset({State()}): 0}
    moves: list[dict[str, dict[str, int]]] = []
    unsettled: set[tuple[int, str, str]] = set()
    while len(moves) < len(known):
        here, states = len(moves), list(known)[len(moves)]
        moves.append({})
        for name in vocabulary.inputs:
            for outcome, (after, doubtful) in _answers(contract, vocabulary, name, states).items():
                text = answer(outcome, shown(after))
                moves[here].setdefault(name, {})[text] = known.setdefault(after, len(known))
                if doubtful:
                    unsettled.add((here, name, text))
    return Spoken(MealyMachine(tuple(moves), tuple(map(shown, known)), frozenset(unsettled)), tuple(known))


def _answers(contract: Contract, vocabulary: Alphabet, name: str, states: States) -> dict[str, tuple[States, bool]]:
    """Give the outcomes that an input may have, each with the states that it leads to and whether it is unsettled."""
    if name not in vocabulary.calls:
        move, sure = MOVES[name], ARRANGING[name]
        ends = frozenset(settle(move.follows(state)) for state in states)
        return {DONE: (ends, False)} if all(move.made(state) and sure(state) for state in states) else {}
    asked = vocabulary.calls[name]
    allowed = expect(states, asked, contract).allowed
    ends_of: dict[str, set[State]] = {}
    for state in states:
        for branch in step(state, asked, contract):
            after = branch.after if branch.outcome == OK else state
            ends_of.setdefault(branch.outcome, set()).add(replace(after, network=State().network))
    return {
        outcome: (frozenset(after), allowed[outcome].grade is Grade.UNSETTLED) for outcome, after in ends_of.items()
    }


def shown(states: Iterable[State], guest: str = "") -> str:
    """Write what a read shows of a VM: its power, its Tools and, where Tools are up, whose host name the guest has.

    `guest` is that if it was read; else it is as the states, which all show the same, have it.
    """
    state = next(iter(states))
    return _power_and_tools(state) + (f", name {guest or state.guest}" if _up(state) else "")


def is_shown(state: State, view: str) -> bool:
    """Whether power and Tools of a state are as a view has them, whatever the name of the host."""
    return view.startswith(_power_and_tools(state))


def _power_and_tools(state: State) -> str:
    return f"{state.power}, Tools {state.tools}"


def answer(outcome: str, view: str) -> str:
    """Write an outcome together with what is read after it."""
    return f"{outcome}: {view}"


def _named(state: State) -> str:
    plain = State()
    parts = [value for value, usual in ((state.power, plain.power), (state.guest, plain.guest)) if value != usual]
    parts += [f"Tools {state.tools}"] if state.power == ON and state.tools != plain.tools else []
    parts += [f"engine {state.engine}"] if state.engine != plain.engine else []
    parts += ["orphaned lock"] if state.orphaned else []
    return ", ".join(parts).replace(SPEC, "customized") or "ready"
