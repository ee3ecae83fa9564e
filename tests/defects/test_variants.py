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
    "first-customization-after-an-abort-is-refused",
    "first-customization-after-an-abort-fails",
)


@pytest.mark.parametrize("name", SAMPLE)
def test_a_variant_is_quiet(name: str) -> None:
    """The first calls of the run raise no alarm."""
    shot = MATRIX.shoot(name, MATRIX.RANDOM_SEEDS[0], variant=True, calls=CALLS)
    assert shot.verdict != "violates", shot


def test_what_the_configuration_does_not_say_is_not_assumed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A vCenter that makes up names is accused where the configuration knows of no application that does."""
    monkeypatch.setattr(MATRIX, "TOLD", {})
    shot = MATRIX.shoot("application-makes-up-names", MATRIX.RANDOM_SEEDS[0], variant=True, calls=400)
    assert shot.verdict == "violates", shot
    assert "semantic:rule:6" in shot.says
