"""Draws whole schedules of what several clients do at once before anything is sent, so that a race can be shrunk."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy


class Turn(msgspec.Struct, frozen=True, order=True):
    """One call: by which client, of which method, on which of the VMs, so many moments after the end of its last one.

    Numbers count from 0. How long a moment is, is said when the schedule is executed.
    """

    client: int
    method: str
    vm: int = 0
    wait: int = 0

    def text(self) -> str:
        """Write it in a few words."""
        wait = f" after {self.wait} moments" if self.wait else ""
        return f"client {self.client + 1}: {self.method} on VM {self.vm + 1}{wait}"


_WAITS = (0, 0, 1, 2, 4, 8)
Schedule = tuple[Turn, ...]
"""What several clients do: each takes its own turns in this order, and waits for nobody else."""


def schedules(methods: Sequence[str], *, clients: int = 3, vms: int = 2, most: int = 12) -> SearchStrategy[Schedule]:
    """Draw schedules of up to `most` turns; the simplest have few clients, few VMs, few calls, the first methods, no waits."""
    turn = st.builds(
        Turn,
        client=st.integers(0, clients - 1),
        method=st.sampled_from(tuple(methods)),
        vm=st.integers(0, vms - 1),
        wait=st.sampled_from(_WAITS),
    )
    return st.lists(turn, min_size=1, max_size=most).map(tuple)


def size(schedule: Schedule) -> tuple[int, ...]:
    """Measure a schedule by its turns, then its clients and VMs, then its waits and calls; smaller is simpler."""
    several = len({step.client for step in schedule}) + len({step.vm for step in schedule})
    return len(schedule), several, sum(step.wait for step in schedule)


def shown(schedule: Schedule) -> str:
    """Write a schedule, a line for each turn, client by client."""
    ordered = sorted(enumerate(schedule), key=lambda entry: (entry[1].client, entry[0]))
    return "\n".join(step.text() for _, step in ordered)
