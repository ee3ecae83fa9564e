"""Conditions on the VM, its host and other work on it: oracle rows P, H, I, B."""

from vcontract._model.conditions.registry import condition
from vcontract._model.state import EXCLUSIVE, HOST_LOST, OFF, ON, SHARED, SUSPENDED, UNUSABLE, Asked, State


@condition("power.on")
def _on(state: State, _: Asked) -> bool:
    return state.exists and state.power == ON


@condition("power.off")
def _off(state: State, _: Asked) -> bool:
    return state.exists and state.power == OFF


@condition("power.suspended")
def _suspended(state: State, _: Asked) -> bool:
    return state.exists and state.power == SUSPENDED


@condition("vm.template")
def _template(state: State, _: Asked) -> bool:
    return state.template


@condition("vm.noTemplate")
def _no_template(state: State, _: Asked) -> bool:
    return state.exists and not state.template


@condition("vm.reachable")
def _reachable(state: State, asked: Asked) -> bool:
    return state.reachable and asked.vm == "ok"


@condition("vm.question")
def _question(state: State, _: Asked) -> bool:
    return state.question


@condition("vm.pendingPackage")
def _pending(state: State, _: Asked) -> bool:
    return state.pending


@condition("vm.frozen")
def _frozen(state: State, _: Asked) -> bool:
    return state.frozen


@condition("vm.inVApp")
def _in_vapp(state: State, _: Asked) -> bool:
    return state.vapp


@condition("host.lost")
def _host_lost(state: State, _: Asked) -> bool:
    return state.connection in HOST_LOST


@condition("host.full")
def _full(state: State, _: Asked) -> bool:
    return state.full


@condition("vm.unusable")
def _unusable(state: State, _: Asked) -> bool:
    return state.connection in UNUSABLE


@condition("busy.exclusive")
def _exclusive(state: State, _: Asked) -> bool:
    return state.running == EXCLUSIVE


@condition("busy.shared")
def _shared(state: State, _: Asked) -> bool:
    return state.running == SHARED
