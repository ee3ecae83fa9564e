"""Proves whether a vCenter keeps the contract of VirtualMachineGuestCustomizationManager.

The names of `__all__` are public, and the page `docs/api.md` describes them; each is loaded when it is first asked for, so
that the command line starts quickly.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vcontract import strategies
    from vcontract._api.check_spec import Problem, SpecFacts, check_spec
    from vcontract._api.explaining import Explanation, Permitted, explain
    from vcontract._api.simulator import Account, Simulator
    from vcontract._errors import UsageError

__all__ = [
    "Account",
    "Explanation",
    "Permitted",
    "Problem",
    "Simulator",
    "SpecFacts",
    "UsageError",
    "check_spec",
    "explain",
    "strategies",
]

__version__ = "0.2.0"
"""The one place where the version is written; the build reads it here. Files that name none are of 0.1.0 or before."""

_HOMES = {
    "vcontract._api.check_spec": ("Problem", "SpecFacts", "check_spec"),
    "vcontract._api.explaining": ("Explanation", "Permitted", "explain"),
    "vcontract._api.simulator": ("Account", "Simulator"),
    "vcontract._errors": ("UsageError",),
}


if not TYPE_CHECKING:  # a type checker that saw it would take any name for one of ours

    def __getattr__(name: str) -> Any:
        """Load a public name. Raises AttributeError for any other."""
        if name == "strategies":
            return importlib.import_module("vcontract.strategies")
        home = next((home for home, names in _HOMES.items() if name in names), None)
        if home is None:
            raise AttributeError(f"module 'vcontract' has no attribute {name!r}")
        return getattr(importlib.import_module(home), name)


def __dir__() -> list[str]:
    """List the public names."""
    return [*__all__, "__version__"]
