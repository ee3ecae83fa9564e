"""What two saved histories show of the same circumstances, and where they differ; pure, and blind to whose they are."""

from vcontract._check.compare.aspects import TIMED, side, told
from vcontract._check.compare.change import Change, Kind
from vcontract._check.compare.circumstances import by_circumstance, circumstance_changes
from vcontract._check.compare.latency import latency_changes
from vcontract._check.compare.profiles import comparable, profile_changes
from vcontract._check.compare.rules import rules
from vcontract._check.compare.sighting import Sighting, Witness, sighting
from vcontract._check.compare.verdict_changes import row_changes, unsettled_rows

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
