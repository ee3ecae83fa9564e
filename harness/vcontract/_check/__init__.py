"""One file per guarantee; works on a saved history alone and never on a server."""

from vcontract._check.causes import fingerprint
from vcontract._check.disorder import Disorder, explain
from vcontract._check.judge import Judge
from vcontract._check.judgement import Judgement
from vcontract._check.linearizable import Answer
from vcontract._check.object_rows import BELOW, NAMED, PROPERTIES, SINCE, SINGLETON, object_findings, object_rows
from vcontract._check.orders import Order, answer_of, legal_orders
from vcontract._check.promises import ABORTS
from vcontract._check.retell import retell
from vcontract._check.search import Limits
from vcontract._check.verdicts import (
    ORDER,
    SHRINKING,
    Confirming,
    Summary,
    as_finding,
    insisted,
    row_of,
    summarise,
    worst,
)

__all__ = [
    "ABORTS",
    "BELOW",
    "NAMED",
    "ORDER",
    "PROPERTIES",
    "SHRINKING",
    "SINCE",
    "SINGLETON",
    "Answer",
    "Confirming",
    "Disorder",
    "Judge",
    "Judgement",
    "Limits",
    "Order",
    "Summary",
    "answer_of",
    "as_finding",
    "explain",
    "fingerprint",
    "insisted",
    "legal_orders",
    "object_findings",
    "object_rows",
    "retell",
    "row_of",
    "summarise",
    "worst",
]
