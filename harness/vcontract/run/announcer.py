"""Tells the reporters of a run what happens in it."""

from __future__ import annotations

from collections.abc import Sequence

from vcontract.check import Judge, row_of
from vcontract.report.events import CellJudged, Note, Reporter, RunEvent


class Announcer:
    """Tells every reporter of every event, and of each judgement once."""

    def __init__(self, reporters: Sequence[Reporter]) -> None:
        self._reporters = reporters
        self._told = 0

    def tell(self, event: RunEvent) -> None:
        """Tell of one event."""
        for reporter in self._reporters:
            reporter.on(event)

    def note(self, text: str) -> None:
        """Tell what the user should know now."""
        self.tell(Note(text))

    def tell_judgements(self, judge: Judge, done: int, total: int) -> None:
        """Tell of what was judged since the last time, when so many steps of all were done."""
        for judgement in judge.judgements[self._told :]:
            row = row_of(judgement, judge.contract, judge.bases)
            self.tell(CellJudged(judgement.cell, row, judgement.grade, judgement.observed, done, total))
        self._told = len(judge.judgements)
