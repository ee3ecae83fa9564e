"""Conditions on the specification, Tools, the login, the lock and the engine: oracle rows X, T, L, K, E, Z."""

from vcontract._model.conditions.registry import condition
from vcontract._model.state import ABORT, CUSTOMIZE, NETWORK, Asked, State


@condition("spec.nicCount")
def _nic_count(_: State, asked: Asked) -> bool:
    return "nicCount" in asked.spec


@condition("spec.rule")
def _rule(_: State, asked: Asked) -> bool:
    return "rule" in asked.spec


@condition("spec.inferred")
def _inferred(_: State, asked: Asked) -> bool:
    return "inferred" in asked.spec


@condition("tools.stopped")
def _stopped(state: State, _: Asked) -> bool:
    return state.tools == "stopped"


@condition("tools.never")
def _never(state: State, _: Asked) -> bool:
    return state.tools == "never"


@condition("tools.starting")
def _starting(state: State, _: Asked) -> bool:
    return state.tools == "starting"


@condition("tools.old")
def _old(state: State, _: Asked) -> bool:
    return state.tools == "old"


@condition("tools.up")
def _up(state: State, asked: Asked) -> bool:
    return state.tools_up and asked.vm == "ok"


@condition("login.rejected")
def _rejected(_: State, asked: Asked) -> bool:
    return asked.login == "rejected"


@condition("login.mayNot")
def _may_not(_: State, asked: Asked) -> bool:
    return asked.login == "mayNot"


@condition("login.unsettled")
def _unsettled(_: State, asked: Asked) -> bool:
    return asked.login == "unsettled"


@condition("login.accepted")
def _accepted(state: State, asked: Asked) -> bool:
    # an unsettled login may have been accepted, so what is known only after a login may be known
    return state.tools_up and asked.vm == "ok" and asked.login in {"accepted", "unsettled"}


@condition("lock.held")
def _held(state: State, _: Asked) -> bool:
    return state.running == CUSTOMIZE


@condition("lock.orphaned")
def _orphaned(state: State, _: Asked) -> bool:
    return state.orphaned and state.running != CUSTOMIZE


@condition("lock.free")
def _free(state: State, _: Asked) -> bool:
    return not state.orphaned and not state.running


@condition("busy.abort")
def _abort(state: State, _: Asked) -> bool:
    return state.running == ABORT


@condition("busy.network")
def _network(state: State, _: Asked) -> bool:
    return state.running == NETWORK


@condition("engine.unusable")
def _engine(state: State, _: Asked) -> bool:
    return state.engine != "ok"


@condition("guest.defined")
def _defined(state: State, _: Asked) -> bool:
    return state.guest != "undefined"


@condition("guest.undefined")
def _undefined(state: State, _: Asked) -> bool:
    return state.guest == "undefined"
