"""Builds the Mealy machine that the contract's model has for an alphabet, and compares Mealy machines."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import msgspec
from msgspec.structs import replace

from vcontract._contract import OK, Contract
from vcontract._model.alphabet import Alphabet, shown
from vcontract._model.expect import expect
from vcontract._model.facts import Pinned
from vcontract._model.located import located
from vcontract._model.moves import MOVES
from vcontract._model.state import ON, Asked, State, settle
from vcontract._model.step import CALL, TASK, step
from vcontract._profile import SUCCESS, Automaton
from vcontract._terms import Grade

Word = tuple[str, ...]
DONE = "done"
"""The answer to a move that was made."""
_RANK = (Grade.CONFORMS, Grade.IMPRECISE, Grade.UNSETTLED)


def told(outcome: str, view: str) -> str:
    """Write the answer of an input: the outcome, and what a read shows after it."""
    return f"{outcome}; {view}"


class Fates(msgspec.Struct, frozen=True):
    """Hidden behaviour that no source settles: whether a boot keeps an orphaned lock, and whether a failed task leaves one."""

    kept: bool = False
    left: bool = False


def references(contract: Contract, alphabet: Alphabet, pinned: Pinned | None = None) -> tuple[Automaton, ...]:
    """Build the machines that a target might be, the likeliest first: one for each fate of the lock that makes a difference.

    Each gives the answer that a profile pins, or else the one that the model prefers: hypotheses to start from, no promises.
    """
    fates = [Fates(kept, left) for left in (False, True) for kept in (False, True)]
    machines: list[Automaton] = []
    for fate in fates:
        if (machine := _reference(contract, alphabet, pinned, fate)) not in machines:
            machines.append(machine)
    return tuple(machines)


def _reference(contract: Contract, alphabet: Alphabet, pinned: Pinned | None, fates: Fates) -> Automaton:
    states = {_Place(State()): 0}
    moves: list[dict[str, tuple[str, int]]] = []
    while len(moves) < len(states):
        place = list(states)[len(moves)]
        here = {}
        for name in alphabet.inputs:
            if name in alphabet.calls:
                outcome, after = _called(contract, alphabet.calls[name], place.state, pinned, fates)
                end = replace(place, state=after)
            else:
                outcome, end = _moved(name, place, fates)
            end = replace(end, state=replace(end.state, network=State().network))
            here[name] = told(outcome, shown([end.state])), states.setdefault(end, len(states))
        moves.append(here)
    return Automaton(tuple(moves))


class _Place(msgspec.Struct, frozen=True):
    """A state, with the Tools status at the time of the suspend, which a resume restores."""

    state: State
    slept: str = ""


def _called(contract: Contract, asked: Asked, state: State, pinned: Pinned | None, fates: Fates) -> tuple[str, State]:
    pin = pinned.pins.get(located([state], asked, contract)) if pinned is not None else None
    allowed = expect([state], asked, contract).allowed
    if pin is not None:
        chosen, channel = (OK if pin.fault == SUCCESS else pin.fault), pin.channel
    else:
        best = min(
            allowed.values(),
            key=lambda candidate: (_RANK.index(candidate.grade), candidate.outcome != OK, candidate.outcome),
        )
        chosen = best.outcome
        channel = TASK if chosen == OK and contract.method(asked.method).has_task else CALL
    ends = {branch.after for branch in step(state, asked, contract) if branch.outcome == OK}
    after = next(iter(ends)) if chosen == OK and ends else state
    if fates.left and chosen != OK and channel == TASK and contract.method(asked.method).effect == "customized":
        after = replace(after, orphaned=True)
    return f"{SUCCESS if chosen == OK else chosen} ({channel})", after


def _moved(name: str, place: _Place, fates: Fates) -> tuple[str, _Place]:
    state, move = place.state, MOVES[name]
    if not move.lever:
        if not move.made(state):  # the task of a power operation ends so [M]
            return "InvalidPowerState (task)", place
        if move.ends_boot:
            state = replace(state, orphaned=state.orphaned and fates.kept)
        after = settle(move.follows(state))
        if name == "suspend":
            return DONE, _Place(after, state.tools)
        return DONE, _Place(replace(after, tools=place.slept) if place.slept and after.power == ON else after)
    if state.power != ON or state.tools != "ready":
        return "GuestOperationsUnavailable (call)", place
    return DONE, replace(place, state=settle(move.follows(state)))


def run_word(automaton: Automaton, word: Sequence[str]) -> list[str]:
    """Compute the answers of a machine to a word."""
    return _from(automaton, 0, tuple(word))


def difference(one: Automaton, other: Automaton, inputs: Sequence[str]) -> Word | None:
    """Find a shortest word to which two machines give different answers; None: they are equivalent on these inputs."""
    reached: dict[tuple[int, int], Word] = {(0, 0): ()}
    queue = [(0, 0)]
    for here in queue:
        for name in inputs:
            (first, to), (second, there) = one.states[here[0]][name], other.states[here[1]][name]
            if first != second:
                return (*reached[here], name)
            if (to, there) not in reached:
                reached[to, there] = (*reached[here], name)
                queue.append((to, there))
    return None


def separators(automaton: Automaton) -> list[Word]:
    """Compute few words that tell apart all states that can be told apart; each word is a shortest one for some pair."""
    words: list[Word] = []
    for one, other in combinations(range(len(automaton.states)), 2):
        if all(_from(automaton, one, word) == _from(automaton, other, word) for word in words):
            word = difference(_begun(automaton, one), _begun(automaton, other), automaton.inputs)
            words += [word] if word is not None else []
    return words


def _from(automaton: Automaton, state: int, word: Word) -> list[str]:
    answers = []
    for name in word:
        answer, state = automaton.states[state][name]
        answers.append(answer)
    return answers


def _begun(automaton: Automaton, first: int) -> Automaton:
    """Exchange a state with the first one, so that the machine begins there."""
    place = {0: first, first: 0}
    states = [
        {
            name: (answer, place.get(after, after))
            for name, (answer, after) in automaton.states[place.get(state, state)].items()
        }
        for state in range(len(automaton.states))
    ]
    return Automaton(tuple(states))


def access(automaton: Automaton) -> list[Word]:
    """Compute for each state a shortest word that leads to it."""
    words: dict[int, Word] = {0: ()}
    queue = [0]
    for state in queue:
        for name, (_, after) in automaton.states[state].items():
            if after not in words:
                words[after] = (*words[state], name)
                queue.append(after)
    return [words[state] for state in range(len(automaton.states))]


def without(automaton: Automaton, inputs: Sequence[str]) -> Automaton:
    """Leave inputs out of a machine."""
    return Automaton(
        tuple(
            {name: transition for name, transition in moves.items() if name not in inputs} for moves in automaton.states
        )
    )
