"""Reports may be old: what a VM was within the staleness still permits its faults (oracle rule A5)."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from vcontract.terms import Verdict


def _told(story: Any, staleness: float, pause: float) -> Any:
    """Tell of a VM that was powered on, and some seconds later refused as powered off."""
    story.judge.tracker.facts = replace(story.judge.tracker.facts, staleness=staleness)
    story.vm(power="poweredOff")
    story.vm()
    story.time += pause
    story.vm()
    story.refused("StartGuestNetwork_Task", "InvalidPowerState", fields={"existingState": "poweredOff"})
    story.vm()
    return story.verdict().verdict


@pytest.mark.parametrize(
    ("staleness", "pause", "verdict"),
    [(60.0, 0.0, Verdict.CONFORMS), (0.0, 0.0, Verdict.VIOLATES), (5.0, 60.0, Verdict.VIOLATES)],
)
def test_what_was_true_within_the_staleness_is_permitted(
    story: Any, staleness: float, pause: float, verdict: Verdict
) -> None:
    """Right where reports are as old as that, wrong where they are fresh, wrong after longer."""
    assert _told(story, staleness, pause) is verdict
