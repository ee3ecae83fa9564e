"""State, conditions and effects by name, and what the contract expects of a call: pure, no I/O, no clock, no random numbers."""

from vcontract._model.cells import BY_NAME, DEVIATIONS, Cell, all_cells, cell, cell_of, cells, deviations_of
from vcontract._model.classify import classify
from vcontract._model.effects import EFFECTS, LATER, SHOWN, changed_fields, is_visible
from vcontract._model.expect import Allowed, Expectation, expect, holding
from vcontract._model.facts import Facts, GuestAccount, Lever, Pin, Pinned, VmFacts, family_of
from vcontract._model.followed_task import TaskLife
from vcontract._model.ground import changes, ground, passes, refused, tour
from vcontract._model.located import PASSING, VARIED, located
from vcontract._model.observe import (
    STATE_PATHS,
    TASK_PATHS,
    asks_session,
    compact,
    observe,
    read_of,
    recent_tasks,
    steady,
)
from vcontract._model.sharpness import Sharpness, settled, sharpness, universe, unsettled
from vcontract._model.state import Asked, State, possible, settle
from vcontract._model.step import Branch, step
from vcontract._model.tracker import Tracker, facts_of
from vcontract._terms import subject

__all__ = [
    "BY_NAME",
    "DEVIATIONS",
    "EFFECTS",
    "LATER",
    "PASSING",
    "SHOWN",
    "STATE_PATHS",
    "TASK_PATHS",
    "VARIED",
    "Allowed",
    "Asked",
    "Branch",
    "Cell",
    "Expectation",
    "Facts",
    "GuestAccount",
    "Lever",
    "Pin",
    "Pinned",
    "Sharpness",
    "State",
    "TaskLife",
    "Tracker",
    "VmFacts",
    "all_cells",
    "asks_session",
    "cell",
    "cell_of",
    "cells",
    "changed_fields",
    "changes",
    "classify",
    "compact",
    "deviations_of",
    "expect",
    "facts_of",
    "family_of",
    "ground",
    "holding",
    "is_visible",
    "located",
    "observe",
    "passes",
    "possible",
    "read_of",
    "recent_tasks",
    "refused",
    "settle",
    "settled",
    "sharpness",
    "steady",
    "step",
    "subject",
    "tour",
    "universe",
    "unsettled",
]
