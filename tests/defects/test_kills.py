"""The harness finds planted defects by a plain run; the whole list is `make defects`, and marked long here."""

from __future__ import annotations

import importlib

import pytest

MATRIX = importlib.import_module("kill_matrix")  # the script beside this file
SAMPLE = (
    "abort-does-nothing",
    "abort-leaves-an-orphaned-lock",
    "fault-with-status-200",
    "guest-permission-not-checked",
    "host-name-not-applied",
    "login-not-checked-for-abort",
    "manager-shown-to-old-clients",
    "power-off-not-checked",
    "privilege-not-checked",
    "same-specification-twice-fails",
    "task-of-another-vm",
    "two-customizations-at-once",
)


@pytest.mark.parametrize("name", SAMPLE)
def test_a_planted_defect_is_found(name: str) -> None:
    """A plain run finds it within the limits of calls and seconds."""
    shot = MATRIX.shoot(name, MATRIX.FIXED_SEED)
    assert shot.killed, shot


@pytest.mark.long
@pytest.mark.parametrize("name", MATRIX.SHALLOW)
def test_every_planted_defect_is_found(name: str) -> None:
    """A plain run finds every one that needs no history, at a seed of its own."""
    shot = MATRIX.shoot(name, MATRIX.RANDOM_SEEDS[len(name) % len(MATRIX.RANDOM_SEEDS)])
    assert shot.killed, shot
