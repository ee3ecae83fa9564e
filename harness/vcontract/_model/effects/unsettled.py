"""What may have become of a VM where no source, or no read, says which: each gives all the states that it may be in."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from vcontract._model.facts import VmFacts
from vcontract._model.state import State


def same(state: State) -> frozenset[State]:
    """Give the state after what changes nothing."""
    return frozenset({state})


def aborted(state: State) -> frozenset[State]:
    """Give the state after a customization that an abort has cut (oracle promise F4)."""
    return frozenset({replace(state, guest="undefined", orphaned=False)})


def succeeded(effect: Callable[[State], State], running: str | None, state: State) -> frozenset[State]:
    """Give the state after a success; `running` is the work in the guest that it may have cut, None if there was none."""
    changed = effect(state if running is None else replace(state, running=running))
    return frozenset({replace(changed, running="", task="")})


def rebooted(state: State) -> frozenset[State]:
    """Give the states after a reboot: no source says whether it frees an orphaned lock, so both are kept."""
    return frozenset({state, replace(state, orphaned=False)})


def anything(state: State) -> frozenset[State]:
    """Give the states with every lock and every configuration of the guest."""
    return frozenset(
        replace(state, orphaned=held, guest=guest) for held in (False, True) for guest in ("before", "undefined")
    )


def any_engine(state: State) -> frozenset[State]:
    """Give the states with everything unknown about a guest: an unknown snapshot brings back its own disk and engine."""
    return frozenset(
        replace(state, engine=engine) for state in anything(state) for engine in ("ok", "absent", "broken")
    )


def unwatched(state: State, engine: str) -> frozenset[State]:
    """Give the states after a time in which nobody watched; the engine may be as it was, or as it is configured."""
    return frozenset(
        replace(candidate, engine=kind) for candidate in anything(state) for kind in (state.engine, engine)
    )


def initial(vm: VmFacts) -> frozenset[State]:
    """Give the initial states of a VM: before anything is known its lock may be free or orphaned."""
    return frozenset({State(engine=vm.engine), State(engine=vm.engine, orphaned=True)})
