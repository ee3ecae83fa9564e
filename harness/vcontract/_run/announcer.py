"""Tells the reporters of a run what happens in it."""

from __future__ import annotations

from collections.abc import Sequence

from vcontract._check import Judge, row_of
from vcontract._client.tasks import FINAL, GOING, info
from vcontract._errors import HarnessError, ReportError
from vcontract._model import Tracker, read_of
from vcontract._report.events import CellJudged, Note, Reporter, RunEnded, RunEvent
from vcontract._terms import Operation

LONG_WAIT, AGAIN = 30.0, 60.0
"""Seconds after which it is told that a task is waited for, and after which it is told again."""


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


class TaskWaits:
    """Hears the operations of a run, and tells of a task that is waited for long, now and then, until it ends."""

    def __init__(self, announcer: Announcer, tracker: Tracker) -> None:
        self._announcer, self._tracker = announcer, tracker
        self._due: dict[str, float] = {}

    def hear(self, done: Operation) -> None:
        """Take one operation; a read of a task that has run for long is told."""
        read = read_of(done)
        life = self._tracker.tasks.get(read[0].value) if read is not None and read[0].type == "Task" else None
        state = info(done).get("state")
        if life is None or state not in GOING:
            if life is not None and state in FINAL:
                self._due.pop(life.ref.value, None)
            return
        begun, facts = life.accepted.end, self._tracker.facts
        if done.end < self._due.setdefault(life.ref.value, begun + LONG_WAIT):
            return
        self._due[life.ref.value] = done.end + AGAIN
        name = facts.vms[life.vm].name if life.vm in facts.vms else life.vm
        self._announcer.note(
            f"waiting for {life.accepted.call.method} on {name} ({life.ref.value}), which runs since "
            f"{done.end - begun:.0f} s; it is given {facts.task_wait:g} s (task_seconds)"
        )
