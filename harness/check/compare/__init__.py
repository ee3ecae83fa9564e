"""What two saved histories show of the same circumstances, and where they differ; pure, and blind to whose they are."""

from harness.check.compare.aspects import TIMED, side, told
from harness.check.compare.change import Change, Kind
from harness.check.compare.circumstances import by_circumstance, circumstance_changes
from harness.check.compare.latency import latency_changes
from harness.check.compare.profiles import comparable, profile_changes
from harness.check.compare.rules import rules
from harness.check.compare.sighting import Sighting, Witness, sighting
from harness.check.compare.verdict_changes import row_changes, unsettled_rows

__all__ = [
    "TIMED",
    "Change",
    "Kind",
    "Sighting",
    "Witness",
    "by_circumstance",
    "circumstance_changes",
    "comparable",
    "latency_changes",
    "profile_changes",
    "row_changes",
    "rules",
    "side",
    "sighting",
    "told",
    "unsettled_rows",
]
