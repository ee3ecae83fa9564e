"""Computes the expectation for a state and a call: the set of outcomes that the contract allows."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from vcontract._contract import OK, RULE, Contract, Permit, Situation
from vcontract._model.conditions import holds, predicate
from vcontract._model.per_contract import PerContract
from vcontract._model.state import Asked, State
from vcontract._terms import Grade

_MOST = 1 << 15
"""Answers that are kept for a contract: a run asks for some hundred, an exploration for some thousand."""
_BEST = {Grade.CONFORMS: 0, Grade.IMPRECISE: 1, Grade.UNSETTLED: 2}


class Allowed(msgspec.Struct, frozen=True):
    """One permitted outcome: its best grade, the situations that permit it, the field rules by which one is judged.

    `conditions` are outcome conditions (any suffices; empty: none is needed). `synchronous`: every permitting situation
    demands the call channel.
    """

    outcome: str
    grade: Grade
    situations: tuple[str, ...]
    fields: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    synchronous: bool = False


class Expectation(msgspec.Struct, frozen=True):
    """The outcomes that the contract allows for one call, by name (`OK` or the fault's type), and what holds."""

    method: str
    allowed: dict[str, Allowed]
    situations: tuple[str, ...]

    @property
    def accepts(self) -> bool:
        """Whether success is permitted, settled or not."""
        return OK in self.allowed

    def text(self) -> str:
        """Write the expectation in one line: `InvalidPowerState ~InvalidState`."""
        mark = {Grade.IMPRECISE: "~", Grade.UNSETTLED: "?"}
        ordered = sorted(
            self.allowed.values(), key=lambda allowed: (_BEST[allowed.grade], allowed.outcome != OK, allowed.outcome)
        )
        return " ".join(mark.get(allowed.grade, "") + allowed.outcome for allowed in ordered)


class _Table:
    """The situations of one contract, and what they permit in each state to each call for which that was asked before."""

    def __init__(self, contract: Contract) -> None:
        self._lines = [(each, frozenset(each.when), frozenset(each.needs)) for each in contract.situations]
        names = {name for _, when, needs in self._lines for name in when | needs}
        self._conditions = [(name, predicate(name)) for name in sorted(names)]
        self._permitted: dict[tuple[State, Asked], tuple[tuple[Situation, ...], dict[str, Allowed]]] = {}
        self._expected: dict[tuple[frozenset[State], Asked], Expectation] = {}

    def holding(self, state: State, asked: Asked) -> tuple[Situation, ...]:
        """List the situations that hold and are not hidden by another one, in the contract's order."""
        true = {name for name, condition in self._conditions if condition(state, asked)}
        situations = [
            situation for situation, when, needs in self._lines if needs <= true and not when.isdisjoint(true)
        ]
        for situation in tuple(situations):
            if situation in situations and situation.leaves is not None:
                kept = {situation.id, *situation.leaves}
                situations = [other for other in situations if other.id in kept]
        return tuple(situation for situation in situations if situation.permitted(asked.method))

    def permitted(self, state: State, asked: Asked) -> tuple[tuple[Situation, ...], dict[str, Allowed]]:
        """Give the situations that hold, and what they permit."""
        known = self._permitted.get((state, asked))
        if known is None:
            if len(self._permitted) >= _MOST:
                self._permitted.clear()
            situations = self.holding(state, asked)
            known = self._permitted[state, asked] = situations, _in_one_state(situations, state, asked)
        return known

    def expected(self, states: frozenset[State], asked: Asked) -> Expectation:
        """Give the expectation for a set of states."""
        expected = self._expected.get((states, asked))
        if expected is None:
            if len(self._expected) >= _MOST:
                self._expected.clear()
            expected = self._expected[states, asked] = self.union(states, asked)
        return expected

    def union(self, states: Iterable[State], asked: Asked) -> Expectation:
        """Compute the union of what is permitted over all states."""
        allowed: dict[str, Allowed] = {}
        situations: dict[str, None] = {}
        for state in states:
            holds_here, permitted = self.permitted(state, asked)
            situations.update(dict.fromkeys(situation.id for situation in holds_here))
            for name, addition in permitted.items():
                allowed[name] = _merge(allowed[name], addition) if name in allowed else addition
        return Expectation(asked.method, allowed, tuple(situations))


_tables = PerContract(_Table)


def holding(state: State, asked: Asked, contract: Contract) -> tuple[Situation, ...]:
    """List the situations that hold and are not hidden by another one, in the contract's order."""
    return _tables.of(contract).permitted(state, asked)[0]


def expect(states: Iterable[State], asked: Asked, contract: Contract) -> Expectation:
    """Compute the union over all states of the permitted outcomes; what was computed once is kept, so nobody may change it.

    Success is permitted in a state only if every situation that holds there lists it.
    """
    table = _tables.of(contract)
    return table.expected(states, asked) if isinstance(states, frozenset) else table.union(states, asked)


def either(method: str, expectations: Iterable[Expectation]) -> Expectation:
    """Combine expectations of which any may be the one that counts: what one permits is permitted."""
    allowed: dict[str, Allowed] = {}
    situations: dict[str, None] = {}
    for each in expectations:
        situations.update(dict.fromkeys(each.situations))
        for name, addition in each.allowed.items():
            allowed[name] = _merge(allowed[name], addition) if name in allowed else addition
    return Expectation(method, allowed, tuple(situations))


def _in_one_state(situations: tuple[Situation, ...], state: State, asked: Asked) -> dict[str, Allowed]:
    allowed: dict[str, Allowed] = {}
    successes: list[Allowed | None] = []
    for situation in situations:
        success = None
        for permit in situation.permitted(asked.method):
            if permit.condition and not holds(permit.condition, state, asked):
                continue
            for name in asked.rule_faults if permit.outcome == RULE else (permit.outcome,):
                addition = _allow(name, permit, situation)
                if name == OK:
                    success = addition
                else:
                    allowed[name] = _merge(allowed[name], addition) if name in allowed else addition
        successes.append(success)
    if successes and all(successes):
        allowed[OK] = _all_of([success for success in successes if success is not None])
    return allowed


def _allow(name: str, permit: Permit, situation: Situation) -> Allowed:
    conditions = (permit.condition,) if permit.condition.startswith("task.") else ()
    return Allowed(
        name, permit.grade, (situation.id,), (permit.field,) if permit.field else (), conditions, situation.synchronous
    )


def _merge(first: Allowed, second: Allowed) -> Allowed:
    """Combine two permits of one outcome, either of which suffices: the better grade; field rules only if both have one."""
    grade = min(first.grade, second.grade, key=_BEST.__getitem__)
    fields = tuple(dict.fromkeys(first.fields + second.fields)) if first.fields and second.fields else ()
    conditions = first.conditions + second.conditions if first.conditions and second.conditions else ()
    return Allowed(
        first.outcome,
        grade,
        tuple(dict.fromkeys(first.situations + second.situations)),
        fields,
        conditions,
        first.synchronous and second.synchronous,
    )


def _all_of(successes: list[Allowed]) -> Allowed:
    """Combine the successes that all situations must list: the worst grade, and every condition."""
    grade = max((success.grade for success in successes), key=_BEST.__getitem__)
    conditions = tuple(dict.fromkeys(name for success in successes for name in success.conditions))
    return Allowed(OK, grade, tuple(success.situations[0] for success in successes), (), conditions)
