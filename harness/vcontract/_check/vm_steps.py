"""Computes what each step of a VM's history may do to the VM (oracle section E), as tables over numbered states.

A call that gives a task becomes several steps: the task is *accepted*, and it ends. The whole history is known, so its end is
too, and of the work in between only that is modelled on which the outcome of another call can depend:

- a customization that succeeded *takes* the lock in a state in which success is permitted, and releases it at its *end*; if an
  abort or a power change has removed the lock meanwhile, no end is possible;
- an abort that succeeded does its work at one moment; a network start changes nothing that an answer depends on;
- a task that ended in error has a *cause*: a moment since its acceptance at which its fault was permitted; a customization may
  also have left its lock behind (*failed*).

Other work at that time (`beside`: tasks that ended in error or whose end nobody saw, aborts, network starts, other tasks) and
what happened while the task ran (`mid`, situations M) are taken from the times alone; they only add permitted outcomes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from vcontract._check.transitions import Table
from vcontract._contract import OK, Contract
from vcontract._model import EFFECTS, Asked, State, expect, settle
from vcontract._model.effects import failed
from vcontract._model.effects.unsettled import anything
from vcontract._model.moves import MOVES, pulled
from vcontract._model.state import CUSTOMIZE, OFF, ON, SUSPENDED
from vcontract._terms import Json

ACCEPTED, REFUSED, CAUSE, FIT, TAKE, END, FAILED, ABORT, DONE, GHOST, LEVER, READ, GONE, CONNECTION, ANY = (
    "accepted",
    "refused",
    "cause",
    "fit",
    "take",
    "end",
    "failed",
    "abort",
    "done",
    "ghost",
    "lever",
    "read",
    "gone",
    "connection",
    "any",
)
_SAID = {
    END: "CustomizeGuest_Task succeeds",
    FAILED: "the work may leave its lock",
    TAKE: "CustomizeGuest_Task takes the lock",
    ABORT: "AbortCustomization_Task frees the lock",
    GONE: "the VM goes",
}
NONE: frozenset[str] = frozenset()
_FLOWS = ("connection", "question", "pending", "template", "frozen")
"""Fields of a state that may also change without any call of the history."""
_RISING = {"starting": {"stopped", "starting", "ready"}, "ready": {"ready", "starting"}}
"""The values with which starting or running Tools may be reported: they come up and go down in stages."""


_BOOTS = frozenset({"poweredOff", "reset", "guestShutDown", "guestRebooted"})


class Step(msgspec.Struct, frozen=True):
    """One kind of step: its role, the call as the oracle sees it, and what came of it.

    `does` is an effect, a lever, a connection state, or (of an END) the reason why no end is legal; `seen` are the fields of
    the state that a read showed.
    """

    role: str
    asked: Asked | None = None
    outcome: str = ""
    beside: frozenset[str] = NONE
    mid: frozenset[str] = NONE
    does: str = ""
    seen: tuple[tuple[str, Json], ...] = ()

    def text(self) -> str:
        """Write the step in a few words."""
        if self.role in _SAID:
            return f"{_SAID[self.role]} {self.does}".rstrip()
        what = self.asked.method if self.asked else self.does
        seen = ", ".join(f"{name} {value}" for name, value in self.seen)
        return " ".join(part for part in (what, self.role, self.outcome, seen) if part)


class Numbered(msgspec.Struct, frozen=True):
    """The tables of one VM: its states by number, the bit set of its initial states, and the transitions between them."""

    states: tuple[State, ...]
    initial: int
    table: Table


class Rules:
    """Applies the steps of a history to states, by what the contracts permit; results are cached.

    Each method is judged by the contract that defines it.
    """

    def __init__(self, *contracts: Contract) -> None:
        self._contracts = {method.name: contract for contract in contracts for method in contract.methods}
        self._allowed: dict[tuple[State, Asked], tuple[frozenset[str], bool, bool]] = {}
        self._steps: dict[str, Callable[[Step, State], Iterable[State]]] = {
            ACCEPTED: lambda step, state: [state] if self._permits(step, state)[1] else [],
            REFUSED: lambda step, state: [state] if step.outcome in self._permits(step, state)[0] else [],
            CAUSE: lambda step, state: [state] if step.outcome in self._permits(step, state)[0] else [],
            FIT: lambda step, state: [state] if self._fits(step, state) else [],
            TAKE: lambda step, state: (
                [replace(state, running=CUSTOMIZE)] if not state.running and self._fits(step, state) else []
            ),
            END: lambda step, state: _done("customized", state) if state.running == CUSTOMIZE and not step.does else [],
            FAILED: lambda _, state: failed(state),
            ABORT: lambda step, state: _done("aborted", state) if self._fits(step, state) else [],
            DONE: lambda step, state: _done(step.does, state) if self._fits(step, state) else [],
            GHOST: lambda step, state: [
                *_done(step.does, state),
                *(failed(state) if step.does == "customized" else ()),
            ],
            LEVER: lambda step, state: _levered(step.does, state),
            READ: lambda step, state: [state] if _shows(state, step.seen) else [],
            GONE: lambda _, __: [State(exists=False)],
            CONNECTION: lambda step, state: [replace(state, connection=step.does)] if state.exists else [state],
            ANY: lambda _, state: [unsure for guessed in anything(state) for unsure in _anyhow(guessed)],
        }

    def numbered(self, initial: Iterable[State], kinds: Sequence[Step]) -> Numbered:
        """Assign numbers to all states that the steps can reach from the `initial` ones, and tabulate the transitions."""
        number: dict[State, int] = {}
        begin = _numbers(initial, number)
        flows = _flows(kinds)
        comes_up = {"ready"} | {
            value for step in kinds for name, value in step.seen if (name, value) == ("tools", "old")
        }
        moves: list[dict[int, int]] = [{} for _ in kinds]
        silent: list[int] = []
        for state in _growing(number):
            here = number[state]
            silent.append(_numbers(_silent(state, flows, comes_up), number))
            for kind, step in zip(moves, kinds, strict=True):
                after = _numbers(self._steps[step.role](step, state), number)
                if after:
                    kind[here] = after
        return Numbered(tuple(number), begin, Table(moves, silent))

    def _permits(self, step: Step, state: State) -> tuple[frozenset[str], bool]:
        """Compute the outcomes permitted with any work that may run beside, and whether a task may bring one of them."""
        assert step.asked is not None
        works = {state.running, *step.beside}
        engines = {state.engine} | ({"broken"} if "engine" in step.mid else set())
        names: frozenset[str] = NONE
        task = False
        for work in works:
            for engine in engines:
                here = replace(state, running=work, mid=step.mid, engine=engine)
                allowed, by_task, _ = self._outcomes(here, step.asked)
                names, task = names | allowed, task or by_task
        return names, task

    def _fits(self, step: Step, state: State) -> bool:
        """Whether a call may succeed in this state; a call that is not judged always may."""
        return step.asked is None or self._outcomes(state, step.asked)[2]

    def _outcomes(self, state: State, asked: Asked) -> tuple[frozenset[str], bool, bool]:
        known = self._allowed.get((state, asked))
        if known is None:
            allowed = expect([state], asked, self._contracts[asked.method]).allowed
            task = any(not permitted.synchronous for permitted in allowed.values())
            success = (
                OK in allowed and not allowed[OK].conditions
            )  # a conditional success began while other work ran, so not in this state
            known = self._allowed[state, asked] = (frozenset(allowed), task, success)
        return known


def beginnings(engine: str, seen: Mapping[str, Json] | None = None) -> frozenset[State]:
    """Compute every state in which a VM may begin its history; `seen` are the fields that its first read showed."""
    seen = seen or {}
    flows = {name: seen[name] for name in _FLOWS if name in seen}
    bases = {State(engine=engine, orphaned=held) for held in (False, True)}
    states = {state for base in bases for state in _anyhow(base)}
    known = {settle(replace(state, **flows)) for state in states} if flows else set()
    return frozenset(states | known)


def inherited(parent: Iterable[State], *, held: bool) -> frozenset[State]:
    """Compute the states of an instant clone from those of its parent: a lock that was held is orphaned in the child.

    `held`: a customization that the states do not show may have run on the parent.
    """
    states = set()
    for state in parent:
        lost = state.orphaned or state.running == CUSTOMIZE
        states |= {replace(state, running="", orphaned=orphaned) for orphaned in {lost, lost or held}}
    return frozenset(states)


def _growing(number: dict[State, int]) -> Iterable[State]:
    """Yield each state once, including those that are numbered during the iteration."""
    done = 0
    while done < len(number):
        for state in list(number)[done:]:
            yield state
            done += 1


def _plain(state: State) -> State:
    """Reset the fields on which no outcome depends."""
    return replace(state, guest="before", network="down", task="", mid=NONE)


def _numbers(states: Iterable[State], number: dict[State, int]) -> int:
    """Assign numbers to new states (in the same order in every run); return the bit set of all the states."""
    plain = {_plain(state) for state in states}
    bits = 0
    for state in sorted(plain, key=msgspec.structs.astuple) if len(plain) > 1 else plain:
        bits |= 1 << number.setdefault(state, len(number))
    return bits


def _flows(kinds: Sequence[Step]) -> dict[str, set[Json]]:
    """Collect, for each field that changes by itself, the values that were ever read; only those with more than one."""
    seen_values: dict[str, set[Json]] = {}
    for step in kinds:
        for name, value in step.seen:
            if name in _FLOWS:
                seen_values.setdefault(name, set()).add(value)
    return {name: values for name, values in seen_values.items() if len(values) > 1}


def _silent(state: State, flows: Mapping[str, set[Json]], comes_up: set[Json]) -> list[State]:
    """List what a state may change to without a call: Tools come up, and fields take values that were read in the history."""
    rising = state.tools == "starting" and state.reachable
    states = [replace(state, tools=tools) for tools in comes_up if rising]
    if state.exists:
        states += [replace(state, **{name: value}) for name, values in flows.items() for value in values]
    return states


def _anyhow(state: State) -> list[State]:
    """List the states for every power state and Tools status that the VM may have."""
    tools = ("ready", "starting", "stopped", "never", "old")
    states = {
        settle(replace(state, power=power, tools=tools_state))
        for power in (ON, OFF, SUSPENDED)
        for tools_state in tools
    }
    return sorted(states, key=str)


def _done(effect: str, state: State) -> list[State]:
    """Apply an effect; an effect that ends a boot may or may not remove an orphaned lock (oracle section E)."""
    if not state.exists:
        return [state]
    after = EFFECTS[effect](state)
    if effect in {"customized", "aborted"}:
        return [replace(after, running="")]
    return [after, replace(after, orphaned=False)] if effect in _BOOTS else [after]


def _levered(lever: str, state: State) -> set[State]:
    tools = MOVES[lever].sets.get("tools") if lever in MOVES else None
    if tools is not None:
        return {state} if state.power != ON or state.tools == "never" else {replace(state, tools=tools)}
    return set(pulled(state, lever))


def _shows(state: State, seen: tuple[tuple[str, Json], ...]) -> bool:
    for name, value in seen:
        here = getattr(state, name)
        if value not in (_RISING.get(here, {here}) if name == "tools" and state.power == ON else {here}):
            return False
    return True
