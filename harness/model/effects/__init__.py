"""What a successful call of a contract changes, by the names that contract files use."""

from harness.model.effects import power
from harness.model.effects.guest import failed
from harness.model.effects.registry import EFFECTS, LATER, SHOWN, Effect, changed_fields, moves

__all__ = ["EFFECTS", "LATER", "SHOWN", "Effect", "changed_fields", "failed", "moves", "power"]
