"""What the operator allows (`allow` of the configuration), by the methods that need it."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from vcontract._model.moves import BY_METHOD

NEEDS = {method: move.needs for method, move in BY_METHOD.items() if move.needs}
"""What must be allowed for a method to be called; the others need nothing."""


def forbidden(method: str, allow: AbstractSet[str]) -> str:
    """Say why a method may not be called; empty if it may."""
    needed = NEEDS.get(method, "")
    return "" if needed in {"", *allow} else not_allowed(needed)


def not_allowed(needed: str) -> str:
    """Say that something is not allowed."""
    return f"the configuration does not allow {needed}"
