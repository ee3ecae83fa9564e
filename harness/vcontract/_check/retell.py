"""Tells a judge a saved history, with the cuts in it."""

from __future__ import annotations

from vcontract._check.judge import Judge
from vcontract._history import History


def retell(judge: Judge, history: History) -> None:
    """Feed the operations of a history; what was under way when the run was cut is not judged."""
    for number, operation in enumerate(history.operations):
        for _ in range(history.resumed.count(number)):
            judge.resume()
        judge.feed(operation)
    for _ in range(history.resumed.count(len(history.operations))):
        judge.resume()
