"""`--budget`: a run ends in its time, and says what it left out and what more time would add."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from vcontract._config.request import RunRequest
from vcontract._contract import load
from vcontract._errors import UsageError
from vcontract._model import all_cells
from vcontract._run.estimates.budget import STEPS, left_out, within_budget
from vcontract._run.plan import Step, plan

MANAGER, ABORT = "VirtualMachineGuestCustomizationManager", "AbortCustomization_Task"


@pytest.fixture(scope="module")
def steps() -> list[Step]:
    """Plan one method, in which everything is within reach."""
    contract = load(MANAGER)
    return plan(contract, [ABORT], all_cells(contract), [], 1).steps


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("10m", 600), ("1.5h", 5400), ("2h", 7200)])
def test_steps_end_before_the_budget_does(text: str, seconds: float) -> None:
    """What they disturbed is put back in the rest."""
    assert within_budget(RunRequest(budget=text)).time_limit == pytest.approx(STEPS * seconds)
    assert within_budget(RunRequest()) == RunRequest()


@pytest.mark.parametrize("text", ["10", "ten minutes", "0m", "-5m", "10M", "1d", "nanm"])
def test_what_is_no_time_is_refused_in_one_line(text: str) -> None:
    """With what may be given."""
    with pytest.raises(UsageError, match="give one as 90s, 10m or 2h"):
        within_budget(RunRequest(budget=text))


def test_two_limits_of_time_contradict_each_other() -> None:
    """Nobody would know which one counts."""
    with pytest.raises(UsageError, match="choose one"):
        within_budget(replace(RunRequest(budget="10m"), time_limit=5.0))


def test_what_is_left_out_is_counted_by_its_kind(steps: list[Step]) -> None:
    """With the time that it would take at the pace so far; nothing is left of a plan that was taken whole."""
    single = [step.label for step in steps if step.cell is not None and len(step.cell.deviations) < 2]
    said = left_out("10m", steps, single, 300.0)
    pairs = sum(step.cell is not None for step in steps) - len(single)
    assert said.startswith(f"budget 10m: {len(single)} of {len(steps)} steps were taken in 5 min; left out: ")
    assert f"{pairs} cells with two things unusual" in said
    assert "cells with one thing unusual" not in said
    assert said.endswith(f"they take about {300 * (len(steps) - len(single)) / len(single) / 60:.0f} min more")
    assert left_out("10m", steps, [step.label for step in steps], 80.0).endswith("taken in 80 s: all of the plan")
    assert "at this pace" not in left_out("10m", steps, [], 80.0)
