"""A server that behaves differently within the contract raises no alarm; the whole list is `make defects`."""

from __future__ import annotations

import importlib

import pytest

MATRIX = importlib.import_module("kill_matrix")  # the script beside this file
CALLS = 60
SAMPLE = (
    "all-in-the-task",
    "busy-is-invalid-state",
    "calls-wait-in-a-queue",
    "optional-task-fields-unset",
    "manager-has-another-moid",
)


@pytest.mark.parametrize("name", SAMPLE)
def test_a_variant_is_quiet(name: str) -> None:
    """The first calls of the run raise no alarm."""
    shot = MATRIX.shoot(name, MATRIX.RANDOM_SEEDS[0], variant=True, calls=CALLS)
    assert shot.verdict != "violates", shot
