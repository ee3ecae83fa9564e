"""`stress --schedules`: drawn schedules on a target that somebody else started; a race is made small and its rate told."""

from __future__ import annotations

import re
from typing import Any


def test_a_race_on_a_target_is_made_small(load: Any, simulator: Any) -> None:
    """Two clients with a call each are left, and it is told how often they show it; exit 1."""
    with simulator("--defect", "each-session-has-its-own-lock") as url:
        ended = load.run("--schedules", "80", "--target", url, seconds=300)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert re.search(
        r"^race after \d+ executions: .*one-customization.*: in [1-9]\d* of 10 executions of$",
        ended.stdout,
        re.MULTILINE,
    )
    assert re.findall(r"^client \d: (\w+) on VM \d", ended.stdout, re.MULTILINE) == ["CustomizeGuest_Task"] * 2
    assert "--schedules 80" in ended.stdout


def test_a_faithful_simulator_has_no_race(load: Any) -> None:
    """A few schedules find none; exit 0."""
    ended = load.run("--schedules", "6", seconds=300)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "no race in 6 schedules" in ended.stdout
