"""Computes, for one call in one state, every permitted outcome with its possible channels and the state after it."""

from __future__ import annotations

from functools import lru_cache, partial

import msgspec
from msgspec.structs import replace

from vcontract._contract import OK, Contract
from vcontract._model.effects import EFFECTS, left_behind
from vcontract._model.expect import Allowed, expect
from vcontract._model.per_contract import PerContract
from vcontract._model.state import ABORT, CUSTOMIZE, EXCLUSIVE, Asked, State, settle

CALL, TASK = "call", "task"
_MOST = 1 << 15
"""Branches of so many calls are kept."""
_CUSTOMIZES = "customized"


class Branch(msgspec.Struct, frozen=True):
    """One possible end of a call: the outcome's name (`OK` or a fault type), its channel, the state after it."""

    outcome: str
    channel: str
    after: State


_branches_of = PerContract(lambda contract: lru_cache(_MOST)(partial(_branches, contract)))


def step(state: State, asked: Asked, contract: Contract) -> frozenset[Branch]:
    """Give every branch that the contract permits; `state.mid` says what happens while the call's own task runs.

    Success comes through the task, if the method has one, and applies the method's effect (oracle promises F2, F4, F6). A fault
    of the call changes nothing (F1). A customization or a network start whose task ends in error may leave the lock
    behind, a customization the guest undefined (F3).
    """
    return _branches_of.of(contract)(state, asked)


def _branches(contract: Contract, state: State, asked: Asked) -> frozenset[Branch]:
    method = contract.method(asked.method)
    effect = method.effect
    branches: set[Branch] = set()
    for name, allowed in expect([state], asked, contract).allowed.items():
        if name == OK:
            branches.add(Branch(OK, TASK if method.has_task else CALL, _succeeded(state, effect)))
            continue
        for channel in _channels(state, allowed) if method.has_task else (CALL,):
            ends = left_behind(effect, name)(_over(state)) if channel == TASK else {_over(state)}
            branches |= {Branch(name, channel, after) for after in ends}
    return frozenset(branches)


def _channels(state: State, allowed: Allowed) -> tuple[str, ...]:
    """List the channels: a situation that began in mid-task only ends the task; an earlier one may be the call's answer."""
    if state.mid:
        return (TASK,)
    return (CALL,) if allowed.synchronous else (CALL, TASK)


def _succeeded(state: State, effect: str) -> State:
    """Apply the effect; work that the success must have waited for, or that it cut off, is over, too."""
    after = EFFECTS[effect](_over(state))
    over = {_CUSTOMIZES: {CUSTOMIZE, EXCLUSIVE, ABORT}, "aborted": {CUSTOMIZE}}.get(effect, set())
    return settle(replace(after, running="", task="") if state.running in over else after)


def _over(state: State) -> State:
    return replace(state, mid=frozenset())
