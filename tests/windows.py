"""How long the tasks and boots of the tests' simulators last: as long as a test says, or as this machine needs.

A test that calls within a task must get there before the task ends, on a machine that is slow or busy too. So the times of a
simulator are stretched by how much longer a call takes here than it did where they were chosen. Whatever else a test gives in
seconds because of what a server does meanwhile is multiplied by `stretch()`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ParamSpec

from vcontract._simulator import Settings
from vcontract._testbed.embedded_simulator import fitting, for_one_client, measured

__all__ = ["fitted", "skipping", "stretch", "time_options"]

_AGE = 15.0
"""Seconds for which what was measured is believed: a test process lasts for minutes, and its machine is not always as busy."""

_SettingsOf = ParamSpec("_SettingsOf")
_known: list[tuple[float, float]] = []


def stretch() -> float:
    """Give the most that was measured in this process so far, so that no time is shorter than one before it."""
    if not _known or time.monotonic() - _known[-1][0] > _AGE:
        most = max(measured(), *(factor for _, factor in _known[-1:]), 1.0)
        _known.append((time.monotonic(), most))
    return _known[-1][1]


def _stretched(make: Callable[_SettingsOf, Settings]) -> Callable[_SettingsOf, Settings]:
    """Give a function that takes what Settings takes, and gives them with times that fit."""

    def made(*args: _SettingsOf.args, **told: _SettingsOf.kwargs) -> Settings:
        return fitting(make(*args, **told), stretch())

    return made


fitted = _stretched(Settings)


def _alone(make: Callable[_SettingsOf, Settings]) -> Callable[_SettingsOf, Settings]:
    """Give a function that takes what Settings takes, and gives them as the embedded simulator has them for one client."""

    def made(*args: _SettingsOf.args, **told: _SettingsOf.kwargs) -> Settings:
        return fitting(for_one_client(make(*args, **told)), stretch())

    return made


skipping = _alone(Settings)
"""For a run of one client: its tasks and boots last long enough to be met, and cost no time where nobody looks."""


def time_options(task_time: float, boot_time: float = Settings.boot_time) -> tuple[str, ...]:
    """Give the words that tell `vcontract simulate` times that fit."""
    told = fitted(task_time=task_time, boot_time=boot_time)
    return "--task-time", str(told.task_time), "--boot-time", str(told.boot_time)
