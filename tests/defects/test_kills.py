"""The harness finds planted defects by a plain run; the whole list is `make defects`."""

from __future__ import annotations

import importlib

import pytest

MATRIX = importlib.import_module("kill_matrix")  # the script beside this file
SAMPLE = (
    "abort-does-nothing",
    "abort-leaves-an-orphaned-lock",
    "any-guest-login-is-valid",
    "fault-with-status-200",
    "guest-permission-not-checked",
    "host-name-not-applied",
    "login-not-checked-for-abort",
    "manager-shown-to-old-clients",
    "pending-package-is-overwritten",
    "power-off-does-nothing",
    "power-off-not-checked",
    "privilege-not-checked",
    "running-vm-becomes-a-template",
    "running-vm-powers-on",
    "same-specification-twice-adds-up",
    "same-specification-twice-fails",
    "shutdown-without-tools-is-accepted",
    "task-goes-back-to-queued",
    "task-of-another-vm",
    "two-customizations-at-once",
)


@pytest.mark.parametrize("name", SAMPLE)
def test_a_planted_defect_is_found(name: str) -> None:
    """A plain run finds it within the limit of calls; how long that takes the matrix measures."""
    shot = MATRIX.shoot(name, MATRIX.FIXED_SEED)
    assert shot.found, shot
