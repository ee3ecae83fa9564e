"""How long everything takes in one simulated vCenter: always the same, or drawn from the ranges of `timings.toml`."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from vcontract._errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from vcontract._simulator.settings import Settings
    from vcontract._simulator.vcenter import VCenter

_DATA = Path(__file__).with_name("timings.toml")
OTHER, MEMORY = "task", "snapshotWithMemory"
BOOT, READY, ASKED, REQUEST = "boot", "ready", "guest", "request"
RUNTIME_REPORT, GUEST_REPORT, TASK_REPORT = "runtimeReport", "guestReport", "taskReport"
_UP = 0.8
"""The share of a boot at which Tools are shown running; what comes after it is that of guest operations."""


class Range(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The least and the most seconds that something takes, and why these."""

    seconds: tuple[float, float]
    because: str


@cache
def ranges() -> Mapping[str, Mapping[str, Range]]:
    """Give the ranges by the name of the timing and the kind of what takes the time."""
    return msgspec.toml.decode(_DATA.read_bytes(), type=dict[str, dict[str, Range]])


class Timing:
    """The times of one vCenter, in seconds; `task_time` and the other settings of times where none is named.

    `named` is NAME or NAME:SPEED, by which every range is divided. What is drawn depends on the seed, on the object and on how
    often it was drawn for it before, not on what happens to others. Raises UsageError for a text of another form.
    """

    def __init__(self, vcenter: VCenter, named: str = "") -> None:
        self._vcenter = vcenter
        self._ranges, self._speed = _parsed(named) if named else ({}, 1.0)
        self._draws: dict[tuple[str, str], random.Random] = {}

    @property
    def drawn(self) -> bool:
        """Whether times are drawn, and what is shown is late."""
        return bool(self._ranges)

    def settings(self) -> Settings:
        """Give the settings with times of the same size, for what is timed by them alone; no time is skipped."""
        settings = self._vcenter.settings
        if not self.drawn:
            return settings
        middle = {kind: sum(self._ranges[kind].seconds) / 2 / self._speed for kind in (OTHER, BOOT)}
        late = self._ranges[GUEST_REPORT].seconds[1] / self._speed
        return replace(settings, task_time=middle[OTHER], boot_time=middle[BOOT], report_time=late, skips=0.0)

    def task(self, method: str, usual: float, *, times: float = 1.0, whose: str = "", kind: str = "") -> float:
        """Give how long a task lasts: `usual` seconds, or what is drawn for its kind (empty: its method).

        `times` says how much longer than usual it shall last; of `usual` that is a part already.
        """
        if not self.drawn:
            return usual
        return times * self._draw(kind or method if (kind or method) in self._ranges else OTHER, whose)

    def boot(self, whose: str) -> Callable[[float], float]:
        """Give after how many seconds a share (0 to 1) of one boot is over."""
        if not self.drawn:
            return lambda share: share * self._vcenter.settings.boot_time
        up, ready = self._draw(BOOT, whose), self._draw(READY, whose)
        return lambda share: up * min(share / _UP, 1.0) + ready * max(0.0, (share - _UP) / (1 - _UP))

    def asked(self, whose: str) -> float:
        """Give how long a guest takes to do what it was asked for."""
        return self._draw(ASKED, whose) if self.drawn else self._vcenter.settings.boot_time

    def late(self, kind: str, whose: str = "") -> float:
        """Give how late something is shown, or a request is answered; 0 where nothing is drawn."""
        return self._draw(kind, whose) if self.drawn else 0.0

    def _draw(self, kind: str, whose: str) -> float:
        key = kind, whose
        if key not in self._draws:
            seed = f"{self._vcenter.settings.seed} {kind} {whose}"
            self._draws[key] = random.Random(seed)  # noqa: S311 - repeatable choices, no secret
        return self._draws[key].uniform(*self._ranges[kind].seconds) / self._speed


def _parsed(named: str) -> tuple[Mapping[str, Range], float]:
    name, colon, text = named.partition(":")
    known = ranges()
    if name not in known:
        raise UsageError(f"timing {named!r}: there is no {name!r}; give {' or '.join(known)}, as vcenter or vcenter:10")
    try:
        speed = float(text) if colon else 1.0
    except ValueError:
        speed = math.nan
    if not (math.isfinite(speed) and speed > 0):
        raise UsageError(
            f"timing {named!r}: {text!r} is no speed; give a number above 0, as vcenter:10 for ten times as quick"
        )
    return known[name], speed
