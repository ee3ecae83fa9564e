"""Conditions on what began while the task ran: oracle rows M."""

from vcontract._model.conditions.registry import CONDITIONS, Condition, condition
from vcontract._model.moves import MOVES
from vcontract._model.state import Asked, State

_OTHERWISE = frozenset({"off", "engine"})
"""What a move may bring about of which no `mid.` condition speaks: `vm.notOn` and `engine.unusable` do."""
MID_TASK = tuple(dict.fromkeys(what for move in MOVES.values() for what in move.mid if what not in _OTHERWISE))


def _happened(what: str) -> Condition:
    def predicate(state: State, _: Asked) -> bool:
        return what in state.mid

    return predicate


CONDITIONS.update({f"mid.{what}": _happened(what) for what in MID_TASK})


@condition("ended.slowly")
def _slowly(state: State, _: Asked) -> bool:
    """Whether the task ended in error so late that the server may have given it up (oracle row S1)."""
    return "slow" in state.mid


@condition("vm.notOn")
def _not_on(state: State, _: Asked) -> bool:
    return "off" in state.mid
