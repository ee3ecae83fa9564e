"""What a successful call of a contract changes, by the names that contract files use."""

from vcontract.model.effects import power
from vcontract.model.effects.guest import UNLOCKED, cut_short, failed
from vcontract.model.effects.registry import EFFECTS, LATER, SHOWN, Effect, changed_fields, is_visible

__all__ = [
    "EFFECTS",
    "LATER",
    "SHOWN",
    "UNLOCKED",
    "Effect",
    "changed_fields",
    "cut_short",
    "failed",
    "is_visible",
    "power",
]
