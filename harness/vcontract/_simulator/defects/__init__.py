"""Planted bugs, off by default: each breaks a promise that a hard source makes, and the harness must find each.

One file per family, one small function per defect; its name is the function's in kebab-case, what it does its docstring.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vcontract._simulator.defects import (
    caller,
    concurrency,
    faults,
    guest,
    history,
    lock,
    machine,
    preconditions,
    tasks,
    versions,
    wire,
)
from vcontract._simulator.defects.registry import DEFECTS, Defect

if TYPE_CHECKING:
    from vcontract._simulator.vcenter import VCenter

__all__ = [
    "DEFECTS",
    "Defect",
    "caller",
    "concurrency",
    "faults",
    "guest",
    "history",
    "lock",
    "machine",
    "misbehave",
    "preconditions",
    "tasks",
    "versions",
    "wire",
]


def misbehave(vcenter: VCenter) -> None:
    """Bring the defects that the settings name into a VCenter; UsageError for an unknown name."""
    DEFECTS.apply(vcenter.settings.defects, vcenter)


def listed_defects() -> list[str]:
    """Describe every defect in a line: its name, what it does, the row that it breaks and that row's source."""
    planted = (behaviour for behaviour in DEFECTS.known.values() if isinstance(behaviour, Defect))
    return [f"{known.name}  {known.says}  {known.row}  [{known.source}]" for known in planted]
