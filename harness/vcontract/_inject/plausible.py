"""Where the contract permits an answer: the state of a VM, and what of the call, in which a server may give it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import msgspec

from vcontract._contract import Contract, Method, ancestors, load, names
from vcontract._inject.rules import Rule
from vcontract._model import Allowed, Asked, State, cell_of, deviations_of, expect
from vcontract._model.conditions.midtask import MID_TASK
from vcontract._schema import bases_of, release
from vcontract._schema.metadata import known_versions
from vcontract._terms import Grade

_ORDER = {Grade.CONFORMS: 0, Grade.IMPRECISE: 1, Grade.UNSETTLED: 2}
_SLOW, _OFF = "slow", "off"


class Place(msgspec.Struct, frozen=True):
    """Where a fault is permitted: the fault itself, what is unusual there, the situations that permit it, and the VM's power.

    `unsettled`: no source settles whether a server may give it there, so that no verdict would rest on it.
    """

    fault: str
    where: str
    situations: tuple[str, ...]
    power: str
    unsettled: bool = False

    @property
    def text(self) -> str:
        """Say it in a few words."""
        rows = ", ".join(self.situations)
        return f"{self.where} ({rows}{', unsettled' if self.unsettled else ''})"


class _Reach(msgspec.Struct, frozen=True):
    """A state, what of the call is unusual, and its name."""

    name: str
    state: State
    asked: Asked


def contract_of(method: str) -> tuple[Contract, Method] | None:
    """Find the contract that speaks of a method; None if none does."""
    for name in names():
        contract = load(name)
        for each in contract.methods:
            if each.name == method:
                return contract, each
    return None


def methods() -> tuple[str, ...]:
    """List the methods of all contracts."""
    return tuple(method.name for name in names() for method in load(name).methods)


def may_raise(method: str) -> tuple[str, ...]:
    """List the faults that a method's page names, and those of every method; empty for one of which no contract speaks."""
    found = contract_of(method)
    return tuple(each.type for each in (*found[1].fault, *found[0].every_fault)) if found else ()


@cache
def place_of(method: str, fault: str, channel: str) -> Place | None:
    """Find the plainest state in which a contract permits a fault of a method, by a channel; None if there is none.

    Only what the request itself cannot belie counts: one that is well-formed is not refused as malformed. Of a documented
    fault that stands for others (RuntimeFault) it gives the first of these that is permitted.
    """
    found = contract_of(method)
    if found is None or (channel == "task" and not found[1].has_task):
        return None
    contract, known = found
    named = {each.type for each in known.fault}
    best: tuple[tuple[int, ...], Place] | None = None
    for order, reach in enumerate(_reached(contract, known, channel)):
        for allowed in expect([reach.state], reach.asked, contract).allowed.values():
            if not _fits(allowed, fault, channel, named):
                continue
            rank = (allowed.outcome != fault, _ORDER.get(allowed.grade, 3), not allowed.fields, order)
            if best is None or rank < best[0]:
                unsettled = allowed.grade is Grade.UNSETTLED
                best = rank, Place(allowed.outcome, reach.name, allowed.situations, reach.state.power, unsettled)
    return best[1] if best else None


def rule_places(rule: Rule, method: str) -> Place | None:
    """Find where a rule's fault is permitted of a method."""
    return place_of(method, rule.answer, rule.channel)


def _fits(allowed: Allowed, fault: str, channel: str, named: set[str]) -> bool:
    """Whether a permitted outcome is the fault, or one that it stands for; what comes as the answer alone ends no task."""
    if channel == "task" and allowed.synchronous:
        return False
    return allowed.outcome == fault or (fault in named and fault in _above(allowed.outcome) and fault == "RuntimeFault")


def _reached(contract: Contract, method: Method, channel: str) -> Iterator[_Reach]:
    """Give what may be true of a VM and of a call in good order, one thing unusual; for tasks what comes in their midst."""
    for deviation in deviations_of(contract, method):
        cell = cell_of(contract, method.name, [deviation.name])
        if _possible(cell.asked):
            yield _Reach(deviation.name, cell.state, cell.asked)
    if channel == "task":
        valid = cell_of(contract, method.name)
        for word in (*MID_TASK, _OFF):
            mid = frozenset({word, "power"} if word == _OFF else {word})
            name = "power off while the task ran" if word == _OFF else f"{word} while the task ran"
            yield _Reach(name, msgspec.structs.replace(valid.state, mid=mid), valid.asked)


def _possible(asked: Asked) -> bool:
    """Whether a request that a client sent in good order may be such a one, for all that it shows itself."""
    plain = asked.request == "ok" and asked.this == asked.vm == asked.argument == "ok"
    return plain and not asked.spec & {"rule", "inferred"}


@cache
def _bases() -> dict[str, str]:
    return bases_of(release(known_versions()[-1]))


@cache
def _above(fault: str) -> tuple[str, ...]:
    return ancestors(fault, _bases())
