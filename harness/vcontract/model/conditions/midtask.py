"""Conditions on what began while the task ran: oracle rows M."""

from vcontract.model.conditions.registry import CONDITIONS, Condition, condition
from vcontract.model.state import Asked, State

MID_TASK = ("power", "gone", "session", "host", "tools", "cancel", "abort", "moved", "account")


def _happened(what: str) -> Condition:
    def predicate(state: State, _: Asked) -> bool:
        return what in state.mid

    return predicate


CONDITIONS.update({f"mid.{what}": _happened(what) for what in MID_TASK})


@condition("vm.notOn")
def _not_on(state: State, _: Asked) -> bool:
    return "off" in state.mid
