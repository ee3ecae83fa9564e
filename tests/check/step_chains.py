"""The shipped model as something to make random histories of: what a client may do to one VM, as chains of steps."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from vcontract._check.linearizable import Steps
from vcontract._check.search import NOBODY
from vcontract._check.vm_steps import (
    ABORT,
    ACCEPTED,
    CAUSE,
    DONE,
    END,
    FAILED,
    FIT,
    GHOST,
    READ,
    REFUSED,
    TAKE,
    Numbered,
    Rules,
    Step,
)
from vcontract._contract import load
from vcontract._model import Asked, State

MANAGER = "VirtualMachineGuestCustomizationManager"
CUSTOMIZE, NETWORK, CANCEL = "CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task"
FAULTS = ("TaskInProgress", "InvalidState", "InvalidPowerState", "CustomizationFault", "InvalidGuestLogin")
POWER = (("poweredOff", "poweredOn"), ("reset",), ("poweredOn",))
Chain = tuple[Step, ...]


def chains() -> dict[str, list[Chain]]:
    """List what may be done, by sort: customizations, other tasks, refusals, reads, power."""
    good = {method: Asked(method) for method in (CUSTOMIZE, NETWORK, CANCEL)}
    bad = {method: Asked(method, login="rejected") for method in good}
    powers = [(name, value) for name, value in (("power", "poweredOn"), ("power", "poweredOff"))]
    tools = [("tools", "ready"), ("tools", "starting"), ("tools", "stopped")]
    accepted = {method: Step(ACCEPTED, asked) for method, asked in good.items()}
    return {
        "customize": [(accepted[CUSTOMIZE], Step(TAKE, good[CUSTOMIZE]), Step(END))],
        "abort": [(accepted[CANCEL], Step(ABORT, good[CANCEL]))],
        "network": [(accepted[NETWORK], Step(FIT, good[NETWORK]))],
        "error": [
            (accepted[CUSTOMIZE], Step(CAUSE, good[CUSTOMIZE], fault), Step(FAILED))
            for fault in ("CustomizationFault", "InvalidState")
        ],
        "refused": [(Step(REFUSED, asked, fault),) for asked in (*good.values(), *bad.values()) for fault in FAULTS],
        "read": [(Step(READ, seen=(("exists", True), one, other)),) for one in powers for other in tools],
        "power": [tuple(Step(DONE, does=effect) for effect in effects) for effects in POWER],
    }


SHARES = {"customize": 6, "abort": 2, "network": 3, "error": 1, "refused": 8, "read": 8, "power": 1}
"""Of how many operations each sort is tried."""


class ChainModel:
    """One VM by the shipped model; `choose` draws what a client does next, as numbers of kinds."""

    def __init__(self) -> None:
        listed = chains()
        used = dict.fromkeys(step for several in listed.values() for chain in several for step in chain)
        ghosts = [Step(GHOST, does=effect) for effect in ("customized", "aborted")]
        self.kinds = [*used, *ghosts]
        number = {step: place for place, step in enumerate(self.kinds)}
        self._chains = {
            sort: [tuple(number[step] for step in chain) for chain in several] for sort, several in listed.items()
        }
        self._sorts = [sort for sort, share in SHARES.items() for _ in range(share)]
        self.numbered: Numbered = Rules(load(MANAGER)).numbered([State()], self.kinds)

    def losing(self, steps: Steps, replies: int, rng: Random) -> Steps:
        """Lose the replies of some calls: whether they were accepted is not known, and less so how they ended."""
        firsts = [number for number, before in enumerate(steps.before) if before == NOBODY]
        lost = set(rng.sample(firsts, replies))
        for number, before in enumerate(steps.before):
            if before in lost:
                lost.add(number)
        kinds, events = list(steps.kinds), []
        for event in steps.events:
            number = event >> 1
            if number not in lost:
                events.append(event)
            elif not event & 1 and (ghost := self._ghost(kinds[number])) is not None:
                kinds[number] = ghost
                events.append(event)
        left = [NOBODY if number in lost else each for number, each in enumerate(steps.before)]
        return Steps(kinds, left, events)

    def _ghost(self, kind: int) -> int | None:
        """Give what a call may have done without a reply, by the step that would have done it; None: nothing."""
        step = self.kinds[kind]
        if step.role == DONE:
            return kind
        does = {END: "customized", FAILED: "customized", ABORT: "aborted"}.get(step.role)
        return None if does is None else self.kinds.index(Step(GHOST, does=does))

    def veto(self, state: int, kind: int) -> bool:
        """Let nothing take its lock away from a customization that shall succeed."""
        step, held = self.kinds[kind], self.numbered.states[state].running
        return bool(held) and (step.role == ABORT or step.does in {"poweredOff", "reset"})

    def choose(self, rng: Random, _: int) -> Sequence[tuple[int, ...]]:
        """Give what to try, in order: a few of one sort, then a read, which is possible in some way or other."""
        drawn = self._chains[rng.choice(self._sorts)]
        return [*rng.sample(drawn, min(4, len(drawn))), *self._chains["read"]]
