"""Checks what a success promises, by the effect that the contract gives to the method (oracle promises F4, F7)."""

from __future__ import annotations

from collections.abc import Mapping

from vcontract._check import promises
from vcontract._model import LATER, SHOWN, Facts, State, TaskLife, Tracker, changed_fields, observe
from vcontract._terms import Json

Reading = Mapping[str, Json] | None
_BY_TOOLS = frozenset({"customized", "networkStarted"})
"""Effects that only Tools report."""


def kept(effect: str, tracker: Tracker, states: frozenset[State], after: Reading, life: TaskLife | None) -> list[str]:
    """Name what a success did not do (`FIELD: why`, or empty texts); `states` are those that the call met.

    `after` is None where the VM was not read since. What a customization or a network start does shows later, if at all:
    `settings` judges it.
    """
    if effect == "aborted" and life is not None:
        on, _ = _cut(tracker, life)
        return [f"guest lock: {life.ref.value} went on after the abort" for life in on]
    return [] if effect in LATER else [undone(effect, states, after)]


def lateness(effect: str, facts: Facts) -> float:
    """Say by how many seconds reports of what an effect did may be late (oracle term d): Tools report later than the server."""
    return facts.staleness if effect in _BY_TOOLS else facts.runtime_staleness


def noted(effect: str, tracker: Tracker, life: TaskLife | None) -> list[str]:
    """Say what was odd about what a success did."""
    late = _cut(tracker, life)[1] if effect == "aborted" and life is not None else []
    return ["a customization that it ended was read unfinished longer than the end of a task may take to show"] * bool(
        late
    )


def _cut(tracker: Tracker, life: TaskLife) -> tuple[list[TaskLife], list[TaskLife]]:
    return promises.cut_customizations(life, tracker.recent(), tracker.facts.publish, tracker.facts.task_seconds)


def undone(effect: str, states: frozenset[State], after: Reading) -> str:
    """F7: name a property that does not show what an effect makes of it."""
    if after is None:
        return ""
    seen = observe(State(), after)
    for field, wanted in changed_fields(effect, states).items():
        if getattr(seen, field) not in wanted:
            shown = after.get(SHOWN[field])
            return f"{SHOWN[field]}: it is {shown!r} after the success of the call"
    return ""


def begun(effect: str, states: frozenset[State], before: Reading, after: Reading) -> bool:
    """Whether a read of the VM shows that the guest has begun to do what it was asked for.

    A reboot leaves no lasting change: it shows in the boot time, or in Tools that go down.
    """
    if before is None or after is None:
        return True
    seen = observe(State(), after)
    wanted = changed_fields(effect, states)
    if wanted:
        return all(getattr(seen, field) in values for field, values in wanted.items())
    if before.get("runtime.bootTime") != after.get("runtime.bootTime") or seen.tools in {"stopped", "never"}:
        return True
    return seen.tools != "ready" and observe(State(), before).tools == "ready"
