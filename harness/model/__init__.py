"""State, conditions and effects by name, and what the contract expects of a call: pure, no I/O, no clock, no random numbers."""

from harness.model.cells import BY_NAME, DEVIATIONS, Cell, cell, cell_of, cells, deviations_of
from harness.model.classify import classify
from harness.model.effects import EFFECTS, LATER, SHOWN, changed_fields, moves
from harness.model.expect import Allowed, Expectation, expect, holding
from harness.model.facts import Facts, GuestAccount, Lever, Pin, Pinned, VmFacts, family_of
from harness.model.ground import changes, ground, passes, refused, tour
from harness.model.located import PASSING, VARIED, located
from harness.model.observe import STATE_PATHS, TASK_PATHS, asks_session, compact, observe, read_of, recent_tasks, steady
from harness.model.sharpness import Sharpness, settled, sharpness, universe
from harness.model.state import Asked, State, possible, settle
from harness.model.step import Branch, step
from harness.model.tracker import TaskLife, Tracker, facts_of
from harness.terms import subject

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
    "located",
    "moves",
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
]
