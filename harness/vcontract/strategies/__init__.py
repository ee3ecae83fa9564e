"""Types to values to calls: valid ones and broken ones, each labelled with what it breaks."""

from vcontract.strategies.calls import DRAWN, Caller, pool_of
from vcontract.strategies.case import Case
from vcontract.strategies.coverage import Coverage
from vcontract.strategies.pool import Pool, draw

__all__ = ["DRAWN", "Caller", "Case", "Coverage", "Pool", "draw", "pool_of"]
