"""What each step of a VM's history may make of the VM (oracle section E), as tables over numbered states.

A task call is several steps: it is *accepted*; it ends. Its end is known, since the history is whole, and so of the work
between them only that is held which another outcome can depend on:

- a customization that succeeded *takes* the lock where success is permitted, and gives it back at its *end*; a lock that
  an abort or the power took away is not there to give back, so no end is possible then;
- an abort that succeeded does its work at one moment; a network start changes nothing that an answer depends on;
- a task that ended in error has a *cause*: a moment since it was accepted at which its fault was permitted; a customization
  may then have left its lock behind (*failed*).

What else may run at that time (`beside`: work that ended in error, or whose end nobody saw; aborts; network starts; other
tasks) and what happened while the task ran (`mid`, situations M) come from the times alone: they only add outcomes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from vcontract.check.transitions import Table
from vcontract.contract import OK, Contract
from vcontract.model import EFFECTS, Asked, State, expect, settle
from vcontract.model.effects import failed
from vcontract.model.moves import MOVES, pulled
from vcontract.model.state import CUSTOMIZE, OFF, ON, SUSPENDED
from vcontract.model.tracker import anything
from vcontract.terms import Json

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
    FAILED: "CustomizeGuest_Task may leave its lock",
    TAKE: "CustomizeGuest_Task takes the lock",
    ABORT: "AbortCustomization_Task frees the lock",
    GONE: "the VM goes",
}
NONE: frozenset[str] = frozenset()
_FLOWS = ("connection", "question", "pending", "template")
"""Fields of a state that may also change by what no call tells."""
_RISING = {"starting": {"stopped", "starting", "ready"}, "ready": {"ready", "starting"}}
"""As what Tools may be reported that are starting or up: they come up, and go down, step by step."""


_BOOTS = frozenset({"poweredOff", "reset", "guestShutDown", "guestRebooted"})


class Step(msgspec.Struct, frozen=True):
    """One kind of step: its role, the call as the oracle sees it, and what came of it.

    `does` is an effect, a lever or a host's state, or why no end is legal; `seen` are fields of a state that were read.
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
        return " ".join(each for each in (what, self.role, self.outcome, seen) if each)


class Numbered(msgspec.Struct, frozen=True):
    """The tables of one VM: the states by number, the bit set of those that it may begin in, the steps between them."""

    states: tuple[State, ...]
    initial: int
    table: Table


class Rules:
    """What a contract makes of steps; remembers what it has worked out.

    `contracts` beyond the first only say which outcomes their own methods may have; each method is judged by its own.
    """

    def __init__(self, *contracts: Contract) -> None:
        self._contracts = {method.name: each for each in contracts for method in each.methods}
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
            ANY: lambda _, state: [each for one in anything(state) for each in _anyhow(one)],
        }

    def numbered(self, initial: Iterable[State], kinds: Sequence[Step]) -> Numbered:
        """Give a number to every state that can be reached by the steps from those that a history may begin in."""
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
        """Give the outcomes that the contract permits, whatever may run beside, and whether a task may bring one of them."""
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
        """Whether a call may succeed in this state; one that is not judged may."""
        return step.asked is None or self._outcomes(state, step.asked)[2]

    def _outcomes(self, state: State, asked: Asked) -> tuple[frozenset[str], bool, bool]:
        known = self._allowed.get((state, asked))
        if known is None:
            allowed = expect([state], asked, self._contracts[asked.method]).allowed
            task = any(not each.synchronous for each in allowed.values())
            success = OK in allowed and not allowed[OK].conditions  # it began while other work ran: not in this state
            known = self._allowed[state, asked] = (frozenset(allowed), task, success)
        return known


def beginnings(engine: str, seen: Mapping[str, Json] | None = None) -> frozenset[State]:
    """Give every state that a VM may be in before anything is known of it; `seen` are fields that its first read showed."""
    seen = seen or {}
    flows = {name: seen[name] for name in _FLOWS if name in seen}
    bases = {State(engine=engine, orphaned=held) for held in (False, True)}
    found = {each for one in bases for each in _anyhow(one)}
    known = {settle(replace(each, **flows)) for each in found} if flows else set()
    return frozenset(found | known)


def inherited(parent: Iterable[State], *, held: bool) -> frozenset[State]:
    """Give the states of an instant clone from those of its parent: a lock that was held has no owner in the child.

    `held`: a customization of which the states do not tell may have run.
    """
    found = set()
    for each in parent:
        lost = each.orphaned or each.running == CUSTOMIZE
        found |= {replace(each, running="", orphaned=orphaned) for orphaned in {lost, lost or held}}
    return frozenset(found)


def _growing(number: dict[State, int]) -> Iterable[State]:
    """Give each state once, those too that are numbered on the way."""
    done = 0
    while done < len(number):
        for state in list(number)[done:]:
            yield state
            done += 1


def _plain(state: State) -> State:
    """Drop what no outcome depends on."""
    return replace(state, guest="before", network="down", task="", mid=NONE)


def _numbers(states: Iterable[State], number: dict[State, int]) -> int:
    """Give numbers to states, in an order that is the same in every run."""
    plain = {_plain(each) for each in states}
    found = 0
    for each in sorted(plain, key=msgspec.structs.astuple) if len(plain) > 1 else plain:
        found |= 1 << number.setdefault(each, len(number))
    return found


def _flows(kinds: Sequence[Step]) -> dict[str, set[Json]]:
    """Collect the values of each field that changes by itself, as they were ever read."""
    found: dict[str, set[Json]] = {}
    for step in kinds:
        for name, value in step.seen:
            if name in _FLOWS:
                found.setdefault(name, set()).add(value)
    return {name: values for name, values in found.items() if len(values) > 1}


def _silent(state: State, flows: Mapping[str, set[Json]], comes_up: set[Json]) -> list[State]:
    """Give what may become of a state by itself: Tools come up; a question, a host's loss as they were read elsewhere."""
    rising = state.tools == "starting" and state.reachable
    found = [replace(state, tools=each) for each in comes_up if rising]
    if state.exists:
        found += [replace(state, **{name: value}) for name, values in flows.items() for value in values]
    return found


def _anyhow(state: State) -> list[State]:
    """Know nothing of a VM's power and Tools."""
    tools = ("ready", "starting", "stopped", "never", "old")
    found = {settle(replace(state, power=power, tools=each)) for power in (ON, OFF, SUSPENDED) for each in tools}
    return sorted(found, key=str)


def _done(effect: str, state: State) -> list[State]:
    """Apply an effect; what ends the run of the guest may end an orphaned lock with it (oracle section E)."""
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
