"""What a successful call of a contract changes, by the names that contract files use."""

from vcontract._model.effects import power
from vcontract._model.effects.guest import LOCKS, failed, left_behind
from vcontract._model.effects.registry import EFFECTS, LATER, SHOWN, Effect, changed_fields, is_visible

__all__ = [
    "EFFECTS",
    "LATER",
    "LOCKS",
    "SHOWN",
    "Effect",
    "changed_fields",
    "failed",
    "is_visible",
    "left_behind",
    "power",
]
