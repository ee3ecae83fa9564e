"""What the work of the customization engine changes in the guest."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from vcontract._model.effects.registry import effect
from vcontract._model.effects.unsettled import same
from vcontract._model.state import CUSTOMIZE, State


@effect("customized")
def _customized(state: State) -> State:
    """Apply oracle promise F2: the lock is free, the guest is as the specification says; so the engine works."""
    return replace(state, guest="spec", orphaned=False, engine="ok")


@effect("networkStarted")
def _network_started(state: State) -> State:
    """Apply oracle promise F6: the network is up, nothing else changed."""
    return replace(state, network="up")


@effect("aborted")
def _aborted(state: State) -> State:
    """Apply oracle promise F4: the lock is free; a customization that was cut leaves the guest undefined."""
    guest = "undefined" if state.running == CUSTOMIZE else state.guest
    return replace(state, guest=guest, orphaned=False)


LOCKS = frozenset({"customized", "networkStarted"})
"""The effects of the work that holds the guest lock."""
_UNLOCKED = frozenset({"InvalidGuestLogin", "GuestPermissionDenied"})
"""Faults of a network start that never came to the guest lock: the login is looked at before it."""


def left_behind(effect: str, fault: str) -> Callable[[State], frozenset[State]]:
    """Give what a task that ended in a fault may leave of a state; a fault that nobody saw is empty."""
    if effect == "customized":
        return failed
    return lock_left if effect in LOCKS and fault not in _UNLOCKED else same


def lock_left(state: State) -> frozenset[State]:
    """Apply oracle promise F3 of a network start that failed: it holds the lock too, which may be free or left behind."""
    return frozenset({state} if state.running == CUSTOMIZE else {state, replace(state, orphaned=True)})


def failed(state: State) -> frozenset[State]:
    """Apply oracle promise F3 of a customization that failed: the lock free or orphaned, the guest as it was or undefined.

    While another customization holds the lock, both the lock and the guest stay as that customization has them.
    """
    if state.running == CUSTOMIZE:
        return frozenset({state})
    guests = {state.guest, "undefined"}
    return frozenset(replace(state, orphaned=held, guest=guest) for held in {state.orphaned, True} for guest in guests)
