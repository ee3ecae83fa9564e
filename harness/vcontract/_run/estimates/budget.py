"""`--budget`: the time that a run may take, what of its plan that leaves out, and what more time would add."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence

from msgspec.structs import replace

from vcontract._config.request import RunRequest
from vcontract._errors import UsageError
from vcontract._run.plan import Step

STEPS = 0.85
"""The part of a budget in which steps are taken: what they disturbed is put back in the rest."""
_UNITS = {"s": 1, "m": 60, "h": 3600}
_TIME = re.compile(r"(\d+(?:\.\d+)?)([smh])")
_MANY = 90.0
"""From so many seconds on a time is told in minutes."""


def within_budget(request: RunRequest) -> RunRequest:
    """Give a request that ends its steps in time for its budget, if it has one. Raises UsageError for what is no time."""
    if not request.budget:
        return request
    found = _TIME.fullmatch(request.budget)
    if found is None or not float(found[1]):
        raise UsageError(f"--budget {request.budget}: is no time; give one as 90s, 10m or 2h")
    if request.time_limit:
        raise UsageError("--budget says how long the whole run may take, --time-limit its steps: choose one")
    return replace(request, time_limit=STEPS * float(found[1]) * _UNITS[found[2]])


def left_out(budget: str, steps: Sequence[Step], taken: Collection[str], seconds: float) -> str:
    """Say how much of a plan was taken in so many seconds, what was left out, and how long that would take."""
    done = sum(step.label in taken for step in steps)
    left = Counter(_kind(step) for step in steps if step.label not in taken)
    told = f"budget {budget}: {done:,} of {len(steps):,} steps were taken in {_told(seconds)}"
    if not left:
        return f"{told}: all of the plan"
    what = ", ".join(f"{count:,} {kind}" for kind, count in left.items())
    more = f"; at this pace they take about {_told(seconds / done * left.total())} more" if done else ""
    return f"{told}; left out: {what}{more}"


def _kind(step: Step) -> str:
    if step.case is not None:
        return "cases of the input"
    if step.cell is None:
        return "calls with a past or a disturbance"
    return "cells with one thing unusual" if len(step.cell.deviations) < 2 else "cells with two things unusual"


def _told(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < _MANY else f"{seconds / 60:.0f} min"
