"""One file per guarantee; works on a saved history alone and never on a server."""

from harness.check.disorder import Disorder, explain
from harness.check.judge import Judge
from harness.check.judgement import Judgement
from harness.check.linearizable import Answer
from harness.check.object_rows import BELOW, NAMED, PROPERTIES, SINCE, SINGLETON, object_rows
from harness.check.orders import Order, answer_of, legal_orders
from harness.check.promises import ABORTS
from harness.check.retell import retell
from harness.check.search import Limits
from harness.check.verdicts import ASIDE, ORDER, REPEAT, Summary, fingerprint, row_of, summarise, worst

__all__ = [
    "ABORTS",
    "ASIDE",
    "BELOW",
    "NAMED",
    "ORDER",
    "PROPERTIES",
    "REPEAT",
    "SINCE",
    "SINGLETON",
    "Answer",
    "Disorder",
    "Judge",
    "Judgement",
    "Limits",
    "Order",
    "Summary",
    "answer_of",
    "explain",
    "fingerprint",
    "legal_orders",
    "object_rows",
    "retell",
    "row_of",
    "summarise",
    "worst",
]
