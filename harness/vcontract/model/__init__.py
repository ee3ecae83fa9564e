"""State, conditions and effects by name, and what the contract expects of a call: pure, no I/O, no clock, no random numbers."""

from vcontract.model.cells import BY_NAME, DEVIATIONS, Cell, all_cells, cell, cell_of, cells, deviations_of
from vcontract.model.classify import classify
from vcontract.model.effects import EFFECTS, LATER, SHOWN, changed_fields, is_visible
from vcontract.model.expect import Allowed, Expectation, expect, holding
from vcontract.model.facts import Facts, GuestAccount, Lever, Pin, Pinned, VmFacts, family_of
from vcontract.model.followed_task import TaskLife
from vcontract.model.ground import changes, ground, passes, refused, tour
from vcontract.model.located import PASSING, VARIED, located
from vcontract.model.observe import (
    STATE_PATHS,
    TASK_PATHS,
    asks_session,
    compact,
    observe,
    read_of,
    recent_tasks,
    steady,
)
from vcontract.model.sharpness import Sharpness, settled, sharpness, universe, unsettled
from vcontract.model.state import Asked, State, possible, settle
from vcontract.model.step import Branch, step
from vcontract.model.tracker import Tracker, facts_of
from vcontract.terms import subject

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
