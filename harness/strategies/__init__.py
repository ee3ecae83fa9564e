"""Types to values to calls: valid ones and broken ones, each labelled with what it breaks."""

from harness.strategies.calls import DRAWN, Caller
from harness.strategies.case import Case
from harness.strategies.coverage import Coverage
from harness.strategies.pool import Pool, draw

__all__ = ["DRAWN", "Caller", "Case", "Coverage", "Pool", "draw"]
