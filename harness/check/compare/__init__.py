"""What two saved histories show of the same situations, and where they differ; pure, and blind to whose they are."""

from harness.check.compare.aspects import TIMED, side, told
from harness.check.compare.change import Change, Kind
from harness.check.compare.latency import latency_changes
from harness.check.compare.rules import rules
from harness.check.compare.sighting import Sighting, Witness, sighting
from harness.check.compare.situations import by_situation, situation_changes
from harness.check.compare.tables import table_changes
from harness.check.compare.verdict_changes import row_changes, unsettled_rows

__all__ = [
    "TIMED",
    "Change",
    "Kind",
    "Sighting",
    "Witness",
    "by_situation",
    "latency_changes",
    "row_changes",
    "rules",
    "side",
    "sighting",
    "situation_changes",
    "table_changes",
    "told",
    "unsettled_rows",
]
