"""What the methods of a VM itself change: power, template, the package that waits for the next boot."""

from __future__ import annotations

from msgspec.structs import replace

from vcontract._model.effects.registry import effect
from vcontract._model.state import OFF, ON, SUSPENDED, State, settle


def _booting(state: State) -> State:
    return replace(state, power=ON, tools=state.tools if state.tools == "never" else "starting")


@effect("poweredOn")
def _powered_on(state: State) -> State:
    """Boot what is off, resume what is suspended; Tools come up in both."""
    return state if state.power == ON else _booting(state)


@effect("poweredOff")
def _powered_off(state: State) -> State:
    return settle(replace(state, power=OFF))


@effect("suspended")
def _suspended(state: State) -> State:
    return settle(replace(state, power=SUSPENDED))


@effect("reset")
def _reset(state: State) -> State:
    return _booting(state)


@effect("guestShutDown", later=True)
def _guest_shut_down(state: State) -> State:
    return _powered_off(state)


@effect("guestRebooted", later=True)
def _guest_rebooted(state: State) -> State:
    return _booting(state)


@effect("guestStoodBy", later=True)
def _guest_stood_by(state: State) -> State:
    return _suspended(state)


@effect("packagePending")
def _package_pending(state: State) -> State:
    return replace(state, pending=True)


@effect("template")
def _template(state: State) -> State:
    return settle(replace(state, template=True))


@effect("virtualMachine")
def _virtual_machine(state: State) -> State:
    return replace(state, template=False)


@effect("nothing")
def _nothing(state: State) -> State:
    return state
