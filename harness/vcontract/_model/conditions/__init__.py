"""Predicates on (state, call), by the names that contract files use."""

from vcontract._model.conditions import caller, guest, machine, midtask
from vcontract._model.conditions.registry import CONDITIONS, OUTCOME_CONDITIONS, holds, predicate

__all__ = ["CONDITIONS", "OUTCOME_CONDITIONS", "caller", "guest", "holds", "machine", "midtask", "predicate"]
