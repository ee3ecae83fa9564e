"""Effects by name: changes of state that contract files use."""

from __future__ import annotations

from collections.abc import Callable

from vcontract._model.state import OFF, SUSPENDED, State

Effect = Callable[[State], State]
EFFECTS: dict[str, Effect] = {}
LATER: set[str] = set()
"""Effects that come some time after the call has returned, if the guest does as it is asked."""
SHOWN = {"power": "runtime.powerState", "template": "config.template", "pending": "config.tools.pendingCustomization"}
"""The fields of a state that an effect may change and a read shows, with their paths."""
_SOME = (
    State(),
    State(power=OFF, tools="stopped"),
    State(power=SUSPENDED, tools="stopped"),
    State(power=OFF, tools="stopped", template=True),
)


def effect(name: str, *, later: bool = False) -> Callable[[Effect], Effect]:
    """Register a change of state under the name that contract files use."""

    def register(change: Effect) -> Effect:
        EFFECTS[name] = change
        if later:
            LATER.add(name)
        return change

    return register


def is_visible(name: str) -> bool:
    """Whether an effect changes, in some state, what a read of the VM shows."""
    change = EFFECTS[name]
    return any(getattr(change(state), field) != getattr(state, field) for state in _SOME for field in (*SHOWN, "tools"))


def changed_fields(name: str, states: frozenset[State]) -> dict[str, frozenset[object]]:
    """Give the shown fields that an effect changes in one of the states, with the values that they may have then."""
    change = EFFECTS[name]
    return {
        field: frozenset(getattr(change(state), field) for state in states)
        for field in SHOWN
        if any(getattr(change(state), field) != getattr(state, field) for state in states)
    }
