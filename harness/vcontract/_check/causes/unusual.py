"""Names what is unusual about a call and the VM that it met: the part of a finding's id that is its cause.

A cause is a set of names, in order: deviations of `vcontract._model.cells`; of a request what it breaks, by its kind and
never by the place in it; of a specification the rules; `mid.WORD` for what happened while the task ran. A valid call that
meets a ready VM has the empty cause. No VM, value, seed or coverage is in it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from vcontract._check.judgement import Judgement
from vcontract._contract import Contract
from vcontract._model import Asked, Facts, State, cell_of, expect
from vcontract._model.cells import BY_NAME, DEVIATIONS
from vcontract._model.spec_rules import rules_broken
from vcontract._model.state import settle
from vcontract._terms import Call, Envelope, Verdict, subject

_NAMED = frozenset({"xml", "soap", "http", "soapAction", "contentType", "cookie"})
"""Kinds of breaks whose constraint has a name of its own; that of any other is a place in the request."""
_RULE, _INFERRED, _REQUEST, _MID = "specRule", "specInferred", "request", "mid."
_OF_SPEC = {"nicCount": "nicCount", _INFERRED: "inferred"}
_OF_STATE = tuple(deviation for deviation in DEVIATIONS if deviation.state)
_OF_CALL = tuple(
    deviation for deviation in DEVIATIONS if deviation.asked and not deviation.asked.keys() & {"request", "spec"}
)
_MOST = 2
"""So many things at once a server is tried to have not noticed, at most, when an answer is explained."""
_KEPT = 1 << 14


class Causes:
    """Names causes for the calls of one contract; what was asked before of states is kept."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._of_states: dict[tuple[frozenset[State], str], tuple[str, ...]] = {}

    def told(self, judgement: Judgement, states: Iterable[State], asked: Asked, call: Call, facts: Facts) -> Judgement:
        """Give a judgement with its cause, and if it is a violation with what the server may not have noticed."""
        met = list(states)
        cause = self.of(met, asked, call, facts)
        violates = judgement.verdict is Verdict.VIOLATES
        unnoticed = self.unnoticed(met, asked, cause, judgement.observed) if violates else ()
        breaks = call.payload.breaks if isinstance(call.payload, Envelope) else ""
        return replace(judgement, cause=cause, unnoticed=unnoticed, breaks=breaks)

    def of(self, states: Iterable[State], asked: Asked, call: Call, facts: Facts) -> tuple[str, ...]:
        """Name what is unusual about a call and, in each of the states that it may have met, about the VM."""
        plain = frozenset(replace(state, task="") if state.task else state for state in states)
        known = self._of_states.get((plain, asked.method))
        if known is None:
            if len(self._of_states) >= _KEPT:
                self._of_states.clear()
            each = [set(self._unusual(state, asked.method)) for state in plain]
            known = tuple(sorted(set.intersection(*each))) if each else ()
            self._of_states[plain, asked.method] = known
        if asked.vm != "ok" or asked.this != "ok":
            known = ()  # no VM was met
        return tuple(sorted({*known, *_of_call(asked, call, facts)}))

    def unnoticed(
        self, states: Iterable[State], asked: Asked, cause: tuple[str, ...], observed: str
    ) -> tuple[tuple[str, ...], ...]:
        """List the parts of a cause without which the answer would be permitted: what the server may not have noticed."""
        met = list(states)
        found = []
        rules = tuple(name for name in cause if name.startswith(_RULE))
        parts = [*([rules] if rules else []), *((name,) for name in cause if name not in rules)]
        for count in range(1, min(_MOST, len(parts)) + 1):
            for some in itertools.combinations(parts, count):
                chosen = tuple(sorted(itertools.chain.from_iterable(some)))
                usual = [self._without(state, chosen, cause, asked.method) for state in met]
                if observed in expect(usual, _usual_call(asked, chosen, cause), self._contract).allowed:
                    found.append(chosen)
        return tuple(found)

    def _unusual(self, state: State, method: str) -> Iterator[str]:
        """Name the deviations that a state shows, without those that follow from another one, as Tools stop with the power."""
        names = self._raw(state, method)
        for name in names[::-1]:  # the later ones follow from the earlier ones
            if _shows(self._made(method, [other for other in names if other != name]), name):
                names.remove(name)
        yield from names
        yield from (f"{_MID}{word}" for word in sorted(state.mid))

    def _raw(self, state: State, method: str) -> list[str]:
        valid = cell_of(self._contract, method).state
        return [
            deviation.name
            for deviation in _OF_STATE
            if _has(state, deviation.state) and not _has(valid, deviation.state)
        ]

    def _made(self, method: str, names: Iterable[str]) -> State:
        state = cell_of(self._contract, method).state
        for name in names:
            state = replace(state, **BY_NAME[name].state)
        return settle(state)

    def _without(self, state: State, chosen: tuple[str, ...], cause: tuple[str, ...], method: str) -> State:
        """Give a state as it would be without some of what is unusual in it, and without what follows from that."""
        kept = [name for name in cause if name not in chosen and name in BY_NAME and BY_NAME[name].state]
        still, valid = self._made(method, kept), cell_of(self._contract, method).state
        for name in self._raw(state, method):
            if not _shows(still, name):
                fields = BY_NAME[name].state
                state = replace(state, **{field: getattr(valid, field) for field in fields})
        words = {name.removeprefix(_MID) for name in chosen if name.startswith(_MID)}
        return settle(replace(state, mid=state.mid - words))


