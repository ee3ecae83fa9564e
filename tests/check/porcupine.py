"""Porcupine, a checker that somebody else wrote, as a judge of our histories: it gets our model as tables, and our steps.

`tests/porcupine` is the program, `make test-deps` builds it.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from vcontract._check.linearizable import Answer, Steps
from vcontract._check.search import NOBODY
from vcontract._check.transitions import Table

PROGRAM = Path(__file__).parents[2] / "build" / "porcupine"
_ANSWERS = {"Ok": Answer.LEGAL, "Illegal": Answer.ILLEGAL, "Unknown": Answer.INCONCLUSIVE}
_OVER = 63
"""The bit of a state that says that the history is over: after it a step without an end never happened."""


class Porcupine:
    """The program with some histories, each one of several machines, which begin in any of `states` (a bit set).

    Use it as a context manager. ValueError: states and slots do not fit into a word.
    """

    def __init__(self, table: Table, states: int, histories: Sequence[Sequence[Steps]], file: Path) -> None:
        moves = [
            {state: after for state in range(table.states) if (after := table.after(kind, table.close(1 << state)))}
            for kind in range(len(table.passive))
        ]
        told = [
            [step for machine, steps in enumerate(history) for step in _told(steps, machine, table.states)]
            for history in histories
        ]
        document = {"states": table.states, "initial": table.close(states), "kinds": moves, "histories": told}
        file.write_text(json.dumps(document), "utf-8")
        self._process = subprocess.Popen(  # noqa: S603 - built here
            [PROGRAM, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def judge(self, number: int, seconds: float) -> tuple[Answer, float]:
        """Judge one of the histories; gives the answer, inconclusive after so many seconds, and the seconds it took."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{number} {seconds}\n")
        self._process.stdin.flush()
        answer, took = self._process.stdout.readline().split()
        return _ANSWERS[answer], int(took) / 1e9


def _told(steps: Steps, machine: int, states: int) -> list[dict[str, Any]]:
    """Write the steps of a machine as operations of Porcupine's.

    Porcupine knows no order but that of time. Where a step must follow another that may end later than it begins, a slot is
    a bit of the state that the first one sets, and the other needs and clears.
    """
    end = len(steps.events)
    ends = {event >> 1: place for place, event in enumerate(steps.events) if event & 1}
    told = {
        event >> 1: {
            "machine": machine,
            "kind": steps.kinds[event >> 1],
            "call": place,
            "return": ends.get(event >> 1, end + 2),
            "frees": 0,
            "takes": 0,
        }
        for place, event in enumerate(steps.events)
        if not event & 1
    }
    free, held = [1 << bit for bit in range(states, _OVER)], list[tuple[int, int]]()
    waiting = [(told[steps.before[number]], told[number]) for number in told if steps.before[number] != NOBODY]
    for first, step in sorted(waiting, key=lambda pair: int(pair[0]["call"])):
        if first["return"] < step["call"]:
            continue
        free += [slot for until, slot in held if until < first["call"]]
        held = [(until, slot) for until, slot in held if until >= first["call"]]
        if not free:
            raise ValueError("more steps wait for others at once than a word has room for")
        slot = free.pop()
        held.append((step["return"], slot))
        first["takes"] |= slot
        step["frees"] |= slot
    over = {"machine": machine, "kind": -1, "call": end, "return": end + 1, "frees": 0, "takes": 1 << _OVER}
    return [*told.values(), *[over] * (len(ends) < len(told))]
