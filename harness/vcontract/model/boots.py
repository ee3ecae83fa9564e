"""Tracks which VMs are booting: Tools that a read showed down during a boot may be up at the next call."""

from __future__ import annotations

from msgspec.structs import replace

from vcontract.model.state import ON, State

_ASKED, _DOWN = "asked", "down"


class Boots:
    """Follows the boots of VMs, from the call that began one to the read that shows Tools up again."""

    def __init__(self) -> None:
        self._phase: dict[str, str] = {}

    def began(self, vm: str, *, asked: bool) -> None:
        """Note a boot; `asked`: the guest was only asked for it, so Tools go down first."""
        self._phase[vm] = _ASKED if asked else _DOWN

    def saw(self, vm: str, state: State) -> None:
        """Note how a VM was read."""
        up = state.tools in {"ready", "old"}
        if vm in self._phase and not up:
            self._phase[vm] = _DOWN
        elif self._phase.get(vm) == _DOWN:
            del self._phase[vm]

    def stopped(self, vm: str) -> None:
        """Note that Tools were stopped for good, until the next boot."""
        self._phase.pop(vm, None)

    def possible(self, vm: str, states: frozenset[State]) -> frozenset[State]:
        """Add to the states of a VM that boots those in which its Tools come up."""
        if vm not in self._phase:
            return states
        down = (state for state in states if state.power == ON and state.tools == "stopped")
        return states | {replace(state, tools="starting") for state in down}