def _of_call(asked: Asked, call: Call, facts: Facts) -> Iterator[str]:
    valid = Asked(asked.method)
    for deviation in _OF_CALL:
        if _has(asked, deviation.asked) and not _has(valid, deviation.asked):
            yield deviation.name
    yield from _broken(asked, call)
    if "nicCount" in asked.spec:
        yield "nicCount"
    vm, spec = facts.vms.get(subject(call)), call.arguments.get("spec")
    if "rule" in asked.spec and vm is not None and isinstance(spec, dict):
        yield from (f"{_RULE}:{name}" for name in rules_broken(spec, vm, offline=facts.itself))
    elif "inferred" in asked.spec:
        yield _INFERRED


def _usual_call(asked: Asked, chosen: tuple[str, ...], cause: tuple[str, ...]) -> Asked:
    """Give a call as it would be without some of what is unusual about it."""
    valid = Asked(asked.method)
    for name in chosen:
        deviation = BY_NAME.get(name)
        if deviation is not None and deviation.asked and "spec" not in deviation.asked:
            asked = replace(asked, **{field: getattr(valid, field) for field in deviation.asked})
        elif name.startswith(_REQUEST):
            asked = replace(asked, request="ok")
        elif name in _OF_SPEC:
            asked = replace(asked, spec=asked.spec - {_OF_SPEC[name]})
    rules = {name for name in cause if name.startswith(_RULE)}
    if rules and rules <= set(chosen):
        asked = replace(asked, spec=asked.spec - {"rule"}, rule_faults=())
    return asked


def _broken(asked: Asked, call: Call) -> Iterator[str]:
    """Name what an edited envelope breaks, or has unusual and legal."""
    if not isinstance(call.payload, Envelope) or not call.payload.breaks:
        return
    _, kind, constraint = (*call.payload.breaks.split(":", 2), "", "")[:3]
    name = f"{kind}.{constraint}" if kind in _NAMED and not constraint[:1].isdigit() else kind
    yield f"{_REQUEST}:{asked.request}:{name}"


def _shows(state: State, name: str) -> bool:
    return _has(state, BY_NAME[name].state)


def _has(value: State | Asked, fields: dict[str, object]) -> bool:
    return all(getattr(value, name) == expected for name, expected in fields.items())


__all__ = ["Causes"]
