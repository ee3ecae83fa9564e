"""Tells the reporters of a run what happens in it."""

from __future__ import annotations

from collections.abc import Sequence

from vcontract.check import Judge, row_of
from vcontract.errors import HarnessError, ReportError
from vcontract.report.events import CellJudged, Note, Reporter, RunEnded, RunEvent


class Announcer:
    """Tells every reporter of every event, and of each judgement once."""

    def __init__(self, reporters: Sequence[Reporter]) -> None:
        self._reporters = reporters
        self._told = 0

    def tell(self, event: RunEvent) -> None:
        """Tell of one event.

        One reporter that cannot write the end keeps no other from telling it. Raises ReportError then, once all were told.
        """
        failed: HarnessError | None = None
        for reporter in self._reporters:
            try:
                reporter.on(event)
            except HarnessError as error:
                if not isinstance(event, RunEnded):
                    raise
                failed = failed or error
        if failed is not None:
            raise ReportError(f"the report is not whole: {failed}") from failed

    def note(self, text: str) -> None:
        """Tell what the user should know now."""
        self.tell(Note(text))

    def tell_judgements(self, judge: Judge, done: int, total: int) -> None:
        """Tell of what was judged since the last time, when so many steps of all were done."""
        for judgement in judge.judgements[self._told :]:
            row = row_of(judgement, judge.contract, judge.bases)
            self.tell(CellJudged(judgement.cell, row, judgement.grade, judgement.observed, done, total))
        self._told = len(judge.judgements)
