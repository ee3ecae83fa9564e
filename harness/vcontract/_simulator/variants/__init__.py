"""Other ways to keep the contract, off by default: each must be quiet, for a false alarm is the worst mistake.

One file per family, one small function per variant; its name is the function's in kebab-case, what it does its docstring.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vcontract._simulator.variants import checks, faults, guest, tasks, wire, world
from vcontract._simulator.variants.registry import VARIANTS

if TYPE_CHECKING:
    from vcontract._simulator.vcenter import VCenter

__all__ = ["VARIANTS", "checks", "faults", "guest", "listed_variants", "tasks", "vary", "wire", "world"]


def vary(vcenter: VCenter) -> None:
    """Bring the variants that the settings name into a VCenter; UsageError for an unknown name."""
    VARIANTS.apply(vcenter.settings.variants, vcenter)


def listed_variants() -> list[str]:
    """Describe every variant in a line: its name and what it does."""
    return [f"{behaviour.name}  {behaviour.says}" for behaviour in VARIANTS.known.values()]
